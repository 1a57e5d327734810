"""A bucket: members of a sweep that share a compiled program."""

from typing import NamedTuple

import numpy as np

from mlp_jax.sweeps.members import Kind, Row


class Bucket(NamedTuple):
    """Members that share a program.

    kind: their static choices. hidden: the widths they are padded to. rows: the members, each
    trained on every one of `folds`; those of equal network and epochs are neighbours. which: the
    number of each one's network in `kind.networks`. on: see `members.switches`. chunk: how many
    train side by side. alike: all of a chunk are of one network, which the program then chooses
    once; else it chooses for each. bytes: what a chunk needs while it runs, with those of its wave
    that wait; with halving all members do, and are counted in the plan. flops_used, flops_issued:
    of the matrix products of all, without and with padding, filled batches and chunks. seconds,
    compiling: of one thread, to train all of them, and for the program; rough guesses.
    """

    kind: Kind
    hidden: tuple[int, ...]
    rows: tuple[Row, ...]
    which: tuple[int, ...]
    folds: tuple[int, ...]
    on: frozenset[str]
    chunk: int
    alike: bool = True
    bytes: int = 0
    flops_used: float = 0.0
    flops_issued: float = 0.0
    seconds: float = 0.0
    compiling: float = 0.0

    @property
    def chunks(self) -> int:
        """How many are trained, over all folds."""
        return len(self.parts(self.chunk)) * len(self.folds)

    def parts(self, length: int) -> list[tuple[int, int]]:
        """(first row, row after the last) of parts of at most this length, each for one chunk."""
        parts, first = [], 0
        for count in self.counts.tolist():
            last = first + count
            parts += [(start, min(start + length, last)) for start in range(first, last, length)]
            first = last
        return parts

    @property
    def counts(self) -> np.ndarray:
        """Of rows that may share a chunk: by network, or all."""
        if not self.alike:
            return np.array([len(self.rows)])
        return np.unique(self.which, return_counts=True)[1]
