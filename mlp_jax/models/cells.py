"""The cells of a user's table: a column's numbers, or the places of its categories. NumPy alone."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from mlp_jax.wording import as_typed

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


def places_of(values: Any, column: Column) -> np.ndarray:
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


def columns_of(all_of_them: Sequence[Column], expected: Sequence[Column], rows: Any) -> list[Any]:
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
