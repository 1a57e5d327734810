"""The time that a sweep may take: cohorts train in segments so short that they end with it."""

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from mlp_jax.sweeps.planning.buckets import Bucket
from mlp_jax.wording import as_typed

# A segment takes this share of the time that is left at most, by what the last epochs took: so the
# one that is reckoned badly still ends in time.
SHARE_OF_REST = 0.6
MOST_AFTER = 0.5  # of the whole time, kept for what comes after the sweep; then it ends late
# How many times what the plan says a first segment may take.
DOUBT = 3.0

Clock = Callable[[], float]


class TimeLimit:
    """When a sweep is to end. Any thread may ask.

    seconds: that the sweep may take in all, from when the limit was made.
    reached: something was left undone because of the limit.
    """

    def __init__(self, seconds: float, clock: Clock | None = None) -> None:
        """The limit of so many seconds from now; `clock` tells the time in seconds."""
        self.clock = clock or time.monotonic
        self.seconds = seconds
        self._began = self.clock()
        self.reached = False
        self._learning = threading.Lock()
        self._programs: set[Any] = set()
        self._said, self._took = 0.0, 0.0  # of programs that were compiled, in seconds
        self._after = 0.0

    def left(self) -> float:
        """Seconds until the end; less than 0 after it."""
        with self._learning:
            kept = min(self._after * max(1.0, self._slowness()), MOST_AFTER * self.seconds)
        return self._began + self.seconds - kept - self.clock()

    def spent(self) -> float:
        """Seconds since the limit was made."""
        return self.clock() - self._began

    def less(self, seconds: float) -> "TimeLimit":
        """A limit that ends so many seconds before this one."""
        sooner = TimeLimit(self.seconds - seconds, self.clock)
        sooner._began = self._began
        return sooner

    def keep(self, after: float) -> None:
        """Ends so much sooner as is left for what comes after the sweep.

        after: seconds, as reckoned beforehand; where programs take longer to compile than was
          reckoned, that will too.
        """
        self._after = after

    def is_over(self) -> bool:
        """Whether nothing more may begin; what asks leaves something undone if so."""
        if self.left() > 0:
            return False
        self.reached = True
        return True

    # --- What compilations take, of which all parts of a sweep learn.

    def compiled(self, bucket: Bucket, took: float) -> None:
        """The bucket's program is there after so many seconds; 0 if it was there before."""
        with self._learning:
            self._programs.add(bucket.program)
            if took:
                self._said, self._took = self._said + bucket.compiling, self._took + took

    def compile_seconds(self, bucket: Bucket) -> float:
        """What the bucket's program takes by those before; nothing if it is there, or the first."""
        with self._learning:
            if not self._programs or bucket.program in self._programs:
                return 0.0
            return bucket.compiling * self._slowness()

    def _slowness(self) -> float:
        return self._took / self._said if self._said else 1.0


def as_limit(seconds: Any) -> TimeLimit | None:
    """The limit of so many seconds from now; None for none.

    Raises:
      ValueError: seconds is no number above 0.
    """
    if seconds is None:
        return None
    number = isinstance(seconds, int | float | np.number) and not isinstance(seconds, bool)
    if not number or not 0 < seconds < np.inf:
        raise ValueError(
            f"seconds is {as_typed(seconds)}; expected a number above 0, such as 300, or None"
        )
    return TimeLimit(float(seconds))


class Pace:
    """How many epochs a cohort may train before it looks at the time again.

    It is asked before every segment, and takes the time between as that of the segment.
    """

    def __init__(self, limit: TimeLimit, said: float) -> None:
        """said: seconds that the plan says of an epoch."""
        self._limit, self._said = limit, said
        self._asked, self._epochs = 0.0, 0
        self._each: float | None = None  # seconds of an epoch, as they were measured

    def __call__(self, wanted: int) -> int:
        """So many of the epochs that are wanted; 0 if there is no time for one."""
        now, left = self._limit.clock(), self._limit.left()
        if self._epochs:
            self._each = (now - self._asked) / self._epochs
        epochs = self._allowed(wanted, left)
        self._asked, self._epochs = now, epochs
        if not epochs:
            self._limit.reached = True
        return epochs

    def _allowed(self, wanted: int, left: float) -> int:
        if left <= 0:
            return 0
        if self._each is None:
            if self._said > left:
                return 0
            return wanted if DOUBT * self._said * wanted < left else 1
        if wanted * self._each <= SHARE_OF_REST * left:
            return wanted
        if self._each > left:
            return 0
        return max(1, int(SHARE_OF_REST * left / self._each))
