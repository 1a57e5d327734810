"""The codec of a file's arrays: many small arrays lie end to end in one. No JAX.

A sweep has tens of thousands of small arrays. A tensor each would take more of a file for names and
places than for numbers.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

Form = tuple[str, Sequence[int]]  # an array's dtype, as in `dtype.str`, and its shape


def join(name: str, parts: Iterable[Any], dtype: Any = np.int64) -> dict[str, np.ndarray]:
    """Parts of one dtype end to end.

    Returns:
      `name`: the entries of all parts in a row, (entries of all parts,).
      `name`_lengths: the entries of every part, (parts,).
    """
    flat = [np.asarray(part, dtype).ravel() for part in parts]
    lengths = np.array([part.size for part in flat], np.int64)
    return {name: np.concatenate([np.empty(0, dtype), *flat]), f"{name}_lengths": lengths}


def split(arrays: dict[str, np.ndarray], name: str) -> list[np.ndarray]:
    """The parts that `join` was given, flat.

    Raises:
      ValueError: the lengths do not sum to the entries.
    """
    flat, lengths = arrays[name], arrays[f"{name}_lengths"]
    if lengths.min(initial=0) < 0 or lengths.sum() != flat.size:
        raise ValueError(f"{name} has {flat.size} entries and its parts {lengths.sum()}")
    return np.split(flat, np.cumsum(lengths)[:-1]) if len(lengths) else []


def join_bytes(arrays: Iterable[np.ndarray]) -> np.ndarray:
    """The bytes of arrays of any dtypes end to end, (bytes,)."""
    contents = (np.ascontiguousarray(array).tobytes() for array in arrays)
    return np.frombuffer(b"".join(contents), np.uint8)


def split_bytes(content: np.ndarray, forms: Iterable[Form]) -> tuple[np.ndarray, ...]:
    """The arrays that `join_bytes` was given; forms: see `forms_of`."""
    found, at = [], 0
    for dtype, shape in forms:
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        found.append(content[at : at + size].view(dtype).reshape(shape))
        at += size
    return tuple(found)


def forms_of(arrays: Iterable[np.ndarray]) -> list[Form]:
    """What `split_bytes` has to know of every array; a header in JSON may hold it."""
    return [(array.dtype.str, array.shape) for array in arrays]


def by_place(arrays: Iterable[np.ndarray], name: str = "") -> dict[str, np.ndarray]:
    """Arrays by their place after `name`: "0", "1" and so on."""
    return {f"{name}{place}": array for place, array in enumerate(arrays)}


def in_order(arrays: dict[str, np.ndarray], count: int, name: str = "") -> list[np.ndarray]:
    """The `count` arrays that `by_place` was given."""
    return [arrays[f"{name}{place}"] for place in range(count)]


def json_as_bytes(value: Any) -> np.ndarray:
    """A value in JSON, (bytes,): a file's header may not have more than 100 MB."""
    return np.frombuffer(json.dumps(value).encode(), np.uint8)


def json_of_bytes(content: np.ndarray) -> Any:
    """The value that `json_as_bytes` was given."""
    return json.loads(content.tobytes())
