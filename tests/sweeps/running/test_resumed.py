"""A sweep that goes on from its folder leaves there what it found, however soon it is stopped."""

import threading
import time

import numpy as np
import pytest

from mlp_jax.sweeps.member_order import MemberOrder
from mlp_jax.sweeps.run import plan_of, run
from mlp_jax.sweeps.running import cohort
from mlp_jax.sweeps.running.checkpoint import SweepCheckpoint
from mlp_jax.sweeps.running.cohort_members import names_of
from mlp_jax.sweeps.running.cohorts import Cohorts
from mlp_jax.sweeps.running.snapshots import SavedSnapshots
from mlp_jax.sweeps.task import as_task
from tests.sweeps.running.test_checkpoint import KilledError, check_same

X = np.random.default_rng(0).normal(size=(40, 3))
Y = X[:, 0] * X[:, 1] > 0
SPACE = {"depth": [1, 2], "width": 4, "learning_rate": [0.01, 0.03, 0.1]}
# After so many chunks a sweep is amid its epochs; of halving, amid the first and a later stage.
STOPS = pytest.mark.parametrize(("halving", "chunks"), [(None, 9), (3, 5), (3, 30)])


def swept(halving=None, folder=None, **how):
    # Two programs, on two folds with chunks of two: many places to stop at.
    task = as_task(X, Y, SPACE, folds=2, epochs=400, key=1)
    return run(task, plan_of(task, chunk=2, halving=halving), checkpoint=folder, **how)


def stopped(chunks, halving, folder):
    """A sweep stopped after so many chunks; the folder has where it stands."""
    cancel, seen = threading.Event(), []

    def on_chunk(epochs):
        seen.append(epochs)
        if len(seen) >= chunks:
            cancel.set()
            time.sleep(0.3)  # the sweep looks four times a second

    result = swept(halving, folder, cancel=cancel, on_chunk=on_chunk)
    assert result.interrupted
    return result


def epochs_saved(result, halving, folder):
    """Of every member that stands in the folder."""
    saves = SweepCheckpoint(folder, result.task, halving, 60.0)
    saves.close()
    found = saves.saved.snapshots
    return {tuple(member): one.done for one in found for member in one.members.tolist()}


@STOPS
def test_stopped_before_anything_begins_it_leaves_all_as_it_was(halving, chunks, tmp_path):
    first = stopped(chunks, halving, tmp_path)
    before = epochs_saved(first, halving, tmp_path)
    assert max(before.values()) >= 32
    at_once = threading.Event()
    at_once.set()
    second = swept(halving, tmp_path, cancel=at_once)
    assert second.interrupted
    assert epochs_saved(second, halving, tmp_path) == before
    check_same(swept(halving, tmp_path), swept(halving))


@STOPS
def test_stopped_before_anything_begins_it_has_what_the_folder_has(halving, chunks, tmp_path):
    first = stopped(chunks, halving, tmp_path)
    at_once = threading.Event()
    at_once.set()
    second = swept(halving, tmp_path, cancel=at_once)
    found = [
        [(m.status, m.score, m.best_epoch) for m in result.members if m.best_epoch > 0]
        for result in (first, second)
    ]
    assert found[0] == found[1] != []


@STOPS
def test_killed_after_its_first_chunk_it_leaves_all_as_it_was(halving, chunks, tmp_path):
    first = stopped(chunks, halving, tmp_path)
    before = epochs_saved(first, halving, tmp_path)
    saves = {path.name for path in tmp_path.glob("states-*")}

    def kill(_):
        time.sleep(0.1)  # for a save
        raise KilledError

    with pytest.raises(KilledError):
        swept(halving, tmp_path, on_chunk=kill, checkpoint_seconds=1e-3)
    assert saves.isdisjoint(path.name for path in tmp_path.glob("states-*"))
    assert epochs_saved(first, halving, tmp_path) == before
    check_same(swept(halving, tmp_path), swept(halving))


def test_those_that_have_come_the_furthest_go_on_first(tmp_path):
    result = stopped(9, None, tmp_path)
    saved = epochs_saved(result, None, tmp_path)
    saves = SweepCheckpoint(tmp_path, result.task, None, 60.0)
    saves.close()
    order = MemberOrder(result.task)
    snapshots = SavedSnapshots(saves.saved.snapshots, order, np.ones(len(order), bool))
    done = np.zeros(len(order), bool)
    for outcomes in saves.saved.outcomes:
        done[order.places(outcomes.members)] = True
    plan = plan_of(result.task, chunk=2)
    cohorts = Cohorts(result.task, plan, order, snapshots, keep_snapshots=False)
    orders = []
    for number, bucket in enumerate(plan.buckets):
        found = cohorts.of_bucket(number, done)
        for fold in bucket.folds:
            names = names_of(bucket, fold).tolist()
            firsts = [names[places[0]] for name, places in found.items() if name.fold == fold]
            orders.append([saved.get(tuple(member), 0) for member in firsts])
    assert orders == [sorted(order, reverse=True) for order in orders]
    assert any(len(set(order)) > 1 for order in orders)


def test_ctrl_c_amid_a_choice_of_halving_loses_none_that_it_drops(tmp_path, monkeypatch):
    keep = cohort.Cohort.keep

    def interrupted(self, configurations):
        keep(self, configurations)
        raise KeyboardInterrupt

    monkeypatch.setattr(cohort.Cohort, "keep", interrupted)
    result = swept(3, tmp_path)
    monkeypatch.setattr(cohort.Cohort, "keep", keep)
    assert result.interrupted
    assert {member.status for member in result.members} == {"interrupted", "halved away"}
    assert all(member.best_epoch > 0 for member in result.members)
    check_same(swept(3, tmp_path), swept(3))
