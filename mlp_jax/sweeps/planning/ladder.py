"""The widths that networks are padded to: few, and the same ones in the next sweep.

Widths of a layer that are drawn from a range are padded to a quarter, a half, three quarters or all
of the rung above the widest: 128 of a range from 8 to 128, or to 100. So another seed, and most
other ranges, find the programs compiled. Widths that a space lists, a few for each layer, are the
same in the next sweep by themselves.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

QUARTERS = 4
# In quarters of the top rung: all layers alike, and layers of independent widths, by their number.
# Of every list the first ones are taken, as many as pay; experiments/benchmarks/planning.py prints
# them, each the one that saves the most time beside those before it.
ALIKE = (4, 2, 3, 1)
INDEPENDENT: dict[int, tuple[tuple[int, ...], ...]] = {
    2: ((4, 4), (2, 4), (4, 2), (2, 2), (3, 3), (1, 4), (4, 1), (1, 2)),
    3: (
        *((4, 4, 4), (4, 2, 4), (3, 4, 3), (3, 1, 4)),
        *((2, 4, 2), (4, 3, 4), (4, 2, 2), (3, 3, 3)),
    ),
    4: (
        *((4, 4, 4, 4), (4, 3, 3, 4), (2, 4, 2, 4), (4, 2, 4, 3)),
        *((4, 2, 2, 3), (3, 4, 4, 2), (4, 4, 2, 4), (3, 1, 4, 4)),
    ),
}
TAKEN = (1, 2, 4, 8)  # how many of a list: few numbers, so that another seed takes as many
# Widths of a layer are taken as listed if they are `FEW`, or at most `LISTED` that each come again.
FEW, LISTED, MEMBERS_EACH = 3, 8, 2


class Price(NamedTuple):
    """What members of one kind take, in seconds.

    of_widths: (..., hidden layers) widths -> (...,) of an epoch.
    epochs: (members,)
    program: that a program counts which the next sweep finds.
    own_program: that a program counts which no other sweep may have.
    most: the most programs.
    """

    of_widths: Callable[[np.ndarray], np.ndarray]
    epochs: np.ndarray
    program: float
    own_program: float
    most: int


class Padded(NamedTuple):
    """Members of one kind in programs.

    shapes: (programs, hidden layers), the widths of each.
    places: (members,), the number of each one's program.
    """

    shapes: np.ndarray
    places: np.ndarray

    def seconds(self, price: Price) -> float:
        """Of training by these programs, compiled."""
        epochs = np.bincount(self.places, price.epochs, len(self.shapes))
        return float((price.of_widths(self.shapes) * epochs).sum())


def own_shapes(widths: np.ndarray) -> Padded:
    """A program for every shape, none of them padded. widths: (members, hidden layers)."""
    if not widths.shape[1]:
        return Padded(widths[:1], np.zeros(len(widths), np.int64))
    shapes, places = np.unique(widths, axis=0, return_inverse=True)
    return Padded(shapes, places.ravel())


def on_ladder(widths: np.ndarray, price: Price) -> Padded:
    """The programs of the least price.

    Args:
      widths: of the members, (members, hidden layers).
      price: of their programs and of training by them.
    """
    own = own_shapes(widths)
    if len(own.shapes) == 1:
        return own
    listed = np.array([_is_listed(column) for column in widths.T])
    most = widths.max(axis=0)
    top = np.where(listed, most, rung_above(most))
    made = []
    for shares in _lists(len(top)):
        for one in _prefixes(widths, np.ceil(shares * top).astype(np.int64), price):
            found = _used(widths, one, listed)
            if len(found.shapes) <= price.most:
                made.append((found.seconds(price) + price.program * len(found.shapes), found))
    if len(own.shapes) <= price.most:
        program = price.program if listed.all() else price.own_program
        made.append((own.seconds(price) + program * len(own.shapes), own))
    return min(made, key=lambda pair: pair[0])[1]


def rung_above(widths: np.ndarray) -> np.ndarray:
    """The least of 4, 6, 8, 12, 16, 24, 32, ... that is as wide: a third is padding at most.

    Example:
      >>> rung_above(np.array([1, 65, 97, 128, 1000])).tolist()
      [4, 96, 128, 128, 1024]
    """
    power = 2 ** np.ceil(np.log2(np.maximum(widths, 4))).astype(np.int64)
    return np.where((widths <= 3 * power // 4) & (power > 4), 3 * power // 4, power)


def _is_listed(widths: np.ndarray) -> bool:
    """Whether widths of a layer, (members,), are few that come again and again."""
    count = len(np.unique(widths))
    return count <= FEW or (count <= LISTED and len(widths) >= MEMBERS_EACH * count)


def _lists(depth: int) -> Iterator[np.ndarray]:
    """Lists of shapes in shares of the top, each (shapes, hidden layers), the widest first."""
    yield np.repeat(np.array(ALIKE)[:, None], depth, axis=1) / QUARTERS
    if depth > 1:
        independent = np.array(INDEPENDENT[min(depth, max(INDEPENDENT))])
        wide = np.full((len(independent), depth - independent.shape[1]), QUARTERS)
        yield np.concatenate([independent, wide], axis=1) / QUARTERS


def _prefixes(widths: np.ndarray, shapes: np.ndarray, price: Price) -> Iterator[Padded]:
    """Every member in the cheapest of the first shapes that are as wide, for the counts of `TAKEN`.

    shapes: the first is as wide as all members.
    """
    fits = (widths[:, None] <= shapes).all(axis=2)
    seconds = np.where(fits, price.of_widths(shapes), np.inf)
    for count in TAKEN:
        if count <= len(shapes):
            yield Padded(shapes[:count], seconds[:, :count].argmin(axis=1))


def _used(widths: np.ndarray, made: Padded, listed: np.ndarray) -> Padded:
    """The programs that have members, in listed layers no wider than the widest of these."""
    used, places = np.unique(made.places, return_inverse=True)
    widest = np.array([widths[places == place].max(axis=0) for place in range(len(used))])
    return Padded(np.where(listed, widest, made.shapes[used]), places.ravel())
