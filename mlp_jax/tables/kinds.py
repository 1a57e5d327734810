"""What a column of a table is, as its cells look: numbers, dates, categories, or names of rows.

Where nothing sensible is left, the complaint is one line that says which file, line and column, and
what to type.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from enum import Enum
from typing import NamedTuple, NoReturn

import numpy as np

from mlp_jax.models.columns import INFINITE, Reading
from mlp_jax.models.dates import (
    IN_WORDS,
    DateReading,
    fits,
    has_zone,
    looks_like_a_date,
    moment,
    order_of,
)
from mlp_jax.models.number_spellings import (
    NumberSpelling,
    looks_like_a_number,
    plain_number,
    spelling_of,
)
from mlp_jax.tables.raw_table import RawTable

FEW = 20  # so many different texts are categories, however few rows there are
# Words for gaps among texts, and more of them among texts of a CSV file, which pyarrow knows.
AMONG_TEXTS = ("?",)
OF_CSV = (
    *("#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"),
    *("N/A", "NA", "NULL", "NaN", "n/a", "nan", "null"),
)
OF_PEOPLE = ("missing", "unknown", "not available", "not applicable")
# Words for gaps among numbers and dates, in lower case: people's, pandas', Excel's.
AMONG_NUMBERS = tuple(
    dict.fromkeys(
        (
            *("?", "-", "--", "\u2013", "\u2014", ".", "na", "n/a", "n.a.", "nan", "none", "null"),
            *("<na>", "nat", *OF_PEOPLE),
            *("#div/0!", "#value!", "#ref!", "#num!"),
            *(word.lower() for word in OF_CSV),
            *("0000-00-00", "0000-00-00 00:00:00"),
            *(INFINITE, "-inf", "+inf", "infinity", "-infinity", "+infinity"),
        )
    )
)


class Kind(Enum):
    """What the cells of a column are."""

    NUMBERS = "numbers"
    DATES = "dates"
    CATEGORIES = "categories"
    NAMES = "names"


class Described(NamedTuple):
    """A column as its cells look.

    kind: what they are.
    reading: how they are read; of dates without the part.
    gaps: how often each word for a gap is there.
    """

    kind: Kind
    reading: Reading
    gaps: Counter[str]


def are_names(different: int, count: int) -> bool:
    """Whether texts are names rather than categories: so many different ones among so many."""
    return different > max(FEW, 0.5 * count)


def as_categories(table: RawTable, cells: Iterable[str | None]) -> Described:
    """What a column of texts is that somebody has said to be of categories."""
    gaps = (*AMONG_TEXTS, *(OF_CSV if table.of_text else ()))
    counts = Counter(cell for cell in cells if cell is not None and cell in gaps)
    return Described(Kind.CATEGORIES, Reading(gaps), counts)


def described(table: RawTable, name: str, cells: np.ndarray) -> Described:
    """What a column is.

    Args:
      table: that it is of.
      name: of the column.
      cells: as `arrow_cells.cells_of` has them, texts without spaces around them.

    Raises:
      ValueError: most cells are numbers, or dates, but not all of them, or not in one way.
    """
    if cells.dtype.kind == "f":
        return Described(Kind.NUMBERS, Reading(AMONG_NUMBERS), Counter())
    if cells.dtype.kind == "M":
        return _dates(name, "ymd", Counter())
    texts = Counter(cell for cell in cells if cell is not None)
    gaps = Counter({text: n for text, n in texts.items() if text.lower() in AMONG_NUMBERS})
    rest = [text for text in texts if text not in gaps]
    if not rest and not any(text.lower() in OF_PEOPLE for text in texts):
        return Described(Kind.NUMBERS, Reading(AMONG_NUMBERS), gaps)
    if not rest:
        return _categories_or_names(table, cells, texts)
    if all(plain_number(text) is not None for text in rest):
        # Where columns have types, whoever made texts of numbers may have meant categories.
        if table.of_text or gaps or not _are_codes(rest, texts.total()):
            return Described(Kind.NUMBERS, Reading(AMONG_NUMBERS), gaps)
        return _categories_or_names(table, cells, texts)
    spelling = spelling_of(rest, decimal_comma=table.decimal_comma)
    if spelling is not None:
        return Described(Kind.NUMBERS, Reading(AMONG_NUMBERS, spelling), gaps)
    order = order_of(rest)
    if order == "":
        _refuse_ambiguous(table, name, cells)
    if order is not None:
        return _dates(name, order, gaps)
    _check_numbers(table, name, cells, texts, rest)
    _check_dates(table, name, cells, texts, rest)
    return _categories_or_names(table, cells, texts)


def _are_codes(texts: Collection[str], count: int) -> bool:
    """Whether texts of digits are rather categories: they are few, or begin with zeros."""
    return not are_names(len(texts), count) or any(re.match(r"0\d", text) for text in texts)


def _categories_or_names(table: RawTable, cells: np.ndarray, texts: Counter[str]) -> Described:
    found = as_categories(table, cells)
    left = [text for text in texts if text not in found.gaps]
    is_of_names = are_names(len(left), sum(texts[text] for text in left))
    return found._replace(kind=Kind.NAMES) if is_of_names else found


def _dates(name: str, order: str, gaps: Counter[str]) -> Described:
    return Described(Kind.DATES, Reading(AMONG_NUMBERS, None, DateReading(name, order, "")), gaps)


def _refuse_ambiguous(table: RawTable, name: str, cells: np.ndarray) -> NoReturn:
    row = _first_row(cells, lambda cell: order_of([cell]) == "")
    one, other = (_as_day(cells[row], way) for way in ("dmy", "mdy"))
    _refuse(
        *(table, name, cells, row),
        f"may be {one} or {other}, and so may all dates there; write them as {one}, or type "
        f"{table.as_categories(name)} or {table.drop(name)}",
    )


def _as_day(text: str, order: str) -> str:
    found = moment(text, order)
    return str(np.datetime64(found, "us").astype("datetime64[D]"))


def _check_numbers(
    table: RawTable, name: str, cells: np.ndarray, texts: Counter[str], rest: list[str]
) -> None:
    """Raises ValueError for a column most of whose texts are numbers."""
    alike = [text for text in rest if looks_like_a_number(text)]
    if 2 * sum(texts[text] for text in alike) <= sum(texts[text] for text in rest):
        return
    comma = table.decimal_comma
    plain = NumberSpelling(".")
    tried = dict.fromkeys(spelling_of([t], decimal_comma=bool(comma)) or plain for t in alike)
    usual = max(tried, key=lambda one: sum(texts[text] for text in rest if one.writes(text)))
    fitting = dict.fromkeys(text for text in rest if usual.writes(text))
    cure = f"type {table.as_categories(name)} or {table.drop(name)}"
    if comma is None and spelling_of(rest, decimal_comma=True):  # the comma could be either
        row = _first_row(cells, lambda cell: "," in cell)
        _refuse(
            *(table, name, cells, row),
            f"may be a thousand or more, or little more than one; write it as 1234 or 1.234, or "
            f"{cure}",
        )
    row = _first_row(cells, lambda cell: cell not in fitting and cell.lower() not in AMONG_NUMBERS)
    if looks_like_a_number(cells[row]) and fitting:
        said = (
            f"is not written as {next(iter(fitting))!r} is; write all numbers in one way, or {cure}"
        )
        _refuse(table, name, cells, row, said)
    _refuse(table, name, cells, row, f"is not a number; mend it, leave it empty, or {cure}")


def _check_dates(
    table: RawTable, name: str, cells: np.ndarray, texts: Counter[str], rest: list[str]
) -> None:
    """Raises ValueError for a column most of whose texts are dates."""
    alike = sum(texts[text] for text in rest if looks_like_a_date(text))
    if 2 * alike <= sum(texts[text] for text in rest):
        return

    def fitting(order: str) -> dict[str, None]:
        return dict.fromkeys(text for text in rest if fits(text, order))

    found = max(map(fitting, IN_WORDS), key=lambda some: sum(texts[text] for text in some))
    row = _first_row(cells, lambda cell: cell not in found and cell.lower() not in AMONG_NUMBERS)
    others = f"as {next(iter(found))!r} is" if found else "in any usual way"
    if len(found) == len(rest):
        row = _first_row(cells, lambda cell: cell in found and not has_zone(cell))
        said = "has no time zone, and others there have; write all in one way, or type"
        cure = f"{table.as_categories(name)} or {table.drop(name)}"
        _refuse(table, name, cells, row, f"{said} {cure}")
    _refuse(
        *(table, name, cells, row),
        f"is no date that is written {others}; write all as 2024-12-31, or type "
        f"{table.as_categories(name)} or {table.drop(name)}",
    )


def _first_row(cells: np.ndarray, wanted: Callable[[str], bool]) -> int:
    return next((row for row, cell in enumerate(cells) if cell is not None and wanted(cell)), 0)


def _refuse(table: RawTable, name: str, cells: np.ndarray, row: int, said: str) -> NoReturn:
    raise ValueError(f"{table.cell(row, name)}: {cells[row]!r} {said}")


def counted(gaps: Counter[str]) -> str:
    """Words for gaps and how often they are there, such as "'?' 12 times"."""
    said = gaps.most_common()
    return ", ".join(f"{word!r} {'once' if n == 1 else f'{n:,} times'}" for word, n in said)
