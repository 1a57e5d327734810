"""The cells of a user's table: a column's numbers, or the places of its categories. NumPy alone."""

import datetime
import re
from collections.abc import Callable, Collection
from functools import partial
from typing import Any

import numpy as np

from mlp_jax.models.columns import INFINITE, Column, Reading
from mlp_jax.models.dates import IN_WORDS, moment, part_of
from mlp_jax.models.number_spellings import plain_number

Where = Callable[[int], str]  # from the place of a row to what errors call its cell
TRUTHS = {"true": 1.0, "false": 0.0}
NAT = np.datetime64("NaT", "us")

_WHOLE = re.compile(r"(-?(?:0|[1-9][0-9]*))\.0+")


def is_missing(value: Any) -> bool:
    """Whether a cell is empty: None, NaN, NaT, or what pandas calls NA."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
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


def row_of_table(column: Column) -> Where:
    """How errors name a cell of a column, where there is no file whose lines can be counted."""
    return lambda row: f"row {row + 1}, column {column.of!r}"


def as_numbers(values: Any, column: Column, where: Where | None = None) -> np.ndarray:
    """A column as float64, a missing cell NaN; of a date the part that is meant.

    Args:
      values: (samples,): numbers, truth values, texts, dates.
      column: how they are read.
      where: what errors call the cell of a row; see `row_of_table`.

    Raises:
      ValueError: a cell that is no finite number, or no date.
    """
    where = row_of_table(column) if where is None else where
    dates = column.reading.dates
    if dates is not None:
        return part_of(as_moments(values, column, where), dates.part, dates.first)
    array = np.asarray(values)
    if array.dtype.kind == "c":
        raise ValueError(f"{column.name!r} is of complex numbers; expected real ones")
    if array.dtype.kind == "m":
        found = array / np.timedelta64(1, "s")
    elif array.dtype.kind in "fiub":
        found = array.astype(np.float64)
    else:
        found = _read(array, partial(_number, column.reading), np.nan, np.float64, where, "number")
    infinite = np.isinf(found)
    if infinite.any():
        if INFINITE not in column.reading.gaps:
            row = int(np.argmax(infinite))
            raise ValueError(f"{where(row)}: {found[row]} is not finite")
        found[infinite] = np.nan
    return found


def as_moments(values: Any, column: Column, where: Where | None = None) -> np.ndarray:
    """A column of dates or times as datetime64[us], a missing cell NaT.

    Args:
      values: (samples,): of NumPy's or Python's dates and times, or texts.
      column: how they are read.
      where: as of `as_numbers`.

    Raises:
      ValueError: a cell that is no date.
    """
    where = row_of_table(column) if where is None else where
    array = np.asarray(values)
    if array.dtype.kind == "M":
        return array.astype("datetime64[us]")
    if array.dtype.kind == "f" and np.isnan(array).all():
        return np.full(len(array), NAT)
    dates = column.reading.dates
    order = "ymd" if dates is None else dates.order
    read = partial(_moment, column.reading, order)
    what = f"{'time' if order == 'time' else 'date or time'} with {IN_WORDS[order]}"
    return _read(array.astype(object), read, NAT, "datetime64[us]", where, what)


def _read(
    cells: np.ndarray, read: Any, missing: Any, dtype: Any, where: Where, what: str
) -> np.ndarray:
    """What `read` makes of every cell, each different text once; a missing cell is `missing`."""
    known: dict[str, Any] = {"": missing}
    found = np.empty(len(cells), dtype)
    for row, cell in enumerate(cells):
        text = cell.strip() if isinstance(cell, str) else None
        if text is not None and text in known:
            found[row] = known[text]
            continue
        if is_missing(cell):
            found[row] = missing
            continue
        try:
            value = read(cell if text is None else text)
        except (TypeError, ValueError, OverflowError):
            value = None
        if value is None:
            raise ValueError(f"{where(row)}: {str(cell)!r} is not a {what}")
        found[row] = value
        if text is not None:
            known[text] = value
    return found


def _number(reading: Reading, cell: Any) -> float | None:
    if not isinstance(cell, str):
        return float(cell)
    lower = cell.lower()
    if lower in reading.gaps:
        return np.nan
    if lower in TRUTHS:
        return TRUTHS[lower]
    found = plain_number(cell) if reading.spelling is None else reading.spelling.number(cell)
    return found


def _moment(reading: Reading, order: str, cell: Any) -> np.datetime64 | None:
    if isinstance(cell, str):
        if cell.lower() in reading.gaps:
            return NAT
        found = moment(cell, order)
        return None if found is None else np.datetime64(found, "us")
    if isinstance(cell, np.datetime64):
        return cell.astype("datetime64[us]")
    if isinstance(cell, datetime.time):
        cell = datetime.datetime.combine(datetime.date(1970, 1, 1), cell)
    if isinstance(cell, datetime.datetime):
        ahead = cell.utcoffset()
        cell = cell.replace(tzinfo=None)
        return np.datetime64(cell if ahead is None else cell - ahead, "us")
    return np.datetime64(cell, "us") if isinstance(cell, datetime.date) else None


def places_of(values: Any, column: Column, where: Where | None = None) -> np.ndarray:
    """The place of every cell's category; a cell of no category has the place after the last.

    A cell may be spelled as the category is, or as `in_one_spelling` makes both. Where the column
    has words for gaps, each is one unless it is a category, and spaces around a cell are none.
    """
    categories = column.categories or ()
    places: dict[str | None, float] = {name: float(k) for k, name in enumerate(categories)}
    for name in categories:
        places.setdefault(in_one_spelling(name), places[name])
    places[None] = np.nan
    # As objects, since NumPy would make texts of all cells of a list, and "nan" of gaps.
    cells = np.asarray(values, object if isinstance(values, list | tuple) else None)
    said = [as_category(value) for value in cells]
    said = [_spelled(one, places, column.reading.gaps) for one in said]
    where = row_of_table(column) if where is None else where
    if column.strict:
        for row, category in enumerate(said):
            if category not in places:
                raise ValueError(
                    f"{where(row)}: {category!r} is unknown; expected one of "
                    f"{', '.join(map(repr, categories[:10]))}"
                )
    other = float(len(categories))
    return np.array([places.get(category, other) for category in said])


def _spelled(said: str | None, places: Collection[str | None], gaps: Collection[str]) -> str | None:
    """The category that a text is of, as `places` has it; None for a gap."""
    if said in places:
        return said
    if said is None or not gaps:
        return None if said is None else in_one_spelling(said)
    bare = said.strip()
    return None if not bare or bare in gaps else in_one_spelling(bare)
