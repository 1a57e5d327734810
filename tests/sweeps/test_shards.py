"""Shards of a sweep: which configurations each has, and what it counts."""

import threading

import numpy as np
import pytest

import mlp_jax
from mlp_jax.sweeps.shards import Shard, as_shard, configurations_of_shard
from mlp_jax.sweeps.task import as_task

X = np.random.default_rng(0).normal(size=(60, 3))
Y = X[:, 0] * X[:, 1] > 0
SPACE = {"width": [3, 4, 5, 6], "learning_rate": [0.01, 0.03], "activation": ["relu", "tanh"]}
ABOUT = {"folds": 2, "epochs": 5, "progress": False}


def test_every_configuration_is_of_one_shard():
    task = as_task(X, Y, SPACE, folds=2)
    for halving in (None, 3):
        shards = [configurations_of_shard(task, Shard(number, 3), halving) for number in range(3)]
        assert sorted(number for numbers in shards for number in numbers) == list(range(16))
        assert all(4 <= len(numbers) <= 7 for numbers in shards)


def test_shards_without_halving_have_what_is_alike():
    space = {"width": [8] * 1, "optimizer": ["adam", "sgd"], "learning_rate": [0.1, 0.2, 0.3]}
    plans = [
        mlp_jax.plan_sweep(X, Y, space, shard=(number, 2), **ABOUT).compilations
        for number in (0, 1)
    ]
    assert plans == [1, 1]
    assert mlp_jax.plan_sweep(X, Y, space, **ABOUT).compilations == 2


def test_more_shards_than_configurations(tmp_path):
    for number in range(3):
        result = mlp_jax.sweep(
            *(X, Y, {"width": [3, 4]}), shard=(number, 3), checkpoint=tmp_path, **ABOUT
        )
        assert str(result.plan).startswith("0 members") == (result.plan.members == 0)
    whole = mlp_jax.sweep(X, Y, {"width": [3, 4]}, checkpoint=tmp_path, **ABOUT)
    assert whole.compilations == 0
    assert all(member.status == "finished" for member in whole.members)


def test_a_shard_counts_and_returns_its_own_members_alone(tmp_path):
    for number in range(2):
        seen = []

        def progress(done, members, best, seen=seen):
            seen.append((done, members))

        how = {"folds": 2, "epochs": 5, "shard": (number, 2), "checkpoint": tmp_path}
        result = mlp_jax.sweep(X, Y, SPACE, progress=progress, **how)
        assert 0 < result.plan.members < 32
        assert seen[-1] == (result.plan.members, result.plan.members)
        statuses = [member.status for member in result.members]
        assert statuses.count("finished") == result.plan.members
    whole = mlp_jax.sweep(X, Y, SPACE, checkpoint=tmp_path, **ABOUT)
    alone = mlp_jax.sweep(X, Y, SPACE, **ABOUT)
    np.testing.assert_allclose(whole.scores, alone.scores, rtol=1e-10)


@pytest.mark.parametrize("shard", [(2, 2), (-1, 2), 1, (0.5, 2), "ab", (0, 1, 2)])
def test_what_is_no_shard_is_refused(shard):
    with pytest.raises(ValueError, match=r"shard is .*; expected \(number, count\)"):
        as_shard(shard)


def test_shards_do_not_wait_for_one_another():
    with pytest.raises(ValueError, match="hand in an executor instead of shard, or leave halving"):
        mlp_jax.sweep(X, Y, SPACE, shard=(0, 2), halving=2, **ABOUT)


def test_another_thread_can_cancel():
    cancel = threading.Event()
    seen = []

    def progress(done, members, best):
        seen.append(done)
        cancel.set()

    result = mlp_jax.sweep(
        *(X, Y, {"width": list(range(3, 60))}),
        folds=2,
        epochs=200,
        chunk=1,
        cancel=cancel,
        progress=progress,
    )
    assert result.interrupted
    statuses = [member.status for member in result.members]
    assert 0 < statuses.count("finished") < len(statuses)
    with pytest.raises(ValueError, match=r"cancel is True; expected a threading\.Event"):
        mlp_jax.sweep(X, Y, SPACE, cancel=True, **ABOUT)
