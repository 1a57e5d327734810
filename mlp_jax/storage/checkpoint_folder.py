"""A folder that a training saves to as it goes: held by one process, written in the background."""

import hashlib
import os
import re
import time
import warnings
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import MethodType
from typing import Any

import numpy as np

from mlp_jax.storage.array_files import packed, replace, unpacked
from mlp_jax.wording import as_typed

KEPT = 2  # saves of what is written anew each time
KINDS = ("state", "states", "outcomes", "votes")  # what the names of saves begin with


class CheckpointWarning(UserWarning):
    """A part of a checkpoint was damaged; what it held is trained again."""


class Folder:
    """What is saved from time to time, by one thread at a time."""

    def __init__(self, path: Any, seconds: Any, of: str, parts: dict[str, str]) -> None:
        """A folder that is not held yet.

        Args:
          path: of it.
          seconds: from one save to the next.
          of: what is saved: "sweep" or "training".
          parts: what makes it this one, by name, each as a digest.

        Raises:
          ValueError: seconds is no such number.
        """
        if not isinstance(seconds, int | float | np.number) or not seconds > 0:
            raise ValueError(
                f"checkpoint_seconds is {as_typed(seconds)}; expected seconds from one save to "
                "the next, more than 0"
            )
        self.path = Path(path)
        self._seconds, self._of, self._parts = float(seconds), of, parts
        self._locks: list[int] = []
        self._last = time.monotonic()
        self._pool = ThreadPoolExecutor(1)
        self._writing: Future[None] | None = None

    def hold(self, name: str, *, shared: bool = False) -> None:
        """Makes the folder, and holds a file of this name in it against other processes.

        shared: but for those that hold it shared too. Once alone, what a process that was killed
        had begun to write is removed.

        Raises:
          ValueError: another process holds it, or the folder is none.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._locks.append(os.open(self.path / name, os.O_RDWR | os.O_CREAT, 0o666))
        except OSError as error:
            self.close()
            raise ValueError(
                f"checkpoint is {str(self.path)!r}, which is no folder to write to "
                f"({error.strerror})"
            ) from error
        try:
            import fcntl

            how = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
            fcntl.flock(self._locks[-1], how | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close()
            raise ValueError(
                f"{self.path} is in use by another process: wait for it, or type another folder"
            ) from None
        except (ModuleNotFoundError, OSError):  # no locks here: two at once are the user's to avoid
            return
        if name == "lock" and not shared:
            for left in [left for kind in KINDS for left in self.path.glob(f".{kind}-*.tmp")]:
                with suppress(OSError):  # it is in no one's way
                    left.unlink()

    def wait_seconds(self) -> float:
        """Until the next save is due."""
        return max(0.0, self._last + self._seconds - time.monotonic())

    def save(self, write: Callable[..., None], *arguments: Any) -> None:
        """Calls `write` in the background; what is still being written is waited for first.

        Raises:
          OSError: what is still being written cannot be.
        """
        self.finish()
        self._writing = self._pool.submit(write, *arguments)
        self._last = time.monotonic()

    def finish(self) -> None:
        """Waits for what is being written.

        Raises:
          OSError: it could not be written.
        """
        if self._writing is not None:
            writing, self._writing = self._writing, None
            writing.result()

    def put(
        self, path: Path, form: str, header: dict[str, Any], arrays: dict[str, np.ndarray]
    ) -> None:
        """Writes a file in one step, see `array_files.packed`; it says what it is of.

        Raises:
          OSError: it cannot be written; the files before are as they were.
        """
        try:
            replace(path, packed(form, {self._of: self._parts} | header, arrays))
        except OSError as error:
            raise OSError(
                error.errno,
                f"{error.strerror}: the checkpoint cannot be written; what was saved before is "
                "whole, so make room and start the same call again",
                str(self.path),
            ) from error

    def found(
        self, path: Path, form: str, cure: str
    ) -> tuple[dict[str, Any], dict[str, np.ndarray]] | None:
        """(header, arrays) of a file; None if it is gone, and with a warning if it is damaged.

        cure: what is done without it.

        Raises:
          ValueError: it is of something else; the folder is let go of.
        """
        try:
            header, arrays = unpacked(path, form, f"a checkpoint of this {self._of}")
        except ValueError as error:
            if path.exists():  # else its writer, who is at work, has a newer one
                warnings.warn(f"{error}; {cure}", CheckpointWarning, stacklevel=2)
            return None
        differ = differing(self._parts, header[self._of])
        if differ:
            self.close()
            raise ValueError(
                f"the checkpoint in {self.path} is of another {self._of}: other "
                f"{', '.join(differ)}; type another folder, or the same {self._of}"
            )
        return header, arrays

    def last(self, *patterns: str) -> int:
        """The highest number at the end of a name; 0 if there is none."""
        found = (path for pattern in patterns for path in self._numbered(pattern))
        return max((int(_end(path)) for path in found), default=0)

    def forget_old(self, pattern: str) -> None:
        """Removes all but the last saves of these names."""
        for old in self._numbered(pattern)[:-KEPT]:
            old.unlink()

    def _numbered(self, pattern: str) -> list[Path]:
        """The saves of these names in their order, and not what others have put beside them."""
        return sorted(path for path in self.path.glob(pattern) if _end(path).isdecimal())

    def close(self) -> None:
        """Lets another process have the folder."""
        self._pool.shutdown()
        while self._locks:
            os.close(self._locks.pop())


def _end(path: Path) -> str:
    """What the number of a save is written in."""
    return path.stem.rpartition("-")[2]


# --- What a checkpoint is of.


def differing(ours: dict[str, str], theirs: dict[str, str]) -> list[str]:
    """The names of the parts of which one digest is not the other's."""
    return [name for name, digest in ours.items() if theirs.get(name) != digest]


def digest_of(*contents: bytes) -> str:
    """The SHA-256 of all."""
    digest = hashlib.sha256()
    for content in contents:
        digest.update(content)
    return digest.hexdigest()


def content_of(array: np.ndarray) -> bytes:
    """The array with its dtype and shape."""
    return f"{array.dtype} {array.shape}".encode() + np.ascontiguousarray(array).tobytes()


def said(value: Any) -> str:
    """A choice by its name, and a function also by what it was made with.

    So the numbers of an optax optimizer are said, and what a `functools.partial` was given. What
    the text of a user's own function says is not. The same in every process.
    """
    return _said(value, {})


def _said(value: Any, seen: dict[int, Any]) -> str:
    """seen: what was met before and may hold itself, or be held by many, by its id."""
    if id(value) in seen:
        return f"#{list(seen).index(id(value))}"
    if _is_array(value):
        return _said_array(value)
    made_with = _made_with(value)
    if made_with or isinstance(value, list | dict):
        seen[id(value)] = value
    if isinstance(value, dict):
        pairs = (f"{_said(key, seen)}: {_said(one, seen)}" for key, one in value.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, tuple | list) and not hasattr(value, "name"):
        inside = ", ".join(_said(one, seen) for one in value)
        return f"[{inside}]" if isinstance(value, list) else f"({inside})"
    return _name(value) + (_said(made_with, seen) if made_with else "")


def _name(value: Any) -> str:
    if isinstance(value, partial):
        return "partial"
    for name in ("name", "__qualname__", "__name__"):
        if hasattr(value, name):
            return str(getattr(value, name))
    # Where something lies in memory differs from process to process.
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))


def _made_with(value: Any) -> tuple[Any, ...]:
    """What a partial was given, the object of a method holds, or a function closes over.

    Of one that closes over nothing but wraps another, such as from `jax.jit`, what that one does.
    """
    if isinstance(value, partial):
        return value.func, value.args, value.keywords
    if isinstance(value, MethodType):
        return value.__func__, getattr(value.__self__, "__dict__", None)
    cells = None if isinstance(value, type) else getattr(value, "__closure__", None)
    if cells is not None:
        return tuple(map(_content, cells))
    wrapped = getattr(value, "__wrapped__", None)
    return () if wrapped is None else _made_with(wrapped)


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # of a name that has no value yet
        return None


def _is_array(value: Any) -> bool:
    """Whether it is one, and no single number or type of NumPy's, which have its attributes too."""
    is_array = hasattr(value, "__array__") and hasattr(value, "dtype")
    return is_array and not isinstance(value, np.generic | type)


def _said_array(array: Any) -> str:
    try:
        return digest_of(content_of(np.asarray(array)))
    except TypeError:  # a key of JAX, whose repr has all of it
        return repr(array)
