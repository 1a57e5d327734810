"""Tables that Python holds: data frames, dicts of columns and arrays, read as files are read."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mlp_jax.models.cells import as_category, is_missing
from mlp_jax.tables.features import features_of
from mlp_jax.tables.files import check_names
from mlp_jax.tables.names import told_apart
from mlp_jax.tables.notes import what_is_left_out
from mlp_jax.tables.raw_table import RawTable
from mlp_jax.tables.table import Table
from mlp_jax.wording import as_typed

NAME = "X"  # what messages call the table


def is_frame(X: Any) -> bool:
    """Whether a table has names for its columns; a sparse array has none."""
    return (isinstance(X, Mapping) and not hasattr(X, "toarray")) or any(
        hasattr(type(X), name) for name in ("columns", "column_names", "__arrow_c_stream__")
    )


def raw_frame(X: Any, names: Sequence[str] | None = None, *, strict: bool = False) -> RawTable:
    """A table of Python's as `files.read_table` returns one of a file.

    Args:
      X: a frame of pandas or polars, a table of pyarrow or of anything else that speaks Arrow, a
        dict of columns, or an array, (samples, columns).
      names: of the columns, in their order; None for the frame's own, or x0, x1, ... of an array.
      strict: what is not plain is refused.

    Raises:
      ValueError: X is no table; or two columns have one name, and strict.
      TypeError: a cell is neither a number nor a text.
    """
    import pyarrow

    if hasattr(X, "iloc"):  # a frame of pandas, which is not imported here
        own, columns = list(X.columns), [X.iloc[:, place] for place in range(X.shape[1])]
    elif isinstance(X, Mapping):
        own, columns = list(X), list(X.values())
    elif is_frame(X):
        try:
            frame = X if isinstance(X, pyarrow.Table) else pyarrow.table(X)
        except TypeError:
            raise ValueError(
                f"X is of type {type(X).__name__}; expected a frame of pandas or polars, a table "
                "of pyarrow, a dict of columns or an array (of a lazy frame, X.collect())"
            ) from None
        own, columns = frame.column_names, frame.columns
    else:
        columns = list(np.asarray(X).T)
        own = [f"x{place}" for place in range(len(columns))]
    written = [str(name) for name in (own if names is None else names)]
    named, said = told_apart(NAME, written, strict=strict)
    arrays = [_as_arrow(column, name) for column, name in zip(columns, named, strict=True)]
    if len({len(array) for array in arrays}) > 1:
        lengths = sorted({len(array) for array in arrays})
        raise ValueError(
            f"X has columns of {lengths[0]} to {lengths[-1]} rows; expected as many each"
        )
    frame = pyarrow.table(arrays, named)
    return RawTable(NAME, frame, of_text=False, notes=tuple(said), in_python=True, strict=strict)


def _as_arrow(column: Any, name: str) -> Any:
    """A column as pyarrow has it, NaN and the like missing; of mixed cells numbers, or texts."""
    import pyarrow

    if isinstance(column, pyarrow.Array | pyarrow.ChunkedArray):
        return column
    try:
        return pyarrow.array(column, from_pandas=True)
    except (pyarrow.ArrowException, TypeError, ValueError):
        cells = [None if is_missing(cell) else cell for cell in column]
    for cell in cells:
        if cell is not None and not isinstance(cell, str | bool | int | float | np.generic):
            raise TypeError(
                f"X: column {name!r} has the cell {as_typed(cell)}; its argument must be a string "
                "or a number in every cell"
            )
    if any(isinstance(cell, str) for cell in cells):
        return pyarrow.array([as_category(cell) for cell in cells], pyarrow.string())
    return pyarrow.array([None if cell is None else float(cell) for cell in cells])


def table_of_frame(
    raw: RawTable,
    y: np.ndarray,
    *,
    target: str,
    classes: Sequence[Any] | None,
    categorical: Sequence[str] = (),
) -> Table:
    """What a network is to learn from the columns of `raw` and from y.

    Columns of a categorical dtype are of categories, as those named are.

    Args:
      raw: the features.
      y: (samples,), the place of each row's class, or its number.
      target: the name of what is predicted.
      classes: what y may be; None for numbers.
      categorical: the names of columns of categories that look like numbers, or like names.

    Raises:
      ValueError: a column is of nothing that a network could take, or none of them varies.
    """
    from pyarrow import types

    check_names(raw, categorical)
    marked = [field.name for field in raw.frame.schema if types.is_dictionary(field.type)]
    spelled = [raw.spelled(name) for name in categorical]
    found = features_of(raw, raw.frame.column_names, [*spelled, *marked])
    if not found.columns:
        raise ValueError(
            f"no column of X varies in its {len(y):,} samples; expected one that a network can "
            f"learn from{what_is_left_out(found.notes, in_python=True)}"
        )
    return Table(
        features=found.columns,
        numeric=found.numeric,
        categorical=found.categorical,
        target=target,
        classes=None if classes is None else tuple(classes),
        y=y,
        described=found.described,
        notes=(*raw.notes, *found.notes),
        name=NAME,
        rows=raw.rows,
        in_python=True,
    )
