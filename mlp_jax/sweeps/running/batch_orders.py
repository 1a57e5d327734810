"""What the epochs of a sweep draw: one order of the batches for all networks of a fold."""

import threading
from typing import Any

import jax
import numpy as np

from mlp_jax.sweeps.folds import Lengths
from mlp_jax.sweeps.planning.costs import longest_fold
from mlp_jax.sweeps.planning.segments import ORDERS_KEPT, bytes_of_orders
from mlp_jax.sweeps.running.cohort import Cohort
from mlp_jax.sweeps.running.devices import DeviceData
from mlp_jax.sweeps.running.epoch_draws import draw_epochs
from mlp_jax.sweeps.task import Task
from mlp_jax.training.epoch import EpochDraw


class BatchOrders:
    """Orders of the batches, drawn when a thread first asks and kept for the next chunk."""

    def __init__(self, task: Task, lengths: Lengths, data: dict[Any, DeviceData]) -> None:
        """data: by device; on the first of them all orders are drawn."""
        self._task, self._lengths = task, lengths
        self._first = next(iter(data))
        self._folds = data[self._first].folds
        self._keys = [
            jax.device_put(task.key_of_fold(fold), self._first) for fold in range(len(self._folds))
        ]
        self._drawn: dict[Any, EpochDraw] = {}
        self._drawing = threading.Lock()
        self._most = ORDERS_KEPT // bytes_of_orders(longest_fold(task))

    def __call__(self, cohort: Cohort, done: int, device: Any) -> EpochDraw:
        """What the cohort's epochs from `done` on draw, on that device."""
        kind = cohort.bucket.kind
        name = (device, cohort.fold, done, kind.batch_size, kind.dropout)
        with self._drawing:  # or two threads would compile the same
            if name not in self._drawn:
                while len(self._drawn) > self._most:
                    del self._drawn[next(iter(self._drawn))]
                on_first = self._drawn.get((self._first, *name[1:]))
                draws = self._draw(cohort, done) if on_first is None else on_first
                self._drawn[name] = jax.device_put(draws, device)
            return self._drawn[name]

    def _draw(self, cohort: Cohort, done: int) -> EpochDraw:
        """By a program for all of a batch size."""
        kind = cohort.bucket.kind
        return draw_epochs(
            self._keys[cohort.fold],
            jax.device_put(np.int32(done), self._first),
            self._folds[cohort.fold],
            epochs=cohort.segment,
            batch_size=kind.batch_size,
            lengths=self._lengths,
            dropout=kind.dropout,
        )
