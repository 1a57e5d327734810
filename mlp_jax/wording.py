"""How messages write what came: a value as a person types it, bytes as a person says them."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np


def as_typed(value: Any) -> str:
    """repr(value) with NumPy's numbers, truths and texts as Python's, in containers too.

    NumPy 2 writes `np.int64(0)` for a class that its user knows as 0.

    Example:
      >>> as_typed({np.str_("rate"): np.float32(0.1), "hidden": (np.int64(8), 4)})
      "{'rate': 0.1, 'hidden': (8, 4)}"
    """
    return repr(_plain(value))


def describe(value: Any) -> str:
    """What an error message calls `value`: its type, with its length if it has one."""
    kind = type(value).__name__
    return f"a {kind} of length {len(value)}" if isinstance(value, Sequence | dict) else f"a {kind}"


def _plain(value: Any) -> Any:
    if isinstance(value, np.floating):
        return float(str(value))  # of float32 the digits that it has
    if isinstance(value, np.integer | np.bool_ | np.str_):
        return value.item()
    if type(value) in (tuple, list, set, frozenset):
        return type(value)(map(_plain, value))
    if type(value) is dict:
        return {_plain(key): _plain(one) for key, one in value.items()}
    return value


def size_of(count: float) -> str:
    """Bytes as a person says them, such as 1.5 GiB."""
    if count < 1024:
        return f"{count:.0f} bytes"
    power = min(4, int(math.log(count, 1024)))
    return f"{count / 1024**power:.2f} {('KiB', 'MiB', 'GiB', 'TiB')[power - 1]}"
