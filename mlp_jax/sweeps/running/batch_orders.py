"""What the epochs of a sweep draw: one order of the batches for all networks of a fold."""

import threading
from typing import Any

import jax
import numpy as np

from mlp_jax.sweeps.folds import Lengths
from mlp_jax.sweeps.planning.costs import DRAWS_KEPT, bytes_of_draws
from mlp_jax.sweeps.running.chunk_program import draws_of_epochs
from mlp_jax.sweeps.running.cohort import Wave
from mlp_jax.sweeps.running.devices import Place
from mlp_jax.sweeps.task import Task
from mlp_jax.training.epoch import EpochDraw


class Draws:
    """Drawn when they are first asked for, by any thread, and kept for the next chunk."""

    def __init__(self, task: Task, lengths: Lengths, places: dict[Any, Place]) -> None:
        """places: by device; on the first of them all is drawn."""
        self._task, self._lengths = task, lengths
        self._first = next(iter(places))
        self._folds = places[self._first].folds
        self._keys = [
            jax.device_put(task.key_of_fold(fold), self._first) for fold in range(len(self._folds))
        ]
        self._drawn: dict[Any, EpochDraw] = {}
        self._drawing = threading.Lock()

    def __call__(self, wave: Wave, done: int, device: Any) -> EpochDraw:
        """What the wave's epochs from `done` on draw, on that device."""
        kind = wave.bucket.kind
        name = (device, wave.fold, done, kind.batch_size, kind.dropout)
        with self._drawing:  # or two threads would compile the same
            if name not in self._drawn:
                while len(self._drawn) > DRAWS_KEPT // bytes_of_draws(self._task):
                    del self._drawn[next(iter(self._drawn))]
                on_first = self._drawn.get((self._first, *name[1:]))
                draws = self._draw(wave, done) if on_first is None else on_first
                self._drawn[name] = jax.device_put(draws, device)
            return self._drawn[name]

    def _draw(self, wave: Wave, done: int) -> EpochDraw:
        """By a program for all of a batch size."""
        kind = wave.bucket.kind
        return draws_of_epochs(
            self._keys[wave.fold],
            np.int32(done),
            self._folds[wave.fold],
            epochs=wave.segment,
            batch_size=kind.batch_size,
            lengths=self._lengths,
            dropout=kind.dropout,
        )
