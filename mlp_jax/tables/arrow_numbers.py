"""Columns of pyarrow as NumPy arrays, without pandas, which pyarrow's own `to_numpy` imports."""

from typing import Any

import numpy as np

_NAMES = {"halffloat": "float16", "float": "float32", "double": "float64"}


def as_floats(column: Any) -> np.ndarray:
    """A column of integers or floats as float64, a missing number NaN, (rows,).

    Args:
      column: a `pyarrow.ChunkedArray`.
    """
    kind = np.dtype(_NAMES.get(str(column.type), str(column.type)))
    found = np.full(len(column), np.nan)
    start = 0
    for chunk in column.chunks:
        count, (gaps, numbers) = len(chunk), chunk.buffers()
        part = slice(chunk.offset, chunk.offset + count)
        if numbers is not None and count:
            found[start : start + count] = np.frombuffer(numbers, kind)[part]
        if chunk.null_count:
            known = np.unpackbits(np.frombuffer(gaps, np.uint8), bitorder="little")[part]
            found[start : start + count][known == 0] = np.nan
        start += count
    return found
