"""Which columns of a table a network can learn from, and those that a trained network asks for."""

from collections.abc import Collection, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from mlp_jax.models.any_table import spelled
from mlp_jax.models.cells import as_moments
from mlp_jax.models.columns import Column, names_in_table
from mlp_jax.tables import notes
from mlp_jax.tables.arrow_cells import as_texts, cells_of
from mlp_jax.tables.columns import numbers, read_column
from mlp_jax.tables.names import some_names
from mlp_jax.tables.notes import Note
from mlp_jax.tables.raw_table import RawTable
from mlp_jax.wording import or_meant


class Features(NamedTuple):
    """The columns of a table that vary, and the parts of its dates, by name.

    columns: the cells of each, (samples,): numbers, a missing one NaN, or texts, None for a gap.
    described: how each is read, without its categories.
    numeric, categorical: the names of those of numbers, and of those of categories.
    notes: what was done to them.
    """

    columns: dict[str, np.ndarray]
    described: dict[str, Column]
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    notes: tuple[Note, ...]


def features_of(raw: RawTable, names: Sequence[str], categorical: Collection[str]) -> Features:
    """What these columns are; one that does not vary is left out, and one of names of rows.

    Args:
      raw: the table.
      names: of the columns.
      categorical: the names of those that are of categories, whatever they look like.

    Raises:
      ValueError: a column is of nothing that a network could take.
    """
    columns: dict[str, np.ndarray] = {}
    described: dict[str, Column] = {}
    said: list[Note] = []
    taken = set(raw.frame.column_names)
    for name in names:
        read = read_column(raw, name, is_of_categories=name in categorical)
        varying = {column: cells for column, cells in read.cells.items() if _varies(cells)}
        if read.cells and not varying:
            said.append(Note(notes.SAME, column=name))
            continue
        said += read.notes
        for column, cells in varying.items():
            own = _new_name(column, taken)
            columns[own], described[own] = cells, column._replace(name=own)
    numeric = [name for name, column in described.items() if column.categories is None]
    rest = [name for name, column in described.items() if column.categories is not None]
    return Features(columns, described, tuple(numeric), tuple(rest), tuple(said))


def _new_name(column: Column, names: Collection[str]) -> str:
    """The name of a part of a date, changed where a column of the table has it."""
    name = column.name
    while name != column.of and name in names:
        name += "'"
    return name


def _varies(column: np.ndarray) -> bool:
    """Whether two cells differ; a missing cell differs from all others."""
    is_of_numbers = column.dtype.kind == "f"
    missing = np.isnan(column) if is_of_numbers else np.array([c is None for c in column], bool)
    there = column[~missing]
    return bool(len(there) and (missing.any() or (there != there[0]).any()))


def _cell(table: RawTable, name: str, row: int) -> str:
    return table.cell(row, name)


def feature_columns(table: RawTable, columns: Sequence[Column]) -> dict[str, np.ndarray]:
    """The table's columns that a trained network takes, ready for `encoding.encode`.

    Raises:
      ValueError: one is missing, or has a cell that is not what it is made of.
    """
    described = {column.of: column for column in columns}
    found = {}
    names = dict.fromkeys(table.frame.column_names)
    for of in names_in_table(columns):
        name, column = spelled(names, of), described[of]
        if name is None:
            cure = or_meant(of, table.frame.column_names)
            if of.isdigit() and table.of_text:
                cure += "; if its first line is a row, type --no-header"
            raise ValueError(
                f"{table.name} has no column {of!r}, which the model was trained with; it has "
                f"{some_names(table.frame.column_names)}{cure}"
            )
        if column.categories is not None:
            found[of] = as_texts(table.frame[name])
        elif column.reading.dates is not None:
            found[of] = as_moments(cells_of(table, name), column, partial(_cell, table, name))
        else:
            found[of] = numbers(table, column, name, cells_of(table, name))
    return found
