"""A member of a sweep, where it stands, what may become of it, how it was judged at a rung."""

from typing import NamedTuple

import numpy as np

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

    members: configuration, seed and fold of each, (members, 3); all of one fold.
    done: epochs that those that go on have behind them.
    leaves: of their `State`, each with the members on its first axis, and at the end the history,
      (members, done, 4).
    """

    members: np.ndarray
    done: int
    leaves: tuple[np.ndarray, ...]

    def part(self, places: np.ndarray) -> "Snapshot":
        """The snapshot of the members in these places alone."""
        if len(places) == len(self.members):
            return self
        leaves = tuple(leaf[places] for leaf in self.leaves)
        return self._replace(members=self.members[places], leaves=leaves)


class RungScore(NamedTuple):
    """How a member was judged where halving chooses.

    configuration: the number of its configuration.
    score: of its best epoch so far; NaN of a member that diverged.
    loss: the validation loss of that epoch, which decides between equal scores; likewise.
    """

    configuration: int
    score: float
    loss: float
