"""Files that the version before the rooms wrote: a model, a sweep, two checkpoints; see before/."""

import json
import os
import shutil
import subprocess
import sys

import jax
import numpy as np
import pandas
import pytest
from safetensors import safe_open

import mlp_jax
from tests.before.write import COLUMNS, HERE, fitted, fitted_whole, swept


def header_of(path):
    with safe_open(path, framework="np") as file:
        return json.loads(file.metadata()["mlp_jax"])


@pytest.fixture
def copied(tmp_path):
    """A function from the name of a checkpoint to a folder with a copy of it."""
    return lambda name: shutil.copytree(HERE / name, tmp_path / name)


def test_a_model_predicts_as_before():
    model = mlp_jax.load_model(HERE / "model.safetensors")
    predicted = model.predict_proba(pandas.DataFrame(COLUMNS))
    np.testing.assert_allclose(predicted, np.load(HERE / "predicted.npy"), rtol=1e-6)
    assert set(model.predict(pandas.DataFrame(COLUMNS))) == {"no", "yes"}


def test_a_sweep_is_read_and_written_with_the_same_content(tmp_path):
    result = mlp_jax.load_sweep(HERE / "sweep.safetensors")
    assert len(result.members) == 12
    mlp_jax.save_sweep(result, tmp_path / "again.safetensors")
    before, again = header_of(HERE / "sweep.safetensors"), header_of(tmp_path / "again.safetensors")
    assert again | {"library": None} == before | {"library": None}
    with (
        safe_open(HERE / "sweep.safetensors", framework="np") as theirs,
        safe_open(tmp_path / "again.safetensors", framework="np") as ours,
    ):
        assert set(ours.keys()) == set(theirs.keys())
        for name in ours.keys():  # noqa: SIM118
            np.testing.assert_array_equal(ours.get_tensor(name), theirs.get_tensor(name))


def test_a_sweep_goes_on_from_a_checkpoint_of_before(copied):
    saved = mlp_jax.load_sweep(HERE / "sweep.safetensors")
    shown = []
    result = swept(checkpoint=copied("sweep"), progress=lambda *event: shown.append(event))
    assert shown[0][0] == 6  # halved away, as the folder says, before anything is trained
    for ours, theirs in zip(result.members, saved.members, strict=True):
        assert (ours.configuration, ours.status) == (theirs.configuration, theirs.status)
        # Another machine sums in another order.
        np.testing.assert_allclose(ours.curves.cost, theirs.curves.cost, rtol=1e-9)
        for a, b in zip(jax.tree.leaves(ours.params), jax.tree.leaves(theirs.params), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9)


GOES_ON = """
import sys, jax, numpy as np
jax.config.update("jax_enable_x64", True)
from tests.before.write import fitted
shown = []
state, info = fitted(checkpoint=sys.argv[1], progress=lambda *event: shown.append(event))
leaves = jax.tree.leaves(state.params)
np.savez(sys.argv[2], *leaves, cost=info.cost, first=shown[0][0])
"""


def test_a_training_goes_on_from_a_checkpoint_of_before(copied, tmp_path):
    # As users compile. Another machine may sum in another order, and 3,000 epochs in float32 carry
    # the last bits on. On such a one a fresh training too has costs up to 2.6e-6 from those
    # kept, from epoch 40 on, which is before the checkpoint; those that go on from it are 5.4e-6
    # away. Initial weights whose last bit is another give 3.7e-6 to 7.9e-6; a learning rate 1.0001
    # times as large gives 1e-2.
    words = [sys.executable, "-c", GOES_ON, copied("fit"), tmp_path / "again.npz"]
    subprocess.run(words, cwd=HERE.parents[1], env=os.environ | {"XLA_FLAGS": ""}, check=True)
    with np.load(HERE / "fit.npz") as before, np.load(tmp_path / "again.npz") as again:
        assert again["first"] > 100  # the first epochs are not trained again
        np.testing.assert_allclose(again["cost"], before["cost"], rtol=2e-5)
        leaves = [name for name in before.files if name.startswith("arr_")]
        assert leaves
        for name in leaves:
            np.testing.assert_allclose(again[name], before[name], rtol=1e-4, atol=1e-6)


def test_a_training_on_all_examples_goes_on_from_a_checkpoint_of_before(copied):
    shown = []
    state, info = fitted_whole(checkpoint=copied("fit_whole"), progress=lambda *e: shown.append(e))
    assert shown[0][0] > 100  # the first epochs are not trained again
    with np.load(HERE / "fit_whole.npz") as before:
        np.testing.assert_allclose(info.cost, before["cost"], rtol=1e-9)
        for number, leaf in enumerate(jax.tree.leaves(state.params)):
            np.testing.assert_allclose(leaf, before[f"arr_{number}"], rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize(
    ("name", "run", "key"),
    [("sweep", swept, 2), ("fit", fitted, 3), ("fit_whole", fitted_whole, 3)],
)
def test_a_checkpoint_of_something_else_is_told_from_it(copied, name, run, key):
    folder = copied(name)
    with pytest.raises(ValueError, match=r"is of another (sweep|training): other .*key"):
        run(checkpoint=folder, key=key)
