"""TableClassifier and TableRegressor: a frame in, the ensemble of a sweep out."""

import json
import pickle

import numpy as np
import pandas
import polars
import pyarrow
import pyarrow.csv
import pytest
from click.testing import CliRunner
from sklearn.utils.estimator_checks import parametrize_with_checks

import mlp_jax
from mlp_jax import TableClassifier, TableRegressor
from mlp_jax.cli.main import commands
from mlp_jax.models.encoding import encode
from mlp_jax.tables import frames as tables_of_frames
from mlp_jax.tables import table as tables
from mlp_jax.tables.encoder import fit_encoding
from mlp_jax.tables.held_out import parts_of
from mlp_jax.tables.input_choices import OF_A_SEARCH, InputChoices

# Most checks have a table of their own shape, for which a program is compiled: a plain one.
ONE = {"hidden": [(8,)], "optimizer": "sgd", "learning_rate": [0.5], "batch_size": [None]}
SMALL = {"space": ONE, "cv": 2, "epochs": 60, "halving": None, "ensemble": 2, "random_state": 0}


def not_expected(estimator):
    """Which of scikit-learn's checks a search by chance is not meant to pass, and why."""
    return {
        "check_sample_weight_equivalence_on_dense_data": "a row of weight 2 is in one fold, and "
        "two rows may be in two",
        "check_methods_sample_order_invariance": "of float32, in which a row's last bit depends on "
        "its place in BLAS's blocks, and the check allows 1e-7",
    }


# Warnings that the checks themselves provoke.
@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(
    [TableClassifier(**SMALL), TableRegressor(**SMALL)], expected_failed_checks=not_expected
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


# --- What it answers, beside the command line and the parts it is made of.

SPACE = {"width": [8, 16], "learning_rate": [0.03], "batch_size": [16]}
FEW = {"space": SPACE, "cv": 2, "epochs": 6, "random_state": 3}
SIZE, COLOUR, NEW = np.arange(80) % 9, np.arange(80) % 3, np.arange(80) % 2 == 0
COLUMNS = {
    "size": [None if i % 11 == 0 else float(one) for i, one in enumerate(SIZE)],
    "colour": [("red", "blue", None)[one] for one in COLOUR],
    "new": NEW.tolist(),
    "same": [1] * 80,
}
FRAME = pandas.DataFrame(COLUMNS)
PRICE = 100 + 10 * SIZE + 30 * (COLOUR == 0) + 5.5 * NEW
KIND = np.where(PRICE > 145, "dear", "cheap")


@pytest.fixture(scope="module")
def classifier():
    return TableClassifier(**FEW).fit(FRAME, KIND)


@pytest.fixture(scope="module")
def regressor():
    return TableRegressor(**FEW).fit(FRAME, pandas.Series(PRICE, name="price"))


def test_with_time_for_all_of_a_list_it_finds_the_same(classifier):
    found = TableClassifier(**FEW, seconds=10_000).fit(FRAME, KIND)
    expected, told = (one.leaderboard().sort_values("hidden") for one in (classifier, found))
    assert told["score"].tolist() == pytest.approx(expected["score"].tolist(), rel=1e-5)
    assert (found.predict(FRAME) == classifier.predict(FRAME)).all()
    one = TableClassifier(**FEW, seconds=10_000, n_iter=1, ensemble=1).fit(FRAME, KIND)
    assert len(one.leaderboard()) == len(one.model_.networks) == 1
    with pytest.raises(ValueError, match="seconds and checkpoint are both given"):
        TableClassifier(seconds=9, checkpoint="folder").fit(FRAME, KIND)


@pytest.mark.parametrize("kind", [polars.DataFrame, pyarrow.table, dict])
def test_all_kinds_of_frames_are_one_table(kind, classifier):
    X = kind(COLUMNS)
    found = TableClassifier(**FEW).fit(X, polars.Series(KIND) if kind is polars.DataFrame else KIND)
    np.testing.assert_array_equal(found.predict_proba(X), classifier.predict_proba(FRAME))
    np.testing.assert_array_equal(classifier.predict_proba(X), classifier.predict_proba(FRAME))
    assert found.feature_names_in_.tolist() == list(COLUMNS)
    assert found.n_features_in_ == 4


def test_it_predicts_as_the_ensemble_of_its_sweep(classifier, regressor):
    for fitted in (classifier, regressor):
        assert fitted.sweep_result_.plan.members == 4
        ensemble = fitted.sweep_result_.ensemble(8)
        X = encode(fitted.model_.encoding, FRAME)
        A = ensemble.outputs(X)
        np.testing.assert_allclose(fitted.model_.outputs(FRAME), A, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(fitted.model_.outputs(FRAME), fitted._outputs(FRAME))
    P = classifier.predict_proba(FRAME)
    np.testing.assert_allclose(P.sum(axis=1), 1)
    np.testing.assert_array_equal(classifier.predict(FRAME), classifier.classes_[P.argmax(axis=1)])
    assert regressor.model_.targets == ("price",)
    assert abs(regressor.predict(FRAME).mean() - PRICE.mean()) < 30  # in units of y


def test_the_order_of_rows_changes_no_more_than_their_last_bits(classifier, regressor):
    P = classifier.predict_proba(FRAME[::-1])[::-1]
    np.testing.assert_allclose(P, classifier.predict_proba(FRAME), rtol=1e-5)
    np.testing.assert_allclose(regressor.predict(FRAME[::-1])[::-1], regressor.predict(FRAME), 1e-5)


def test_what_is_not_the_ensemble_would_be_seen(classifier):
    alone = TableClassifier(**FEW, ensemble=1).fit(FRAME, KIND)
    assert len(alone.model_.networks) == 1 < len(classifier.model_.networks)
    assert not np.allclose(alone.predict_proba(FRAME), classifier.predict_proba(FRAME))
    best = alone.sweep_result_.refit()
    np.testing.assert_array_equal(alone.model_.networks[0].layers[0][0], best.params[0].W)
    assert alone.leaderboard()["weight"].tolist() == [1.0, 0.0]


def test_the_leaderboard_has_every_configuration_and_its_weight(classifier):
    found = classifier.leaderboard()
    names = ["rank", "score", "spread", "best_epoch", "weight", "status"]
    assert list(found)[:6] == names
    assert found["rank"].tolist() == [1, 2]
    assert found["weight"].sum() == pytest.approx(1)
    assert found["score"].is_monotonic_decreasing
    assert {"learning_rate", "hidden"} < set(found)


@pytest.mark.parametrize("single", [False, True])
@pytest.mark.parametrize("target", ["kind", "price"])
def test_the_command_and_the_object_give_the_same_numbers(single, target, tmp_path):
    y = {"kind": KIND, "price": PRICE}[target]
    FRAME.assign(**{target: y}).to_parquet(tmp_path / "t.parquet")
    (tmp_path / "space.json").write_text(json.dumps(SPACE))
    words = [tmp_path / "t.parquet", "--target", target, "--space", tmp_path / "space.json"]
    words += ["--folds", 2, "--epochs", 6, "--seed", 3, "--output", tmp_path / "m.safetensors"]
    words += ["--json", *(["--single"] if single else [])]
    done = CliRunner().invoke(commands, ["sweep", *map(str, words)])
    assert done.exit_code == 0, done.output
    table = tables.read(tmp_path / "t.parquet", target)
    train, held, _ = parts_of(table.y, table.classes, 0.2, 3)
    estimator = {"kind": TableClassifier, "price": TableRegressor}[target]
    fitted = estimator(**FEW, ensemble=1 if single else 8).fit(FRAME.iloc[train], y[train])
    model = mlp_jax.load_model(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(model.outputs(FRAME), fitted.model_.outputs(FRAME))
    told = json.loads(done.stdout)
    weights = [row["weight"] for row in told["best"]]
    assert sum(weights) == pytest.approx(1)
    if not single:
        assert fitted.leaderboard()["weight"].tolist() == weights
        assert told["networks"] == len(fitted.model_.networks)
    score = told["held_out_single" if single else "held_out"][
        "accuracy" if target == "kind" else "r2"
    ]
    assert score == pytest.approx(fitted.score(FRAME.iloc[held], y[held]), abs=1e-5)


def test_another_seed_would_be_seen(classifier):
    other = TableClassifier(**(FEW | {"random_state": 4})).fit(FRAME, KIND)
    assert not np.allclose(other.predict_proba(FRAME), classifier.predict_proba(FRAME))


def test_what_is_saved_predicts_on_the_command_line(regressor, tmp_path):
    regressor.save(tmp_path / "m.safetensors")
    pyarrow.csv.write_csv(pyarrow.table(COLUMNS), tmp_path / "t.csv")
    words = ["predict", tmp_path / "m.safetensors", tmp_path / "t.csv", "--output"]
    done = CliRunner().invoke(commands, [*map(str, words), str(tmp_path / "p.csv")])
    assert done.exit_code == 0, done.output
    found = pyarrow.csv.read_csv(tmp_path / "p.csv")["predicted price"].to_numpy()
    np.testing.assert_allclose(found, regressor.predict(FRAME))


def test_a_pickle_predicts_and_has_its_leaderboard(classifier):
    again = pickle.loads(pickle.dumps(classifier))
    np.testing.assert_array_equal(again.predict_proba(FRAME), classifier.predict_proba(FRAME))
    assert again.leaderboard().equals(classifier.leaderboard())
    assert not hasattr(again, "sweep_result_")


def test_inputs_are_made_as_asked(classifier):
    asked = {"scaling": "standard", "bins": 4, "binary_as_one": False}
    found = TableClassifier(**FEW, **asked).fit(FRAME, KIND).model_.encoding
    frame = tables_of_frames.raw_frame(FRAME)
    table = tables_of_frames.table_of_frame(frame, np.zeros(80), target="y", classes=None)
    numeric = table.features, table.numeric, table.categorical
    for encoding, choices in (
        (found, InputChoices(**asked)),
        (classifier.model_.encoding, OF_A_SEARCH),
    ):
        expected = fit_encoding(*numeric, choices, described=table.described)
        assert encoding.columns == expected.columns
        for mine, theirs in zip(encoding[1:], expected[1:], strict=True):
            np.testing.assert_array_equal(mine, theirs)
    assert len(found.source) != len(classifier.model_.encoding.source)


def test_numbers_have_intervals_and_classes_none(classifier, regressor):
    low, high = regressor.model_.interval(FRAME)
    assert 0.7 < np.mean((low <= PRICE) & (high >= PRICE)) <= 1
    assert classifier.model_.residuals is None


def test_weights_of_samples_count(classifier):
    weights = np.where(KIND == "cheap", 50.0, 1.0)
    found = TableClassifier(**FEW).fit(FRAME, KIND, sample_weight=weights)
    np.testing.assert_array_equal(found.sweep_result_.task.weights, weights)
    of_dear = [one.predict_proba(FRAME)[:, 1].mean() for one in (found, classifier)]
    assert of_dear[0] < of_dear[1] - 0.1


def test_classes_keep_their_values():
    for y in (KIND == "dear", np.where(KIND == "dear", 7, 3), KIND.astype(object)):
        found = TableClassifier(**(FEW | {"epochs": 1})).fit(FRAME, y)
        assert found.classes_.dtype == y.dtype
        assert set(found.predict(FRAME)) <= set(y)


def test_a_column_unknown_before_is_refused(classifier):
    with pytest.raises(ValueError, match="Feature names unseen at fit time:\n- more"):
        classifier.predict(FRAME.assign(more=1))
    with pytest.raises(ValueError, match="Feature names seen at fit time, yet now missing:\n- new"):
        classifier.predict({name: cells for name, cells in COLUMNS.items() if name != "new"})


def test_few_rows_have_fewer_folds():
    y = np.array(["often"] * 11 + ["seldom"] * 3 + ["once"])
    X = {"a": np.arange(15.0)}
    few = {"space": SPACE, "epochs": 1, "random_state": 0}
    found = TableClassifier(**few).fit(X, y)
    assert len(found.sweep_result_.task.splits) == 2
    assert found.predict_proba(X).shape == (15, 3)
    found = TableClassifier(**few).fit({"a": X["a"][:14]}, y[:14])
    assert len(found.sweep_result_.task.splits) == 3
    found = TableRegressor(**few).fit({"a": X["a"][:5]}, X["a"][:5] % 3)
    assert len(found.sweep_result_.task.splits) == 2
    with pytest.raises(ValueError, match=r"3 samples .* cannot be divided into folds"):
        TableRegressor(**few).fit({"a": X["a"][:3]}, X["a"][:3])


@pytest.mark.parametrize(
    ("estimator", "y", "message"),
    [
        (TableClassifier, ["dear"] * 80, "y has the one class 'dear'; expected two or more"),
        (TableClassifier, [None, *KIND[1:]], r"y\[0\] is missing, as in 1 of 80 rows"),
        (TableRegressor, [3.0] * 80, "y is 3 in every row; expected numbers that vary"),
        (TableRegressor, KIND, "y is of <U5; expected numbers"),
        (TableRegressor, PRICE[1:], "inconsistent numbers of samples"),
    ],
)
def test_targets_that_say_nothing_are_refused(estimator, y, message):
    with pytest.raises(ValueError, match=message):
        estimator(**FEW, strict=True).fit(FRAME, y)


def test_numbers_by_quantiles_are_not_averaged():
    space = {"loss": ["pinball(0.1, 0.9)"], "width": [8], "batch_size": [16]}
    found = TableRegressor(**(FEW | {"space": space})).fit(FRAME, PRICE)
    assert found.predict(FRAME).shape == (80, 2)
    assert len(found.model_.networks) == 1
