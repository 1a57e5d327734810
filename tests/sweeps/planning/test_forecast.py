"""What a part of a sweep will take, corrected by what the parts before took."""

from types import SimpleNamespace

import pytest

from mlp_jax.sweeps.planning.forecast import Forecast


def bucket(name, compiling, seconds):
    return SimpleNamespace(program=name, compiling=compiling, seconds=seconds)


def plan(*buckets, workers=2):
    seconds = sum(one.compiling + one.seconds for one in buckets) / workers
    return SimpleNamespace(buckets=buckets, seconds=seconds)


FIRST = plan(bucket("a", 4.0, 10.0), bucket("b", 6.0, 20.0))


def test_before_anything_ran_it_is_what_the_plan_says():
    assert Forecast().seconds(FIRST) == FIRST.seconds == 20.0


@pytest.mark.parametrize(
    ("spent", "wall", "expected"),
    [
        # Programs compiled in half of the time, trainings took twice; workers never waited.
        ({0: (2.0, 20.0), 1: (3.0, 40.0)}, 32.5, (2 * 30 + 0.5 * 8) / 2),
        # As the plan said, but one of two workers was idle for half of the time.
        ({0: (4.0, 10.0), 1: (6.0, 20.0)}, 40.0, 2 * (30 + 8) / 2),
        # Another sweep had compiled the programs: of a new one nothing is known.
        ({0: (0.0, 10.0), 1: (0.0, 20.0)}, 15.0, (30 + 8) / 2),
    ],
)
def test_what_ran_corrects_what_comes_and_its_programs_are_there(spent, wall, expected):
    forecast = Forecast()
    forecast.learn(FIRST, spent, wall, workers=2)
    of_known = plan(bucket("a", 4.0, 10.0), bucket("b", 6.0, 20.0), bucket("c", 8.0, 0.0))
    assert forecast.seconds(of_known) == pytest.approx(expected)
