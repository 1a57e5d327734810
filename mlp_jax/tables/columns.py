"""What the columns of a table are: numbers, categories, or nothing that a network could take.

Every complaint is one line that says which file, line and column, and what to type.
"""

import re
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from mlp_jax.models.cells import Column, as_category, in_one_spelling
from mlp_jax.tables.arrow_numbers import as_floats
from mlp_jax.tables.files import RawTable
from mlp_jax.tables.sources import NOT_UTF8

TargetKind = Literal["classification", "regression"]
FEW = 20  # a target of no more different numbers, all whole, is of classes
MOST_CLASSES = 1000
LARGEST = 1e100  # number that a cell may hold; the squares of larger ones are not finite
_TRUTH = {"true": 1.0, "false": 0.0}
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ]\d{1,2}:\d{2}.*)?")
# Such as 36,5; 1,234,567.8; 1.234.567,8.
_COMMAS = re.compile(r"[-+]?(\d+,\d+|\d{1,3}(,\d{3})+(\.\d+)?|\d{1,3}(\.\d{3})+,\d+)")


def is_numeric(table: RawTable, name: str) -> bool:
    """Whether a column is of numbers; of categories if not.

    Raises:
      ValueError: it is of dates, of lists, of numbers but for a few cells, of numbers with commas,
        or of names that are hardly ever the same.
    """
    from pyarrow import types

    kind = table.frame.schema.field(name).type
    where = f"{table.name}: column {name!r}"
    _check_no_date(table, name, f", or type {table.drop(name)}")
    _check_utf8(table, name, f", or type {table.drop(name)}")
    if types.is_null(kind) or types.is_boolean(kind) or types.is_decimal(kind):
        return True
    if types.is_integer(kind) or types.is_floating(kind):
        return True
    if not is_text(kind):
        raise ValueError(f"{where} is of type {kind}; type {table.drop(name)}")
    if table.of_text and _is_of_numbers_and_quoted_gaps(table, name):
        return True
    _check_words(table, name)
    return False


def is_text(kind: Any) -> bool:
    """Whether a type of pyarrow is of texts."""
    from pyarrow import types

    kinds = ("is_string", "is_large_string", "is_string_view", "is_dictionary")
    return any(getattr(types, name)(kind) for name in kinds if hasattr(types, name))


def _check_no_date(table: RawTable, name: str, otherwise: str) -> None:
    from pyarrow import types

    if types.is_temporal(table.frame.schema.field(name).type):
        raise ValueError(
            f"{table.name}: column {name!r} is of dates or times, which a network cannot take; "
            f"replace them by numbers, such as year, month or days since a day{otherwise}"
        )


def _check_utf8(table: RawTable, name: str, otherwise: str) -> None:
    from pyarrow import types

    if table.of_text and types.is_binary(table.frame.schema.field(name).type):
        raise ValueError(f"{table.name}: column {name!r} cannot be read: {NOT_UTF8}{otherwise}")


def _check_commas(table: RawTable, name: str, cells: Sequence[Any]) -> None:
    """Raises ValueError for a column most of whose texts are numbers, some of them with commas."""
    texts = [(row, cell) for row, cell in enumerate(cells) if isinstance(cell, str)]
    commas = [(row, cell) for row, cell in texts if _COMMAS.fullmatch(cell.strip())]
    plain = sum(_is_number(cell) for _, cell in texts) if commas else 0
    if commas and 2 * (len(commas) + plain) > len(texts):
        row, cell = commas[0]
        raise ValueError(
            f"{table.name}, {table.row(row)}, column {name!r}: {cell!r} is written with a decimal "
            "comma, or with commas between thousands; write numbers as 36.5 or 1234, or type "
            f"{table.as_categories(name)} if they are categories"
        )


def _check_words(table: RawTable, name: str) -> None:
    """Raises ValueError for a column whose texts are no categories."""
    listed = _cells(table, name)
    _check_commas(table, name, listed)
    cells = [(row, cell) for row, cell in enumerate(listed) if cell is not None]
    numbers = [_is_number(cell) for _, cell in cells]
    if cells and 2 * sum(numbers) > len(cells):
        row, cell = cells[numbers.index(False)] if False in numbers else cells[0]
        if False in numbers:
            raise ValueError(
                f"{table.name}, {table.row(row)}, column {name!r}: {cell!r} is not a number; mend "
                f"it, leave it empty, or type {table.as_categories(name)} or {table.drop(name)}"
            )
    dates = sum(_DATE.fullmatch(str(cell).strip()) is not None for _, cell in cells)
    if cells and 2 * dates > len(cells):
        raise ValueError(
            f"{table.name}: column {name!r} is of dates, such as {cells[0][1]!r}; replace them by "
            f"numbers, such as year, month or days since a day, or type {table.drop(name)}"
        )
    different = len({cell for _, cell in cells})
    if different > max(FEW, 0.5 * len(cells)):
        beside = "" if table.in_python else f"or --id {name!r} to write it beside predictions, "
        raise ValueError(
            f"{table.name}: column {name!r} has {different:,} different texts in {len(cells):,} "
            f"rows, more names than categories; type {table.drop(name)}, {beside}or "
            f"{table.as_categories(name)} if they are categories"
        )


def _is_of_numbers_and_quoted_gaps(table: RawTable, name: str) -> bool:
    """Whether a column of a CSV file is of numbers, but for cells that are written as ""."""
    cells = table.frame[name].to_pylist()
    texts = [cell for cell in cells if cell]
    return bool("" in cells and texts and all(map(_is_number, texts)))


def _is_number(cell: Any) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _cells(table: RawTable, name: str) -> list[Any]:
    """A column's cells; an empty text is a missing one."""
    return [None if cell == "" else cell for cell in table.frame[name].to_pylist()]


def numbers(table: RawTable, name: str) -> np.ndarray:
    """A column of numbers as float64, a missing cell NaN.

    Raises:
      ValueError: a cell that is no finite number.
    """
    from pyarrow import types

    column = table.frame[name]
    if types.is_integer(column.type) or types.is_floating(column.type):
        found = as_floats(column)
        if (np.abs(found) > LARGEST).any():
            row = int((np.abs(found) > LARGEST).argmax())
            _number(table, name, row, found[row])
        return found
    cells = enumerate(_cells(table, name))
    return np.array([np.nan if c is None else _number(table, name, row, c) for row, c in cells])


def _number(table: RawTable, name: str, row: int, cell: Any) -> float:
    where = f"{table.name}, {table.row(row)}, column {name!r}"
    try:
        number = _TRUTH[cell] if isinstance(cell, str) and cell in _TRUTH else float(cell)
    except (TypeError, ValueError):
        raise ValueError(f"{where}: {str(cell)!r} is not a number") from None
    if np.isinf(number):
        raise ValueError(f"{where}: {number} is not finite")
    if abs(number) > LARGEST:
        raise ValueError(f"{where}: {number:g} is too large; expected numbers up to {LARGEST:g}")
    return number


def counts_rows(column: np.ndarray) -> bool:
    """Whether a column is 0, 1, 2, ... or 1, 2, 3, ..."""
    return bool(len(column) > FEW and (np.diff(column) == 1).all() and column[0] in (0, 1))


def numbers_rows(column: np.ndarray) -> bool:
    """Whether all numbers are whole and different: an index, in any order and with gaps."""
    whole = np.isfinite(column).all() and (column == np.floor(column)).all()
    return bool(whole and len(np.unique(column)) == len(column))


def categories(table: RawTable, name: str) -> np.ndarray:
    """A column of categories as texts in one spelling, a missing cell None."""
    found = _texts(table, name)
    found[:] = [None if text is None else in_one_spelling(text) for text in found]
    return found


def _texts(table: RawTable, name: str) -> np.ndarray:
    """A column of categories as they are spelled, a missing cell None."""
    found = np.empty(table.frame.num_rows, object)
    found[:] = [as_category(cell) for cell in _cells(table, name)]
    return found


def kind_of_target(table: RawTable, name: str) -> TargetKind:
    """What a target looks like: words, two values, or a few whole numbers are classes.

    Raises:
      ValueError: it is of something that no network predicts, such as dates, or of numbers with
        commas.
    """
    _check_target(table, name)
    cells = _cells(table, name)
    _check_commas(table, name, cells)
    values = {cell for cell in cells if cell is not None and cell == cell}
    if any(isinstance(value, str | bool) for value in values):
        return "classification"
    whole = all(float(value).is_integer() for value in values)
    return "classification" if len(values) == 2 or (whole and len(values) <= FEW) else "regression"


def _check_target(table: RawTable, name: str) -> None:
    from pyarrow import types

    _check_no_date(table, name, "; or choose another --target")
    _check_utf8(table, name, "; or choose another --target")
    kind = table.frame.schema.field(name).type
    numeric = (types.is_integer, types.is_floating, types.is_boolean, types.is_decimal)
    if not (is_text(kind) or types.is_null(kind) or any(is_of(kind) for is_of in numeric)):
        raise ValueError(
            f"{table.name}: the target {name!r} is of type {kind}; expected texts or numbers"
        )


def labels(table: RawTable, name: str) -> tuple[tuple[Any, ...], np.ndarray]:
    """(the classes in order, the place of each row's class).

    Raises:
      ValueError: a missing label, a single class, or hardly fewer classes than rows.
    """
    cells = _target(table, name)
    classes = sorted(set(cells), key=lambda label: (isinstance(label, str), label))
    where = f"{table.name}: the target {name!r} has {len(classes)} value"
    if len(classes) < 2:
        raise ValueError(f"{where}, {classes[0]!r}; expected two classes or more")
    if len(classes) > min(MOST_CLASSES, max(FEW, len(cells) / 2)):
        raise ValueError(
            f"{where}s in {len(cells):,} rows, such as {classes[0]!r}, too many for classes; "
            "choose another --target, or type --task regression if they are numbers"
        )
    places = {label: place for place, label in enumerate(classes)}
    return tuple(classes), np.array([places[cell] for cell in cells])


def targets(table: RawTable, name: str) -> np.ndarray:
    """A target of numbers, float64.

    Raises:
      ValueError: a missing one, one that is not finite, or all the same.
    """
    cells = enumerate(_target(table, name))
    found = np.array([_number(table, name, row, cell) for row, cell in cells])
    if found.min() == found.max():
        raise ValueError(f"{table.name}: the target {name!r} is {found[0]:g} in every row")
    return found


def _target(table: RawTable, name: str) -> list[Any]:
    """A target's cells, none of them missing."""
    _check_target(table, name)
    cells = _cells(table, name)
    missing = [row for row, cell in enumerate(cells) if cell is None or cell != cell]
    if missing:
        raise ValueError(
            f"{table.name}, {table.row(missing[0])}: the target {name!r} is missing, as in "
            f"{len(missing):,} of {len(cells):,} rows; fill it in, or take these rows out"
        )
    for row, cell in enumerate(cells):
        if not isinstance(cell, str | bool | int | float):
            cells[row] = float(cell)  # of the type decimal
    return cells


def feature_columns(table: RawTable, columns: Sequence[Column]) -> dict[str, np.ndarray]:
    """The columns that a trained network takes, ready for `encoding.encode`.

    Raises:
      ValueError: one is missing, or has a cell that is not what it is made of.
    """
    found = {}
    for column in columns:
        name = table.spelled(column.name)
        if name not in table.frame.column_names:
            raise ValueError(
                f"{table.name} has no column {column.name!r}, which the model was trained with; it "
                f"has {', '.join(table.frame.column_names[:10])}"
            )
        read = numbers if column.categories is None else _texts
        found[column.name] = read(table, name)
    return found
