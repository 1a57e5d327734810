"""Rows of a sweep have weights: in cost, validation loss and score, in files and on the way on."""

import jax
import numpy as np
import pytest

import mlp_jax
from mlp_jax.sweeps.task import as_task
from tests.sweeps.small_sweeps import BASE, RNG, X, Y, equal, swept

WEIGHTS = np.where(np.arange(50) % 7, RNG.uniform(0.2, 3, 50), 0.0)
SPACE = [
    BASE | {"hidden": (3,), "dropout": 0.2},
    BASE | {"hidden": (5, 2), "class_weight": "balanced", "patience": 2},
    BASE | {"hidden": (4,), "batch_size": None},
]


@pytest.fixture(scope="module")
def result():
    with jax.enable_x64(True):
        return swept(SPACE, weights=WEIGHTS)


def test_a_member_is_what_fit_trains_with_these_weights(result):
    # Of one fold, the one that validates by a row less: `fit` is compiled for few shapes.
    for member in result.members[2::3]:
        equal(member)
        train, _ = result.task.splits[member.fold]
        if "class_weight" not in member.configuration:
            np.testing.assert_array_equal(member.arguments_of_fit()["weights"][0], WEIGHTS[train])


def test_a_training_without_the_weights_would_be_seen(result):
    arguments = result.members[0].arguments_of_fit()
    with pytest.raises(AssertionError):
        equal(result.members[0], arguments=arguments | {"weights": None})


def test_validation_loss_and_score_are_weighted(result):
    for member in result.members[::3]:
        _, held = result.task.splits[member.fold]
        A = mlp_jax.forward(member.params, X[held].T, network=member.network)[0]
        true, weights = Y[held], WEIGHTS[held]
        loss = np.average(-np.log(np.where(true, A, 1 - A)), weights=weights)
        assert member.curves.validation_loss[member.best_epoch - 1] == pytest.approx(loss)
        right = (A > 0.5) == true
        assert member.score == pytest.approx(np.average(right, weights=weights))
        assert np.average(right) != pytest.approx(member.score)  # so the weights are seen to count


def test_the_best_is_trained_again_with_the_weights(result):
    one, other = result.refit(), swept(SPACE, weights=WEIGHTS).refit()
    for mine, theirs in zip(one.params, other.params, strict=True):
        np.testing.assert_array_equal(mine.W, theirs.W)
    alike = swept(SPACE, weights=np.ones(50)).refit(result.best.configuration)
    assert not np.allclose(one.params[0].W, alike.params[0].W)


def test_an_ensemble_is_chosen_by_weighted_losses(result):
    together = result.ensemble(3)
    losses = []
    for chosen in (together.chosen, together.chosen[:1]):
        rows = [row for rank in chosen for row in result.ranking if row.rank == rank]
        found = [result.held_out_outputs(row) for row in rows]
        held, A = found[0][0], np.mean([A[:, 0] for _, A in found], axis=0)
        loss = -np.log(np.where(Y[held], A, 1 - A))
        losses.append(np.average(loss, weights=WEIGHTS[held]))
        assert np.average(loss) != pytest.approx(losses[-1], rel=1e-3)  # so the weights count
    assert together.losses[-1] == pytest.approx(losses[0])
    assert together.losses[0] == pytest.approx(losses[1])


def test_weights_of_one_are_no_weights():
    ones, none = swept(SPACE[:1], weights=np.ones(50)), swept(SPACE[:1])
    for mine, theirs in zip(ones.members, none.members, strict=True):
        np.testing.assert_allclose(mine.params[0].W, theirs.params[0].W, rtol=1e-10)
        assert mine.score == pytest.approx(theirs.score)


def test_a_weight_of_two_is_the_row_twice():
    """In full batches, of whose order nothing depends; the copies of a row go where it goes."""
    twice = np.where(np.arange(50) % 3 == 0, 2, 1)
    rows = np.repeat(np.arange(50), twice)
    folds = [(np.arange(30), np.arange(30, 50)), (np.arange(20, 50), np.arange(20))]
    copied = [tuple(np.flatnonzero(np.isin(rows, part)) for part in parts) for parts in folds]
    space = [SPACE[2] | {"class_weight": {0: 1, 1: 3}}]
    first = swept(space, folds=folds, weights=twice)
    again = mlp_jax.sweep(X[rows], Y[rows], space, folds=copied, progress=False, epochs=5)
    for mine, theirs in zip(first.members, again.members, strict=True):
        np.testing.assert_allclose(mine.params[0].W, theirs.params[0].W, rtol=1e-9)
        for curve in ("cost", "validation_loss", "metric"):
            np.testing.assert_allclose(getattr(mine.curves, curve), getattr(theirs.curves, curve))


def test_a_file_has_the_weights(result, tmp_path):
    path = tmp_path / "sweep.safetensors"
    mlp_jax.save_sweep(result, path)
    loaded = mlp_jax.load_sweep(path)
    np.testing.assert_array_equal(loaded.task.weights, WEIGHTS)
    assert loaded.plan == result.plan
    mlp_jax.save_sweep(swept(SPACE[:1], epochs=1), path)
    assert mlp_jax.load_sweep(path).task.weights is None


def test_a_checkpoint_of_other_weights_is_refused(tmp_path):
    swept(SPACE[:1], epochs=1, weights=WEIGHTS, checkpoint=tmp_path)
    for others in (None, WEIGHTS + 1):
        with pytest.raises(ValueError, match="labels"):
            swept(SPACE[:1], epochs=1, weights=others, checkpoint=tmp_path)


def test_rows_of_ones_own_to_validate_by_count_one_each():
    task = as_task(X, Y, SPACE[:1], validation=(X[:5], Y[:5]), weights=WEIGHTS)
    np.testing.assert_array_equal(task.weights, [*WEIGHTS, *np.ones(5)])


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (WEIGHTS[:-1], r"shape \(49,\); expected numbers of shape \(50,\), one a sample"),
        (["many"] * 50, "expected numbers of shape"),
        (np.where(np.arange(50) == 3, -1, WEIGHTS), r"weights\[3\] is -1; expected 0 or more"),
        (np.where(np.arange(50) == 3, np.nan, WEIGHTS), r"weights\[3\] is nan"),
        (np.zeros(50), "weights are zero for all that fold 0 trains on"),
    ],
)
def test_other_weights_are_refused(weights, message):
    with pytest.raises(ValueError, match=message):
        as_task(X, Y, SPACE[:1], weights=weights)
