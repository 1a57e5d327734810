"""What the parts of a divided sweep tell one another: where all stand, and what all have found."""

import io
import itertools
import json
from typing import Any

import jax
import numpy as np

from mlp_jax.processes.joined import Board
from mlp_jax.storage.fingerprints import differing
from mlp_jax.sweeps.members import STATUSES, RungScore
from mlp_jax.sweeps.outcomes import Outcomes
from mlp_jax.sweeps.running.checkpoint import Kept, fingerprints_of
from mlp_jax.sweeps.running.outcome_arrays import arrays_of_outcomes, outcomes_of
from mlp_jax.sweeps.task import Task

CANCEL_SECONDS = 0.25  # between two looks whether all is to end
_numbers = itertools.count(1)  # of sweeps, the same in all processes that are joined


def check_cancel(cancel: Any) -> None:
    """Raises ValueError for what is no event that a user may set, or None."""
    if cancel is not None and not hasattr(cancel, "is_set"):
        raise ValueError(f"cancel is {cancel!r}; expected a threading.Event, or None")


class SingleProcess:
    """One process trains all members, or a shard all of its own, and asks nobody.

    look_seconds: from one `check` to the next; None if there is nothing to look for.
    """

    def __init__(self, cancel: Any = None) -> None:
        self._cancel = cancel
        self.look_seconds = None if cancel is None else CANCEL_SECONDS

    def agreed(self, kept: Kept) -> Kept:
        """What halving has chosen so far, as whoever has come the furthest knows it."""
        return kept

    def rung_scores(self, choice: int, own: list[RungScore]) -> list[RungScore]:
        """The scores of all members at a choice of halving, of which `own` are this process's."""
        return own

    def ended(self, own: list[Outcomes], interrupted: bool) -> tuple[list[Outcomes], bool]:
        """What became of all members that any part trained, and whether one was interrupted."""
        return own, interrupted

    def interrupted(self) -> None:
        """Has the other parts end too."""

    def check(self) -> None:
        """Whether it is to go on.

        Raises:
          KeyboardInterrupt: it was cancelled, or another part was interrupted.
        """
        if self._cancel is not None and self._cancel.is_set():
            raise KeyboardInterrupt


class JoinedProcesses(SingleProcess):
    """Processes that `mlp_jax.distributed` has joined, each with a share of the sweep."""

    def __init__(self, task: Task, halving: int | None, cancel: Any) -> None:
        """Raises ValueError if they were not all given the same sweep."""
        super().__init__(cancel)
        self.look_seconds = CANCEL_SECONDS
        self._task, self._board = task, Board(f"sweep {next(_numbers)}")
        parts = fingerprints_of(task, halving)
        for number, theirs in enumerate(self._exchanged("start", json.dumps(parts).encode())):
            differ = differing(parts, json.loads(theirs))
            if differ:
                raise ValueError(
                    f"process {number} has another sweep than process {jax.process_index()}: other "
                    f"{', '.join(differ)}; give all of them the same arguments"
                )

    def agreed(self, kept: Kept) -> Kept:
        """See `SingleProcess.agreed`."""
        found = self._exchanged("kept", json.dumps(kept).encode())
        longest = max((json.loads(one) for one in found), key=len)
        return tuple(tuple(numbers) for numbers in longest)

    def rung_scores(self, choice: int, own: list[RungScore]) -> list[RungScore]:
        """See `SingleProcess.rung_scores`."""
        found = self._exchanged(f"choice {choice}", json.dumps(own).encode())
        return [RungScore(*row) for one in found for row in json.loads(one)]

    def ended(self, own: list[Outcomes], interrupted: bool) -> tuple[list[Outcomes], bool]:
        """See `SingleProcess.ended`."""
        file = io.BytesIO()
        arrays = arrays_of_outcomes(own, self._task.X.dtype)
        contents: dict[str, Any] = arrays | {"interrupted": np.array(interrupted)}
        np.savez(file, **contents)
        together: list[Outcomes] = []
        for content in self._exchanged("end", file.getvalue()):
            with np.load(io.BytesIO(content)) as theirs:
                together.append(outcomes_of(self._task, STATUSES, dict(theirs)))
                interrupted |= bool(theirs["interrupted"])
        return together, interrupted

    def interrupted(self) -> None:
        """See `SingleProcess.interrupted`."""
        self._board.stop()

    def check(self) -> None:
        """See `SingleProcess.check`."""
        super().check()
        if self._board.was_stopped():
            raise KeyboardInterrupt

    def _exchanged(self, stage: str, content: bytes) -> list[bytes]:
        """What every process brings to this stage.

        Raises:
          KeyboardInterrupt: another process was interrupted and is at its end.
        """
        while True:
            found = self._board.gathered(f"{stage}\n".encode() + content)
            stages, contents = zip(*(one.split(b"\n", 1) for one in found), strict=True)
            if len(set(stages)) == 1:
                return list(contents)
            if stage != "end":
                raise KeyboardInterrupt
