"""An ONNX graph predicts in onnxruntime what the model does, on the table's own columns."""

import itertools
import json
import sys
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder

import mlp_jax
from mlp_jax.estimators.fitted_transformers import encoding_of_steps
from mlp_jax.models.cells import Column
from mlp_jax.models.columns import Reading
from mlp_jax.models.encoding import numbers
from mlp_jax.models.networks import as_model
from mlp_jax.models.numpy_forward import ACTIVATIONS
from mlp_jax.models.onnx_network import ACTIVATIONS as OF_ONNX
from mlp_jax.models.onnx_network import OUTPUTS
from mlp_jax.tables.encoder import table_encoder

RNG = np.random.default_rng(0)
M = 60
TABLE = pd.DataFrame(
    {
        "age": np.where(np.arange(M) % 7, RNG.normal(40, 9, M).round(1), np.nan),
        "income": RNG.lognormal(10, 1, M).round(),
        "colour": pd.Series(RNG.choice(["red", "blue", "grün", None], M), dtype=object),
        "kind": pd.Series(RNG.choice(["a", "b"], M), dtype=object),
        "code": RNG.choice([1.0, 2.0, 30.0], M),
        "on": RNG.choice([True, False], M),
    }
)
# Rows of other gaps, unseen categories and numbers far off.
NEW = TABLE.iloc[::-1].reset_index(drop=True)
NEW.loc[3, "age"], NEW.loc[4, "age"], NEW.loc[5, "income"] = np.nan, 1e7, 3e9
NEW.loc[6, "colour"], NEW.loc[7, "colour"], NEW.loc[8, "kind"] = "pink", None, "c"
NEW.loc[9, "code"], NEW.loc[10, "age"] = 7.0, -2.0
X = RNG.normal(size=(M, 3))
OF_COLUMNS = (["age", "income"], ["colour", "kind", "code", "on"])
ENCODERS = {
    "standard": table_encoder(*OF_COLUMNS),
    "robust": table_encoder(*OF_COLUMNS, scaling="robust", bins=4, binary_as_one=True),
    "bins": table_encoder(["age"], ["colour"], scaling="robust", bins=3),
    "scikit-learn's": make_column_transformer(
        (make_pipeline(SimpleImputer(add_indicator=True), MinMaxScaler((-1, 3))), ["age"]),
        (OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=3), ["colour"]),
        (OneHotEncoder(drop="if_binary", handle_unknown="ignore"), ["kind", "code"]),
        ("passthrough", ["on"]),
    ),
}


def encoding_of(name):
    if name == "numbers":
        return numbers("abc", mean=[0.5, -1, 2], scale=[2, 3, 0.1])
    return encoding_of_steps([ENCODERS[name].fit(TABLE)], list(TABLE.columns))


def model_of(encoding, loss, outputs, *, hidden=(("tanh", (5, 4)),), dtype=np.float32, **about):
    """A model of networks that are not trained. hidden: (activation, widths) of each network."""
    rng, networks = np.random.default_rng(1), []
    learned = encoding_of(encoding)
    for activation, widths in hidden:
        sizes = (len(learned.source), *widths, outputs)
        params = [
            (
                rng.normal(size=(n, k)).astype(dtype) / np.sqrt(n).astype(dtype),
                rng.normal(size=(k, 1)).astype(dtype) / 3,
            )
            for n, k in itertools.pairwise(sizes)
        ]
        networks.append((params, mlp_jax.Network(activation, loss)))
    weights = np.arange(1.0, len(networks) + 1)
    about = {"targets": ["target"]} | about
    return as_model(networks, weights, encoding=learned, **about)


SEVERAL = (("relu", (5,)), ("gelu", (4, 6)), ("sigmoid", (3,)), ("relu", (7,)), ("identity", ()))
CLASSES, BINARY = "softmax_cross_entropy", "binary_cross_entropy"
MODELS = {  # (encoding, loss, outputs, what else)
    "two classes": ("numbers", BINARY, 1, {"classes": ["no", "yes"]}),
    "three classes": ("numbers", CLASSES, 3, {"classes": [10, 0, 20]}),
    "truth values": ("numbers", BINARY, 1, {"classes": [False, True]}),
    "numbers as classes": ("standard", CLASSES, 3, {"classes": [0.5, 1, 2]}),
    "several labels": ("standard", BINARY, 3, {"targets": list("uvw")}),
    "numbers": ("numbers", "squared_error", 1, {"mean": 5.0, "scale": 3.0}),
    "two targets": ("standard", "huber(0.5)", 2, {"targets": ["u", "v"]}),
    "counts": ("bins", "poisson", 1, {}),
    "quantiles": ("robust", "pinball(0.1, 0.5, 0.9)", 3, {"mean": -2.0, "scale": 0.5}),
    "gaps and categories": ("standard", BINARY, 1, {"classes": ["no", "yes"]}),
    "smooth limits and bins": ("robust", CLASSES, 3, {"classes": ["ä", "b", "c d"]}),
    "other encoders": ("scikit-learn's", "squared_error", 1, {}),
    "ensemble of numbers": ("numbers", CLASSES, 3, {"classes": "abc", "hidden": SEVERAL}),
    "ensemble of a table": ("robust", "squared_error", 1, {"hidden": SEVERAL, "scale": 9.0}),
}


def model(case, **more):
    encoding, loss, outputs, about = MODELS[case]
    return model_of(encoding, loss, outputs, **(about | more))


def session_of(exported, folder, **how):
    mlp_jax.export_model(exported, folder / "model.onnx", **how)
    return onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])


def as_fed(session, table, dtype):
    """A table as a user hands it to onnxruntime."""
    if [one.name for one in session.get_inputs()] == ["X"]:
        return {"X": np.asarray(table, dtype)}
    fed = {}
    for one in session.get_inputs():
        column = table[one.name]
        if one.type == "tensor(string)":
            column = column.astype(object).where(column.notna(), "").astype(str)
            fed[one.name] = column.to_numpy(object)[:, None]
        else:
            fed[one.name] = column.to_numpy(dtype)[:, None]
    return fed


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", MODELS)
def test_a_graph_predicts_as_the_model_does(case, dtype, tmp_path):
    exported = model(case, dtype=np.dtype(dtype))
    # What float32 keeps of numbers is what the graph is handed.
    table = X.astype(dtype)
    if exported.encoding.columns[0].name == "age":
        kept = {name: NEW[name].astype(dtype).astype(float) for name in ("age", "income")}
        table = NEW.assign(**kept)
    session = session_of(exported, tmp_path, dtype=dtype)
    for rows in (table, table[:1]):
        found = dict(
            zip(
                [one.name for one in session.get_outputs()],
                session.run(None, as_fed(session, rows, dtype)),
                strict=True,
            )
        )
        if exported.is_classifier:
            np.testing.assert_array_equal(found["label"], exported.predict(rows))
            of_model = exported.predict_proba(rows)
            np.testing.assert_allclose(found["probabilities"], of_model, rtol=0, atol=1e-6)
        else:
            expected = exported.predict(rows).reshape(len(rows), -1)
            np.testing.assert_allclose(found["prediction"], expected, rtol=1e-6, atol=1e-6)
    assert np.ptp(exported.outputs(table), axis=0).min() > 1e-3  # or nothing would be told


def test_a_column_of_a_large_mean_is_exported_in_float64(tmp_path):
    times = numbers("abc", mean=1.7e9, scale=1e3)
    exported = replace(model("numbers", dtype=np.float64), encoding=times)
    session = session_of(exported, tmp_path, dtype="float64")
    rows = 1.7e9 + 1e3 * X
    (found,) = session.run(None, {"X": rows})
    np.testing.assert_allclose(found[:, 0], exported.predict(rows), rtol=1e-9)


def test_weights_of_an_ensemble_and_limits_would_be_missed(tmp_path):
    exported = model("ensemble of a table")
    session = session_of(exported, tmp_path)
    (found,) = session.run(None, as_fed(session, NEW, np.float32))
    encoding = exported.encoding
    for other in (
        replace(exported, weights=exported.weights[::-1]),
        replace(exported, encoding=encoding._replace(limit=encoding.limit * 0)),
        replace(exported, encoding=encoding._replace(fill=encoding.fill + 1)),
    ):
        assert abs(other.predict(NEW) - found[:, 0]).max() > 1e-3


def test_every_activation_is_known():
    assert set(OF_ONNX) == set(ACTIVATIONS)
    assert set(OUTPUTS) == {"softmax", "exp"}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_are_those_of_the_model(activation, dtype, tmp_path):
    exported = model_of(
        *("numbers", "squared_error", 2),
        hidden=[(activation, (6, 5))],
        dtype=np.dtype(dtype),
        targets="uv",
    )
    rows = np.vstack([X, 9 * X[:5]]).astype(dtype)  # the last ones are of large |z|
    session = session_of(exported, tmp_path, dtype=dtype)
    (found,) = session.run(None, {"X": rows})
    np.testing.assert_allclose(found, exported.predict(rows), rtol=1e-6, atol=2e-6)


def test_the_file_says_what_it_is(tmp_path):
    mlp_jax.export_model(model("quantiles"), tmp_path / "model.onnx")
    made = onnx.load(tmp_path / "model.onnx")
    assert {one.domain: one.version for one in made.opset_import} == {"": 17, "ai.onnx.ml": 3}
    assert made.ir_version == 8
    about = {one.key: json.loads(one.value) for one in made.metadata_props}
    assert about["quantiles"] == ["0.1", "0.5", "0.9"]
    assert about["targets"] == ["target"]
    assert [one.name for one in made.graph.input] == about["columns"]
    assert about["columns"] == list(TABLE.columns)


def test_spellings_of_a_category_are_one(tmp_path):
    """As `load_model` takes them: a whole number with .0, truth values in capitals; "" is a gap."""
    exported = model("gaps and categories")
    session = session_of(exported, tmp_path)
    fed = as_fed(session, TABLE[:6], np.float32)
    fed["code"] = np.array([["1"], ["1.0"], ["2.0"], ["2"], ["30"], ["007"]], object)
    fed["on"] = np.array([["true"], ["True"], ["FALSE"], ["false"], ["yes"], [""]], object)
    rows = TABLE[:6].assign(
        code=["1", "1", "2", "2", "30", "other"], on=["true", "true", "false", "false", "?", None]
    )
    _, found = session.run(None, fed)
    np.testing.assert_allclose(found, exported.predict_proba(rows), atol=1e-6)
    assert len(np.unique(found)) == 12


def test_words_for_gaps_and_infinite_numbers_are_gaps_where_the_model_says_so(tmp_path):
    exported = model("gaps and categories")
    columns = tuple(
        one._replace(reading=Reading(("?", "inf") if one.categories is None else ("?", "NA")))
        for one in exported.encoding.columns
    )
    exported = replace(exported, encoding=exported.encoding._replace(columns=columns))
    session = session_of(exported, tmp_path)
    rows = TABLE[:6].copy()
    fed = as_fed(session, rows, np.float32)
    fed["kind"][:3] = [["?"], ["NA"], [""]]
    fed["age"][:3] = [[np.inf], [-np.inf], [np.nan]]
    rows.loc[rows.index[:3], ["kind", "age"]] = None
    _, found = session.run(None, fed)
    np.testing.assert_allclose(found, exported.predict_proba(rows), atol=1e-6)
    assert np.isfinite(found).all()


def test_rows_that_a_model_refuses_are_nan(tmp_path):
    """A number that is not finite or a gap, where there was none in training; a strict category."""
    steps = make_column_transformer(
        (OneHotEncoder(sparse_output=False), ["kind"]),
        (SimpleImputer(), ["age"]),
        ("passthrough", ["income"]),
    )
    learned = encoding_of_steps([steps.fit(TABLE)], list(TABLE.columns))
    params = [(np.ones((4, 1), np.float32) * 1e-6, np.zeros((1, 1), np.float32))]
    network = mlp_jax.Network("relu", "binary_cross_entropy")
    exported = as_model([(params, network)], encoding=learned, targets="y", classes=["a", "b"])
    session = session_of(exported, tmp_path)
    fed = as_fed(session, TABLE[:8].assign(age=np.arange(8.0)), np.float32)
    fed["kind"][1], fed["kind"][2] = "c", ""
    fed["age"][3], fed["age"][4] = np.nan, np.inf
    fed["income"][5], fed["income"][6] = np.nan, -np.inf
    _, found = session.run(None, fed)
    assert np.isnan(found[:, 0]).tolist() == [False, True, True, False, True, True, True, False]
    for row in np.flatnonzero(np.isnan(found[:, 0])):
        with pytest.raises(ValueError, match=r"row 1[,:] "):
            exported.predict({name: column[row] for name, column in fed.items()})


def test_outputs_have_names_that_no_column_has(tmp_path):
    exported = model_of("numbers", "binary_cross_entropy", 1, classes=["no", "yes"])
    columns = (Column("label"), Column("/2"), Column("place", ("x", "y")))
    encoding = exported.encoding._replace(columns=columns, what=np.array([-1, -1, 1], np.int32))
    session = session_of(replace(exported, encoding=encoding), tmp_path)
    assert [one.name for one in session.get_inputs()] == ["label", "/2", "place"]
    assert [one.name for one in session.get_outputs()] == ["label_", "probabilities"]


class ColumnOfDates(Column):
    """As another kind of column may be told: by a field more."""

    _fields = (*Column._fields, "form")
    _field_defaults = Column._field_defaults | {"form": None}

    def __iter__(self):
        return iter((self.name, self.categories, self.strict, self.reading, "%Y-%m-%d"))


def test_what_a_graph_cannot_say_is_refused(tmp_path):
    exported = model("numbers")
    encoding, path = exported.encoding, tmp_path / "model.onnx"
    dates = encoding._replace(columns=(ColumnOfDates("a"), *encoding.columns[1:]))
    for other, said in (
        (dates, "the column 'a' is one that ONNX export does not know .form '%Y-%m-%d'."),
        (encoding._replace(what=encoding.what - 5), "made of the column 'a' is one that ONNX"),
        (encoding._replace(limit=encoding.limit + 7), "made of the column 'a' is one that ONNX"),
    ):
        with pytest.raises(ValueError, match=said):
            mlp_jax.export_model(replace(exported, encoding=other), path)
    with pytest.raises(ValueError, match="format is 'pmml'; expected 'onnx' or 'stablehlo'"):
        mlp_jax.export_model(exported, path, format="pmml")
    with pytest.raises(ValueError, match="path is None; expected the name of a file"):
        mlp_jax.export_model(exported, None)
    large = encoding._replace(mean=encoding.mean + 1e9)
    with pytest.raises(ValueError, match=r"'a' has mean 1e.09 and scale 2, .* dtype='float64'"):
        mlp_jax.export_model(replace(exported, encoding=large), path)
    assert not list(tmp_path.iterdir())


def test_without_onnx_its_name_is_said(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ValueError, match="needs the package onnx: type pip install onnx"):
        mlp_jax.export_model(model("numbers"), tmp_path / "model", format="onnx")
    assert not list(tmp_path.iterdir())


def test_the_name_of_the_file_says_the_format(tmp_path):
    mlp_jax.export_model(model("numbers"), tmp_path / "model.ONNX")
    assert onnx.load(tmp_path / "model.ONNX").producer_name == "mlp_jax"
    mlp_jax.export_model(model("numbers"), tmp_path / "model", format="onnx")
    assert onnx.load(tmp_path / "model").producer_name == "mlp_jax"


def test_a_table_of_many_columns_is_one_input_of_those_that_are_used(tmp_path):
    wide = numbers([f"x{place}" for place in range(200)]).columns
    some = np.array([150, 3, 7], np.int32)
    exported = model("numbers")
    exported = replace(exported, encoding=exported.encoding._replace(columns=wide, source=some))
    session = session_of(exported, tmp_path)
    rows = RNG.normal(size=(5, 200)).astype(np.float32)
    (found,) = session.run(None, {"X": rows})
    np.testing.assert_allclose(found[:, 0], exported.predict(rows), rtol=1e-6, atol=1e-6)
