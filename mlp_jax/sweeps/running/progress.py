"""The progress of a sweep: members that are done, and the best of their scores."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from mlp_jax.sweeps.outcomes import Outcomes
from mlp_jax.sweeps.task import Task
from mlp_jax.training.progress import SWEEP, Progress, as_progress


@contextmanager
def as_sweep_progress(
    choice: Any, task: Task, members: int
) -> Iterator[Callable[[Outcomes], None] | None]:
    """A function to be called with the outcomes of every cohort, from any thread; or None.

    Args:
      choice: of the user, see `as_progress`.
      task: of the sweep.
      members: of the plan.

    Raises:
      ValueError: see `as_progress`.
    """
    with as_progress(choice, SWEEP, members) as show:
        if show is None:
            yield None
            return
        lock, done, best = threading.Lock(), 0, float("-inf")

        def count(outcomes: Outcomes) -> None:
            nonlocal done, best
            with lock:
                done += len(outcomes)
                best = float(np.nanmax([best, *outcomes.scores]))
                text = f"best {task.scoring} of a member {best:.4g}"
                show(Progress(done, members, {"best_score": best}, text))

        yield count
