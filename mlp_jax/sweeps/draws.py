"""What the epochs of a sweep draw: one order of the batches for all networks of a fold."""

import threading
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from mlp_jax.epochs import Drawn
from mlp_jax.sweeps.costs import DRAWS_KEPT, bytes_of_draws
from mlp_jax.sweeps.folds import as_folds
from mlp_jax.sweeps.program import draws_of_epochs
from mlp_jax.sweeps.task import Task
from mlp_jax.sweeps.waves import Wave


class Draws:
    """Drawn when they are first asked for, by any thread, and kept for the next chunk.

    folds: on the devices. lengths: see `folds.as_folds`.
    """

    def __init__(self, task: Task, put: Callable[[Any], Any]) -> None:
        """put: places an array on the devices."""
        self._task, self._put = task, put
        folds, self.lengths = as_folds(task.splits)
        self.folds = [put(fold) for fold in folds]
        self._keys = [
            put(jax.random.fold_in(task.key_order, np.uint32(fold))) for fold in range(len(folds))
        ]
        self._drawn: dict[Any, Drawn] = {}
        self._drawing = threading.Lock()

    def __call__(self, wave: Wave, done: int) -> Drawn:
        """What the wave's epochs from `done` on draw, by a program for all of a batch size."""
        kind = wave.bucket.kind
        name = (wave.fold, done, kind.batch_size, kind.dropout)
        with self._drawing:  # or two threads would compile the same
            if name not in self._drawn:
                while len(self._drawn) > DRAWS_KEPT // bytes_of_draws(self._task):
                    del self._drawn[next(iter(self._drawn))]
                draws = draws_of_epochs(
                    self._keys[wave.fold],
                    np.int32(done),
                    self.folds[wave.fold],
                    epochs=wave.segment,
                    batch_size=kind.batch_size,
                    lengths=self.lengths,
                    dropout=kind.dropout,
                )
                self._drawn[name] = self._put(draws)
            return self._drawn[name]
