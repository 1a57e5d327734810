"""What --strict refuses: whatever is neither a number, nor a category, nor empty.

Every complaint is one line that says which file, line and column, and what to type.
"""

import re
from collections.abc import Sequence
from typing import Any

from mlp_jax.models.number_spellings import plain_number
from mlp_jax.tables.arrow_cells import check_utf8, is_text
from mlp_jax.tables.kinds import are_names
from mlp_jax.tables.raw_table import RawTable

_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ]\d{1,2}:\d{2}.*)?")
# Such as 36,5; 1,234,567.8; 1.234.567,8.
_COMMAS = re.compile(r"[-+]?(\d+,\d+|\d{1,3}(,\d{3})+(\.\d+)?|\d{1,3}(\.\d{3})+,\d+)")


def is_plain_number(table: RawTable, name: str) -> bool:
    """Whether a column is of numbers; of categories if not.

    Raises:
      ValueError: it is of dates, of lists, of numbers but for a few cells, of numbers with commas,
        or of names that are hardly ever the same.
    """
    from pyarrow import types

    kind = table.frame.schema.field(name).type
    check_no_date(table, name, f", or type {table.drop(name)}")
    check_utf8(table, name, f", or type {table.drop(name)}")
    if types.is_null(kind) or types.is_boolean(kind) or types.is_decimal(kind):
        return True
    if types.is_integer(kind) or types.is_floating(kind):
        return True
    if not is_text(kind):
        raise ValueError(
            f"{table.name}: column {name!r} is of type {kind}; type {table.drop(name)}"
        )
    cells = table.frame[name].to_pylist()
    if table.of_text and _is_of_numbers_and_quoted_gaps(cells):
        return True
    check_words(table, name, [None if cell == "" else cell for cell in cells])
    return False


def check_no_date(table: RawTable, name: str, otherwise: str) -> None:
    """Raises ValueError for a column of dates or times."""
    from pyarrow import types

    if types.is_temporal(table.frame.schema.field(name).type):
        raise ValueError(
            f"{table.name}: column {name!r} is of dates or times, which a network cannot take; "
            f"replace them by numbers, such as year, month or days since a day{otherwise}"
        )


def check_commas(table: RawTable, name: str, cells: Sequence[Any]) -> None:
    """Raises ValueError for a column most of whose texts are numbers, some of them with commas."""
    texts = [(row, cell) for row, cell in enumerate(cells) if isinstance(cell, str)]
    commas = [(row, cell) for row, cell in texts if _COMMAS.fullmatch(cell.strip())]
    plain = sum(plain_number(cell) is not None for _, cell in texts) if commas else 0
    if commas and 2 * (len(commas) + plain) > len(texts):
        row, cell = commas[0]
        raise ValueError(
            f"{table.cell(row, name)}: {cell!r} is written with a decimal comma, or with commas "
            "between thousands; write numbers as 36.5 or 1234, or type "
            f"{table.as_categories(name)} if they are categories"
        )


def check_words(table: RawTable, name: str, listed: Sequence[Any]) -> None:
    """Raises ValueError for a column whose texts are no categories."""
    check_commas(table, name, listed)
    cells = [(row, cell) for row, cell in enumerate(listed) if cell is not None]
    numbers = [plain_number(cell) is not None for _, cell in cells]
    if cells and 2 * sum(numbers) > len(cells) and False in numbers:
        row, cell = cells[numbers.index(False)]
        raise ValueError(
            f"{table.cell(row, name)}: {cell!r} is not a number; mend it, leave it empty, or type "
            f"{table.as_categories(name)} or {table.drop(name)}"
        )
    dates = sum(_DATE.fullmatch(cell.strip()) is not None for _, cell in cells)
    if cells and 2 * dates > len(cells):
        raise ValueError(
            f"{table.name}: column {name!r} is of dates, such as {cells[0][1]!r}; replace them by "
            f"numbers, such as year, month or days since a day, or type {table.drop(name)}"
        )
    different = len({cell for _, cell in cells})
    if are_names(different, len(cells)):
        beside = "" if table.in_python else f"or --id {name!r} to write it beside predictions, "
        raise ValueError(
            f"{table.name}: column {name!r} has {different:,} different texts in {len(cells):,} "
            f"rows, more names than categories; type {table.drop(name)}, {beside}or "
            f"{table.as_categories(name)} if they are categories"
        )


def _is_of_numbers_and_quoted_gaps(cells: Sequence[Any]) -> bool:
    """Whether a column of a CSV file is of numbers, but for cells that are written as ""."""
    texts = [cell for cell in cells if cell]
    return bool("" in cells and texts and all(plain_number(text) is not None for text in texts))
