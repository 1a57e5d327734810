"""Which device compiles or trains what next."""

from collections.abc import Iterable, Sequence
from typing import Any

from mlp_jax.sweeps.costs import compile_seconds
from mlp_jax.sweeps.plan import Bucket

Name = tuple[int, int, int]  # of a wave: bucket, fold, part of its rows


class Schedule:
    """What is still to be done, and which programs are where.

    Each program is compiled on one device, which trains the waves it is for. A device with nothing
    left to compile helps another, if that takes longer than to compile the program once more.
    """

    def __init__(self, buckets: Sequence[Bucket], devices: int) -> None:
        self._buckets = buckets
        self._waves: dict[int, tuple[Name, ...]] = {}
        self._has: set[tuple[int, Any]] = set()
        self._ready: list[Name] = []
        numbers = range(len(buckets))
        again = [number for number in numbers if self._is_worth(number)]
        self._to_compile = [*numbers, *again * (devices // max(1, len(buckets)) - 1)]

    def __bool__(self) -> bool:
        """Whether there is anything that nobody has begun."""
        return bool(self._ready or self._to_compile)

    def compiled(self, number: int, device: Any) -> None:
        """The bucket's program is on this device."""
        self._has.add((number, device))

    def train(self, waves: Iterable[Name]) -> None:
        """These are ready, their programs being compiled."""
        self._ready += waves
        for number in {name[0] for name in self._ready} - set(self._waves):
            self._waves[number] = tuple(name for name in self._ready if name[0] == number)

    def next_of(self, device: Any) -> int | Name | None:
        """A bucket whose program to compile, or a wave to train, or nothing for this device."""
        own = next((name for name in self._ready if (name[0], device) in self._has), None)
        if own is None and self._to_compile:
            return self._to_compile.pop(0)
        if own is None:
            own = next((name for name in self._ready if self._is_worth(name[0])), None)
        if own is not None:
            self._ready.remove(own)
        return own

    def _is_worth(self, number: int) -> bool:
        """Whether what is left of a bucket takes longer than to compile its program once more."""
        bucket, share = self._buckets[number], 1.0
        if number in self._waves:
            left = sum(name[0] == number for name in self._ready)
            share = left / len(self._waves[number])
        return share * bucket.seconds > compile_seconds(bucket.kind)
