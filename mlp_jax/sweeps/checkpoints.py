"""A folder that a sweep saves to as it goes, and goes on from: nothing is lost but work since then.

A save is two files. `outcomes-N` has the members that are done since save N - 1, and is written
once; `states-N` has where the others stand, and is written last. The last two `states` are kept: if
one is damaged, the one before it counts. Both are of the form of `array_files`, written in one step
and with a SHA-256 over all, which is looked at before anything is believed.
"""

import hashlib
import os
import time
import warnings
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from mlp_jax.array_files import packed, replace, unpacked
from mlp_jax.sweeps.members import Row
from mlp_jax.sweeps.outcome_arrays import arrays_of_outcomes, outcomes_of
from mlp_jax.sweeps.task import Task
from mlp_jax.sweeps.trainings import STATUSES
from mlp_jax.sweeps.waves import Outcome, Standing

OUTCOMES, STATES = "mlp_jax.outcomes/1", "mlp_jax.states/1"
EXPECTED = "a checkpoint of this sweep"
KEPT = 2  # states
Outcomes = dict[tuple[int, int, int], Outcome]


class CheckpointWarning(UserWarning):
    """A part of a checkpoint was damaged; what it held is trained again."""


class Found(NamedTuple):
    """What a folder holds.

    outcomes: of members that are done. standings: of those that are not. cuts: how many times
    halving has chosen.
    """

    outcomes: Outcomes
    standings: tuple[Standing, ...]
    cuts: int


class Checkpoint:
    """The folder of one sweep. Found and saved from one thread; it writes in another."""

    def __init__(self, folder: Any, task: Task, halving: int | None, seconds: float) -> None:
        self._folder, self._task, self._halving = Path(folder), task, halving
        if not isinstance(seconds, int | float) or not seconds > 0:
            raise ValueError(
                f"checkpoint_seconds is {seconds!r}; expected seconds from one save to the next, "
                "more than 0"
            )
        self._seconds = seconds
        self._parts = parts_of(task, halving)
        self._open()
        try:
            self.found, self._number = self._read()
        except BaseException:
            os.close(self._lock)
            raise
        self._saved = set(self.found.outcomes)
        self._last = time.monotonic()
        self._pool = ThreadPoolExecutor(1)
        self._writing: Future[None] | None = None

    def wait_seconds(self) -> float:
        """Until the next save is due."""
        return max(0.0, self._last + self._seconds - time.monotonic())

    def save(
        self, outcomes: Outcomes, standings: Iterable[Standing], cuts: int, *, wait: bool = False
    ) -> None:
        """Saves in the background; what is still being written is waited for first.

        Args:
          outcomes: of all members that are done; those that were interrupted are not.
          standings: of waves that are not done.
          cuts: how many times halving has chosen.
          wait: until it is written.

        Raises:
          OSError: it cannot be written; the saves before are as they were.
        """
        self.finish()
        new = {
            name: outcome
            for name, outcome in outcomes.items()
            if name not in self._saved and outcome.status != "interrupted"
        }
        self._number += 1
        self._writing = self._pool.submit(self._write, self._number, new, tuple(standings), cuts)
        self._saved |= set(new)
        self._last = time.monotonic()
        if wait:
            self.finish()

    def finish(self) -> None:
        """Waits for what is being written.

        Raises:
          OSError: it could not be written.
        """
        if self._writing is not None:
            writing, self._writing = self._writing, None
            writing.result()

    def close(self) -> None:
        """Lets another process have the folder."""
        self._pool.shutdown()
        os.close(self._lock)

    def _open(self) -> None:
        """Makes the folder, and holds it against other processes."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise ValueError(
                f"checkpoint is {str(self._folder)!r}, which is no folder to write to "
                f"({error.strerror})"
            ) from error
        try:
            import fcntl

            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ModuleNotFoundError:  # where there is none, two at once are the user's to avoid
            pass
        except OSError:
            os.close(self._lock)
            raise ValueError(
                f"{self._folder} is in use by another process: wait for it, or type another folder"
            ) from None
        for left in self._folder.glob(".*.tmp"):  # of a process that was killed
            left.unlink()

    # --- Writing.

    def _path(self, kind: str, number: int) -> Path:
        return self._folder / f"{kind}-{number:06d}.safetensors"

    def _write(
        self, number: int, outcomes: Outcomes, standings: tuple[Standing, ...], cuts: int
    ) -> None:
        header = {"sweep": self._parts, "statuses": STATUSES}
        arrays = arrays_of_outcomes(outcomes, self._task.X.dtype)
        waves = [
            {
                "fold": one.fold,
                "done": one.done,
                "rows": one.rows,
                "leaves": [(leaf.dtype.str, leaf.shape) for leaf in one.leaves],
            }
            for one in standings
        ]
        states = {str(place): _as_bytes(one.leaves) for place, one in enumerate(standings)}
        states_header = {"sweep": self._parts, "cuts": cuts, "waves": waves}
        try:
            replace(self._path("outcomes", number), packed(OUTCOMES, header, arrays))
            replace(self._path("states", number), packed(STATES, states_header, states))
        except OSError as error:
            raise OSError(
                error.errno,
                f"{error.strerror}: the checkpoint cannot be written; what was saved before is "
                "whole, so make room and start the same sweep again",
                str(self._folder),
            ) from error
        for old in range(number - KEPT, 0, -1):
            if not self._path("states", old).exists():
                break
            self._path("states", old).unlink()

    # --- Reading.

    def _read(self) -> tuple[Found, int]:
        """What the folder holds, and the number of its last save."""
        by_save, damaged = self._outcomes()
        numbers = sorted(map(_number, self._folder.glob("states-*")))
        last = max([0, *numbers, *by_save, *damaged])
        standings: tuple[Standing, ...] = ()
        at, cuts = (0 if self._halving else last), 0
        for number in reversed(numbers):
            # Whom halving had dropped would be trained again, and compared again.
            lost = self._halving and any(one <= number for one in damaged)
            states = None if lost else self._states(number)
            if states is not None:
                standings, cuts = states
                at = number if self._halving else last
                break
        outcomes: Outcomes = {}
        for number in sorted(by_save):
            if number <= at:
                outcomes |= by_save[number]
        return Found(outcomes, standings, cuts), last

    def _outcomes(self) -> tuple[dict[int, Outcomes], list[int]]:
        """(outcomes by the number of their save, numbers of damaged saves)."""
        found, damaged = {}, []
        for path in sorted(self._folder.glob("outcomes-*")):
            content = self._unpacked(path, OUTCOMES, "its networks are trained again")
            if content is None:
                damaged.append(_number(path))
                continue
            header, arrays = content
            found[_number(path)] = outcomes_of(self._task, header["statuses"], arrays)
        return found, damaged

    def _states(self, number: int) -> tuple[tuple[Standing, ...], int] | None:
        path = self._path("states", number)
        content = self._unpacked(path, STATES, "the save before it is used")
        if content is None:
            return None
        header, arrays = content
        standings = tuple(
            Standing(
                tuple(Row(*row) for row in wave["rows"]),
                wave["fold"],
                wave["done"],
                _from_bytes(arrays[str(place)], wave["leaves"]),
            )
            for place, wave in enumerate(header["waves"])
        )
        return standings, header["cuts"]

    def _unpacked(self, path: Path, format_: str, cure: str) -> Any:
        """(header, arrays); None with a warning if the file is damaged.

        Raises:
          ValueError: it is of another sweep.
        """
        try:
            header, arrays = unpacked(path, format_, EXPECTED)
        except ValueError as error:
            warnings.warn(f"{error}; {cure}", CheckpointWarning, stacklevel=2)
            return None
        differ = [name for name, digest in self._parts.items() if header["sweep"][name] != digest]
        if differ:
            raise ValueError(
                f"the checkpoint in {self._folder} is of another sweep: other {', '.join(differ)}; "
                "type another folder, or the same sweep"
            )
        return header, arrays


def _number(path: Path) -> int:
    """Of the save that a file belongs to."""
    return int(path.stem.split("-")[1])


def parts_of(task: Task, halving: int | None) -> dict[str, str]:
    """What makes a sweep this one, by name, each as a digest."""
    arrays = {
        "table": [task.X],
        "labels": list(task.labels.values()),
        "folds": [part for split in task.splits for part in split],
        "key": [np.asarray(jax.random.key_data(key)) for key in (task.key_init, task.key_order)],
    }
    said = {
        "configurations": [
            sorted((name, _said(value)) for name, value in configuration.items())
            for configuration in task.configurations
        ],
        "seeds": task.seeds,
        "scoring": [task.scoring, *(_said(metric) for metric in task.metric.values())],
        "judge of epochs (best_by)": task.best_by,
        "halving": halving,
    }
    parts = {name: _digest(*map(_content, found)) for name, found in arrays.items()}
    return parts | {name: _digest(repr(value).encode()) for name, value in said.items()}


def _said(value: Any) -> str:
    """A choice by its name; of a function of the user's own, that is all there is."""
    for name in ("name", "__qualname__"):
        if hasattr(value, name):
            return str(getattr(value, name))
    return repr(value)


def _content(array: np.ndarray) -> bytes:
    return f"{array.dtype} {array.shape}".encode() + np.ascontiguousarray(array).tobytes()


def _digest(*contents: bytes) -> str:
    digest = hashlib.sha256()
    for content in contents:
        digest.update(content)
    return digest.hexdigest()


def _as_bytes(leaves: Iterable[np.ndarray]) -> np.ndarray:
    """All leaves end to end, for a file that would have thousands of small arrays."""
    return np.frombuffer(
        b"".join(np.ascontiguousarray(leaf).tobytes() for leaf in leaves), np.uint8
    )


def _from_bytes(content: np.ndarray, leaves: list[Any]) -> tuple[np.ndarray, ...]:
    found, at = [], 0
    for dtype, shape in leaves:
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        found.append(content[at : at + size].view(dtype).reshape(shape))
        at += size
    return tuple(found)
