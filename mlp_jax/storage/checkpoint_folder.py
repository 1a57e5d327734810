"""A folder that a training saves to as it goes: held by one process, written in the background.

A save is a file `STEM-NUMBER.safetensors`, of the form of `array_files`. The file is written in one
step, and names the training that it is of.
"""

import os
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from mlp_jax.storage.array_files import pieces, replace, unpacked
from mlp_jax.storage.fingerprints import differing
from mlp_jax.wording import as_typed

KEPT = 2  # saves of a stem that stay when older ones are removed
KINDS = ("state", "states", "outcomes")  # what the stems of all saves begin with
Content = tuple[dict[str, Any], dict[str, np.ndarray]]  # a file's header and arrays


class CheckpointWarning(UserWarning):
    """A part of a checkpoint was damaged; what the part held is trained again."""


class CheckpointFolder:
    """The folder of one training. One thread at a time uses it."""

    def __init__(
        self,
        path: Any,
        seconds: Any,
        of: str,
        parts: dict[str, str],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """The folder is not made and not held yet.

        Args:
          path: of the folder.
          seconds: from one save to the next.
          of: what is saved: "sweep" or "training".
          parts: digests by name of all that makes the training this one, see `fingerprints`.
          clock: the time in seconds.

        Raises:
          ValueError: seconds is no number above 0.
        """
        if not isinstance(seconds, int | float | np.number) or not seconds > 0:
            raise ValueError(
                f"checkpoint_seconds is {as_typed(seconds)}; expected seconds from one save to "
                "the next, more than 0"
            )
        self.path = Path(path)
        self._seconds, self._of, self._parts = float(seconds), of, parts
        self._clock = clock
        self._locks: list[int] = []
        self._last = clock()
        self._pool = ThreadPoolExecutor(1)
        self._writing: Future[None] | None = None

    # --- Held against other processes.

    def hold(self, name: str = "lock", *, shared: bool = False) -> None:
        """Makes the folder, and holds a file of this name in it against other processes.

        A process that holds "lock" alone removes the files that a killed process had begun.

        Args:
          name: of the file.
          shared: other processes may hold the file too, if they share it.

        Raises:
          ValueError: another process holds the file, or the path is no folder to write to.
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
            self._remove_begun()

    def _remove_begun(self) -> None:
        for kind in KINDS:
            for begun in list(self.path.glob(f".{kind}-*.tmp")):
                with suppress(OSError):  # the file is in no one's way
                    begun.unlink()

    def close(self) -> None:
        """Lets another process have the folder."""
        self._pool.shutdown()
        while self._locks:
            os.close(self._locks.pop())

    # --- Saved in the background.

    def wait_seconds(self) -> float:
        """Seconds until the next save is due."""
        return max(0.0, self._last + self._seconds - self._clock())

    def save(self, write: Callable[..., None], *arguments: Any) -> None:
        """Calls `write` in the background, once the save before is written.

        Raises:
          OSError: the save before cannot be written.
        """
        self.finish()
        self._writing = self._pool.submit(write, *arguments)
        self._last = self._clock()

    def finish(self) -> None:
        """Waits until the last save is written.

        Raises:
          OSError: the save cannot be written.
        """
        if self._writing is not None:
            writing, self._writing = self._writing, None
            writing.result()

    # --- The files.

    def path_of(self, stem: str, number: int) -> Path:
        """The file of a save."""
        return self.path / f"{stem}-{number:06d}.safetensors"

    def paths(self, stem: str) -> list[Path]:
        """All files whose name begins with the stem, the last save first."""
        return sorted(self.path.glob(f"{stem}-*"), reverse=True)

    def last(self, *stems: str) -> int:
        """The highest number of a save of these stems; 0 if there is none."""
        return max((int(_end(path)) for stem in stems for path in self._numbered(stem)), default=0)

    def remove_old(self, stem: str) -> None:
        """Removes all saves of the stem but the last `KEPT`."""
        for old in list(self._numbered(stem))[KEPT:]:
            old.unlink()

    def _numbered(self, stem: str) -> Iterator[Path]:
        """The saves of the stem, the last first, without files that others have put there."""
        return (path for path in self.paths(stem) if _end(path).isdecimal())

    def put(
        self, path: Path, form: str, header: dict[str, Any], arrays: dict[str, np.ndarray]
    ) -> None:
        """Writes a file in one step, see `array_files.pieces`, with the training that it is of.

        Raises:
          OSError: the file cannot be written; the files before are as they were.
        """
        try:
            replace(path, pieces(form, {self._of: self._parts} | header, arrays))
        except OSError as error:
            raise OSError(
                error.errno,
                f"{error.strerror}: the checkpoint cannot be written; what was saved before is "
                "whole, so make room and start the same call again",
                str(self.path),
            ) from error

    def read(self, path: Path, form: str, cure: str) -> Content | None:
        """The header and arrays of a file; None if the file is gone or, with a warning, damaged.

        Args:
          path: of the file.
          form: as the file was put.
          cure: what is done without the file, for the warning.

        Raises:
          ValueError: the file is of another training; the folder is closed.
        """
        try:
            header, arrays = unpacked(path, form, f"a checkpoint of this {self._of}")
        except ValueError as error:
            if path.exists():  # else its writer, who is at work, has a newer file
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

    def newest(self, stem: str, form: str) -> Content | None:
        """The header and arrays of the last save of the stem that is whole; None if none is.

        Raises:
          ValueError: the save is of another training; the folder is closed.
        """
        contents = (
            self.read(path, form, "the save before it is used") for path in self.paths(stem)
        )
        return next((content for content in contents if content is not None), None)


def _end(path: Path) -> str:
    """The end of a file's name, which is the number of a save."""
    return path.stem.rpartition("-")[2]
