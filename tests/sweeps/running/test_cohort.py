"""Members that stop, diverge, or are halved away leave the others of their cohort alone."""

import warnings

import jax
import numpy as np
import pytest

import mlp_jax
from mlp_jax.sweeps.halving import share_of_epochs
from mlp_jax.sweeps.planning.plan import as_plan
from mlp_jax.sweeps.running.cohort import Cohort
from mlp_jax.sweeps.running.cohort_members import members_of
from mlp_jax.sweeps.running.stacking import InitialWeights
from mlp_jax.sweeps.task import as_task
from tests.sweeps.small_sweeps import X, Y, equal, swept


def test_members_equal_fit_over_segments_in_which_others_stop():
    space = {"width": [3, 6], "learning_rate": [0.001, 0.05, 0.3], "patience": [2, 60]}
    result = swept(space, folds=2, epochs=70, chunk=4)
    lengths = {len(member.curves.cost) for member in result.members}
    assert max(lengths) == 70
    assert min(lengths) < 32
    assert {member.status for member in result.members} == {"finished", "stopped"}
    for member in result.members[::3]:
        equal(member, atol=1e-11)  # over 420 steps


def test_a_diverging_member_is_marked_and_changes_no_bit_of_the_others():
    rates = list(np.linspace(0.01, 0.1, 9))
    space = {"optimizer": "sgd", "hidden": (4, 4), "activation": "elu", "batch_size": 8}
    well = swept(space | {"learning_rate": [*rates, 0.05]}, chunk=5)
    # ReLU dies of a large step; the exponential linear unit goes on to infinity.
    ill = swept(space | {"learning_rate": [*rates, 1e300]}, chunk=5)
    assert {member.status for member in ill.members[-3:]} == {"diverged"}
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(ill.members[-1].params))
    assert ill.ranking[-1].status == "diverged"
    for mine, theirs in zip(well.members[:-3], ill.members[:-3], strict=True):
        for a, b in zip(jax.tree.leaves(mine.params), jax.tree.leaves(theirs.params), strict=True):
            np.testing.assert_array_equal(a, b)


def test_halving_goes_on_with_the_best_as_if_never_stopped():
    space = {"width": [2, 4, 6], "learning_rate": [1e-5, 0.003, 0.05], "activation": "tanh"}
    space |= {"schedule": "log_cosine", "decay_epochs": 18, "dropout": 0.1, "dropout_epochs": 8}
    # By this key no network that learns nothing is the best by luck.
    result = swept(space | {"batch_size": 8}, epochs=18, halving=3, key=1)
    statuses = [row.status for row in result.ranking]
    assert statuses == ["finished"] + 8 * ["halved away"]
    assert {len(member.curves.cost) for member in result.members} == {2, 6, 18}
    assert result.best.configuration["learning_rate"] > 1e-5
    for member in result.members[::2]:
        done = {"epochs": len(member.curves.cost)}
        equal(member, arguments=member.arguments_of_fit() | done)


def test_halving_repacks_members_that_learn_scales_of_their_inputs_beside_others():
    space = {"width": [3, 6], "input_scale_rate": [None, 2.0, 6.0], "learning_rate": 0.05}
    result = swept(space | {"batch_size": 8}, epochs=4, halving=2, folds=2, chunk=2)
    assert {len(member.curves.cost) for member in result.members} == {1, 2, 4}
    for member in result.members[::2]:  # of one fold, so that few shapes of `fit` are compiled
        done = {"epochs": len(member.curves.cost)}
        equal(member, arguments=member.arguments_of_fit() | done)
    first = {float(member.curves.cost[0]) for member in result.members}
    assert len(first) == len(result.members)  # the rate did something


@pytest.mark.parametrize("best_by", ["metric", "cost"])
@pytest.mark.parametrize("halving", [None, 2])
def test_the_best_epoch_is_what_it_is_said_to_be_by(best_by, halving):
    space = {"width": [2, 9], "learning_rate": [0.01, 0.3], "batch_size": 8, "patience": 6}
    space |= {"tolerance": 0.01, "label_smoothing": 0.2}
    result = swept(space, epochs=20, best_by=best_by, halving=halving)
    for member in result.members:
        if member.status != "halved away":
            equal(member)
        curve = member.curves.metric
        best = np.argmax(curve) if best_by == "metric" else len(curve) - 1
        assert member.best_epoch == best + 1
        assert member.score == curve[best]
        X_held, Y_held = member.arguments_of_fit()["validation"]  # of which no label is smoothed
        loss = float(mlp_jax.cost(member.params, X_held, Y_held, network=member.network))
        assert member.curves.validation_loss[best] == pytest.approx(loss, rel=1e-9)
    assert {m.best_epoch for m in result.members} != {20}
    result.refit()


class InterruptedCopy(np.ndarray):
    """A history during whose copy Ctrl-C is typed."""

    def __getitem__(self, index):
        if isinstance(index, np.ndarray):
            raise KeyboardInterrupt
        return super().__getitem__(index)


def test_ctrl_c_amid_a_choice_of_halving_gives_no_member_the_state_of_another():
    task = as_task(X, Y, {"hidden": [(3,), (4,), (5,)]}, folds=2)
    (bucket,) = as_plan(task).buckets
    cohort = Cohort(task, bucket, members_of(task, bucket, 0), InitialWeights(task))
    before = cohort.outcomes()
    history = cohort._at.history
    cohort._at = cohort._at._replace(history=history.view(InterruptedCopy))
    with pytest.raises(KeyboardInterrupt):
        cohort.keep({2})
    cohort._at = cohort._at._replace(history=history)
    [before], [after] = before, cohort.outcomes()
    np.testing.assert_array_equal(after.members, before.members)
    for place, width in enumerate((3, 4, 5)):
        mine, theirs = (one.params.of(place, (4, width, 1)) for one in (after, before))
        jax.tree.map(np.testing.assert_array_equal, mine, theirs)


def test_a_cohort_of_which_none_goes_on_leaves_nothing_to_save():
    task = as_task(X, Y, {"hidden": [(3,), (4,)]}, folds=2)
    (bucket,) = as_plan(task).buckets
    cohort = Cohort(task, bucket, members_of(task, bucket, 0), InitialWeights(task), saved=True)
    cohort.keep({1})
    assert cohort.snapshot.members.tolist() == [[1, 0, 0]]
    cohort.keep(set())
    assert cohort.snapshot is None


def test_halving_keeps_those_that_are_best_at_the_rung():
    space = {"width": [2, 4, 6], "learning_rate": [1e-5, 0.003, 0.05], "activation": "tanh"}
    space |= {"batch_size": 8}
    rung = swept(space, epochs=2)
    third = [row.configuration | {"epochs": 18} for row in rung.ranking[:3]]
    halved = swept(space, epochs=18, halving=3)
    gone_on = [r.configuration for r in halved.ranking if len(r.members[0].curves.cost) > 2]
    assert sorted(map(str, third)) == sorted(map(str, gone_on))


def test_chunks_become_fewer_by_halving():
    space = {"l2": list(np.linspace(0, 1, 27)), "width": 1000, "depth": 2}
    halved = mlp_jax.plan_sweep(X, Y, space, folds=3, halving=3)
    assert halved.buckets[0].chunk == 3
    full = mlp_jax.plan_sweep(X, Y, space, folds=3)
    assert halved.flops_used == pytest.approx(full.flops_used * share_of_epochs(100, 3))
    assert halved.flops_used < halved.flops_issued < 0.4 * full.flops_issued


@pytest.mark.parametrize(
    ("dtype", "large", "optimizers"),
    [
        (np.float32, 1e12, ["adam", "rmsprop", "lion"]),
        (np.float64, 1e100, ["adamw", "adagrad", "sgd"]),
    ],
)
def test_a_member_diverges_where_fit_does_whatever_its_optimizer_keeps(dtype, large, optimizers):
    table = X[:30].astype(dtype)
    table[5, 1] = large  # whose cost is finite, and the square of its gradient is not
    space = {"hidden": (3,), "batch_size": 4, "optimizer": optimizers, "loss": "squared_error"}
    split = np.arange(25), np.arange(25, 30)
    # With this key the row is in no epoch's last batch, of which alone the gradient is looked at.
    choices = {"folds": [split], "epochs": 2, "key": 1, "progress": False}
    result = mlp_jax.sweep(table, X[:30, 0], space, **choices)
    assert [member.status for member in result.members[:2]] == ["diverged"] * 2
    for member in result.members:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", mlp_jax.DivergenceWarning)
            state, info = mlp_jax.fit(**member.arguments_of_fit())
        assert (member.status == "diverged") == bool(state.diverged)
        assert member.best_epoch == int(state.best.epoch)
        assert len(member.curves.cost) == len(info.cost)
