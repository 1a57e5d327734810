"""A member of a sweep, where it stands, what became of it, and how it was judged at a rung."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mlp_jax.parameters import Layer

# What may become of a member. A configuration is as its members are; of different ones, the first.
STATUSES = ("diverged", "interrupted", "halved away", "finished", "stopped")


class Member(NamedTuple):
    """One training of a sweep.

    configuration: its number in the space, from 0.
    seed: of its initial weights.
    fold: the number of the fold that it is trained on, from 0.
    """

    configuration: int
    seed: int
    fold: int


class Snapshot(NamedTuple):
    """Where members that are trained side by side stand after a segment, to go on from.

    members: of one fold.
    done: epochs that those that go on have behind them.
    leaves: of their `State`, each with the members on its first axis, and at the end the history,
      (members, done, 4).
    """

    members: tuple[Member, ...]
    done: int
    leaves: tuple[np.ndarray, ...]

    def part(self, places: Sequence[int]) -> "Snapshot":
        """The snapshot of the members in these places alone."""
        if len(places) == len(self.members):
            return self
        members = tuple(self.members[place] for place in places)
        leaves = tuple(leaf[list(places)] for leaf in self.leaves)
        return self._replace(members=members, leaves=leaves)


class Outcome(NamedTuple):
    """What became of a member.

    params: those of its best epoch, see `Task.best_by`; None if there are none.
    history: (epochs, 4), a row an epoch: the fields of `Info`.
    best_epoch: counted from 1; 0 if there is none.
    score: of the best epoch, the better the higher; NaN if there is none.
    status: "finished", "stopped" (patience was lost), "diverged", "halved away" or "interrupted".
    """

    params: tuple[Layer, ...] | None
    history: np.ndarray
    best_epoch: int
    score: float
    status: str


class RungScore(NamedTuple):
    """How a member was judged where halving chooses.

    configuration: the number of its configuration.
    score: of its best epoch so far; NaN of a member that diverged.
    loss: the validation loss of that epoch, which decides between equal scores; likewise.
    """

    configuration: int
    score: float
    loss: float
