"""A column of a table, read: its numbers, the parts of its dates, or its categories, with notes."""

from collections import Counter
from typing import NamedTuple

import numpy as np

from mlp_jax.models.cells import as_moments, as_numbers, in_one_spelling
from mlp_jax.models.columns import AS_IT_IS, INFINITE, Column
from mlp_jax.models.dates import DAYS, HOUR, PARTS, DateReading, has_zone, part_of
from mlp_jax.tables import notes
from mlp_jax.tables.arrow_cells import as_texts, cells_of, is_time_of_day
from mlp_jax.tables.kinds import Described, Kind, as_categories, counted, described
from mlp_jax.tables.notes import Note
from mlp_jax.tables.raw_table import RawTable
from mlp_jax.tables.strict import is_plain_number

NAMELESS = ("", "Unnamed: 0", "__index_level_0__")  # as pandas writes its index
LARGEST = 1e100  # number that a cell may hold; the squares of larger ones are not finite
MANY = 20  # rows beyond which a column counts them by no chance


class ReadColumn(NamedTuple):
    """What is made of a column of a table.

    cells: by the columns that say how they are read, (samples,): numbers, a missing one NaN, or
      texts, None for a gap; of dates by their parts; {} where the column is left out.
    notes: what was done.
    """

    cells: dict[Column, np.ndarray]
    notes: tuple[Note, ...]


def read_column(table: RawTable, name: str, *, is_of_categories: bool = False) -> ReadColumn:
    """A column, as it looks.

    is_of_categories: somebody has said so.

    Raises:
      ValueError: it is of nothing that a network could take.
    """
    if table.strict:
        is_of_categories = is_of_categories or not is_plain_number(table, name)
    cells = as_texts(table.frame[name]) if is_of_categories else cells_of(table, name)
    said = []
    if cells.dtype.kind == "O" and not table.strict and take_spaces_off(cells):
        said.append(Note(notes.SPACES, column=name))
    found = as_categories(table, cells) if is_of_categories else described(table, name, cells)
    if table.strict:
        found = found._replace(reading=AS_IT_IS, gaps=Counter())
    if found.kind is Kind.NAMES:
        left = [cell for cell in cells if cell is not None and cell not in found.gaps]
        count = f"{len(set(left)):,} different texts in {len(left):,} rows"
        return ReadColumn({}, (Note(notes.NAMES, count, name),))
    if found.kind is Kind.CATEGORIES:
        made = _of_categories(name, cells, found)
    elif found.kind is Kind.DATES:
        made = _of_dates(table, name, cells, found)
    else:
        made = _of_numbers(table, name, cells, found)
    return made._replace(notes=(*said, *made.notes))


def take_spaces_off(cells: np.ndarray) -> bool:
    """Takes spaces off around texts; whether there were any. A text of spaces becomes a gap."""
    bare = [cell if cell is None else cell.strip() or None for cell in cells]
    changed = any(new is not None and new != old for new, old in zip(bare, cells, strict=True))
    cells[:] = bare
    return changed


def numbers(table: RawTable, column: Column, name: str, cells: np.ndarray) -> np.ndarray:
    """Numbers of a column of the table, float64, a missing one NaN.

    Raises:
      ValueError: a cell that is no finite number, or too large a one.
    """
    found = as_numbers(cells, column, lambda row: table.cell(row, name))
    if (np.abs(found) > LARGEST).any():
        row = int((np.abs(found) > LARGEST).argmax())
        raise ValueError(
            f"{table.cell(row, name)}: {found[row]:g} is too large; expected numbers up to "
            f"{LARGEST:g}"
        )
    return found


def _of_numbers(table: RawTable, name: str, cells: np.ndarray, what: Described) -> ReadColumn:
    column = Column(name, reading=what.reading)
    found = numbers(table, column, name, cells)
    gaps, said = Counter(what.gaps), []
    if cells.dtype.kind == "f" and not table.strict:
        gaps[INFINITE] += int(np.isinf(cells).sum())
    if what.reading.spelling is not None:
        row = int(np.flatnonzero(~np.isnan(found))[0])
        said.append(Note(notes.NUMBERS, f"{cells[row]!r} is {found[row]:.15g}", name))
    said += _note_of_gaps(name, gaps)
    if name in NAMELESS and _numbers_rows(found):
        return ReadColumn({}, (*said, Note(notes.INDEX, column=name)))
    if _counts_rows(found):
        said.append(Note(notes.COUNTS, column=name))
    elif name in table.codes and not table.strict:
        said.append(Note(notes.ZEROS, column=name))
    return ReadColumn({column: found}, tuple(said))


def _of_dates(table: RawTable, name: str, cells: np.ndarray, what: Described) -> ReadColumn:
    """The parts of dates, each a column of numbers."""
    dates = what.reading.dates
    assert dates is not None
    if is_time_of_day(table.frame[name].type):
        dates = dates._replace(order="time")
    whole = Column(name, reading=what.reading._replace(dates=dates))
    moments = as_moments(cells, whole, lambda row: table.cell(row, name))
    there = np.flatnonzero(~np.isnat(moments))
    if not len(there):
        return ReadColumn({whole: np.full(len(moments), np.nan)}, ())
    found = {}
    for own in _parts(dates, moments[there]):
        title = f"{name}: {own.part} {own.first if own.part == DAYS else ''}".rstrip()
        column = Column(title, reading=what.reading._replace(dates=own))
        found[column] = as_numbers(moments, column)
    example = cells[there[0]] if cells.dtype.kind == "O" else None
    shown = f"{example!r} is {_in_words(moments[there[0]], dates.order)}" if example else ""
    if getattr(table.frame[name].type, "tz", None) or (example and has_zone(example)):
        shown = f"{shown} in UTC".strip()
    return ReadColumn(found, (Note(notes.DATES, shown, name), *_note_of_gaps(name, what.gaps)))


def _parts(dates: DateReading, known: np.ndarray) -> list[DateReading]:
    """The parts that differ among these moments, datetime64[us]."""
    first = str(known.min().astype("datetime64[D]"))
    parts = PARTS if dates.order != "time" else (HOUR,)
    midnight = "1970-01-01" if dates.order == "time" else ""
    every = [dates._replace(part=one, first=first if one == DAYS else midnight) for one in parts]
    kept = [one for one in every if len(np.unique(part_of(known, one.part, one.first))) > 1]
    return kept or every[-1:]


def _in_words(moment: np.datetime64, order: str) -> str:
    """Such as 2024-12-31, 2024-12-31 10:30, or 10:30 for a time of day."""
    day, time = str(moment.astype("datetime64[s]")).split("T")
    if order == "time":
        return f"{moment.astype(np.int64) / 3.6e9:.4g} hours"
    return day if time == "00:00:00" else f"{day} {time}"


def _of_categories(name: str, cells: np.ndarray, what: Described) -> ReadColumn:
    """Categories as texts in one spelling."""
    found = np.empty(len(cells), object)
    found[:] = [None if c is None or c in what.gaps else in_one_spelling(c) for c in cells]
    column = Column(name, (), reading=what.reading)
    return ReadColumn({column: found}, tuple(_note_of_gaps(name, what.gaps)))


def _note_of_gaps(name: str, gaps: Counter[str]) -> list[Note]:
    there = +gaps
    return [Note(notes.GAPS, counted(there), name)] if there else []


def _counts_rows(column: np.ndarray) -> bool:
    """Whether a column is 0, 1, 2, ... or 1, 2, 3, ..."""
    return bool(len(column) > MANY and (np.diff(column) == 1).all() and column[0] in (0, 1))


def _numbers_rows(column: np.ndarray) -> bool:
    """Whether all numbers are whole and different: an index, in any order and with gaps."""
    whole = np.isfinite(column).all() and (column == np.floor(column)).all()
    return bool(whole and len(np.unique(column)) == len(column))
