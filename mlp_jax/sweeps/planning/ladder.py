"""The widths that networks are padded to: few, and the same ones in the next sweep.

Widths of a layer that are drawn from a range are padded to a quarter, a half, three quarters or all
of the rung above the widest: 128 of a range from 8 to 128, or to 100. So another seed, and most
other ranges, find the programs compiled. Widths that a space lists, a few for each layer, are the
same in the next sweep by themselves.

A program may choose when it runs how wide its products are: as wide as its members need, to a
quarter. Then it is padded where that costs little.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

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
# From which on a layer of a narrow program is worth a choice.
NARROWEST = 32
# Widths of a layer are taken as listed if they are `FEW`, or at most `LISTED` that each come again.
FEW, LISTED, MEMBERS_EACH = 3, 8, 2


class Narrow(NamedTuple):
    """What a program costs whose products are as wide as needed, beside one of full width.

    compiling: its time of compiling, in those of the other.
    running: the same of training.
    epoch: seconds that an epoch takes longer, for members train one at a time.
    """

    compiling: float
    running: float
    epoch: float


class Price(NamedTuple):
    """What members of one kind take, in seconds.

    of_widths: (widths of a program, widths that its products have) -> of an epoch; each
      (..., hidden layers).
    epochs: (members,)
    program: that a program counts which the next sweep finds.
    own_program: that a program counts which no other sweep may have.
    most: the most programs.
    narrow: what narrow programs count and take; None for none of these.
    """

    of_widths: Callable[[np.ndarray, np.ndarray], np.ndarray]
    epochs: np.ndarray
    program: float
    own_program: float
    most: int
    narrow: Narrow | None = None


class Padded(NamedTuple):
    """Members of one kind in programs.

    shapes: (programs, hidden layers), the widths of each.
    places: (members,), the number of each one's program.
    narrow: products are as wide as needed.
    """

    shapes: np.ndarray
    places: np.ndarray
    narrow: bool = False

    def seconds(self, price: Price, widths: np.ndarray) -> np.ndarray:
        """Of training by these programs, compiled: (programs,), for members of these widths."""
        shapes = self.shapes[self.places]
        each = price.of_widths(shapes, as_used(widths, shapes) if self.narrow else shapes)
        if self.narrow and price.narrow is not None:
            each = price.narrow.running * each + price.narrow.epoch
        return np.bincount(self.places, price.epochs * each, len(self.shapes))

    def price(self, price: Price, widths: np.ndarray, program: float) -> float:
        """Of training and of the programs, each of which counts so much if it is of full width."""
        if self.narrow and price.narrow is not None:
            program *= price.narrow.compiling
        return float(self.seconds(price, widths).sum()) + program * len(self.shapes)


def quarters(n: int) -> tuple[int, ...]:
    """The widths that a narrow program computes a layer of n units by, ascending.

    Example:
      >>> quarters(128), quarters(50), quarters(8)
      ((32, 64, 96, 128), (13, 25, 38, 50), (8,))
    """
    return (n,) if n < NARROWEST else tuple(_part(n, q) for q in range(1, QUARTERS + 1))


def as_used(widths: np.ndarray, shapes: np.ndarray) -> np.ndarray:
    """The widths that products have for members of these widths in narrow programs of these shapes.

    They are of `quarters`.

    Example:
      >>> as_used(np.array([8, 33, 65]), np.array([128, 50, 24])).tolist()
      [32, 38, 24]
    """
    found = shapes
    for q in range(QUARTERS - 1, 0, -1):
        part = _part(shapes, q)
        found = np.where((widths <= part) & (shapes >= NARROWEST), part, found)
    return found


def _part(n: Any, q: int) -> Any:
    """So many quarters of n units, a whole number."""
    return -(-n * q // QUARTERS)


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
        shapes = np.ceil(shares * top).astype(np.int64)
        for narrow in (False, True)[: 1 + (price.narrow is not None)]:
            for one in _prefixes(widths, shapes, price, narrow):
                found = _used(widths, one, listed)
                if len(found.shapes) <= price.most:
                    made.append((found.price(price, widths, price.program), found))
    if len(own.shapes) <= price.most:
        program = price.program if listed.all() else price.own_program
        made.append((own.price(price, widths, program), own))
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


def _prefixes(
    widths: np.ndarray, shapes: np.ndarray, price: Price, narrow: bool
) -> Iterator[Padded]:
    """Every member in the cheapest of the first shapes that are as wide, for the counts of `TAKEN`.

    shapes: the first is as wide as all members.
    """
    fits = (widths[:, None] <= shapes).all(axis=2)
    of_products = as_used(widths[:, None], shapes) if narrow else shapes
    seconds = np.where(fits, price.of_widths(shapes, of_products), np.inf)
    for count in TAKEN:
        if count <= len(shapes):
            yield Padded(shapes[:count], seconds[:, :count].argmin(axis=1), narrow)


def _used(widths: np.ndarray, made: Padded, listed: np.ndarray) -> Padded:
    """The programs that have members, in listed layers no wider than the widest of these."""
    used, places = np.unique(made.places, return_inverse=True)
    widest = np.array([widths[places == place].max(axis=0) for place in range(len(used))])
    return Padded(np.where(listed, widest, made.shapes[used]), places.ravel(), made.narrow)
