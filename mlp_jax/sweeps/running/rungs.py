"""A sweep from rung to rung of halving, saved on its way; without halving there is one rung."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from mlp_jax.dtypes import scope
from mlp_jax.processes.joined import LostPeerError
from mlp_jax.sweeps.halving import best_of, epochs_of_rungs
from mlp_jax.sweeps.member_order import MemberOrder
from mlp_jax.sweeps.planning.plan import SweepPlan
from mlp_jax.sweeps.running.checkpoint import Saved, SweepCheckpoint
from mlp_jax.sweeps.running.cohort_members import names_of
from mlp_jax.sweeps.running.cohorts import Cohorts
from mlp_jax.sweeps.running.coordination import SingleProcess
from mlp_jax.sweeps.running.limit import TimeLimit
from mlp_jax.sweeps.running.record import Record, Shown
from mlp_jax.sweeps.running.runner import OnChunk, Runner
from mlp_jax.sweeps.running.schedule import CohortName
from mlp_jax.sweeps.running.snapshots import SavedSnapshots
from mlp_jax.sweeps.task import Task

PARTS = 16  # of the epochs of members that go on together


class Trainer(NamedTuple):
    """Whoever trains the cohorts of a sweep.

    runner: makes what trains them, of the arguments of `Runner`.
    parts: how many a rung is cut into, at least; None where this process trains all of it.
    """

    runner: Callable[..., Any]
    parts: int | None


BY_THREADS = Trainer(Runner, None)


class Rungs:
    """All members of a plan trained to the rungs that they come to."""

    def __init__(
        self,
        task: Task,
        plan: SweepPlan,
        checkpoint: SweepCheckpoint | None = None,
        coordination: SingleProcess | None = None,
        shown: Shown | None = None,
        on_chunk: OnChunk | None = None,
        limit: TimeLimit | None = None,
        *,
        evenly: bool = False,
        trainer: Trainer = BY_THREADS,
    ) -> None:
        """A sweep of which nothing is trained yet, but for what the checkpoint has.

        Args:
          task: what to train.
          plan: how.
          checkpoint: to go on from and to save to.
          coordination: with the other processes of the sweep.
          shown: called with the outcomes of members that are done, from any thread.
          on_chunk: called by the thread that has trained a chunk, before its states are kept.
          limit: of the time, or None.
          evenly: all members go on together, part of the epochs by part, so that at the limit all
            have come about as far; with halving they do anyway.
          trainer: whoever trains the cohorts.
        """
        self._limit, self._evenly, self._make_runner = limit, evenly, trainer.runner
        self._task, self._plan, self._checkpoint = task, plan, checkpoint
        self._coordination = coordination or SingleProcess()
        self._on_chunk = on_chunk
        saved = Saved((), (), ()) if checkpoint is None else checkpoint.saved
        order = MemberOrder(task)
        mine = np.zeros(len(order), bool)  # and not those of other shards, which a folder has too
        for bucket in plan.buckets:
            for fold in bucket.folds:
                mine[order.places(names_of(bucket, fold))] = True
        self._kept = saved.kept
        self._saved = SavedSnapshots(saved.snapshots, order, mine)
        self._cohorts = Cohorts(
            *(task, plan, order, self._saved),
            keep_snapshots=checkpoint is not None or trainer.parts is not None,
            limit=limit,
            parts=trainer.parts,
        )
        self.record = Record(order, shown)
        self._known = [known.take(mine[order.places(known.members)]) for known in saved.outcomes]

    def train(self) -> bool:
        """Trains all members, some to the last rung; True if it was interrupted.

        The limit of the time does not count as an interruption, but it leaves members as far as
        they came too.

        Raises:
          LostPeerError: another process of the sweep has ended; what this one has is saved.
          OSError: the checkpoint cannot be written.
        """
        epochs = int(self._task.configurations.epochs.max())
        for known in self._known:
            self.record.add(known)
        try:
            with self._runner() as runner:
                try:
                    self._train(runner, epochs)
                except KeyboardInterrupt:
                    self._coordination.interrupted()  # before this waits for its threads
                    raise
        except LostPeerError:
            self._save(wait=True)
            raise
        except KeyboardInterrupt:
            self._save(wait=True)
            self._give_up()
            return True
        return False

    def _runner(self) -> Any:
        how = self._on_chunk, self._limit
        return self._make_runner(self._task, self._plan, self._cohorts, self.record, *how)

    def _train(self, runner: Any, epochs: int) -> None:
        """Trains to every rung; the last one is at so many epochs."""
        self._kept = self._coordination.agreed(self._kept)
        for choice, rung in enumerate(self._stops(epochs)):
            runner.run_until(rung, self._look)
            if self._limit is not None and self._limit.reached:
                self._give_up()
                return
            if rung < epochs:
                runner.train(self._choose(choice) if self._plan.halving else self.record.going_on())
        self.record.end_all()
        self._save(wait=True)

    def _stops(self, epochs: int) -> list[int]:
        """The epochs at which all members are waited for, the last at the end."""
        if self._evenly and self._plan.halving is None:
            return sorted({-(-epochs * part // PARTS) for part in range(1, PARTS + 1)})
        return epochs_of_rungs(epochs, self._plan.halving)

    def _look(self) -> float | None:
        """Heeds the other processes, and saves if that is due; the seconds until the next look."""
        self._coordination.check()
        due = [self._coordination.look_seconds]
        if self._checkpoint is not None:
            if not self._checkpoint.wait_seconds():
                self._save()
            due.append(self._checkpoint.wait_seconds())
        return min((seconds for seconds in due if seconds is not None), default=None)

    def _save(self, *, wait: bool = False) -> None:
        """Saves what is done, and where the others stand."""
        if self._checkpoint is None:
            return
        outcomes, done, snapshots = self.record.state()
        # Of a writer the last save alone is read, so it has all that stood in those before it.
        snapshots += self._saved.but_for(snapshots, done)
        self._checkpoint.save(outcomes, snapshots, self._kept, wait=wait)

    def _choose(self, choice: int) -> list[CohortName]:
        """Goes on with the best configurations; returns the cohorts that have some of them.

        choice: its number, from 0. What was once chosen stands, so that members that a checkpoint
          did not have, and that are trained again, are judged as they were.
        """
        if choice == len(self._kept):
            self._save()  # for the others may let this process wait
            cohorts = self.record.cohorts().values()
            own = [score for cohort in cohorts for score in cohort.rung_scores()]
            own += self.record.rung_scores(set(self._kept[-1]) if self._kept else None)
            assert self._plan.halving is not None
            scores = self._coordination.rung_scores(choice, own)
            self._kept = (*self._kept, tuple(sorted(best_of(scores, self._plan.halving))))
        going_on = self.record.keep(set(self._kept[choice]))
        self._save()
        return going_on

    def _give_up(self) -> None:
        """Records where all stand amid their training, also whom the checkpoint alone knows of."""
        self.record.end_all(show=False)
        with scope(self._task.X.dtype):
            for cohort in self._cohorts.make_saved(self.record.done):
                for outcomes in cohort.outcomes():
                    self.record.add(outcomes, show=False)
