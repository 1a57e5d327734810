"""Fingerprints: what tells one training from another, the same in every process. No JAX.

A checkpoint keeps the fingerprints of what it is of, so that a call with other examples, numbers or
functions does not go on from it.
"""

import hashlib
import re
from functools import partial
from types import MethodType
from typing import Any

import numpy as np


def differing(ours: dict[str, str], theirs: dict[str, str]) -> list[str]:
    """The names of ours whose digest is another in theirs, or is not there."""
    return [name for name, digest in ours.items() if theirs.get(name) != digest]


def digest_of(*contents: bytes) -> str:
    """The SHA-256 of all contents, one after the other."""
    digest = hashlib.sha256()
    for content in contents:
        digest.update(content)
    return digest.hexdigest()


def content_of(array: np.ndarray) -> bytes:
    """The array's dtype, shape and entries, for `digest_of`."""
    return f"{array.dtype} {array.shape}".encode() + np.ascontiguousarray(array).tobytes()


def fingerprint(value: Any) -> str:
    """A choice as text: its name, and of a function also what the function was made with.

    So the text has the numbers of an optax optimizer, and what a `functools.partial` was given. It
    does not have the source of a user's own function.
    """
    return _fingerprint(value, {})


def _fingerprint(value: Any, seen: dict[int, Any]) -> str:
    """seen: by its id, every value met before that may hold itself, or that many may hold."""
    if id(value) in seen:
        return f"#{list(seen).index(id(value))}"
    if _is_array(value):
        return _of_array(value)
    made_with = _made_with(value)
    if made_with or isinstance(value, list | dict):
        seen[id(value)] = value
    if isinstance(value, dict):
        pairs = (
            f"{_fingerprint(key, seen)}: {_fingerprint(one, seen)}" for key, one in value.items()
        )
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, tuple | list) and not hasattr(value, "name"):
        inside = ", ".join(_fingerprint(one, seen) for one in value)
        return f"[{inside}]" if isinstance(value, list) else f"({inside})"
    return _name(value) + (_fingerprint(made_with, seen) if made_with else "")


def _name(value: Any) -> str:
    if isinstance(value, partial):
        return "partial"
    for name in ("name", "__qualname__", "__name__"):
        if hasattr(value, name):
            return str(getattr(value, name))
    # The address of an object differs from process to process.
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))


def _made_with(value: Any) -> tuple[Any, ...]:
    """What a partial was given, the object of a method holds, or a function closes over.

    A function that closes over nothing may wrap another, as those of `jax.jit` do; then this is
    what the wrapped function was made with.
    """
    if isinstance(value, partial):
        return value.func, value.args, value.keywords
    if isinstance(value, MethodType):
        return value.__func__, getattr(value.__self__, "__dict__", None)
    cells = None if isinstance(value, type) else getattr(value, "__closure__", None)
    if cells is not None:
        return tuple(map(_content_of_cell, cells))
    wrapped = getattr(value, "__wrapped__", None)
    return () if wrapped is None else _made_with(wrapped)


def _content_of_cell(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # the cell of a name that has no value yet
        return None


def _is_array(value: Any) -> bool:
    """Whether it is an array; NumPy's numbers and types have an array's attributes too."""
    is_array = hasattr(value, "__array__") and hasattr(value, "dtype")
    return is_array and not isinstance(value, np.generic | type)


def _of_array(array: Any) -> str:
    try:
        return digest_of(content_of(np.asarray(array)))
    except TypeError:  # a key of JAX, whose repr shows the whole key
        return repr(array)
