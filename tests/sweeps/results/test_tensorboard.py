"""What TensorBoard reads in the files is what was trained."""

import dataclasses
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


def test_a_function_of_yours_may_hand_on_what_it_was_called_with(tmp_path):
    params = mlp_jax.init(jax.random.key(0), (3, 4, 1))
    with mlp_jax.TensorBoard(tmp_path) as log:

        def hand_on(*numbers):
            log(*numbers)

        how = {"optimizer": "adam", "epochs": 7, "validation": 0.25, "key": 0}
        mlp_jax.fit(params, X.T, Y[None], **how, progress=hand_on)
        mlp_jax.sweep(X, Y, {"width": [3, 4]}, folds=2, epochs=5, progress=hand_on)
    found = curves(tmp_path / "progress")
    assert set(found) == {"cost", "validation_loss", "best_score"}
    assert found["cost"][-1][0] == found["validation_loss"][-1][0] == 7
    assert found["best_score"][-1][0] == 4


def test_members_that_never_began_are_left_out(tmp_path):
    result = mlp_jax.sweep(X, Y, {"width": [3, 4, 5]}, folds=2, epochs=5, progress=False)
    begun = [part.take(part.members[:, 0] + part.members[:, 2] < 2) for part in result.outcomes]
    assert sum(map(len, begun)) == 3  # both of the first, one of the second, none of the third
    result = dataclasses.replace(result, outcomes=begun, interrupted=True)
    with mlp_jax.TensorBoard(tmp_path) as log:
        log.sweep(result)
    found = [curves(path) for path in sorted(tmp_path.iterdir())]
    assert len(found) == 2
    for row, written in zip(result.ranking, found, strict=False):
        losses = [m.curves.validation_loss for m in row.members if len(m.curves.cost)]
        steps, values = zip(*written["validation_loss"], strict=True)
        assert steps == (1, 2, 3, 4, 5)
        np.testing.assert_allclose(values, np.mean(losses, axis=0), rtol=1e-6)


def test_many_long_choices_fit_into_the_name_of_a_folder(tmp_path):
    def f(Z):
        return Z

    f.__qualname__ = f.__name__ = 300 * "ä"
    own = mlp_jax.own_activation(f, lambda Z: 1.0 + 0.0 * Z)
    space = [{"activation": own}, {"activation": own, "learning_rate": 0.1}, {"activation": "relu"}]
    result = mlp_jax.sweep(X, Y, space, folds=2, epochs=2, progress=False)
    with mlp_jax.TensorBoard(tmp_path) as log:
        log.sweep(result)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert [name.split()[0] for name in names] == ["001", "002", "003"]
    assert 190 < max(len(name.encode()) for name in names) <= 200


def test_without_tensorboard_it_says_what_to_type(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard.summary", None)
    with pytest.raises(ValueError, match="type pip install tensorboard"):
        mlp_jax.TensorBoard(tmp_path)
