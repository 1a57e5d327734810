"""Threads that compile the programs of a sweep and train its cohorts by them."""

import threading
import time
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

import jax
import numpy as np

from mlp_jax.dtypes import scope
from mlp_jax.sweeps.folds import as_folds
from mlp_jax.sweeps.halving import share_of_epochs
from mlp_jax.sweeps.planning.forecast import COMPILING, FIRST
from mlp_jax.sweeps.planning.plan import SweepPlan
from mlp_jax.sweeps.running.batch_orders import BatchOrders
from mlp_jax.sweeps.running.chunk_program import on_platform
from mlp_jax.sweeps.running.cohort import Cohort
from mlp_jax.sweeps.running.cohorts import Cohorts
from mlp_jax.sweeps.running.devices import chunks_at_a_time, put_on_devices, slots_of
from mlp_jax.sweeps.running.limit import Pace, TimeLimit
from mlp_jax.sweeps.running.program_cache import (
    ProgramName,
    compile_program,
    kept_program,
)
from mlp_jax.sweeps.running.record import Record
from mlp_jax.sweeps.running.schedule import CohortName, InOrder, Schedule
from mlp_jax.sweeps.task import Task
from mlp_jax.sweeps.transfers import lies_here
from mlp_jax.training.epoch import EpochDraw

Job = int | CohortName  # a bucket whose program to compile, or a cohort to train
OnChunk = Callable[[int], None]  # takes how many epochs the chunk's members have trained, summed


class Runner:
    """The threads of a sweep: one program compiles while others run.

    A context: at its end all threads have ended, those of an exception after the chunk they are at.
    """

    def __init__(
        self,
        task: Task,
        plan: SweepPlan,
        cohorts: Cohorts,
        record: Record,
        on_chunk: OnChunk | None = None,
        limit: TimeLimit | None = None,
    ) -> None:
        """Threads that have nothing to do yet but to compile the programs of the plan.

        Args:
          task: of the sweep.
          plan: of the sweep.
          cohorts: of the plan's buckets.
          record: of what is found.
          on_chunk: called after every chunk, before its states are kept.
          limit: after which nothing begins, and whose `reached` says so; None for none.
        """
        self._on_chunk, self._limit = on_chunk, limit
        self._task, self._plan, self._cohorts, self._record = task, plan, cohorts, record
        folds, self._lengths = as_folds(task.splits)
        self._data = put_on_devices(task, folds, plan.devices)
        self._orders = BatchOrders(task, self._lengths, self._data)
        self._slots = slots_of(plan.devices)
        self._schedule = Schedule(
            *(plan.buckets, len(plan.devices), chunks_at_a_time(plan.devices)),
            # Halving needs all configurations for its choice.
            None if limit is None or plan.halving else InOrder(self._first, self._may_compile),
        )
        self._dividing = threading.Lock()
        self._divided: set[int] = set()  # buckets
        self._members: dict[CohortName, np.ndarray] = {}  # places in the bucket
        self._names: dict[tuple[int, Any], ProgramName] = {}  # of a bucket's program on a device
        self._stopped = threading.Event()
        self._pool = ThreadPoolExecutor(len(self._slots))

    def __enter__(self) -> "Runner":
        return self

    def __exit__(self, error: Any, *_: Any) -> None:
        if error is not None:
            self._stopped.set()
        self._pool.shutdown()

    def train(self, names: Iterable[CohortName]) -> None:
        """These cohorts have epochs left."""
        self._schedule.train(names)

    def run_until(self, epoch: int, look: Callable[[], float | None]) -> None:
        """Trains every cohort until this epoch, or the limit, and compiles what that needs.

        Args:
          epoch: to stop at.
          look: called again and again in the thread that calls this; returns the seconds until
            the next look, or None if there is nothing to look for.

        Raises:
          BaseException: of a thread, or of `look`.
        """
        free, pending = list(self._slots), dict[Future[Any], tuple[Any, Job]]()
        while pending or self._schedule:
            seconds = look()
            for device in list(free):
                job = self._next(device)
                if job is None:
                    continue
                free.remove(device)
                if isinstance(job, int):
                    pending[self._pool.submit(self._compile, job, device)] = device, job
                else:
                    pending[self._pool.submit(self._train, job, device, epoch)] = device, job
            if not pending:
                return  # there is no time for what is left
            for future in first_finished(pending, seconds, look):
                device, job = pending.pop(future)
                free.append(device)
                self._schedule.train(future.result() or ())
                if not isinstance(job, int):
                    self._schedule.trained(device)

    def _next(self, device: Any) -> Job | None:
        """What a device is to do next; nothing once the time is over."""
        if self._limit is None or not self._schedule:
            return self._schedule.next_of(device)
        while not self._limit.is_over():
            job = self._schedule.next_of(device)
            # Halving chooses among those that have a program in time; the others were never begun.
            if isinstance(job, int) and self._plan.halving and not self._may_compile(job):
                continue
            return job
        return None

    def _first(self, name: CohortName) -> int:
        """The least number of a cohort's configurations."""
        numbers = self._plan.buckets[name.bucket].configurations
        return int(numbers[self._members[name]].min())

    def _may_compile(self, number: int) -> bool:
        """Whether there is time for a bucket's program, and to train by it."""
        assert self._limit is not None
        takes = self._limit.compile_seconds(self._plan.buckets[number])
        share = COMPILING if self._names else FIRST  # without a program nothing is trained at all
        return takes < share * self._limit.left()

    def _pace(self, name: CohortName, cohort: Cohort) -> Pace | None:
        """How fast a cohort may go; None without a limit."""
        if self._limit is None:
            return None
        bucket = self._plan.buckets[name.bucket]
        epochs = int(self._task.configurations.epochs[bucket.configurations].max())
        epochs_in_all = bucket.chunks * epochs * share_of_epochs(epochs, self._plan.halving)
        chunks = -(-len(cohort.names) // bucket.chunk)
        return Pace(self._limit, chunks * bucket.seconds / epochs_in_all)

    def _compile(self, number: int, device: Any) -> list[CohortName]:
        """Compiles a bucket's program; returns its cohorts, to whichever thread is the first."""
        if self._stopped.is_set():
            return []
        with self._dividing:
            first = number not in self._divided
            if first:
                self._divided.add(number)
                self._members |= self._cohorts.of_bucket(number, self._record.done)
            names = [name for name in self._members if name.bucket == number]
        if names:  # else all of their members were done before
            with scope(self._task.X.dtype):  # JAX's switches belong to a thread
                cohort = self._cohorts.make(names[0], self._members[names[0]], device)
                self._program(number, cohort, device)
        return names if first else []

    def _program(self, number: int, cohort: Cohort, device: Any) -> Any:
        """The bucket's program; compiled again in the rare case that others crowded it out."""
        named = self._names.get((number, device))
        program = None if named is None else kept_program(named)
        if program is not None:
            return program
        began = time.perf_counter()
        data, kind = self._data[device], cohort.bucket.kind
        arguments = cohort.arguments_of_program(
            *(data.examples[kind.loss], data.folds[cohort.fold]),
            self._orders(cohort, 0, device),
        )
        quick, narrow = cohort.bucket.quick, cohort.bucket.narrow
        # A network alone shares its examples with none, and is as fast with nothing turned.
        by_entry = kind.by_entry and cohort.bucket.chunk > 1
        networks = on_platform(kind.networks, device.platform, by_entry=by_entry, narrow=narrow)
        choices = device, arguments, cohort.recipe(), self._lengths, networks, quick
        program, new = compile_program(*choices)
        self._names[number, device] = ProgramName(*choices)
        self._schedule.compiled(number, device)
        if self._limit is not None:
            took = time.perf_counter() - began if new else 0.0
            self._limit.compiled(cohort.bucket, took)
        if new:
            self._record.compiled(number, time.perf_counter() - began)
        return program

    def _train(self, name: CohortName, device: Any, until: int) -> None:
        """Trains a cohort until this epoch, its chunks among those of other cohorts."""
        if self._stopped.is_set():
            return
        data, loss = self._data[device], self._plan.buckets[name.bucket].kind.loss
        waited = 0.0  # for chunks of other buckets, which is none of this one's time

        def draw(done: int) -> EpochDraw:
            return self._orders(cohort, done, device)

        def call(
            chunk: Any, state: Any, done: Any, until: Any, draws: EpochDraw, which: Any
        ) -> Any:
            nonlocal waited
            asked = time.perf_counter()
            with data.running:
                waited += time.perf_counter() - asked
                trained = program(
                    *(data.examples[loss], chunk, state, done, until),
                    *(data.folds[name.fold], draws, which),
                )
                if lies_here(device):  # a CPU would begin the next chunk beside this one
                    jax.block_until_ready(trained[1])
                return trained

        with scope(self._task.X.dtype):
            begun = self._record.cohort(name)
            cohort = begun or self._cohorts.make(name, self._members[name], device)
            cohort.move(device)
            self._record.begin(name, cohort)
            program = self._program(name.bucket, cohort, device)
            began = time.perf_counter()
            pace = self._pace(name, cohort)
            for epochs in cohort.segments(until, draw, call, self._record.add, pace):
                if self._on_chunk is not None:
                    self._on_chunk(epochs)
                if self._stopped.is_set():
                    break
        self._record.trained(name.bucket, time.perf_counter() - began - waited)
        if not self._plan.halving and not self._stopped.is_set() and not cohort.goes_on:
            for outcomes in cohort.outcomes():
                self._record.add(outcomes)
            self._record.end(name)
            self._record.fetch()


def first_finished(
    pending: Collection[Future[Any]], seconds: float | None, look: Callable[[], float | None]
) -> set[Future[Any]]:
    """Those of `pending` that are finished, once one is; looks after so many seconds, and again."""
    while True:
        finished = wait(pending, seconds, return_when=FIRST_COMPLETED).done
        if finished or not pending:
            return finished
        seconds = look()
