"""Which device does what, and how many threads there are for it."""

from types import SimpleNamespace

import numpy as np
import pytest

from mlp_jax.sweeps.planning import costs
from mlp_jax.sweeps.running import devices
from mlp_jax.sweeps.running.schedule import CohortName, InOrder, Schedule

LONG, SHORT = (SimpleNamespace(compiling=2.0, seconds=seconds) for seconds in (100.0, 0.1))


def cohorts(bucket, count):
    return [CohortName(bucket, 0, place) for place in range(count)]


def begun(*buckets, count=10):
    """A schedule whose first program is on device a, with its cohorts; b compiles the second."""
    schedule = Schedule(buckets, 2, at_a_time=99)
    assert [schedule.next_of(device) for device in "ab"] == [0, 1]
    schedule.compiled(0, "a")
    schedule.train(cohorts(0, count))
    return schedule


def test_a_device_trains_what_it_has_before_it_compiles_more():
    schedule = begun(LONG, LONG, LONG)
    assert schedule.next_of("a") == (0, 0, 0)
    assert schedule.next_of("b") == 2
    schedule.compiled(2, "b")
    schedule.train(cohorts(2, 1))
    assert schedule.next_of("b") == (2, 0, 0)
    assert schedule.next_of("a") == (0, 0, 1)


def test_with_nothing_to_compile_it_helps_where_much_is_left():
    schedule = begun(LONG, LONG)
    assert schedule.next_of("b") == (0, 0, 0)
    for place in range(1, 10):
        assert schedule.next_of("a") == (0, 0, place)
    assert not schedule


def test_and_waits_where_little_is_left():
    schedule = begun(SHORT, SHORT)
    assert schedule.next_of("b") is None
    assert schedule
    assert schedule.next_of("a") == (0, 0, 0)


def test_a_thread_beside_those_that_train_compiles_what_is_left():
    schedule = Schedule([LONG] * 3, 1, at_a_time=1)
    assert schedule.next_of("a") == 0
    schedule.compiled(0, "a")
    schedule.train(cohorts(0, 9))
    assert [schedule.next_of("a") for _ in range(4)] == [(0, 0, 0), 1, 2, (0, 0, 1)]


def test_no_more_than_one_wave_waits_for_a_device_that_trains():
    schedule = Schedule([LONG], 2, at_a_time=1)
    for device in "ab":
        assert schedule.next_of(device) == 0
        schedule.compiled(0, device)
    schedule.train(cohorts(0, 9))
    assert [schedule.next_of("a") for _ in range(3)] == [(0, 0, 0), (0, 0, 1), None]
    assert schedule.next_of("b") == (0, 0, 2)
    schedule.trained("a")
    assert schedule.next_of("a") == (0, 0, 3)


def test_whoever_is_done_with_a_wave_trains_the_next():
    schedule = Schedule([LONG] * 2, 1, at_a_time=1)
    schedule.next_of("a")
    schedule.compiled(0, "a")
    schedule.train(cohorts(0, 9))
    assert schedule.next_of("a") == (0, 0, 0)
    schedule.trained("a")
    assert schedule.next_of("a") == (0, 0, 1)


def test_of_a_long_bucket_the_last_waves_are_little():
    schedule = begun(LONG, LONG, count=99)
    for _ in range(98):
        schedule.next_of("a")
    assert schedule.next_of("b") is None


@pytest.mark.parametrize(("bucket", "compiling"), [(LONG, [0, 0, 0]), (SHORT, [0, None, None])])
def test_one_program_is_compiled_on_all_devices_if_it_has_much_to_do(bucket, compiling):
    schedule = Schedule([bucket], 3, at_a_time=1)
    assert [schedule.next_of(device) for device in "abc"] == compiling


FIRSTS = {CohortName(0, 0, 0): 0, CohortName(0, 1, 0): 0, CohortName(0, 0, 1): 9}
FIRSTS |= {CohortName(1, 0, 0): 4}


def in_order(may_compile=lambda bucket: True):
    """Of three programs of these configurations, the first of which is there."""
    buckets = [
        SimpleNamespace(**vars(LONG), configurations=np.array(numbers))
        for numbers in ([0, 9], [7, 8], [4, 5])
    ]
    schedule = Schedule(buckets, 1, 2, InOrder(FIRSTS.__getitem__, may_compile))
    assert schedule.next_of("a") == 0
    schedule.compiled(0, "a")
    schedule.train(name for name in reversed(FIRSTS) if name.bucket == 0)
    return schedule


def test_with_a_limit_the_earliest_configurations_come_first_on_all_folds():
    schedule = in_order()
    asked = [schedule.next_of("a")]
    schedule.trained("a")
    asked.append(schedule.next_of("a"))
    schedule.trained("a")
    # Before the cohort of configuration 9, the programs of 4 and 7.
    asked += [schedule.next_of("a") for _ in range(3)]
    assert asked == [(0, 0, 0), (0, 1, 0), 2, 1, (0, 0, 1)]


def test_with_a_limit_a_program_that_comes_too_late_is_passed_over():
    schedule = in_order(lambda bucket: bucket != 2)
    asked = []
    for _ in range(5):
        asked.append(schedule.next_of("a"))
        schedule.trained("a")
    assert asked == [(0, 0, 0), (0, 1, 0), 1, (0, 0, 1), None]
    assert schedule  # bucket 2 was never begun


@pytest.mark.parametrize(
    ("platform", "count", "cores", "workers", "threads"),
    [
        ("cpu", 1, 4, 4, 4),
        ("cpu", 2, 4, 4, 4),
        ("cpu", 8, 2, 8, 8),
        ("gpu", 2, 16, 2, 10),
        ("gpu", 8, 8, 8, 16),
    ],
)
def test_a_chunk_a_core_and_a_chunk_an_accelerator(
    monkeypatch, platform, count, cores, workers, threads
):
    monkeypatch.setattr(devices.os, "sched_getaffinity", lambda _: range(cores), raising=False)
    chosen = [SimpleNamespace(platform=platform, id=i) for i in range(count)]
    assert devices.workers_of(chosen) == workers
    slots = devices.slots_of(chosen)
    assert [slot.id for slot in slots[:count]] == list(range(count))  # one each, before a second
    assert len(slots) == threads


def test_an_accelerator_says_what_memory_it_has():
    def device(platform, stats):
        return SimpleNamespace(platform=platform, memory_stats=lambda: stats)

    two = [device("gpu", {"bytes_limit": 1000})] * 2
    assert devices.room_of(two) == 900
    assert devices.room_of([*two, device("gpu", {"bytes_limit": 500, "bytes_in_use": 50})]) == 400
    assert devices.rates_of(two) == costs.ACCELERATOR
    for stats in (None, {}):
        assert devices.room_of([two[0], device("gpu", stats)]) is None
    assert devices.rates_of([device("cpu", None)]) == costs.CPU
