"""The progress of a sweep: members that are done, and the best of their scores."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from mlp_jax.sweeps.outcomes import Outcomes
from mlp_jax.sweeps.scoring import as_read
from mlp_jax.sweeps.task import Task
from mlp_jax.training.progress import SWEEP, Progress, as_progress


class SweepProgress:
    """Is called with the outcomes of every cohort, from any thread.

    members: as many as there will be; of a sweep with a limit of time, about as many, by what is
      known so far.
    done: of these.
    """

    def __init__(self, show: Callable[[Progress], None], task: Task, members: int) -> None:
        """show: takes every event."""
        self._show, self._scoring, self.members = show, task.scoring, members
        self._lock, self.done, self._best = threading.Lock(), 0, float("-inf")

    def __call__(self, outcomes: Outcomes) -> None:
        """These members are done."""
        with self._lock:
            self.done += len(outcomes)
            self._best = float(np.nanmax([self._best, *outcomes.scores]))
            self.members = max(self.done, self.members)
            self._tell()

    def end(self) -> None:
        """There will be no more members."""
        with self._lock:
            if self.done and self.done < self.members:
                self.members = self.done
                self._tell()

    def _tell(self) -> None:
        best = as_read(self._scoring, self._best)
        text = f"best {self._scoring} of a member {best:.4g}"
        self._show(Progress(self.done, self.members, {"best_score": self._best}, text))


@contextmanager
def as_sweep_progress(choice: Any, task: Task, members: int) -> Iterator[SweepProgress | None]:
    """What is to be called with the outcomes of every cohort; or None.

    Args:
      choice: of the user, see `as_progress`.
      task: of the sweep.
      members: of the plan.

    Raises:
      ValueError: see `as_progress`.
    """
    with as_progress(choice, SWEEP, members) as show:
        yield None if show is None else SweepProgress(show, task, members)
