"""An exported program predicts what the model does, for any number of rows, with JAX alone."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline

import mlp_jax
from mlp_jax.models.encoding import coded
from mlp_jax.tables.encoder import table_encoder
from tests.estimators.test_to_model import TARGETS, X, frame
from tests.models.test_several_networks import model as several

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

CODE = """
import sys, numpy as np, jax
from jax import export
jax.config.update("jax_enable_x64", sys.argv[2] == "float64")
program = export.deserialize(bytearray(open(sys.argv[1], "rb").read()))
rows = np.load(sys.argv[3])
for count in (1, len(rows)):
    print(*np.asarray(program.call(rows[:count])).ravel().tolist())
assert not [name for name in sys.modules if name.startswith("mlp_jax")]
assert set(program.platforms) == {"cpu", "cuda", "rocm", "tpu"}
"""


def said_elsewhere(path, codes, folder):
    np.save(folder / "rows.npy", codes)
    arguments = [sys.executable, "-c", CODE, path, str(codes.dtype), folder / "rows.npy"]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [np.array(line.split(), float) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_program_predicts_as_the_model_does(dtype, tmp_path):
    mlp = mlp_jax.MLPClassifier((4,), "gelu", max_iter=9, random_state=0)
    model = mlp_jax.model_of(mlp.fit(X, TARGETS["three"]))
    mlp_jax.export_model(model, tmp_path / "program", dtype=dtype)
    one, every = said_elsewhere(tmp_path / "program", X.astype(dtype), tmp_path)
    tolerance = 1e-6 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(every.reshape(-1, 3), model.outputs(X), atol=tolerance)
    np.testing.assert_allclose(one, every[:3], atol=tolerance)


def test_a_program_encodes_codes(tmp_path):
    table, y = frame(), X[:, 0] * 1000
    mlp = mlp_jax.MLPRegressor("squared_error", (4,), max_iter=9, random_state=0)
    encoder = table_encoder(["age"], ["colour"])
    model = mlp_jax.model_of(make_pipeline(encoder, mlp).fit(table, y))
    mlp_jax.export_model(model, tmp_path / "program")
    codes = coded(model.encoding, table).astype(np.float32)
    _, every = said_elsewhere(tmp_path / "program", codes, tmp_path)
    np.testing.assert_allclose(every, model.predict(table), atol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_program_of_several_networks_averages_them(dtype, tmp_path):
    """In stacks of three, of two and of one; the heaviest network weighs eight times the first."""
    model = several()
    rows = np.random.default_rng(0).normal(size=(9, 3)).astype(dtype)
    mlp_jax.export_model(model, tmp_path / "program", dtype=dtype)
    one, every = said_elsewhere(tmp_path / "program", rows, tmp_path)
    tolerance = 1e-6 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(every.reshape(-1, 3), model.outputs(rows), atol=tolerance)
    np.testing.assert_allclose(one, every[:3], atol=tolerance)
    turned = replace(model, weights=model.weights[::-1])
    assert abs(turned.outputs(rows) - model.outputs(rows)).max() > 1e-3


def test_a_program_keeps_inputs_within_their_limits(tmp_path):
    table = frame()
    table.loc[::9, "age"] = np.nan
    mlp = mlp_jax.MLPClassifier((4,), max_iter=9, random_state=0)
    encoder = table_encoder(["age"], ["colour"], scaling="robust", bins=4)
    model = mlp_jax.model_of(make_pipeline(encoder, mlp).fit(table, TARGETS["two"]))
    mlp_jax.export_model(model, tmp_path / "program")
    table.loc[1::9, "age"] = 1e30
    codes = coded(model.encoding, table).astype(np.float32)
    _, every = said_elsewhere(tmp_path / "program", codes, tmp_path)
    np.testing.assert_allclose(every, model.outputs(table)[:, 0], atol=1e-5)
    unlimited = model.encoding._replace(limit=model.encoding.limit * 0)
    assert not np.allclose(replace(model, encoding=unlimited).outputs(table)[:, 0], every)


def test_another_dtype_is_refused(tmp_path):
    mlp = mlp_jax.MLPClassifier((4,), max_iter=2, random_state=0).fit(X, TARGETS["two"])
    with pytest.raises(ValueError, match="dtype is 'float16'; expected 'float32' or 'float64'"):
        mlp_jax.export_model(mlp_jax.model_of(mlp), tmp_path / "program", dtype="float16")


def test_without_flatbuffers_its_name_is_said(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "flatbuffers", None)
    mlp = mlp_jax.MLPClassifier((4,), max_iter=2, random_state=0).fit(X, TARGETS["two"])
    with pytest.raises(ValueError, match="pip install flatbuffers"):
        mlp_jax.export_model(mlp_jax.model_of(mlp), tmp_path / "program")
    assert not list(tmp_path.iterdir())
