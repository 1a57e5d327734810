"""What a checkpoint knew of members that were amid their training when a sweep goes on from it."""

from collections.abc import Iterable, Sequence

import numpy as np

from mlp_jax.sweeps.member_order import MemberOrder
from mlp_jax.sweeps.members import Snapshot


class SavedSnapshots:
    """The snapshots of a checkpoint, by member."""

    def __init__(self, snapshots: Sequence[Snapshot], order: MemberOrder, mine: np.ndarray) -> None:
        """Of some members alone, as the first snapshot has them.

        Args:
          snapshots: the furthest first, for another writer's may be older.
          order: of all members.
          mine: which of them the process trains, marked, (members,).
        """
        self._snapshots, self._order = snapshots, order
        self._number = np.full(len(order), -1)  # of every member's snapshot
        self._place = np.zeros(len(order), np.int64)  # of the member there
        for number, snapshot in reversed(list(enumerate(snapshots))):
            places = order.places(snapshot.members)
            own = mine[places]
            self._number[places[own]] = number
            self._place[places[own]] = np.flatnonzero(own)

    def known(self, members: np.ndarray) -> np.ndarray:
        """Which of these members, (members, 3), the checkpoint knew."""
        return self._number[self._order.places(members)] >= 0

    def epochs_done(self, members: np.ndarray) -> np.ndarray:
        """How many epochs each has behind it, (members,); 0 of those that it did not know."""
        done = np.array([*(snapshot.done for snapshot in self._snapshots), 0])
        return done[self._number[self._order.places(members)]]

    def of(self, members: np.ndarray) -> list[tuple[Snapshot, int]]:
        """(its snapshot, its place there) of each of these members, all of them known."""
        places = self._order.places(members)
        numbers, rows = self._number[places].tolist(), self._place[places].tolist()
        return [(self._snapshots[number], row) for number, row in zip(numbers, rows, strict=True)]

    def but_for(self, begun: Iterable[Snapshot], done: np.ndarray) -> list[Snapshot]:
        """The snapshots of members that are neither in one of `begun` nor done.

        done: marked, (all members of the sweep,).
        """
        left = (self._number >= 0) & ~done
        for snapshot in begun:
            left[self._order.places(snapshot.members)] = False
        return [
            snapshot.part(np.sort(self._place[left & (self._number == number)]))
            for number, snapshot in enumerate(self._snapshots)
            if (left & (self._number == number)).any()
        ]
