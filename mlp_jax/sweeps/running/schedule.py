"""Which device compiles or trains what next."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from mlp_jax.sweeps.planning.buckets import Bucket


class CohortName(NamedTuple):
    """Which cohort of a sweep is meant.

    bucket: the number of its bucket in the plan.
    fold: the number of its fold.
    part: its number among the cohorts of this bucket and fold.
    """

    bucket: int
    fold: int
    part: int


class Schedule:
    """What is still to be done, and which programs are where.

    Each program is compiled on one device, which trains the cohorts that the program is for. An
    idle device takes over another's cohorts, if to train what is left of the bucket takes longer
    than to compile its program once more. One thread more than those that train compiles, as long
    as there is anything to compile.
    """

    def __init__(self, buckets: Sequence[Bucket], devices: int, at_a_time: int) -> None:
        """at_a_time: cohorts that a device trains; it may have more threads."""
        self._buckets, self._at_a_time = buckets, at_a_time
        self._cohorts: dict[int, int] = {}  # of a bucket, how many cohorts there were
        self._has: set[tuple[int, Any]] = set()
        self._ready: list[CohortName] = []
        self._training: Counter[Any] = Counter()  # cohorts on a device
        numbers = range(len(buckets))
        again = [number for number in numbers if self._is_worth(number, 1.0)]
        self._to_compile = [*numbers, *again * (devices // max(1, len(buckets)) - 1)]

    def __bool__(self) -> bool:
        """Whether there is anything that nobody has begun."""
        return bool(self._ready or self._to_compile)

    def compiled(self, number: int, device: Any) -> None:
        """The bucket's program is on this device."""
        self._has.add((number, device))

    def train(self, cohorts: Iterable[CohortName]) -> None:
        """These cohorts are ready, their programs being compiled."""
        ready = list(cohorts)
        self._ready += ready
        if not ready:
            return
        for number, count in Counter(name.bucket for name in self._ready).items():
            self._cohorts.setdefault(number, count)

    def trained(self, device: Any) -> None:
        """The device is done with a cohort."""
        self._training[device] -= 1

    def next_of(self, device: Any) -> int | CohortName | None:
        """A bucket whose program to compile, or a cohort to train, or nothing for this device."""
        own = next((name for name in self._ready if (name.bucket, device) in self._has), None)
        busy = self._training[device] >= self._at_a_time
        if self._to_compile and (own is None or busy):
            return self._to_compile.pop(0)
        if self._training[device] > self._at_a_time:
            return None  # one waits for its turn already; another device may take the next
        if own is None:
            left = Counter(name.bucket for name in self._ready)
            worth = {n for n in left if self._is_worth(n, left[n] / self._cohorts[n])}
            own = next((name for name in self._ready if name.bucket in worth), None)
        if own is not None:
            self._ready.remove(own)
            self._training[device] += 1
        return own

    def _is_worth(self, number: int, share: float) -> bool:
        """Whether this share of a bucket takes longer than to compile its program once more."""
        bucket = self._buckets[number]
        return share * bucket.seconds > bucket.compiling
