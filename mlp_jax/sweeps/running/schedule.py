"""Which device compiles or trains what next."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
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


class InOrder(NamedTuple):
    """The order in which things are done where not all of them may be.

    Whatever has the earliest configurations comes first, be it to train or to compile: so what is
    done is about a beginning of the space, of every configuration all folds.

    first_of_cohort: (a cohort) -> the least number of its configurations.
    may_compile: (the number of a bucket) -> whether there is time for its program.
    """

    first_of_cohort: Callable[[CohortName], int]
    may_compile: Callable[[int], bool]


class Schedule:
    """What is still to be done, and which programs are where.

    Each program is compiled on one device, which trains the cohorts that the program is for. An
    idle device takes over another's cohorts, if to train what is left of the bucket takes longer
    than to compile its program once more. One thread more than those that train compiles, as long
    as there is anything to compile.
    """

    def __init__(
        self,
        buckets: Sequence[Bucket],
        devices: int,
        at_a_time: int,
        in_order: InOrder | None = None,
    ) -> None:
        """What is to be done of the buckets, all of it.

        Args:
          buckets: of the plan.
          devices: how many there are.
          at_a_time: cohorts that a device trains; it may have more threads.
          in_order: see there; None where all is done, and the largest bucket comes first.
        """
        self._buckets, self._at_a_time, self._in_order = buckets, at_a_time, in_order
        self._cohorts: dict[int, int] = {}  # of a bucket, how many cohorts there were
        self._has: set[tuple[int, Any]] = set()
        self._ready: list[CohortName] = []
        self._training: Counter[Any] = Counter()  # cohorts on a device
        numbers = range(len(buckets))
        again = [number for number in numbers if self._is_worth(number, 1.0)]
        self._to_compile = [*numbers, *again * (devices // max(1, len(buckets)) - 1)]
        if in_order is not None:
            self._to_compile.sort(key=self._first_of_bucket)

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
        if self._in_order is not None:
            self._ready.sort(key=lambda name: (self._first(name), name.fold))
        for number, count in Counter(name.bucket for name in self._ready).items():
            self._cohorts.setdefault(number, count)

    def trained(self, device: Any) -> None:
        """The device is done with a cohort."""
        self._training[device] -= 1

    def next_of(self, device: Any) -> int | CohortName | None:
        """A bucket whose program to compile, or a cohort to train, or nothing for this device."""
        own = next((name for name in self._ready if (name.bucket, device) in self._has), None)
        busy = self._training[device] >= self._at_a_time
        program = self._next_program(own, busy=busy)
        if program is not None:
            self._to_compile.remove(program)
            return program
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

    def _next_program(self, own: CohortName | None, *, busy: bool) -> int | None:
        """The number of a bucket, if its program is what comes next for a device.

        Args:
          own: the cohort that the device could train.
          busy: the device trains as many as it can.
        """
        if self._in_order is None:
            return self._to_compile[0] if self._to_compile and (own is None or busy) else None
        due = (
            number
            for number in self._to_compile
            if own is None or busy or self._first_of_bucket(number) < self._first(own)
        )
        return next(filter(self._in_order.may_compile, due), None)

    def _first(self, name: CohortName) -> int:
        assert self._in_order is not None
        return self._in_order.first_of_cohort(name)

    def _first_of_bucket(self, number: int) -> int:
        return int(self._buckets[number].configurations.min())

    def _is_worth(self, number: int, share: float) -> bool:
        """Whether this share of a bucket takes longer than to compile its program once more."""
        bucket = self._buckets[number]
        return share * bucket.seconds > bucket.compiling
