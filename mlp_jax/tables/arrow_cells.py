"""The cells of a column of pyarrow as NumPy has them, without pandas, as `models.cells` reads them.

Numbers and truth values are float64, dates and times datetime64[us], and texts objects, None where
there is none.
"""

from typing import Any

import numpy as np

from mlp_jax.models.cells import as_category
from mlp_jax.tables.arrow_numbers import as_floats
from mlp_jax.tables.raw_table import RawTable
from mlp_jax.tables.sources import NOT_UTF8


def is_text(kind: Any) -> bool:
    """Whether a type of pyarrow is of texts."""
    from pyarrow import types

    kinds = ("is_string", "is_large_string", "is_string_view", "is_dictionary")
    return any(getattr(types, name)(kind) for name in kinds if hasattr(types, name))


def is_time_of_day(kind: Any) -> bool:
    """Whether a type of pyarrow is of times without a date."""
    from pyarrow import types

    return bool(types.is_time(kind))


def check_utf8(table: RawTable, name: str, otherwise: str) -> None:
    """Raises ValueError for a column of a text that is in another encoding."""
    from pyarrow import types

    if table.of_text and types.is_binary(table.frame.schema.field(name).type):
        raise ValueError(f"{table.name}: column {name!r} cannot be read: {NOT_UTF8}{otherwise}")


def cells_of(table: RawTable, name: str) -> np.ndarray:
    """A column's cells, (rows,): float64, datetime64[us], or texts; an empty text is None.

    Raises:
      ValueError: it is of something that no network takes, such as lists.
    """
    import pyarrow
    from pyarrow import types

    column = table.frame[name]
    kind = column.type
    check_utf8(table, name, f", or type {table.drop(name)}")
    if types.is_integer(kind) or types.is_floating(kind):
        return as_floats(column)
    if types.is_null(kind):
        return np.full(len(column), np.nan)
    if types.is_boolean(kind):
        return as_floats(column.cast(pyarrow.int8()))
    if types.is_decimal(kind):
        return np.array([np.nan if c is None else float(c) for c in column.to_pylist()])
    if types.is_duration(kind):  # in seconds
        return _ticks(column.cast(pyarrow.duration("us"), safe=False)) / 1e6
    if is_time_of_day(kind):
        return _moments(column.cast(pyarrow.time64("us"), safe=False))
    if types.is_temporal(kind) and not types.is_interval(kind):
        return _moments(column.cast(pyarrow.timestamp("us"), safe=False))
    if not is_text(kind):
        raise ValueError(
            f"{table.name}: column {name!r} is of type {kind}; type {table.drop(name)}"
        )
    return as_texts(column)


def as_texts(column: Any) -> np.ndarray:
    """A column's cells as texts, (rows,), objects; None for a missing one and for an empty text."""
    found = np.empty(len(column), object)
    found[:] = [None if cell == "" else as_category(cell) for cell in column.to_pylist()]
    return found


def _ticks(column: Any) -> np.ndarray:
    import pyarrow

    return as_floats(column.cast(pyarrow.int64()))


def _moments(column: Any) -> np.ndarray:
    ticks = _ticks(column)
    found = np.where(np.isnan(ticks), 0, ticks).astype(np.int64).astype("datetime64[us]")
    found[np.isnan(ticks)] = np.datetime64("NaT")
    return found
