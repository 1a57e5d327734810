"""How the rows of a table become the inputs of a network, in numbers that a file can hold.

There are two steps. A coded row has a number for every column: the number of the cell, the place of
its category, or NaN where the cell is missing. An encoded row has a number for every input of the
network. NumPy alone.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from mlp_jax.wording import as_typed

VALUE, MISSING = -1, -2  # what an input says of its column, where that is no category
BLOCK = 1 << 14  # rows that are encoded at once, so that memory stays small
_WHOLE = re.compile(r"(-?(?:0|[1-9][0-9]*))\.0+")


class Column(NamedTuple):
    """A column of the table.

    name: as the table has it.
    categories: what its cells may be, None for numbers; any other cell is of the category "other",
      whose place is after these.
    strict: a cell of none of the categories is an error.
    """

    name: str
    categories: tuple[str, ...] | None = None
    strict: bool = False


class Input(NamedTuple):
    """An input of a network.

    source: the place of its column.
    what: VALUE for the number in its column, MISSING for whether the cell is missing, k for whether
      the cell is of the k-th category.
    fill: the coded number that stands for a missing cell; None where no cell may be missing.
    mean, scale: the input is (what - mean) / scale.
    """

    source: int
    what: int = VALUE
    fill: Any = None
    mean: float = 0.0
    scale: float = 1.0


class Encoding(NamedTuple):
    """The columns of a table, and the n[0] inputs that are made of them, a field of `Input` each.

    columns: of the table.
    source: (n[0],), int32.
    what: (n[0],), int32.
    fill: (n[0],), float64; NaN for None.
    mean: (n[0],), float64.
    scale: (n[0],), float64.
    """

    columns: tuple[Column, ...]
    source: np.ndarray
    what: np.ndarray
    fill: np.ndarray
    mean: np.ndarray
    scale: np.ndarray

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
        """A name for each input, such as "age", "age is missing", "colour = red"."""
        return [self._input(*pair) for pair in zip(self.source, self.what, strict=True)]

    def _input(self, source: int, what: int) -> str:
        column = self.columns[source]
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
    )


def encode(encoding: Encoding, rows: Any) -> np.ndarray:
    """The inputs of the network, (samples, n[0]), float64.

    Args:
      encoding: as it was fitted.
      rows: a data frame, a pyarrow table or a dict, whose columns are found by their names,
        whatever their order and whatever else it has; or an array, (samples, columns).

    Raises:
      ValueError: a column is missing, or a cell is not what its column is made of.
    """
    codes = coded(encoding, rows)
    X = np.empty((len(codes), len(encoding.source)), order="F")  # as `encoded` returns it
    for at in range(0, len(codes), BLOCK):
        X[at : at + BLOCK] = encoded(encoding, codes[at : at + BLOCK])
    return X


def coded(encoding: Encoding, rows: Any) -> np.ndarray:
    """A number for every cell, (samples, columns), float64; see `encode`."""
    used = encoding.used()
    columns = _columns(encoding.columns, used, rows)
    codes = np.zeros((len(columns[0]), len(encoding.columns)))  # 0 where a column is not used
    places = {column: place for place, column in enumerate(encoding.columns)}
    for values, column in zip(columns, used, strict=True):
        numeric = column.categories is None
        read = as_numbers(values, column.name) if numeric else _places(values, column)
        codes[:, places[column]] = read
    must_be = encoding.without_gaps()
    missing = np.argwhere(np.isnan(codes[:, must_be]))
    if len(missing):
        row, place = missing[0]
        raise ValueError(
            f"row {row + 1}: {encoding.columns[must_be[place]].name!r} is missing, and the table "
            "that the network was trained on had no missing cell to learn from"
        )
    return codes


def encoded(encoding: Encoding, codes: Any, xp: Any = np) -> Any:
    """The inputs, (samples, n[0]), of coded rows; `xp` is NumPy, or jax.numpy to trace it."""
    of_input = codes[:, encoding.source]
    is_missing = xp.isnan(of_input)
    what, fill, mean, scale = (part[None] for part in encoding[2:])
    filled = xp.where(is_missing, fill, of_input)
    is_category = xp.where(what == MISSING, is_missing, filled == what)
    return (xp.where(what == VALUE, filled, is_category) - mean) / scale


def is_missing(value: Any) -> bool:
    """Whether a cell is empty: None, NaN, NaT, or what pandas calls NA."""
    if value is None or type(value).__name__ == "NAType":
        return True
    return isinstance(value, float | np.generic) and bool(value != value)


def as_category(value: Any) -> str | None:
    """A cell's category: its text, without the .0 of a whole number; None if it is missing."""
    if is_missing(value):
        return None
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"  # as CSV files have them
    if isinstance(value, float | np.floating) and float(value).is_integer():
        value = int(value)
    return str(value)


def in_one_spelling(category: str) -> str:
    """The category of a text in one spelling: "7.0" is "7" and "True" is "true"; "007" stays."""
    whole = _WHOLE.fullmatch(category)
    if whole:
        return "0" if whole[1] == "-0" else whole[1]
    return category.lower() if category in ("True", "TRUE", "False", "FALSE") else category


def as_numbers(values: Any, name: str) -> np.ndarray:
    """A column as float64, a missing cell NaN.

    Raises:
      ValueError: a cell that is no finite number, with its row.
    """
    array = np.asarray(values)
    if array.dtype.kind == "c":
        raise ValueError(f"{name!r} is of complex numbers; expected real ones")
    if array.dtype.kind not in "fiub":
        array = np.array([_number(value, name, row) for row, value in enumerate(array, start=1)])
    column = array.astype(np.float64)
    if np.isinf(column).any():
        row = int(np.argmax(np.isinf(column)))
        raise ValueError(f"row {row + 1}: {name!r} is {column[row]}; expected a finite number")
    return column


def _number(value: Any, name: str, row: int) -> float:
    if is_missing(value) or (isinstance(value, str) and not value.strip()):
        return np.nan
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ValueError(f"row {row}: {name!r} is {str(value)!r}; expected a number") from None


def _places(values: Any, column: Column) -> np.ndarray:
    """The place of every cell's category; a cell of no category has the place after the last.

    A cell may be spelled as the category is, or as `in_one_spelling` makes both.
    """
    categories = column.categories or ()
    places: dict[str | None, float] = {name: float(k) for k, name in enumerate(categories)}
    for name in categories:
        places.setdefault(in_one_spelling(name), places[name])
    places[None] = np.nan
    # As objects, since NumPy would make texts of all cells of a list, and "nan" of gaps.
    cells = np.asarray(values, object if isinstance(values, list | tuple) else None)
    said = [as_category(value) for value in cells]
    said = [one if one is None or one in places else in_one_spelling(one) for one in said]
    if column.strict:
        for row, category in enumerate(said, start=1):
            if category not in places:
                raise ValueError(
                    f"row {row}: {column.name!r} is {category!r}; expected one of "
                    f"{', '.join(map(repr, categories[:10]))}"
                )
    other = float(len(categories))
    return np.array([places.get(category, other) for category in said])


def _columns(all_of_them: Sequence[Column], expected: Sequence[Column], rows: Any) -> list[Any]:
    """The columns of any kind of table, in the order of `expected`."""
    names = getattr(rows, "column_names", None)  # of a pyarrow table
    if names is None:
        names = list(rows) if isinstance(rows, Mapping) else getattr(rows, "columns", None)
    if names is None:
        array = np.asarray(rows)
        if array.dtype.kind == "U" and not hasattr(rows, "dtype"):  # see `_places`
            array = np.asarray(rows, object)
        if array.ndim != 2 or array.shape[1] != len(all_of_them):
            raise ValueError(f"X has shape {array.shape}; expected (samples, {len(all_of_them)})")
        places = {column: place for place, column in enumerate(all_of_them)}
        return [array[:, places[column]] for column in expected]
    named = {str(name): name for name in names}
    if len(named) < len(list(names)):
        raise ValueError("the table has two columns of one name; expected different names")
    found = [spelled(named, column.name) for column in expected]
    if None in found:
        raise ValueError(
            f"the table has no column {expected[found.index(None)].name!r}; the network was "
            f"trained with {', '.join(repr(column.name) for column in expected[:10])}"
        )
    columns = [_without_a_dictionary(rows[named[str(name)]]) for name in found]
    for column, values in zip(expected, columns, strict=True):
        if isinstance(values, str) or not hasattr(values, "__len__"):
            raise ValueError(
                f"{column.name!r} is {as_typed(values)}; expected a column, such as a list"
            )
    if len({len(values) for values in columns}) > 1:
        lengths = sorted({len(values) for values in columns})
        raise ValueError(f"the columns have {lengths[0]} to {lengths[-1]} rows; expected as many")
    return columns


def spelled(names: Collection[str], name: str) -> str | None:
    """The name that is meant: this one, or the only one that differs by the spaces around it."""
    if name in names:
        return name
    alike = [one for one in names if one.strip() == name.strip()]
    return alike[0] if len(alike) == 1 else None


def _without_a_dictionary(values: Any) -> Any:
    """The cells of a column of pyarrow's dictionaries, whose gaps NumPy takes for the last word."""
    if str(getattr(values, "type", "")).startswith("dictionary<"):
        return values.to_pylist()
    return values
