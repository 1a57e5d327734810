"""A sweep handed out in parts to an engine, any executor of `concurrent.futures`.

The parts take about equally long by the plan, and are more than workers, so that a worker that is
done early takes another. With halving every rung is a round: all parts come back with where their
members stand, and those that go on are handed out again. Whoever loses a worker loses a part, which
is handed out again.
"""

import itertools
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, wait
from functools import partial
from pathlib import Path
from pickle import PicklingError
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

from mlp_jax.processes.engines import told_without_workers, workers_of
from mlp_jax.storage.fingerprints import content_of, digest_of
from mlp_jax.sweeps.divided.part import (
    Answer,
    Examples,
    Part,
    renumbered,
    without_examples,
)
from mlp_jax.sweeps.divided.worker import train_part
from mlp_jax.sweeps.member_order import MemberOrder
from mlp_jax.sweeps.planning.plan import SweepPlan
from mlp_jax.sweeps.running.cohort_members import names_of
from mlp_jax.sweeps.running.cohorts import Cohorts
from mlp_jax.sweeps.running.record import Record
from mlp_jax.sweeps.running.rungs import BY_THREADS, Trainer
from mlp_jax.sweeps.running.runner import first_finished
from mlp_jax.sweeps.running.schedule import CohortName
from mlp_jax.sweeps.task import Task

PARTS_OF_WORKER = 4  # of a rung, so that all workers are done at about one time
AGAIN = 2  # times that a part is handed out again
LONELY = 10.0  # seconds without a part that comes back, after which somebody looks for workers
GRACE = 10.0  # seconds in which workers that hear of Ctrl-C may bring what they have
UNSENT = PicklingError, AttributeError, TypeError  # what pickle raises


class Handed(NamedTuple):
    """A part, and the cohorts of the sweep that are in it."""

    part: Part
    cohorts: tuple[CohortName, ...]


def trainer_of(executor: Executor | None) -> Trainer:
    """Whoever trains the cohorts of a sweep: an executor, or the threads of this process."""
    if executor is None:
        return BY_THREADS
    workers = workers_of(executor)
    parts = PARTS_OF_WORKER * workers
    return Trainer(partial(EngineRunner, executor, workers, parts), parts)


class EngineRunner:
    """What `Runner` is, by workers of an engine instead of threads."""

    def __init__(
        self,
        executor: Executor,
        workers: int,
        parts: int,
        task: Task,
        plan: SweepPlan,
        cohorts: Cohorts,
        record: Record,
        *_: Any,
    ) -> None:
        """Nothing is handed out yet.

        Args:
          executor: of the user.
          workers: about how many parts it trains at a time.
          parts: how many to cut the members of a rung into.
          task: of the sweep.
          plan: of the sweep.
          cohorts: of the plan's buckets.
          record: of what is found.
        """
        self._executor, self._at_a_time, self._count = executor, 2 * workers, parts
        self._plan, self._cohorts, self._record = plan, cohorts, record
        self._order = MemberOrder(task)
        self._task, self._arrays = without_examples(task)
        self._folder = TemporaryDirectory(prefix="mlp_jax-")
        file = Path(self._folder.name) / "examples.npz"
        np.savez(file, *self._arrays)
        self._examples = Examples(digest_of(*map(content_of, self._arrays)), str(file))
        self._home = np.zeros((len(self._order), 2), np.int64)  # bucket and place of every member
        self._fresh: dict[CohortName, np.ndarray] = {}  # names of members nobody has trained here
        self._ready: list[CohortName] = []
        self._names = itertools.count(len(self._order))  # numbers that no cohort has
        self._pending: dict[Future[Answer], Handed] = {}
        self._came = False  # whether any part has come back
        self._lonely_since = time.monotonic()
        self._begin()

    def _begin(self) -> None:
        """Divides all members into cohorts; it is known where those stand that are saved."""
        for number, bucket in enumerate(self._plan.buckets):
            for fold in bucket.folds:
                at = self._order.places(names_of(bucket, fold))
                self._home[at] = np.column_stack([np.full(len(at), number), np.arange(len(at))])
            for name, places in self._cohorts.of_bucket(number, self._record.done).items():
                cohort = self._cohorts.make(name, places)
                self._ready.append(name)
                if cohort.snapshot is None:
                    self._fresh[name] = cohort.names
                else:
                    self._record.begin(name, cohort)

    def __enter__(self) -> "EngineRunner":
        return self

    def __exit__(self, error: Any, *_: Any) -> None:
        running = [future for future in self._pending if not future.cancel()]
        self._folder.cleanup()  # by which workers know that the sweep has ended
        if error is not None and issubclass(error, KeyboardInterrupt):
            for future in wait(running, GRACE).done:
                found = None if future.cancelled() or future.exception() else future.result()
                if found is not None and found.error is None:
                    self._take(self._pending[future], found)

    def train(self, names: Iterable[CohortName]) -> None:
        """These cohorts have epochs left."""
        self._ready += names

    def run_until(self, epoch: int, look: Callable[[], float | None]) -> None:
        """Has every cohort trained until this epoch; `look` is as for `Runner.run_until`.

        Raises:
          KeyboardInterrupt: some parts are lost for good, and a warning has said so.
          RuntimeError: a part is lost, and none has ever come back.
          ValueError: a part cannot be sent.
          BaseException: of a training, or of `look`.
        """
        waiting, lost = deque(self._parts(epoch)), list[BaseException]()
        while self._pending or waiting:
            seconds = self._look(look)
            while waiting and len(self._pending) < self._at_a_time:
                self._hand_out(waiting.popleft())
            for future in first_finished(self._pending, seconds, partial(self._look, look)):
                handed = self._pending[future]
                try:
                    answer = future.result()
                except UNSENT as error:
                    raise _unsent(error) from error
                except (Exception, CancelledError) as error:  # of the engine, not of the training
                    part = handed.part._replace(turn=handed.part.turn + 1)
                    if part.turn <= AGAIN:
                        again = waiting.append if self._came else waiting.appendleft
                        again(handed._replace(part=part))
                    elif self._came:
                        lost.append(error)
                    else:
                        raise _nobody(error) from error
                else:
                    if answer.lacks:
                        there = self._examples._replace(arrays=self._arrays)
                        part = handed.part._replace(examples=there)
                        waiting.appendleft(handed._replace(part=part))
                    self._take(handed, answer)
                del self._pending[future]
        if lost:
            warnings.warn(
                f"{len(lost)} part{'s' * (len(lost) > 1)} of the sweep went wrong {AGAIN + 1} "
                f"times, and the members are interrupted: {lost[0]!r}; see what the workers print",
                stacklevel=2,
            )
            raise KeyboardInterrupt

    def _look(self, look: Callable[[], float | None]) -> float:
        """`look`; says so where nobody is there to train."""
        seconds, now = look(), time.monotonic()
        if now - self._lonely_since >= LONELY:
            said = told_without_workers(self._executor)
            if said is not None:
                warnings.warn(said, stacklevel=2)
            self._lonely_since = now if said is None else np.inf
        return LONELY if seconds is None else min(seconds, LONELY)

    def _hand_out(self, handed: Handed) -> None:
        try:
            self._pending[self._executor.submit(train_part, handed.part)] = handed
        except UNSENT as error:
            raise _unsent(error) from error
        except Exception as error:  # a pool that is broken, a client without its scheduler
            died = "a worker has died, and " * isinstance(error, BrokenExecutor)
            warnings.warn(
                f"{died}the executor takes no more parts: {error}; what is done is kept. Make "
                "a new executor; with checkpoint= the same call goes on from there",
                stacklevel=2,
            )
            raise KeyboardInterrupt from None

    def _take(self, handed: Handed, answer: Answer) -> None:
        """Records what a part has found."""
        self._came, self._lonely_since = True, time.monotonic()
        if answer.error is not None:
            raise answer.error
        if answer.outcomes is None:
            return
        self._record.add(answer.outcomes)
        for snapshot in answer.standing:
            number, places = self._homes(snapshot.members)
            name = CohortName(number, int(snapshot.members[0, 2]), next(self._names))
            self._record.begin(name, self._cohorts.make(name, places, standing=snapshot))
        for name in handed.cohorts:
            if self._record.cohort(name) is not None:
                self._record.end(name)
        for number, (compiling, training) in (answer.seconds or {}).items():
            if compiling:
                self._record.compiled(number, compiling)
            self._record.trained(number, training)

    def _homes(self, members: np.ndarray) -> tuple[int, np.ndarray]:
        """(the number of the bucket that these members are of, their places there)."""
        homes = self._home[self._order.places(members)]
        return int(homes[0, 0]), homes[:, 1]

    # --- Parts.

    def _parts(self, until: int) -> list[Handed]:
        """All that is ready and stands before this epoch, cut into parts of about equal time."""
        cohorts = [(name, self._record.cohort(name)) for name in self._ready]
        ready = [name for name, cohort in cohorts if cohort is None or cohort.done < until]
        self._ready = []
        if not ready:
            return []
        work = np.array([self._work(name, until) for name in ready])
        middle = np.cumsum(work) - work / 2
        owner = (middle / work.sum() * self._count).astype(int)
        return [
            self._part([ready[place] for place in np.flatnonzero(owner == number)], until)
            for number in np.unique(owner)
        ]

    def _work(self, name: CohortName, until: int) -> float:
        """About how long a cohort trains until an epoch, in seconds of the plan."""
        bucket, cohort = self._plan.buckets[name.bucket], self._record.cohort(name)
        epochs = self._task.configurations.epochs
        members, done = (self._fresh[name], 0) if cohort is None else (cohort.names, cohort.done)
        left = np.clip(np.minimum(epochs[members[:, 0]], until) - done, 0, None).sum()
        of_all = epochs[bucket.configurations].sum() * len(bucket.folds)
        return bucket.seconds * left / of_all + 1e-9  # not 0 where nobody has epochs left

    def _part(self, names: list[CohortName], until: int) -> Handed:
        """The part of some cohorts, those of a bucket and fold in one."""
        members: dict[tuple[int, int], list[np.ndarray]] = {}
        standing = []
        for name in names:
            cohort = self._record.cohort(name)
            members.setdefault(name[:2], []).append(
                self._fresh.pop(name) if cohort is None else cohort.names
            )
            if cohort is not None and cohort.snapshot is not None:
                standing.append(cohort.snapshot)
        together = {key: np.concatenate(some) for key, some in members.items()}
        numbers = np.unique(np.concatenate([some[:, 0] for some in together.values()]))
        new = np.full(len(self._task.configurations), -1)
        new[numbers] = np.arange(len(numbers))
        part = Part(
            task=self._task.only(numbers),
            examples=self._examples,
            numbers=numbers,
            buckets=tuple(
                self._plan.buckets[number].only(np.sort(self._homes(some)[1]), fold, new)
                for (number, fold), some in together.items()
            ),
            of_plan=tuple(number for number, _ in together),
            standing=tuple(one._replace(members=renumbered(one.members, new)) for one in standing),
            until=until,
            halving=self._plan.halving,
        )
        return Handed(part, tuple(names))


def _nobody(error: BaseException) -> RuntimeError:
    return RuntimeError(
        f"no part of the sweep came back from the workers: {error!r}; see what they print. In a "
        'script, what starts processes stands under if __name__ == "__main__":'
    )


def _unsent(error: Exception) -> ValueError:
    return ValueError(
        f"a part cannot be sent to another process ({error}): a function of yours, as of scoring=, "
        "has to stand in a file that can be imported"
    )
