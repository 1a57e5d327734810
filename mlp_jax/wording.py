"""How messages write what came: a value as a person types it, bytes as a person says them."""

import difflib
import math
from collections.abc import Iterable, Sequence
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


def meant(name: Any, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The one of the names that is most like what came, in whatever case, as typed; or None.

    Example:
      >>> meant("Relu", ["elu", "relu", "gelu"])
      "'relu'"
    """
    written = {one.lower(): one for one in known}
    close = difflib.get_close_matches(str(name).lower(), written, n=1, cutoff=cutoff)
    return repr(written[close[0]]) if close else None


def or_meant(name: Any, known: Iterable[str], cutoff: float = 0.6) -> str:
    """The end of a message about a name that is none of these: what may have been meant, or ""."""
    close = meant(name, known, cutoff)
    return "" if close is None else f"; did you mean {close}?"


def size_of(count: float) -> str:
    """Bytes as a person says them, such as 1.5 GiB."""
    if count < 1024:
        return f"{count:.0f} bytes"
    power = min(4, int(math.log(count, 1024)))
    return f"{count / 1024**power:.2f} {('KiB', 'MiB', 'GiB', 'TiB')[power - 1]}"
