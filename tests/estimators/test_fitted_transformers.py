"""What scikit-learn's transformers have learned is read out of them whole: both encode alike."""

import warnings
from dataclasses import asdict

import numpy as np
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    RobustScaler,
    StandardScaler,
)

from mlp_jax.estimators.fitted_transformers import encoding_of_steps
from mlp_jax.models.encoding import encode
from mlp_jax.tables.encoder import table_encoder
from mlp_jax.tables.input_choices import InputChoices
from mlp_jax.tables.number_encoder import NumberEncoder

COLOURS = ["red", "blue", "green", None]


def table(seed=0, rows=60):
    rng = np.random.default_rng(seed)
    age = rng.normal(40, 10, rows)
    age[rng.random(rows) < 0.2] = np.nan
    colours = pandas.Series(rng.choice(COLOURS, rows, p=[0.5, 0.3, 0.05, 0.15]), dtype=object)
    kinds = pandas.Series(rng.choice(["a", "b"], rows), dtype=object)
    frame = {"age": age, "income": rng.lognormal(size=rows), "colour": colours, "kind": kinds}
    return pandas.DataFrame(frame)


def unseen():
    """Rows with all that a table may have and the one before had not."""
    frame = table(1, 8)
    frame.loc[0, "income"] = np.nan
    frame.loc[1, "colour"] = "mauve"
    frame.loc[2, "kind"] = None
    frame.loc[3, "kind"] = "c"
    return frame


def same(transformer, fitted_on, rows):
    fitted = transformer.fit(fitted_on)
    ours = encode(encoding_of_steps([fitted], list(fitted_on.columns)), rows)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn says that it saw unknown categories
        theirs = fitted.transform(rows)
    theirs = theirs.toarray() if hasattr(theirs, "toarray") else np.asarray(theirs)
    np.testing.assert_allclose(ours, theirs.astype(float), rtol=1e-12, atol=1e-12)
    return ours


@pytest.mark.parametrize("rows", [table, unseen])
def test_the_command_lines_encoder_is_read_out(rows):
    plain = table_encoder(NUMBERS, ["colour", "kind"], **asdict(InputChoices()))
    inputs = same(plain, table(), rows())
    # age, its indicator, income; blue, red, missing, other; a, b
    assert inputs.shape[1] == 9


def test_a_mistake_in_what_is_read_out_would_be_seen():
    fitted = table_encoder(["age", "income"], ["colour", "kind"]).fit(table())
    encoding = encoding_of_steps([fitted], list(table().columns))
    wrong = encoding._replace(fill=encoding.fill * 1.001)
    assert not np.allclose(encode(wrong, table()), fitted.transform(table()), rtol=1e-12)


NUMBERS = ["age", "income"]
KNOWN = {
    "standard": StandardScaler(),
    "standard, no mean": StandardScaler(with_mean=False),
    "standard, no scale": StandardScaler(with_std=False),
    "min and max": MinMaxScaler((-1, 3)),
    "largest": MaxAbsScaler(),
    "robust": RobustScaler(),
    "robust, no centre": RobustScaler(with_centering=False),
}


@pytest.mark.parametrize("name", KNOWN)
def test_scalers_are_read_out(name):
    frame = table()[["income"]]
    same(KNOWN[name], frame, frame)
    imputed = make_pipeline(SimpleImputer(strategy="mean", add_indicator=True), KNOWN[name])
    same(imputed, table()[NUMBERS], table(3)[NUMBERS])


@pytest.mark.parametrize("scaling", ["standard", "robust"])
@pytest.mark.parametrize("bins", [0, 4])
def test_numbers_within_limits_are_read_out(scaling, bins):
    ours = NumberEncoder(scaling=scaling, bins=bins)
    same(ours, table()[NUMBERS], table(3)[NUMBERS])
    whole = table_encoder(NUMBERS, ["colour", "kind"], scaling=scaling, bins=bins)
    same(whole.set_params(categories__drop="if_binary"), table(), unseen())


@pytest.mark.parametrize("before", [SimpleImputer(), MinMaxScaler(), StandardScaler()])
def test_numbers_that_were_scaled_or_filled_in_before_are_read_out(before):
    ours = make_pipeline(before, NumberEncoder(scaling="robust", bins=4))
    if isinstance(before, SimpleImputer):
        same(ours, table()[NUMBERS], table(3)[NUMBERS])
    same(ours, table()[["income"]], table(3)[["income"]])


def test_categories_may_be_scaled_as_numbers():
    ours = make_pipeline(OneHotEncoder(sparse_output=False), NumberEncoder(scaling="robust"))
    same(ours, table()[["kind"]], table(2)[["kind"]])


@pytest.mark.parametrize("field", ["limit", "scale"])
def test_a_mistake_in_numbers_within_limits_would_be_seen(field):
    fitted = NumberEncoder(scaling="robust", bins=4).fit(table()[NUMBERS])
    encoding = encoding_of_steps([fitted], NUMBERS)
    wrong = encoding._replace(**{field: getattr(encoding, field) * 0 + 1})
    rows = table(3)[NUMBERS]
    np.testing.assert_array_equal(encode(encoding, rows), fitted.transform(rows))
    assert not np.allclose(encode(wrong, rows), fitted.transform(rows))


def test_a_scaler_before_an_imputer_is_undone():
    same(make_pipeline(MinMaxScaler(), SimpleImputer()), table()[NUMBERS], table(3)[NUMBERS])


@pytest.mark.parametrize("strategy", ["most_frequent", "constant"])
def test_categories_are_filled_in(strategy):
    steps = make_pipeline(
        SimpleImputer(strategy=strategy, fill_value="none", missing_values=None)
        if strategy == "constant"
        else SimpleImputer(strategy=strategy, missing_values=None),
        OneHotEncoder(handle_unknown="ignore"),
    )
    same(steps, table()[["colour", "kind"]], unseen()[["colour", "kind"]])


@pytest.mark.parametrize(
    "encoder",
    [
        OneHotEncoder(drop="first"),
        OneHotEncoder(drop="if_binary"),
        OneHotEncoder(categories=[["red", "blue", "green", None], ["b", "a"]]),
        OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=2),
    ],
)
def test_encoders_are_read_out(encoder):
    columns = ["colour", "kind"]
    same(encoder, table()[columns], table(2)[columns])


@pytest.mark.parametrize(
    "chosen",
    [["income"], [1], [-3], slice(1, 2), [False, True, False, False], make_column_selector("inc")],
)
def test_columns_are_chosen_in_any_way(chosen):
    columns = ColumnTransformer([("numbers", StandardScaler(), chosen), ("none", "drop", ["age"])])
    assert same(columns, table(), table(2)).shape[1] == 1


def test_what_remains_may_pass_through():
    columns = ColumnTransformer([("k", OneHotEncoder(), ["kind"])], remainder="passthrough")
    frame = table()[["income", "kind"]]
    assert same(columns, frame, frame).shape[1] == 3


def test_numbers_may_be_categories():
    frame = pandas.DataFrame({"code": [1, 2, 2, 3], "half": [0.5, 1.0, 0.5, 1.0]})
    assert same(OneHotEncoder(), frame, frame).shape[1] == 5


def numbers_with_gaps():
    return pandas.DataFrame({"size": [1.0, 2, 2, np.nan, 3, 2], "more": [0, 1, np.nan, 1, 0, 1.0]})


CHAINS = {
    "filled in, then categories": make_pipeline(
        SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore")
    ),
    "filled in with another number, then categories": make_pipeline(
        SimpleImputer(strategy="constant", fill_value=-1), OneHotEncoder()
    ),
    "categories, then filled in": make_pipeline(
        ColumnTransformer(
            [("c", OneHotEncoder(sparse_output=False, handle_unknown="ignore"), ["size"])],
            remainder="passthrough",
        ),
        SimpleImputer(strategy="median"),
        StandardScaler(),
    ),
    "filled in twice": make_pipeline(
        SimpleImputer(strategy="constant", fill_value=-1), SimpleImputer(strategy="median")
    ),
    "filled in, scaled, filled in": make_pipeline(
        SimpleImputer(), StandardScaler(), SimpleImputer(strategy="median")
    ),
    "an empty column kept": SimpleImputer(keep_empty_features=True, add_indicator=True),
    "nested": ColumnTransformer(
        [
            ("a", ColumnTransformer([("b", SimpleImputer(), ["more"])]), ["more", "size"]),
            ("c", make_pipeline(SimpleImputer(), MinMaxScaler()), ["size"]),
        ]
    ),
}


@pytest.mark.parametrize("name", CHAINS)
def test_steps_one_after_the_other_are_read_out(name):
    frame = numbers_with_gaps()
    if "empty" in name:
        frame["more"] = np.nan
    same(CHAINS[name], frame, frame)


def test_categories_of_32_bits_and_of_truth_are_found_again():
    frame = pandas.DataFrame(
        {"half": np.array([0.1, 0.2, 0.1], np.float32), "on": [True, False, True]}
    )
    ours = same(OneHotEncoder(), frame, frame)
    assert ours.sum() == 6


def test_a_strict_encoder_refuses_a_gap_that_it_has_not_seen():
    fitted = OneHotEncoder().fit(table()[["kind"]])
    encoding = encoding_of_steps([fitted], ["kind"])
    with pytest.raises(ValueError, match="row 2: 'kind' is missing"):
        encode(encoding, {"kind": ["a", None]})


@settings(deadline=None, max_examples=40)
@given(
    ages=st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=2, max_size=30),
    data=st.data(),
)
def test_any_table_is_encoded_alike(ages, data):
    colour = st.sampled_from(["", " ", "red", "RED", "ö", "1", "01", "nan", None])
    words = data.draw(st.lists(colour, min_size=len(ages), max_size=len(ages)))
    frame = pandas.DataFrame(
        {"age": np.array(ages, float), "word": pandas.Series(words, dtype=object)}
    )
    if np.isnan(frame["age"]).all():
        frame.loc[0, "age"] = 1.0
    same(table_encoder(["age"], ["word"]), frame, frame)


REFUSED = {
    "code": (FunctionTransformer(np.log1p), "a FunctionTransformer cannot be written"),
    "PCA": (PCA(1), "a PCA cannot be written to a model file, which holds no code"),
    "clip": (MinMaxScaler(clip=True), "clip=True"),
    "missing is 0": (SimpleImputer(missing_values=0), "missing_values=0"),
    "rare, unknown ignored": (
        OneHotEncoder(min_frequency=30, handle_unknown="ignore"),
        "handle_unknown='infrequent_if_exist'",
    ),
    "weights": (
        ColumnTransformer([("a", StandardScaler(), [0])], transformer_weights={"a": 10}),
        "transformer_weights",
    ),
    "a category and a number": (
        ColumnTransformer([("c", OneHotEncoder(), [0]), ("n", "passthrough", [0])]),
        "is a category and a number",
    ),
    "rare, unknown refused": (
        OneHotEncoder(min_frequency=3),
        "handle_unknown='infrequent_if_exist'",
    ),
    "scaled after its limits": (
        make_pipeline(NumberEncoder(scaling="robust"), StandardScaler()),
        "a scaler after a NumberEncoder cannot be written to a model file; leave the scaler out",
    ),
    "limited twice": (
        make_pipeline(NumberEncoder(scaling="robust"), NumberEncoder(scaling="robust")),
        "a scaler after a NumberEncoder",
    ),
    "limited, then categories": (
        make_pipeline(NumberEncoder(scaling="robust"), OneHotEncoder()),
        "encoded twice",
    ),
    "scaled categories": (make_pipeline(StandardScaler(), OneHotEncoder()), "encoded twice"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_numbers_cannot_say_is_refused(case):
    transformer, said = REFUSED[case]
    with pytest.raises(ValueError, match=said):
        encoding_of_steps([transformer.fit(table()[["income"]])], ["income"])


def test_gaps_that_an_imputer_marked_are_not_marked_again():
    ours = make_pipeline(SimpleImputer(add_indicator=True), NumberEncoder(scaling="robust"))
    same(ours, table()[NUMBERS], table(3)[NUMBERS])


def test_an_encoded_indicator_is_refused():
    steps = make_pipeline(
        SimpleImputer(strategy="most_frequent", add_indicator=True), OneHotEncoder()
    )
    with pytest.raises(ValueError, match="encoded twice"):
        encoding_of_steps([steps.fit(numbers_with_gaps()[["more"]])], ["more"])


def test_dates_as_categories_are_refused():
    frame = pandas.DataFrame({"day": pandas.to_datetime(["2020-01-01", "2020-01-02"])})
    with pytest.raises(ValueError, match="the categories of 'day' are dates"):
        encoding_of_steps([OneHotEncoder().fit(frame)], ["day"])
