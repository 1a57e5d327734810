"""The plan: who shares a program, and at what price."""

import re

import numpy as np
import pytest

import mlp_jax
from mlp_jax.sweeps.planning import chunks, costs, plan
from mlp_jax.sweeps.task import as_task

X, Y = np.zeros((300, 20), np.float32), np.arange(300) % 2


def test_flops_are_those_of_the_products():
    plan = mlp_jax.plan_sweep(
        X, Y, {"hidden": [(8,), (4,)], "batch_size": 64}, folds=3, epochs=2, chunk=4
    )
    (bucket,) = plan.buckets
    assert (plan.members, bucket.chunk, bucket.chunks) == (6, 4, 3)
    m, held = 200, 100

    def flops(width, m):
        weights = 20 * width + width
        return 2 * (m * (6 * weights - 2 * 20 * width) + 2 * held * weights)

    assert bucket.flops_used == 3 * (flops(8, m) + flops(4, m))
    assert bucket.flops_issued == 3 * 4 * flops(8, 256)  # batches of 64 are filled up


def test_static_choices_have_programs_of_their_own_but_activations():
    space = {"activation": ["relu", "tanh"], "batch_size": [32, 64], "l2": [0.0, 0.1], "width": 8}
    plan = mlp_jax.plan_sweep(X, Y, space)
    assert plan.compilations == 2
    assert all(len(bucket.kind.networks) == 2 for bucket in plan.buckets)
    # At a given chunk a member is the same to the last bit whatever its neighbours.
    assert mlp_jax.plan_sweep(X, Y, space, chunk=4).compilations == 4


def test_activations_are_apart_where_programs_are_cheap():
    task = as_task(X, Y, {"activation": ["relu", "tanh"], "width": 8})
    assert plan.as_plan(task, compilation=1e-9).compilations == 2
    assert plan.as_plan(task).compilations == 1


def test_what_drops_no_units_has_programs_of_its_own_where_that_is_worth_it():
    space = {"activation": ["relu", "tanh"], "dropout": [0.0, 0.2], "width": 8}

    def dropping(task, **how):
        kinds = [bucket.kind for bucket in plan.as_plan(task, **how).buckets]
        return sorted((kind.dropout, len(kind.networks)) for kind in kinds)

    small = as_task(X, Y, space)
    assert dropping(small) == [(True, 2)]
    assert dropping(as_task(X, Y, space | {"dropout": 0.0})) == [(False, 2)]
    # At a given chunk a member is the same to the last bit whatever its neighbours.
    apart = [(False, 1), (False, 1), (True, 1), (True, 1)]
    assert dropping(small, chunk=2) == dropping(small, compilation=1e-9) == apart
    # To choose among activations costs a tenth, and masks of small layers hardly anything.
    masks = costs.CPU._replace(seconds_of_unit=1e-13)
    long = as_task(X, Y, space | {"epochs": 10**8})
    assert dropping(long, rates=masks) == [(True, 1), (True, 1)]
    # And the other way round: masks of wide layers, and activations that are chosen for nothing.
    masks = costs.CPU._replace(seconds_of_unit=1e-6)
    assert dropping(as_task(X, Y, space | {"epochs": 60}), rates=masks) == [(False, 2), (True, 2)]


def test_of_shared_programs_one_without_dropout_draws_no_masks():
    space = [{"hidden": (512,), "dropout": 0.0}, {"hidden": (8,), "dropout": 0.0}]
    space += [{"hidden": (8,), "dropout": 0.3}]
    task = as_task(X, Y, [one | {"epochs": 200} for one in space])
    buckets = plan.as_plan(task).buckets
    assert sorted((b.hidden, b.kind.dropout) for b in buckets) == [((8,), True), ((512,), False)]


def test_on_an_accelerator_programs_are_few_and_chunks_large():
    space = {"widths": mlp_jax.int_uniform(8, 128), "depth": 2, "activation": ["relu", "tanh"]}
    task = as_task(X, Y, space, n=3000, folds=3, epochs=50)
    here, there = (plan.as_plan(task, rates=rates) for rates in (costs.CPU, costs.ACCELERATOR))
    assert there.compilations == 1 < here.compilations
    (bucket,) = there.buckets
    assert bucket.chunk == 1000  # of three, none of which has idle places
    assert max(len(set(bucket.which[i:j])) for i, j in bucket.parts(bucket.chunk)) == 2
    assert bucket.chunks == 3 * 3


@pytest.mark.parametrize("halving", [None, 3])
def test_what_lies_here_takes_no_room_of_a_device(halving):
    task = as_task(X, Y, {"width": list(range(8, 1008))}, folds=3, epochs=50)
    device = {"rates": costs.ACCELERATOR, "halving": halving}
    (bucket,) = plan.as_plan(task, **device).buckets
    most = plan.as_plan(task, **device, room=2 * 10**9).buckets[0]
    running, shared, _ = costs.bytes_of_member(
        task, bucket.kind, bucket.hidden, bucket.folds, task.configurations[-1]
    )
    assert costs.bytes_of_device(task) + shared + bucket.chunk * running < 2 * 10**9
    assert most == bucket  # though the states of all members are a hundred times that
    room = costs.bytes_of_device(task) + shared + 7 * running
    assert plan.as_plan(task, **device, room=room).buckets[0].chunk <= 7
    with pytest.raises(
        ValueError, match=r"a device has \d+ bytes free, .* type a smaller batch_size"
    ):
        plan.as_plan(task, **device, room=room - 7 * running)


def test_chunks_that_choose_for_each_member_are_of_equal_epochs_first():
    space = {
        "activation": ["relu", "tanh"],
        "epochs": [10, 100],
        "l2": list(np.linspace(0, 1, 500)),
    }
    task = as_task(X, Y, space | {"width": 8}, validation=0.2)
    (bucket,) = plan.as_plan(task, rates=costs.ACCELERATOR).buckets
    epochs = [task.configurations[number].epochs for number in bucket.configurations]
    assert {(min(epochs[i:j]), max(epochs[i:j])) for i, j in bucket.parts(bucket.chunk)} == {
        (10, 10),
        (100, 100),
    }


def test_the_time_of_small_networks_is_that_of_their_steps():
    task = as_task(X, Y, {"hidden": [(2,)]}, validation=0.2, epochs=1000)
    (bucket,) = plan.as_plan(task, rates=costs.ACCELERATOR).buckets
    assert bucket.seconds > 1000 * 4 * costs.ACCELERATOR.seconds_of_step


def test_a_program_that_runs_for_less_than_it_compiles_is_compiled_quickly():
    def bucket_of(epochs, rates=costs.CPU, chunk=None, **choices):
        task = as_task(X, Y, {"hidden": [(32,)], "epochs": epochs, **choices}, validation=0.2)
        (bucket,) = plan.as_plan(task, rates=rates, chunk=chunk).buckets
        return bucket

    quick, best = bucket_of(100), bucket_of(100, costs.CPU._replace(quick=None))
    assert quick.quick
    assert not best.quick
    assert quick.compiling == costs.QUICK.compiling * best.compiling
    assert quick.seconds == costs.QUICK.running * best.seconds
    assert quick.compiling + quick.seconds < best.compiling + best.seconds
    lasts = int(100 * (1 - 0.55) * best.compiling / (3 * 0.25 * best.seconds))  # as much is lost
    assert [bucket_of(epochs).quick for epochs in (lasts - 9, lasts + 9)] == [True, False]
    # With patience it is likely to stop before.
    assert bucket_of(2 * lasts, patience=9).quick
    # At a given chunk a member is the same to the last bit, however long the others train.
    assert not bucket_of(100, chunk=4).quick
    assert not bucket_of(100, costs.ACCELERATOR).quick


def test_a_chunk_has_members_of_one_network_and_few_idle_places():
    space = [{"width": 64, "depth": 1, "activation": "relu", "l2": i / 100} for i in range(9)]
    space += [{"width": 64, "depth": 1, "activation": "tanh", "l2": i / 100} for i in range(3)]
    (bucket,) = mlp_jax.plan_sweep(X, Y, space, folds=2).buckets
    for first, last in bucket.parts(bucket.chunk):
        assert len(set(bucket.which[first:last])) == 1
    assert sum(last - first for first, last in bucket.parts(bucket.chunk)) == 12
    assert bucket.chunks == 2 * len(bucket.parts(bucket.chunk))


@pytest.mark.parametrize(
    ("counts", "stages", "side_by_side", "chunk"),
    [
        ([65], [(1, 1)], 1, 33),  # not 64 and 1
        ([9, 3], [(1, 1)], 1, 3),
        ([27], [(1, 1)], 1, 27),
        ([27], [(1, 1)], 2, 14),  # or one of two would be idle
        ([27], [(1, 1)], 2 / 3, 14),  # three folds for two: six chunks in three turns
        ([4], [(1, 1)], 4, 1),
        ([27], [(1, 1 / 9), (1 / 3, 2 / 9), (1 / 9, 2 / 3)], 1, 3),  # three are left at the end
    ],
)
def test_chunks_are_those_that_are_soonest_done(counts, stages, side_by_side, chunk):
    found = chunks.quickest(np.array(counts), 64, (5e-5, 2e-5), stages, side_by_side)
    assert found == chunk


def test_no_worker_is_idle_where_there_is_one_program():
    space = {"width": 64, "learning_rate": list(np.linspace(0.01, 0.1, 12))}
    one = as_task(X, Y, space, validation=0.2)
    assert [plan.as_plan(one, workers=count).buckets[0].chunks for count in (1, 2, 3)] == [1, 2, 3]
    two = as_task(X, Y, space | {"optimizer": ["adam", "sgd"]}, validation=0.2)
    assert [bucket.chunks for bucket in plan.as_plan(two, workers=2).buckets] == [1, 1]


def test_a_plan_prints_its_programs():
    said = str(mlp_jax.plan_sweep(X, Y, {"width": [8, 16]}))
    assert "10 members in 1 program, " in said
    assert " 16 " in said


def test_every_device_has_a_copy_of_the_examples():
    task = as_task(X, Y, {"hidden": [(8,)]}, folds=3)
    (labels,) = task.labels.values()
    more = plan.as_plan(task, devices=[None] * 4).bytes - plan.as_plan(task).bytes
    assert more == 3 * (X.nbytes + labels.nbytes)


def test_chunks_keep_to_the_memory():
    space = {"width": mlp_jax.int_uniform(8, 32), "batch_size": [32]}
    wide = mlp_jax.plan_sweep(X, Y, space, n=500, epochs=3)
    tight = mlp_jax.plan_sweep(X, Y, space, n=500, epochs=3, memory=int(0.75 * wide.bytes))
    assert tight.bytes <= 0.75 * wide.bytes
    assert tight.buckets[0].chunk < wide.buckets[0].chunk


@pytest.mark.parametrize("halving", [None, 3])
def test_the_least_memory_that_is_named_suffices(halving):
    space = {"width": 500, "patience": list(range(5, 13))}  # whose eight states wait in chunks of 1
    with pytest.raises(ValueError, match=r"memory=1 does not suffice") as error:
        mlp_jax.plan_sweep(X, Y, space, memory=1, halving=halving)
    least = int(re.search(r"type memory=(\d+) or more", str(error.value))[1])
    tight = mlp_jax.plan_sweep(X, Y, space, memory=least, halving=halving)
    assert tight.buckets[0].chunk == 1
    assert tight.bytes == least


@pytest.mark.parametrize("halving", [None, 3])
def test_a_chunk_that_the_memory_is_too_small_for_is_refused_with_one_that_fits(halving):
    space = {"width": [60, 64], "depth": [1, 2], "patience": list(range(5, 25))}

    def planned(chunk, memory=None):
        return mlp_jax.plan_sweep(X, Y, space, chunk=chunk, memory=memory, halving=halving).bytes

    takes = planned(64)
    assert planned(64, takes) == takes
    with pytest.raises(ValueError, match=f"for chunk=64, which takes {takes} bytes") as error:
        planned(64, takes - 1)
    fits = int(re.search(r"type chunk=(\d+) or less", str(error.value))[1])
    assert 1 <= fits < 64
    assert planned(fits, takes - 1) < takes <= planned(fits + 1)


def test_with_halving_the_states_of_all_programs_are_held_at_once():
    task = as_task(X, Y, {"width": [500], "batch_size": [16, 32, 64, 128], "l2": [0.0, 0.1]})
    halved = plan.as_plan(task, halving=3)
    assert len(halved.buckets) == 4
    states = sum(
        bucket.per_fold * len(bucket.folds) * chunks.needs_of(task, bucket).waiting
        for bucket in halved.buckets
    )
    assert halved.bytes > costs.bytes_held(task, np.arange(len(task.configurations)), 1) + states


@pytest.mark.parametrize("of", [2, 3, 5])
def test_of_fewer_configurations_than_shards_the_first_shard_has_one(of):
    assert mlp_jax.plan_sweep(X, Y, {"width": [8]}, folds=3, shard=(0, of)).members == 3


def test_on_more_devices_there_are_more_chunks_of_the_same_size():
    space = {"width": 64, "learning_rate": list(np.linspace(0.01, 0.1, 512))}
    task = as_task(X, Y, space, validation=0.2)
    one, four = (plan.as_plan(task, workers=count).buckets[0] for count in (1, 4))
    assert one.chunks > 4
    assert four.chunks % 4 == 0  # no device waits for another's last
    assert four.chunk <= one.chunk
