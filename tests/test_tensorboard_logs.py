"""What TensorBoard reads in the files is what was trained."""

import math
import sys

import jax
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import mlp_jax

X = np.random.default_rng(0).normal(size=(80, 3)).astype("float32")
Y = X[:, 0] > 0


def curves(folder):
    """{tag: [(step, value)]} of a run."""
    run = EventAccumulator(str(folder))
    run.Reload()
    found = {}
    for tag in run.Tags()["tensors"]:
        events = run.Tensors(tag)
        found[tag] = [(event.step, event.tensor_proto.float_val[0]) for event in events]
    return found


def test_every_epoch_of_a_training_is_there(tmp_path):
    params = mlp_jax.init(jax.random.key(0), (3, 4, 1))
    with mlp_jax.TensorBoard(tmp_path) as log:
        _, info = mlp_jax.fit(
            params, X.T, Y[None], optimizer="adam", epochs=7, validation=0.25, key=0, progress=log
        )
        log.training(info, "mine")
    found = curves(tmp_path / "mine")
    assert set(found) == set(info._fields)
    for name, values in zip(info._fields, info, strict=True):
        steps, written = zip(*found[name], strict=True)
        assert steps == tuple(range(1, 8))
        np.testing.assert_allclose(written, np.asarray(values), rtol=1e-6)
    assert curves(tmp_path / "progress")["cost"][-1][0] == 7


def test_the_best_of_a_sweep_have_a_run_each(tmp_path):
    with mlp_jax.TensorBoard(tmp_path) as log:
        result = mlp_jax.sweep(
            *(X, Y, {"width": [3, 4, 5], "learning_rate": [0.01, 1e30]}),
            folds=2,
            epochs=5,
            progress=log,
        )
        log.sweep(result, 2)
    runs = sorted(path.name for path in tmp_path.iterdir())
    assert runs[-1] == "progress"
    assert [name.split()[0] for name in runs[:-1]] == ["001", "002"]
    best = result.best
    found = curves(tmp_path / runs[0])
    losses = np.mean([member.curves.validation_loss for member in best.members], axis=0)
    np.testing.assert_allclose([v for _, v in found["validation_loss"]], losses, rtol=1e-6)
    progress = curves(tmp_path / "progress")["best_score"]
    assert progress[-1][0] == len(result.members)
    assert all(math.isfinite(value) for _, value in progress)


def test_without_tensorboard_it_says_what_to_type(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard.summary", None)
    with pytest.raises(ValueError, match="type pip install tensorboard"):
        mlp_jax.TensorBoard(tmp_path)
