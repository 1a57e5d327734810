"""The work of a sweep: threads that compile programs and train waves, and what became of all."""

import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

import jax
import numpy as np

from mlp_jax.dtypes import scope
from mlp_jax.processes.joined import LostPeerError
from mlp_jax.sweeps.folds import as_folds
from mlp_jax.sweeps.halving import best_of, rungs
from mlp_jax.sweeps.members import InitialWeights, Row
from mlp_jax.sweeps.planning.buckets import Bucket
from mlp_jax.sweeps.planning.chunks import CHUNKS_OF_WAVE
from mlp_jax.sweeps.planning.plan import SweepPlan
from mlp_jax.sweeps.running.batch_orders import Draws
from mlp_jax.sweeps.running.checkpoint import Checkpoint
from mlp_jax.sweeps.running.checkpoint_files import Found
from mlp_jax.sweeps.running.cohort import Outcome, Wave, arguments_of_program
from mlp_jax.sweeps.running.coordination import Alone
from mlp_jax.sweeps.running.devices import chunks_at_a_time, places_of, slots_of, workers_of
from mlp_jax.sweeps.running.program_cache import compiled
from mlp_jax.sweeps.running.schedule import Name, Schedule
from mlp_jax.sweeps.standings import Standings
from mlp_jax.sweeps.task import Task
from mlp_jax.training.epoch import EpochDraw


class Work:
    """Waves to train and programs to compile, and the threads that do so."""

    def __init__(
        self,
        task: Task,
        plan: SweepPlan,
        devices: list[Any],
        halving: int | None = None,
        checkpoint: Checkpoint | None = None,
        peers: Alone | None = None,
    ) -> None:
        self.task, self.plan, self._halving = task, plan, halving
        self._checkpoint = checkpoint
        self._peers = peers or Alone()
        found = Found({}, (), ()) if checkpoint is None else checkpoint.found
        names = {
            (*row, fold) for bucket in plan.buckets for row in bucket.rows for fold in bucket.folds
        }  # and not those of other shards, which the folder may have too
        self.outcomes: dict[tuple[int, int, int], Outcome] = {
            name: outcome for name, outcome in found.outcomes.items() if name in names
        }
        self._kept = found.kept
        self._stood = Standings(found.standings, names)
        self.compilations = 0
        self.seconds: dict[int, tuple[float, float]] = {}
        folds, self._lengths = as_folds(task.splits)
        self._places = places_of(task, folds, devices)
        self._draws = Draws(task, self._lengths, self._places)
        self._slots, self._workers = slots_of(devices), workers_of(devices)
        self._schedule = Schedule(plan.buckets, len(devices), chunks_at_a_time(devices))
        self._divided: set[int] = set()  # buckets
        self._rows: dict[Name, tuple[Row, ...]] = {}
        # Those that are not done: of halving all that were begun, else those that are training.
        self._waves: dict[Name, Wave] = {}
        self._stop = threading.Event()
        self._counting = threading.Lock()
        self._weights = InitialWeights(task)

    def through(self, shown: Callable[..., None] | None) -> bool:
        """Does all of it, one program compiling while others run; True if it was interrupted."""
        epochs = max(configuration["epochs"] for configuration in self.task.configurations)
        self._record(dict(self.outcomes), shown)
        with ThreadPoolExecutor(len(self._slots)) as pool:
            try:
                self._kept = self._peers.agreed(self._kept)
                for choice, rung in enumerate(rungs(epochs, self._halving)):
                    self._until(pool, rung, shown)
                    if rung < epochs:
                        self._schedule.train(self._cut(choice, shown))
                self._end(shown)
                self._save(wait=True)
            except LostPeerError:
                self._stop.set()
                pool.shutdown()
                self._save(wait=True)
                raise
            except KeyboardInterrupt:
                self._stop.set()
                self._peers.interrupted()
                pool.shutdown()
                self._save(wait=True)
                self._give_up()
                return True
            except BaseException:
                self._stop.set()
                raise
        return False

    def _until(
        self,
        pool: ThreadPoolExecutor,
        rung: int,
        shown: Callable[..., None] | None,
    ) -> None:
        """Every wave trained until this epoch."""
        free, pending = list(self._slots), dict[Future[Any], tuple[Any, int | Name]]()
        while pending or self._schedule:
            self._peers.check()
            for device in list(free):
                job = self._schedule.next_of(device)
                if job is None:
                    continue
                free.remove(device)
                if isinstance(job, int):
                    pending[pool.submit(self._compile, job, device)] = device, job
                else:
                    pending[pool.submit(self._train, job, device, rung, shown)] = device, job
            for future in self._wait(pending):
                device, job = pending.pop(future)
                free.append(device)
                self._schedule.train(future.result() or ())
                if not isinstance(job, int):
                    self._schedule.trained(device)

    def _wait(self, pending: Collection[Future[Any]]) -> set[Future[Any]]:
        """Those that are finished, once one is; saves whenever that is due."""
        saves = self._checkpoint
        while True:
            looks = [self._peers.look_seconds, None if saves is None else saves.wait_seconds()]
            due = min((seconds for seconds in looks if seconds is not None), default=None)
            finished = wait(pending, due, return_when=FIRST_COMPLETED).done
            self._peers.check()
            if saves is not None and not saves.wait_seconds():
                self._save()
            if finished or not pending:
                return finished

    def _save(self, *, wait: bool = False) -> None:
        """Saves what is done, and where the others stand."""
        if self._checkpoint is None:
            return
        with self._counting:
            outcomes = dict(self.outcomes)
            waves = [self._waves[name] for name in sorted(self._waves)]
        standings = [one for wave in waves if (one := wave.standing) is not None]
        # Of a writer the last save alone is read, so it has all that stood in those before it.
        standings += self._stood.but_for(standings, outcomes)
        self._checkpoint.save(outcomes, standings, self._kept, wait=wait)

    def _cut(self, choice: int, shown: Callable[..., None] | None) -> list[Name]:
        """Goes on with the best configurations; returns the waves that have some of them.

        choice: the number of it. What was once chosen stands, so that those that a checkpoint did
        not have, and that are trained again, are judged as they were.
        """
        if choice == len(self._kept):
            self._save()  # for the others may let this one wait
            own = [one for name in sorted(self._waves) for one in self._waves[name].standings()]
            assert self._halving is not None
            best = best_of(self._peers.standings(choice, own), self._halving)
            self._kept = (*self._kept, tuple(sorted(best)))
        kept = set(self._kept[choice])
        for wave in self._waves.values():
            # First, or Ctrl-C in between would lose them.
            self._record(wave.dropped(kept), shown)
            wave.keep(kept)
        self._waves = {name: wave for name, wave in self._waves.items() if wave.rows}
        self._save()
        return [name for name, wave in self._waves.items() if len(wave.going_on)]

    def _end(self, shown: Callable[..., None] | None) -> None:
        """Records the waves that halving has held."""
        for wave in self._waves.values():
            found = wave.outcomes().items()
            # Ctrl-C amid a choice may leave some in their wave that are recorded as halved away.
            self._record({name: one for name, one in found if name not in self.outcomes}, shown)
        self._waves = {}

    def _give_up(self) -> None:
        """Records where all stand after Ctrl-C, also those that the checkpoint alone knows of."""
        self._end(None)
        with self._context():
            for number in range(len(self.plan.buckets)):
                for name, rows in self._rows_of_waves(number).items():
                    if (*rows[0], name[1]) in self._stood:
                        self._rows[name] = rows
                        self._record(self._wave(name).outcomes(), None)

    def _record(
        self, outcomes: dict[tuple[int, int, int], Outcome], shown: Callable[..., None] | None
    ) -> None:
        with self._counting:
            self.outcomes.update(outcomes)
        if shown is not None and outcomes:
            shown(outcomes)

    def _context(self) -> Any:
        """JAX's switches belong to a thread."""
        return scope(self.task.X.dtype)

    def _compile(self, number: int, device: Any) -> list[Name]:
        """Compiles a bucket's program; returns the waves it is for, to whoever is the first."""
        if self._stop.is_set():
            return []
        with self._counting:
            first = number not in self._divided
            if first:
                self._divided.add(number)
                self._rows |= self._rows_of_waves(number)
            names = [name for name in self._rows if name[0] == number]
        if names:  # else all of them were done before
            with self._context():
                self._program(number, self._wave(names[0]), device)
        return names if first else []

    def _rows_of_waves(self, number: int) -> dict[Name, tuple[Row, ...]]:
        """A bucket's waves, in the order in which they are to be trained."""
        bucket = self.plan.buckets[number]
        parts = {fold: self._parts(bucket, fold) for fold in bucket.folds}
        return {
            (number, fold, place): parts[fold][place]
            for place in range(max(map(len, parts.values())))
            for fold in bucket.folds  # so that a configuration is soon done on all of them
            if place < len(parts[fold])
        }

    def _program(self, number: int, wave: Wave, device: Any) -> Any:
        """The bucket's program; compiled again in the rare case that others crowded it out."""
        began = time.perf_counter()
        place, kind = self._places[device], wave.bucket.kind
        arguments = arguments_of_program(
            *(wave, place.X, place.labels[kind.loss], place.folds[wave.fold]),
            self._draws(wave, 0, device),
            place.rests[kind.loss],
        )
        program, new = compiled(*(device, arguments, wave.recipe(), self._lengths, kind.networks))
        self._schedule.compiled(number, device)
        if new:
            with self._counting:
                self.compilations += 1
            self._took(number, time.perf_counter() - began, 0.0)
        return program

    def _took(self, number: int, compiling: float, training: float) -> None:
        with self._counting:
            before = self.seconds.get(number, (0.0, 0.0))
            self.seconds[number] = before[0] + compiling, before[1] + training

    def _parts(self, bucket: Bucket, fold: int) -> list[tuple[Row, ...]]:
        """Rows of its waves: a chunk each, or more where some of them stop and leave room.

        Without halving those of a wave may share a chunk. Rows that a checkpoint knows are with
        those that have done as many epochs, the furthest first.
        """
        alike: dict[tuple[int, int], list[Row]] = {}
        for row, network in zip(bucket.rows, bucket.which, strict=True):
            name = (*row, fold)
            if name not in self.outcomes:
                done = self._stood.epochs_done(name)
                apart = bucket.alike and not self._halving
                alike.setdefault((done, network if apart else 0), []).append(row)
        together = CHUNKS_OF_WAVE if "patience" in bucket.on else 1
        length = bucket.chunk * max(1, min(together, bucket.chunks // self._workers))
        if self._halving:
            length = len(bucket.rows)
        return [
            tuple(rows[first : first + length])
            for _, rows in sorted(alike.items(), key=lambda item: (-item[0][0], item[0][1]))
            for first in range(0, len(rows), length)
        ]

    def _wave(self, name: Name) -> Wave:
        number, fold, _ = name
        rows, saved = self._rows[name], self._checkpoint is not None
        bucket = self.plan.buckets[number]
        wave = Wave(self.task, bucket, fold, rows, self._weights, saved=saved)
        if (*rows[0], fold) in self._stood:
            wave.restore(self._stood.of(rows, fold))
        return wave

    def _train(
        self, name: Name, device: Any, until: int, shown: Callable[..., None] | None
    ) -> None:
        if self._stop.is_set():
            return
        number, fold, *_ = name
        place = self._places[device]
        loss = self.plan.buckets[number].kind.loss
        waited = 0.0  # for others to be done, which is none of the bucket's time

        def draw(done: int) -> EpochDraw:
            return self._draws(wave, done, device)

        def call(
            members: Any, state: Any, done: int, until: int, draws: EpochDraw, which: Any
        ) -> Any:
            nonlocal waited
            asked = time.perf_counter()
            with place.running:
                waited += time.perf_counter() - asked
                trained = program(
                    *(place.X, place.labels[loss], members, state),
                    *(np.int32(done), np.int32(until), place.folds[fold], draws, which),
                    place.rests[loss],
                )
                return jax.tree.map(np.asarray, trained)

        with self._context():
            wave = self._waves.get(name) or self._wave(name)
            with self._counting:
                self._waves[name] = wave
            program = self._program(number, wave, device)
            began = time.perf_counter()
            for _ in wave.segments(until, draw, call):
                if self._stop.is_set():
                    break
        self._took(number, 0.0, time.perf_counter() - began - waited)
        if not self._halving and not self._stop.is_set():
            self._record(wave.outcomes(), shown)
            with self._counting:
                del self._waves[name]
