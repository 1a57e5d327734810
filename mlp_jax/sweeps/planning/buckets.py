"""A bucket: members of a sweep that share a compiled program."""

from typing import Any, NamedTuple

import numpy as np

from mlp_jax.sweeps.planning.kinds import Kind

_ARRAYS = ("configurations", "seeds", "which")


class Bucket(NamedTuple):
    """Members that share a program: some configurations, each with a seed, on every one of `folds`.

    kind: their static choices.
    hidden: the widths that they are padded to.
    configurations: the number of each one's configuration, (members,), int64; those of equal
      network and epochs are neighbours.
    seeds: each one's seed, (members,), int64.
    which: the number of each one's network in `kind.networks`, (members,), int64.
    folds: on which each of them is trained.
    on: the numbers that some of them need; see `kinds.switches`.
    chunk: how many train side by side.
    alike: all of a chunk are of one network, which the program then chooses once; else the program
      chooses for each.
    bytes: what a chunk needs while it runs, with the members of its cohort that wait; with halving
      all members wait, and the plan counts them.
    flops_used: of the matrix products of all members, without padding.
    flops_issued: the same with padding, filled batches and filled chunks.
    seconds: a rough guess of what one thread takes to train them all.
    compiling: a rough guess of the seconds that one thread takes to compile the program.
    quick: the program is compiled in less time and takes more; see `costs.Quick`.
    narrow: its products are no wider than the units that a chunk uses; see `ladder.as_used`.
    """

    kind: Kind
    hidden: tuple[int, ...]
    configurations: np.ndarray
    seeds: np.ndarray
    which: np.ndarray
    folds: tuple[int, ...]
    on: frozenset[str]
    chunk: int
    alike: bool = True
    bytes: int = 0
    flops_used: float = 0.0
    flops_issued: float = 0.0
    seconds: float = 0.0
    compiling: float = 0.0
    quick: bool = False
    narrow: bool = False

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Bucket):
            return False
        own, others = self._asdict(), other._asdict()
        arrays = all(np.array_equal(own.pop(name), others.pop(name)) for name in _ARRAYS)
        return arrays and own == others

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((self.hidden, self.folds, self.on, self.chunk, self.bytes, len(self.seeds)))

    def only(self, places: np.ndarray, fold: int, numbers: np.ndarray) -> "Bucket":
        """The members of some places on one fold.

        numbers: the new number of every configuration.
        """
        return self._replace(
            configurations=numbers[self.configurations[places]],
            seeds=self.seeds[places],
            which=self.which[places],
            folds=(fold,),
            seconds=self.seconds * len(places) / (self.per_fold * len(self.folds)),
        )

    @property
    def program(self) -> Any:
        """What tells its program from the others of a sweep."""
        return self.kind, self.hidden, self.on, self.chunk, self.quick, self.narrow

    @property
    def per_fold(self) -> int:
        """How many members there are of every fold."""
        return len(self.seeds)

    @property
    def chunks(self) -> int:
        """How many chunks are trained, over all folds."""
        return len(self.parts(self.chunk)) * len(self.folds)

    def parts(self, length: int) -> list[tuple[int, int]]:
        """(first member, member after the last) of parts of at most this length, a chunk each."""
        parts, first = [], 0
        for count in self.counts.tolist():
            last = first + count
            parts += [(start, min(start + length, last)) for start in range(first, last, length)]
            first = last
        return parts

    @property
    def counts(self) -> np.ndarray:
        """How many members of a fold may share a chunk: those of every network, or all."""
        if not self.alike:
            return np.array([self.per_fold])
        return np.unique(self.which, return_counts=True)[1]
