"""A limit of time, and how many epochs a cohort may train under it."""

from types import SimpleNamespace

import pytest

from mlp_jax.sweeps.running.limit import Pace, TimeLimit


class Clock:
    """Goes on when it is told to."""

    now = 0.0

    def __call__(self):
        return self.now


def begun(seconds=100.0, said=1.0):
    """(the clock, a limit of so many seconds, the pace of epochs that are said to take so many)."""
    clock = Clock()
    limit = TimeLimit(seconds, clock)
    return clock, limit, Pace(limit, said)


def test_a_limit_is_over_once_and_for_all_that_ask():
    clock, limit, _ = begun()
    clock.now = 30.0
    assert (limit.left(), limit.spent(), limit.is_over(), limit.reached) == (70, 30, False, False)
    sooner = limit.less(60)
    assert (sooner.left(), sooner.seconds, sooner.spent()) == (10, 40, 30)
    clock.now = 100.0
    assert limit.is_over()
    assert limit.reached


def test_what_programs_took_says_what_the_next_takes():
    _, limit, _ = begun()
    a, b, c, d = (SimpleNamespace(program=name, compiling=2.0) for name in "abcd")
    assert limit.compile_seconds(a) == 0  # without the first nothing is trained
    limit.compiled(a, 0.0)  # another sweep had compiled it
    assert (limit.compile_seconds(a), limit.compile_seconds(b)) == (0, 2)
    limit.compiled(b, 5.0)
    limit.compiled(c, 7.0)
    assert (limit.compile_seconds(b), limit.compile_seconds(d)) == (0, 6)


def test_what_comes_after_is_kept_and_longer_where_programs_took_longer():
    _, limit, _ = begun()
    limit.keep(10.0)
    assert limit.left() == 90
    programs = [SimpleNamespace(program=name, compiling=2.0) for name in "abc"]
    for program, took, left in zip(programs, (1.0, 5.0, 54.0), (90, 85, 50), strict=True):
        limit.compiled(program, took)  # 0.5, 1.5 and 10 times what was said
        assert limit.left() == left


def test_with_time_for_all_a_segment_is_as_long_as_it_is_wanted():
    clock, limit, pace = begun()
    assert pace(32) == 32
    clock.now += 32 * 0.5
    assert pace(32) == 32
    assert not limit.reached


def test_a_first_segment_that_may_not_fit_is_one_epoch_to_be_measured():
    clock, _, pace = begun(said=2.0)
    assert pace(32) == 1
    clock.now += 0.1  # the plan was wrong
    assert pace(32) == 32


def test_segments_become_shorter_towards_the_limit_and_stop_before_it():
    clock, limit, pace = begun(seconds=50.0)
    told = []
    while epochs := pace(32):
        told.append(epochs)
        clock.now += epochs
    assert told[0] == 1
    assert 48 <= sum(told) <= 50
    assert told[1:] == sorted(told[1:], reverse=True)
    assert limit.reached


def test_epochs_that_slow_down_end_in_time_too():
    clock, limit, pace = begun(seconds=50.0)
    while epochs := pace(32):
        clock.now += epochs * (1.5 if clock.now > 20 else 1.0)
    assert clock.now <= 51
    assert limit.reached


def test_an_epoch_that_takes_longer_than_what_is_left_is_not_begun():
    clock, limit, pace = begun(seconds=50.0)
    assert pace(1) == 1
    clock.now += 26.0
    assert pace(1) == 0
    assert limit.reached


@pytest.mark.parametrize(("left", "said"), [(0.0, 0.1), (-1.0, 0.1), (2.0, 3.0)])
def test_no_epoch_begins_that_would_end_after_the_limit(left, said):
    _, limit, pace = begun(left, said)
    assert pace(1) == 0
    assert limit.reached
