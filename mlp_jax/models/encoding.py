"""How the rows of a table become the inputs of a network, in numbers that a file can hold.

There are two steps. A coded row has a number for every column: the number of the cell, the place of
its category, or NaN where the cell is missing. An encoded row has a number for every input of the
network. NumPy alone.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from mlp_jax.models.any_table import columns_of
from mlp_jax.models.cells import as_moments, as_numbers, places_of
from mlp_jax.models.columns import Column as Column
from mlp_jax.models.columns import names_in_table

VALUE, MISSING = -1, -2  # what an input says of its column, where that is no category
FREE, SMOOTH, RAMP = 0, 1, 2  # what keeps an input within limits; see `Input`
WITHIN = 3.0  # a smoothly limited input is between -WITHIN and WITHIN
FAR = 1e18  # where a smoothly limited input is at its limit, and a square still fits into float32
_ENDS = np.array([[-np.inf, -FAR, 0], [np.inf, FAR, 1]])  # of FREE, SMOOTH and RAMP
BLOCK = 1 << 14  # rows that are encoded at once, so that memory stays small
USUAL = 256  # inputs of a row up to which that is so


class Input(NamedTuple):
    """An input of a network.

    source: the place of its column.
    what: VALUE for the number in its column, MISSING for whether the cell is missing, k for whether
      the cell is of the k-th category.
    fill: the coded number that stands for a missing cell; None where no cell may be missing.
    mean, scale: the input is z = (what - mean) / scale.
    limit: FREE; SMOOTH, for z / sqrt(1 + (z / 3)^2), which is z near 0 and within 3 of it; or RAMP,
      for z cut off at 0 and at 1.
    """

    source: int
    what: int = VALUE
    fill: Any = None
    mean: float = 0.0
    scale: float = 1.0
    limit: int = FREE


class Encoding(NamedTuple):
    """The columns of a table, and the n[0] inputs that are made of them, a field of `Input` each.

    columns: of the table.
    source: (n[0],), int32.
    what: (n[0],), int32.
    fill: (n[0],), float64; NaN for None.
    mean: (n[0],), float64.
    scale: (n[0],), float64.
    limit: (n[0],), int32.
    """

    columns: tuple[Column, ...]
    source: np.ndarray
    what: np.ndarray
    fill: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    limit: np.ndarray

    def used(self) -> list[Column]:
        """The columns that an input is made of."""
        places = set(self.source.tolist())
        return [column for place, column in enumerate(self.columns) if place in places]

    def without_gaps(self) -> list[int]:
        """Places of the columns of which no cell may be missing."""
        needed = (self.what == VALUE) & np.isnan(self.fill)
        strict = [
            place
            for place, column in enumerate(self.columns)
            if column.strict
            and not ((self.source == place) & ((self.what == MISSING) | ~np.isnan(self.fill))).any()
        ]
        return sorted({*self.source[needed].tolist(), *strict})

    def inputs(self) -> list[str]:
        """A name for each input: "age", "age from 18 to 25", "age is missing", "colour = red"."""
        return [self._input(Input(*fields)) for fields in zip(*self[1:], strict=True)]

    def _input(self, one: Input) -> str:
        column, what = self.columns[one.source], one.what
        if what == VALUE and one.limit == RAMP:
            return f"{column.name} from {one.mean:.9g} to {one.mean + one.scale:.9g}"
        if what == VALUE:
            return column.name
        if what == MISSING:
            return f"{column.name} is missing"
        categories = column.categories or ()
        return f"{column.name} = {categories[what] if what < len(categories) else '(other)'}"


def numbers(names: Sequence[str], mean: Any = 0.0, scale: Any = 1.0) -> Encoding:
    """The encoding of a table of numbers: every column is an input, none may be missing."""
    n = len(names)
    return Encoding(
        tuple(Column(str(name)) for name in names),
        source=np.arange(n, dtype=np.int32),
        what=np.full(n, VALUE, np.int32),
        fill=np.full(n, np.nan),
        mean=np.broadcast_to(np.asarray(mean, np.float64), n).copy(),
        scale=np.broadcast_to(np.asarray(scale, np.float64), n).copy(),
        limit=np.full(n, FREE, np.int32),
    )


def encoding_of_inputs(columns: Sequence[Column], inputs: Sequence[Input]) -> Encoding:
    """The encoding that makes these inputs, in this order."""
    return Encoding(
        tuple(columns),
        source=np.array([one.source for one in inputs], np.int32),
        what=np.array([one.what for one in inputs], np.int32),
        fill=np.array([np.nan if one.fill is None else one.fill for one in inputs], np.float64),
        mean=np.array([one.mean for one in inputs], np.float64),
        scale=np.array([one.scale for one in inputs], np.float64),
        limit=np.array([one.limit for one in inputs], np.int32),
    )


def check_encoding(encoding: Encoding) -> None:
    """Raises ValueError where an input does not go with its column."""
    columns, source = encoding.columns, encoding.source
    if len({column.name for column in columns}) < len(columns):
        raise ValueError("two of its columns have one name")
    if len(source) and not 0 <= source.min() <= source.max() < len(columns):
        raise ValueError(f"inputs of columns {source.min()} to {source.max()}, of {len(columns)}")
    for place, what in zip(source, encoding.what, strict=True):
        categories = columns[place].categories
        most = -1 if categories is None else len(categories)
        if what < MISSING or what > most or (what == VALUE and categories is not None):
            raise ValueError(f"an input of {columns[place].name!r} is {what}")
    finite = np.isfinite(encoding.mean) & np.isfinite(encoding.scale) & (encoding.scale != 0)
    if not finite.all():
        raise ValueError("a mean or a scale of an input is not finite, or a scale is 0")
    if not np.isin(encoding.limit, (FREE, SMOOTH, RAMP)).all():
        raise ValueError(f"the limits of its inputs are {encoding.limit.tolist()[:10]}")


def encode(encoding: Encoding, rows: Any) -> np.ndarray:
    """The inputs of the network, (samples, n[0]), float64.

    Args:
      encoding: as it was fitted.
      rows: a data frame, a pyarrow table or a dict, whose columns are found by their names,
        whatever their order and whatever else it has; or an array, (samples, columns).

    Raises:
      ValueError: a column is missing, or a cell is not what its column is made of.
    """
    return encoded_in_blocks(encoding, coded(encoding, rows))


def coded(encoding: Encoding, rows: Any) -> np.ndarray:
    """A number for every cell, (samples, columns), float64; see `encode`."""
    used = encoding.used()
    names = names_in_table(used)
    found = columns_of(names_in_table(encoding.columns), names, rows)
    cells = dict(zip(names, found, strict=True))
    codes = np.zeros((len(found[0]), len(encoding.columns)))  # 0 where a column is not used
    places = {column.name: place for place, column in enumerate(encoding.columns)}
    for column in used:
        if column.reading.dates is not None:  # once for all their parts
            cells[column.of] = as_moments(cells[column.of], column)
        read = as_numbers if column.categories is None else places_of
        codes[:, places[column.name]] = read(cells[column.of], column)
    must_be = encoding.without_gaps()
    missing = np.argwhere(np.isnan(codes[:, must_be]))
    if len(missing):
        row, place = missing[0]
        raise ValueError(
            f"row {row + 1}: {encoding.columns[must_be[place]].name!r} is missing, and the table "
            "that the network was trained on had no missing cell to learn from"
        )
    return codes


def encode_read(encoding: Encoding, columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """The inputs, (samples, n[0]), of columns that are read already, each by the name it has here.

    columns: numbers and parts of dates as float64, a missing one NaN; categories as texts.
    """
    found = [
        columns[column.name]
        if column.categories is None
        else places_of(columns[column.name], column)
        for column in encoding.columns
    ]
    return encoded_in_blocks(encoding, np.stack(found, axis=1))


def rows_at_once(block: int, inputs: int) -> int:
    """How many rows of so many inputs take the memory of a block, of `USUAL` inputs at most."""
    return max(1, block * USUAL // max(USUAL, inputs))


def encoded_in_blocks(encoding: Encoding, codes: np.ndarray) -> np.ndarray:
    """What `encoded` returns by NumPy, a block of rows after the other: of many inputs, fewer."""
    X = np.empty((len(codes), len(encoding.source)), order="F")  # as `encoded` returns it
    block = rows_at_once(BLOCK, len(encoding.source))
    for at in range(0, len(codes), block):
        X[at : at + block] = encoded(encoding, codes[at : at + block])
    return X


def encoded(encoding: Encoding, codes: Any, xp: Any = np) -> Any:
    """The inputs, (samples, n[0]), of coded rows; `xp` is NumPy, or jax.numpy to trace it."""
    of_input = codes[:, encoding.source]
    is_missing = xp.isnan(of_input)
    what, fill, mean, scale = (part[None] for part in encoding[2:6])
    filled = xp.where(is_missing, fill, of_input)
    is_category = xp.where(what == MISSING, is_missing, filled == what)
    with np.errstate(over="ignore"):  # beyond all numbers is at the limit, or refused by a model
        z = (xp.where(what == VALUE, filled, is_category) - mean) / scale
    return _limited(encoding.limit, z, xp) if encoding.limit.any() else z


def _limited(limit: np.ndarray, z: Any, xp: Any) -> Any:
    """z, (samples, n[0]), within its limits, (n[0],)."""
    lowest, highest = _ENDS[:, None, limit]  # (1, n[0]) each
    z = xp.clip(z, lowest, highest)
    smooth = np.flatnonzero(limit == SMOOTH)
    near = z[:, smooth]
    curve = near / xp.sqrt(1 + (near / WITHIN) ** 2)
    if xp is not np:
        return z.at[:, smooth].set(curve)
    z[:, smooth] = curve
    return z
