"""Where members stand amid their training: of a wave, and all that a checkpoint knew of."""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from mlp_jax.sweeps.members import Row

Named = tuple[int, int, int]  # a member: configuration, seed, fold


class Standing(NamedTuple):
    """Where a wave stands after a segment, to go on from.

    rows: of members. fold: the number of it. done: epochs. leaves: of the state, with the members
    on their first axes, and the history, (members, done, 4).
    """

    rows: tuple[Row, ...]
    fold: int
    done: int
    leaves: tuple[np.ndarray, ...]

    def part(self, places: Sequence[int]) -> "Standing":
        """Of the rows in these places alone."""
        if len(places) == len(self.rows):
            return self
        rows = tuple(self.rows[place] for place in places)
        leaves = tuple(leaf[list(places)] for leaf in self.leaves)
        return self._replace(rows=rows, leaves=leaves)


class Standings:
    """What a checkpoint knew when a sweep went on from it, by member."""

    def __init__(self, standings: Iterable[Standing], members: Collection[Named]) -> None:
        """standings: the furthest first, for another writer's may be older. members: its own."""
        self._of: dict[Named, tuple[Standing, int]] = {}
        for standing in standings:
            for place, row in enumerate(standing.rows):
                if (*row, standing.fold) in members:
                    self._of.setdefault((*row, standing.fold), (standing, place))

    def __contains__(self, member: Named) -> bool:
        return member in self._of

    def epochs_done(self, member: Named) -> int:
        """0 of a member that it did not know."""
        return self._of[member][0].done if member in self else 0

    def of(self, rows: Sequence[Row], fold: int) -> list[tuple[Standing, int]]:
        """Of each row (its standing, its place there), all of them known."""
        return [self._of[(*row, fold)] for row in rows]

    def but_for(self, begun: Iterable[Standing], done: Collection[Named]) -> list[Standing]:
        """Those of members that stand nowhere among `begun` and are not done."""
        known = {(*row, standing.fold) for standing in begun for row in standing.rows}
        parts: dict[int, tuple[Standing, list[int]]] = {}
        for member, (standing, place) in self._of.items():
            if member not in known and member not in done:
                parts.setdefault(id(standing), (standing, []))[1].append(place)
        return [standing.part(places) for standing, places in parts.values()]
