"""A sweep, run: programs compile while others train, and Ctrl-C keeps what is finished."""

import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import nullcontext
from typing import Any

import jax
import numpy as np

from mlp_jax.sweeps.folds import as_folds
from mlp_jax.sweeps.members import InitialWeights
from mlp_jax.sweeps.plan import CHUNKS_OF_WAVE, SweepPlan, as_plan
from mlp_jax.sweeps.programs import Devices
from mlp_jax.sweeps.progress import as_sweep_progress
from mlp_jax.sweeps.result import SweepResult
from mlp_jax.sweeps.task import Task, as_task
from mlp_jax.sweeps.waves import Wave, arguments_of_program


def sweep(
    X: Any,
    y: Any,
    space: Any,
    *,
    n: int | None = None,
    folds: Any = None,
    validation: Any = None,
    seeds: int = 1,
    epochs: int = 100,
    patience: int | None = None,
    scoring: Any = None,
    memory: int | None = None,
    chunk: int | None = None,
    devices: Sequence[Any] | None = None,
    key: Any = 0,
    progress: bool | Callable[..., None] = True,
) -> SweepResult:
    """Trains every configuration of a space on every fold, many at a time. Rows are samples.

    Args:
      X: the table, (samples, features), of numbers on one scale (standardise them first).
      y: labels, (samples,), of any kind, or (samples, K).
      space: a dict from names to lists (every combination), to distributions such as
        `mlp_jax.log_uniform(1e-4, 1e-1)` or those of `scipy.stats` (n samples of them), or to
        single values; or a list of configurations, dicts of single values. Names: hidden (a tuple),
        or depth with width (of all layers) or widths (of each); activation, loss, precision,
        batch_size, optimizer, schedule, nesterov and all their numbers (learning_rate, momentum,
        weight_decay, clip_norm, ...), epochs, patience, tolerance, l2, dropout, label_smoothing,
        class_weight, seed. What is not named: one hidden layer of 100 relu, Adam, batches of 64,
        the loss that fits y, the rest as in `mlp_jax.fit`.
      n: how many configurations to draw.
      folds: how many, 5 unless said otherwise; or pairs of indices (train, validation), or a
        splitter of scikit-learn.
      validation: instead of folds, (Xv, yv), or the share of the samples to validate by.
      seeds: how many initial weights of every configuration. The order of the batches is shared by
        all members of a fold, which makes their scores comparable.
      epochs: of the configurations that do not name them.
      patience: likewise; None for never stopping early.
      scoring: "accuracy", "r2", "loss", or a function (A, Y, weights) -> a value that is the better
        the higher it is, of outputs and labels, (K, samples); None for the first that fits. It is
        taken in the epoch of the lowest validation loss.
      memory: bytes it may take, data and results included; None for what suits the machine.
      chunk: how many networks train side by side; None for what suits it. At one chunk a member is
        the same to the last bit whatever else is in the space.
      devices: of `jax.devices()`; a chunk is divided among them. None for all accelerators, or for
        one CPU device with a chunk on each core.
      key: from `jax.random.key`, or a seed: of the drawing, the folds, weights and batch order.
      progress: True for a bar, or a function called as progress(done, members, best score).

    Returns:
      A `SweepResult`: all members, the best, and its network. After Ctrl-C, those that finished.

    Raises:
      ValueError: what came, what was expected and what to type; before anything compiles.

    Example:
      >>> import numpy as np, mlp_jax
      >>> X = np.random.default_rng(0).normal(size=(200, 2))
      >>> y = X[:, 0] * X[:, 1] > 0  # exclusive or
      >>> space = {"hidden": [(2,), (16, 16)], "learning_rate": [0.01, 0.03]}
      >>> result = mlp_jax.sweep(X, y, space, folds=2, epochs=60, progress=False)
      >>> result.best.configuration["hidden"], bool(result.best.score > 0.8)
      ((16, 16), True)
    """
    task = as_task(
        *(X, y, space),
        n=n,
        folds=folds,
        validation=validation,
        seeds=seeds,
        epochs=epochs,
        patience=patience,
        scoring=scoring,
        key=key,
    )
    plan = plan_of(task, memory=memory, chunk=chunk, devices=devices)
    return run(task, plan, devices=devices, progress=progress)


def plan_sweep(
    X: Any,
    y: Any,
    space: Any,
    *,
    memory: int | None = None,
    chunk: int | None = None,
    devices: Sequence[Any] | None = None,
    progress: Any = None,
    **choices: Any,
) -> SweepPlan:
    """What `sweep` would do with the same arguments; nothing is compiled or trained.

    Example:
      >>> import numpy as np, mlp_jax
      >>> X, y = np.zeros((90, 4)), np.arange(90) % 3
      >>> plan = mlp_jax.plan_sweep(X, y, {"width": [8, 12, 16]}, folds=3)
      >>> plan.members, plan.compilations, plan.buckets[0].hidden
      (9, 1, (16,))
    """
    return plan_of(as_task(X, y, space, **choices), memory=memory, chunk=chunk, devices=devices)


def plan_of(
    task: Task,
    *,
    memory: int | None = None,
    chunk: int | None = None,
    devices: Sequence[Any] | None = None,
    **how: Any,
) -> SweepPlan:
    """The plan of a task on these devices."""
    for name, value in (("memory", memory), ("chunk", chunk)):
        if value is not None and (not isinstance(value, int | np.integer) or value < 1):
            raise ValueError(f"{name} is {value!r}; expected an integer from 1 up, or None")
    chosen = _devices(devices)
    return as_plan(
        task,
        workers=_workers(chosen),
        shards=len(chosen),
        memory=memory,
        chunk=chunk,
        on_cpu=chosen[0].platform == "cpu",
        **how,
    )


def _devices(devices: Sequence[Any] | None) -> list[Any]:
    if devices is None:
        found = jax.local_devices()
        return found if found[0].platform != "cpu" else found[:1]
    if not len(devices):
        raise ValueError("devices is empty; expected some of jax.devices()")
    return list(devices)


def _workers(devices: Sequence[Any]) -> int:
    """How many chunks run at a time: XLA leaves one small product on one core."""
    if len(devices) > 1 or devices[0].platform != "cpu":
        return 1
    return max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1)


def run(
    task: Task,
    plan: SweepPlan,
    *,
    devices: Sequence[Any] | None = None,
    progress: bool | Callable[..., None] = False,
) -> SweepResult:
    """The task done as planned."""
    began = time.perf_counter()
    with as_sweep_progress(progress, task, plan.members) as shown:
        work = Work(task, plan, _devices(devices))
        interrupted = work.through(shown)
    return SweepResult(
        task=task,
        plan=plan,
        outcomes=work.outcomes,
        seconds=time.perf_counter() - began,
        compilations=work.compilations,
        interrupted=interrupted,
    )


class Work:
    """Waves to train and programs to compile, and the threads that do so."""

    def __init__(self, task: Task, plan: SweepPlan, devices: list[Any]) -> None:
        self.task, self.plan = task, plan
        self.outcomes: dict[tuple[int, int, int], Any] = {}
        self.compilations = 0
        self._where = Devices(devices)
        self._on_cpu = devices[0].platform == "cpu"
        self._workers = _workers(devices)
        self._running = threading.Semaphore(self._workers)
        self._x64 = task.X.dtype == np.float64
        self._stop = threading.Event()
        self._weights = InitialWeights(task)
        self._X = self._where.put(task.X)
        self._labels = {loss: self._where.put(Y) for loss, Y in task.labels.items()}
        folds, self._lengths = as_folds(task.splits)
        self._folds = [self._where.put(fold) for fold in folds]
        self._keys = [
            self._where.put(jax.random.fold_in(task.key_order, np.uint32(fold)))
            for fold in range(len(folds))
        ]
        self._programs: dict[int, Any] = {}

    def through(self, shown: Callable[..., None] | None) -> bool:
        """Does all of it, one program compiling while others run; True if it was interrupted."""
        with ThreadPoolExecutor(self._workers + (not self._on_cpu)) as pool:
            pending: set[Future[Any]] = set()
            try:
                # In the order of the plan: who is free compiles the next program, and what it is
                # for lines up behind it, before programs not yet wanted.
                compiling = list(range(len(self.plan.buckets)))
                ready: list[tuple[int, int, int]] = []
                while pending or compiling or ready:
                    while len(pending) < pool._max_workers and (ready or compiling):
                        if ready:
                            pending.add(pool.submit(self._train, *ready.pop(0), shown))
                        else:
                            pending.add(pool.submit(self._compile, compiling.pop(0)))
                    finished, pending = wait(pending, return_when=FIRST_COMPLETED)
                    for future in finished:
                        ready += future.result() or []
            except KeyboardInterrupt:
                self._stop.set()
                for future in pending:
                    future.exception()
                return True
            except BaseException:
                self._stop.set()
                raise
        return False

    def _context(self) -> Any:
        """JAX's switches belong to a thread."""
        return jax.enable_x64(True) if self._x64 else nullcontext()

    def _compile(self, number: int) -> list[tuple[int, int, int]]:
        """Compiles a bucket's program; returns the waves it is for: (bucket, fold, first row)."""
        if self._stop.is_set():
            return []
        bucket = self.plan.buckets[number]
        waves = [
            (number, fold, first)
            for fold in bucket.folds
            for first in range(0, len(bucket.rows), CHUNKS_OF_WAVE * bucket.chunk)
        ]
        with self._context():
            wave = self._wave(*waves[0])
            Y = self._labels[bucket.kind.network.loss]
            arguments = arguments_of_program(
                *(wave, self._X, Y, self._folds[wave.fold], self._keys[wave.fold], self._lengths)
            )
            program, new = self._where.compiled(arguments, wave.plan(), self._lengths)
        self._programs[number] = program
        self.compilations += new
        return waves

    def _wave(self, number: int, fold: int, first: int) -> Wave:
        bucket = self.plan.buckets[number]
        rows = bucket.rows[first : first + CHUNKS_OF_WAVE * bucket.chunk]
        return Wave(self.task, bucket, fold, rows, self._weights)

    def _train(self, number: int, fold: int, first: int, shown: Callable[..., None] | None) -> None:
        if self._stop.is_set():
            return
        bucket = self.plan.buckets[number]
        Y = self._labels[bucket.kind.network.loss]

        def call(members: Any, state: Any, done: int, until: int) -> Any:
            with self._running:
                return jax.tree.map(
                    np.asarray,
                    self._programs[number](
                        *(self._X, Y, members, state, np.int32(done), np.int32(until)),
                        *(self._folds[fold], self._keys[fold]),
                    ),
                )

        with self._context():
            wave = self._wave(number, fold, first)
            until = max(self.task.configurations[row.configuration]["epochs"] for row in wave.rows)
            for _ in wave.segments(until, call):
                if self._stop.is_set():
                    break
        outcomes = wave.outcomes()
        self.outcomes.update(outcomes)
        if shown is not None:
            shown(outcomes)
