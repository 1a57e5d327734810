"""What a part of a sweep will take, by its plan and by what the parts before took."""

import math
from collections.abc import Callable
from typing import Any

from mlp_jax.sweeps.planning.buckets import Bucket
from mlp_jax.sweeps.planning.plan import SweepPlan

# Of the time that is left, what a program may take at most, and the first of a part.
COMPILING, FIRST = 1 / 3, 0.8


class Forecast:
    """The seconds of plans, corrected by what other plans of the same sweep took.

    By factors of compiling and of training, and by what the wall took beside the workers. A program
    that an earlier plan had is there.
    """

    def __init__(self) -> None:
        """A forecast that believes the plan."""
        self._compiling = self._training = 1.0
        self._beside = 0.0  # seconds
        self._compiled: set[Any] = set()

    def seconds(self, plan: SweepPlan, left: float = math.inf) -> float:
        """Of the wall, without what has no program yet and no time for one.

        left: seconds until the limit.
        """
        priced = [(bucket, self._compiling_seconds(bucket)) for bucket in plan.buckets]
        in_time = [(bucket, takes) for bucket, takes in priced if takes < COMPILING * left]
        some = in_time or priced
        compiling = sum(takes for _, takes in some)
        training = self._training * sum(bucket.seconds for bucket, _ in some)
        said = sum(bucket.compiling + bucket.seconds for bucket in plan.buckets)
        workers = said / plan.seconds if plan.seconds else 1.0
        return self._beside + (compiling + training) / workers

    def _compiling_seconds(self, bucket: Bucket) -> float:
        return 0.0 if bucket.program in self._compiled else self._compiling * bucket.compiling

    def learn(
        self,
        plan: SweepPlan,
        seconds: dict[int, tuple[float, float]],
        wall: float,
        workers: int,
    ) -> None:
        """A plan was trained to the end, or what of it had programs.

        Args:
          plan: what was planned.
          seconds: by the number of a bucket, what threads compiled and trained it.
          wall: the seconds of all of it.
          workers: how many threads train at a time.
        """
        compiling, training = (sum(one[i] for one in seconds.values()) for i in range(2))
        done = [plan.buckets[number] for number in seconds]  # for others there was no time
        new = [bucket for bucket in done if bucket.program not in self._compiled]
        if new and compiling:
            self._compiling = compiling / sum(bucket.compiling for bucket in new)
        said = sum(bucket.seconds for bucket in done)
        if said and training:
            self._training = training / said
            self._beside = max(0.0, wall - (compiling + training) / workers)
        self._compiled |= {bucket.program for bucket in new}


def largest(fits: Callable[[int], bool], most: int) -> int:
    """The largest number up to `most` that fits, by a fifth at most too small; 0 if 1 does not.

    fits: of numbers from 1 up; what is larger than one that does not fit does not fit.

    Example:
      >>> largest(lambda n: n <= 100, 5000), largest(lambda n: True, 7), largest(lambda n: n < 1, 9)
      (91, 7, 0)
    """
    good, bad = 0, 1
    while bad <= most and fits(bad):
        good, bad = bad, bad * 4
    bad = min(bad, most + 1)
    while bad - good > max(1, good // 5):
        middle = (good + bad) // 2 if good < 4 else round(math.sqrt(good * bad))
        good, bad = (middle, bad) if fits(middle) else (good, middle)
    return good
