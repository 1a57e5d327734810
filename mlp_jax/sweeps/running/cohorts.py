"""How the members of a bucket are divided into cohorts."""

import threading
from typing import Any

import numpy as np

from mlp_jax.sweeps.member_order import MemberOrder
from mlp_jax.sweeps.members import Snapshot
from mlp_jax.sweeps.planning.buckets import Bucket
from mlp_jax.sweeps.planning.chunks import CHUNKS_OF_COHORT, needs_of
from mlp_jax.sweeps.planning.costs import longest_fold
from mlp_jax.sweeps.planning.plan import SweepPlan
from mlp_jax.sweeps.planning.segments import epochs_of_segment
from mlp_jax.sweeps.running.cohort import Cohort
from mlp_jax.sweeps.running.cohort_members import CohortMembers, members_of, names_of
from mlp_jax.sweeps.running.devices import room_of, workers_of
from mlp_jax.sweeps.running.limit import TimeLimit
from mlp_jax.sweeps.running.schedule import CohortName
from mlp_jax.sweeps.running.snapshots import SavedSnapshots
from mlp_jax.sweeps.running.stacking import InitialWeights
from mlp_jax.sweeps.task import Task
from mlp_jax.sweeps.transfers import lies_here

# Of the time that a sweep may take, what the cohorts of a chunk's configurations on all folds take.
SHARE_OF_LIMIT = 0.05
COHORTS_OF_WORKER = 4  # of a bucket at least, so that all workers are done at about one time


class Cohorts:
    """The cohorts of a plan's buckets, each made when a thread asks for it."""

    def __init__(
        self,
        task: Task,
        plan: SweepPlan,
        order: MemberOrder,
        saved: SavedSnapshots,
        *,
        keep_snapshots: bool,
        limit: TimeLimit | None = None,
        parts: int | None = None,
    ) -> None:
        """Cohorts of which nothing is made yet.

        Args:
          task: of the sweep.
          plan: of the sweep.
          order: of all members.
          saved: where members stood when they were saved; they go on from there.
          keep_snapshots: every cohort keeps a snapshot for the next save.
          limit: when all ends; whole configurations are to be done then, so cohorts are short.
          parts: all of them are to be so small that the sweep can be cut into so many; None where
            one process trains it.
        """
        self._limit, self._parts_of_all = limit, parts
        self._task, self._plan, self._order, self._saved = task, plan, order, saved
        self._keep_snapshots = keep_snapshots
        self._weights = InitialWeights(task)
        self._members: dict[tuple[int, int], CohortMembers] = {}  # of a bucket on a fold
        most = int(task.configurations.epochs.max(initial=0))
        self._one_segment = most <= epochs_of_segment(longest_fold(task))
        self._resident = self._have_room()
        self._making = threading.Lock()

    def _have_room(self) -> bool:
        """Whether the states of all members that wait at one time fit on their devices.

        With halving all members wait for the choice. Else two cohorts a device are in training, and
        while a segment runs there are its states and those before it.
        """
        devices = self._plan.devices
        room = None if lies_here(devices[0]) else room_of(devices)
        if room is None:
            return True
        needed = 0
        for bucket in self._plan.buckets:
            waiting = needs_of(self._task, bucket).waiting
            if self._plan.halving:
                needed += waiting * bucket.per_fold * len(bucket.folds) // len(devices)
            else:
                needed = max(needed, 2 * waiting * self._length(bucket))
        return 2 * needed <= room // 2

    def of_bucket(self, number: int, done: np.ndarray) -> dict[CohortName, np.ndarray]:
        """The places in a bucket of its cohorts' members, in the order in which these are to train.

        done: members that have nothing left to train, marked in the order of all.
        """
        bucket = self._plan.buckets[number]
        parts = {fold: self._parts(bucket, fold, done) for fold in bucket.folds}
        return {
            CohortName(number, fold, place): parts[fold][place]
            for place in range(max(map(len, parts.values())))
            for fold in bucket.folds  # so that a configuration is soon done on all of them
            if place < len(parts[fold])
        }

    def _parts(self, bucket: Bucket, fold: int, done: np.ndarray) -> list[np.ndarray]:
        """The places of members of a cohort each: a chunk, or more where some stop and leave room.

        Without halving the members of a cohort may share a chunk. Members that a checkpoint knows
        are with those that have done as many epochs, the furthest first.
        """
        names, which = names_of(bucket, fold), np.asarray(bucket.which)
        left = np.flatnonzero(~done[self._order.places(names)])
        epochs = self._saved.epochs_done(names[left])
        apart = bucket.alike and not self._plan.halving
        which = which[left] if apart else np.zeros_like(left)
        order = np.lexsort((which, -epochs))
        groups = np.diff([epochs[order], which[order]], axis=1).any(axis=0)
        length = self._length(bucket)
        return [
            left[group[first : first + length]]
            for group in np.split(order, np.flatnonzero(groups) + 1)
            for first in range(0, len(group), length)
        ]

    def _length(self, bucket: Bucket) -> int:
        """How many members a cohort has at most."""
        if self._parts_of_all is not None:
            of_all = bucket.seconds / sum(one.seconds for one in self._plan.buckets)
            return bucket.chunk * max(1, int(bucket.chunks / (self._parts_of_all * of_all)))
        if self._plan.halving:
            return bucket.per_fold
        workers = workers_of(self._plan.devices)
        if "patience" in bucket.on:
            together = bucket.chunks // workers
        else:
            # Of a segment alone no states wait, and a cohort of many members is made as fast.
            together = bucket.chunks // (COHORTS_OF_WORKER * workers) if self._one_segment else 1
        if self._limit is not None:
            of_fold = SHARE_OF_LIMIT * self._limit.seconds * workers / len(bucket.folds)
            together = min(together, int(of_fold * bucket.chunks / bucket.seconds))
        return bucket.chunk * max(1, min(CHUNKS_OF_COHORT, together))

    def make(
        self,
        name: CohortName,
        places: np.ndarray,
        device: Any = None,
        standing: Snapshot | None = None,
    ) -> Cohort:
        """The cohort of these members, as they begin or as they were saved.

        Args:
          name: of the cohort.
          places: of its members in the bucket.
          device: see `Cohort`.
          standing: where they stand now.
        """
        bucket, of_all = self._plan.buckets[name.bucket], (name.bucket, name.fold)
        with self._making:  # or two threads would make the same
            if of_all not in self._members:
                self._members[of_all] = members_of(self._task, bucket, name.fold)
        members = self._members[of_all].take(places)
        cohort = Cohort(
            *(self._task, bucket, members, self._weights),
            device=device,
            resident=self._resident,
            saved=self._keep_snapshots,
        )
        if standing is not None:
            cohort.restore([(standing, place) for place in range(len(places))])
        elif self._saved.known(members.names[:1]).all():
            cohort.restore(self._saved.of(members.names))
        return cohort

    def make_saved(self, done: np.ndarray) -> list[Cohort]:
        """The cohorts whose members were saved and are neither done nor in training again.

        done: see `of_bucket`.
        """
        made = []
        for number in range(len(self._plan.buckets)):
            for name, places in self.of_bucket(number, done).items():
                first = names_of(self._plan.buckets[number], name.fold)[places[:1]]
                if self._saved.known(first).all():
                    made.append(self.make(name, places))
        return made
