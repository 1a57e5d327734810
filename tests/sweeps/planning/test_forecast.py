"""What a part of a sweep will take, corrected by what the parts before took."""

from types import SimpleNamespace

import pytest

from mlp_jax.sweeps.planning.forecast import Forecast, largest


def bucket(name, compiling, seconds):
    return SimpleNamespace(program=name, compiling=compiling, seconds=seconds)


def plan(*buckets, workers=2):
    seconds = sum(one.compiling + one.seconds for one in buckets) / workers
    return SimpleNamespace(buckets=buckets, seconds=seconds)


FIRST = plan(bucket("a", 4.0, 10.0), bucket("b", 6.0, 20.0))


def test_before_anything_ran_it_is_what_the_plan_says():
    assert Forecast().seconds(FIRST) == FIRST.seconds == 20.0


def test_of_what_was_left_out_nothing_is_learnt():
    forecast = Forecast()
    forecast.learn(FIRST, {0: (4.0, 10.0)}, wall=7.0, workers=2)
    assert forecast.seconds(FIRST) == (10 + 6 + 20) / 2


def test_a_program_for_which_there_is_no_time_is_left_out_if_there_is_another():
    forecast = Forecast()
    assert forecast.seconds(FIRST, left=17.0) == (4 + 10) / 2  # 6 s are more than a third
    assert forecast.seconds(FIRST, left=11.0) == 20.0
    forecast.learn(FIRST, {0: (4.0, 10.0)}, wall=7.0, workers=2)
    assert forecast.seconds(FIRST, left=19.0) == (10 + 6 + 20) / 2
    assert forecast.seconds(FIRST, left=17.0) == 10 / 2


@pytest.mark.parametrize(
    ("spent", "wall", "expected"),
    [
        # Programs compiled in half of the time, trainings took twice; workers never waited.
        ({0: (2.0, 20.0), 1: (3.0, 40.0)}, 32.5, (2 * 30 + 0.5 * 8) / 2),
        # As the plan said, and twenty seconds were for other things.
        ({0: (4.0, 10.0), 1: (6.0, 20.0)}, 40.0, 20 + (30 + 8) / 2),
        # Another sweep had compiled the programs: of a new one nothing is known.
        ({0: (0.0, 10.0), 1: (0.0, 20.0)}, 15.0, (30 + 8) / 2),
    ],
)
def test_what_ran_corrects_what_comes_and_its_programs_are_there(spent, wall, expected):
    forecast = Forecast()
    forecast.learn(FIRST, spent, wall, workers=2)
    of_known = plan(bucket("a", 4.0, 10.0), bucket("b", 6.0, 20.0), bucket("c", 8.0, 0.0))
    assert forecast.seconds(of_known) == pytest.approx(expected)


@pytest.mark.parametrize("most", [1, 2, 7, 100, 5000])
@pytest.mark.parametrize("fitting", [0, 1, 2, 3, 6, 40, 99, 100, 4999])
def test_the_largest_that_fits_is_no_larger_and_hardly_smaller(most, fitting):
    asked = []

    def fits(n):
        asked.append(n)
        assert 1 <= n <= most
        return n <= fitting

    found, right = largest(fits, most), min(most, fitting)
    assert 0.8 * right - 1 < found <= right
    assert len(asked) < 16
