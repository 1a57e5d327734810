"""Which columns of a table a network can learn from, and as what: numbers, or categories."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mlp_jax.tables import columns as table_columns
from mlp_jax.tables.files import RawTable

NAMELESS = ("", "Unnamed: 0", "__index_level_0__")  # as pandas writes its index


class Features(NamedTuple):
    """The columns of a table that vary, by name; the fields are as of `Table`."""

    columns: dict[str, np.ndarray]
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    notes: tuple[str, ...]


def features_of(raw: RawTable, names: Sequence[str], categorical: Sequence[str]) -> Features:
    """What these columns are: numbers or categories; a column that does not vary is left out.

    Args:
      raw: the table.
      names: of the columns.
      categorical: the names of those that are of categories, whatever they look like.

    Raises:
      ValueError: a column is of nothing that a network could take.
    """
    found: dict[str, np.ndarray] = {}
    numeric, notes = [], []
    for name in names:
        numbers = name not in categorical and table_columns.is_numeric(raw, name)
        column = (table_columns.numbers if numbers else table_columns.categories)(raw, name)
        if numbers and name in NAMELESS and table_columns.numbers_rows(column):
            notes.append(f"column {name!r} numbers the rows and is left out")
            continue
        if numbers and table_columns.counts_rows(column):
            notes.append(f"column {name!r} numbers the rows; type {raw.drop(name)} if that is all")
        if not _varies(column, numbers):
            notes.append(f"column {name!r} is the same in every row and left out")
            continue
        found[name] = column
        numeric += [name] * numbers
    of_numbers = set(numeric)
    rest = tuple(name for name in found if name not in of_numbers)
    return Features(found, tuple(numeric), rest, tuple(notes))


def _varies(column: np.ndarray, numbers: bool) -> bool:
    """Whether two cells differ; a missing cell differs from all others."""
    missing = np.isnan(column) if numbers else np.array([cell is None for cell in column], bool)
    there = column[~missing]
    return bool(len(there) and (missing.any() or (there != there[0]).any()))
