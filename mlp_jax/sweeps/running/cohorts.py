"""How the members of a bucket are divided into cohorts."""

import numpy as np

from mlp_jax.sweeps.member_order import MemberOrder
from mlp_jax.sweeps.planning.buckets import Bucket
from mlp_jax.sweeps.planning.chunks import CHUNKS_OF_COHORT
from mlp_jax.sweeps.planning.plan import SweepPlan
from mlp_jax.sweeps.running.cohort import Cohort
from mlp_jax.sweeps.running.cohort_members import CohortMembers, members_of
from mlp_jax.sweeps.running.devices import workers_of
from mlp_jax.sweeps.running.schedule import CohortName
from mlp_jax.sweeps.running.snapshots import SavedSnapshots
from mlp_jax.sweeps.running.stacking import InitialWeights
from mlp_jax.sweeps.task import Task


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
    ) -> None:
        """Cohorts of which nothing is made yet.

        Args:
          task: of the sweep.
          plan: of the sweep.
          order: of all members.
          saved: where members stood when they were saved; they go on from there.
          keep_snapshots: every cohort keeps a snapshot for the next save.
        """
        self._task, self._plan, self._order, self._saved = task, plan, order, saved
        self._keep_snapshots = keep_snapshots
        self._weights = InitialWeights(task)

    def of_bucket(self, number: int, done: np.ndarray) -> dict[CohortName, CohortMembers]:
        """The members of a bucket's cohorts, in the order in which these are to be trained.

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

    def _parts(self, bucket: Bucket, fold: int, done: np.ndarray) -> list[CohortMembers]:
        """Members of a cohort each: a chunk, or more where some of them stop and leave room.

        Without halving the members of a cohort may share a chunk. Members that a checkpoint knows
        are with those that have done as many epochs, the furthest first.
        """
        members = members_of(bucket, fold)
        members = members.take(~done[self._order.places(members.names)])
        apart = bucket.alike and not self._plan.halving
        which = members.which if apart else np.zeros_like(members.which)
        epochs = self._saved.epochs_done(members.names)
        order = np.lexsort((which, -epochs))
        groups = np.diff([epochs[order], which[order]], axis=1).any(axis=0)
        length = self._length(bucket)
        return [
            members.take(group[first : first + length])
            for group in np.split(order, np.flatnonzero(groups) + 1)
            for first in range(0, len(group), length)
        ]

    def _length(self, bucket: Bucket) -> int:
        """How many members a cohort has at most."""
        if self._plan.halving:
            return bucket.per_fold
        together = CHUNKS_OF_COHORT if "patience" in bucket.on else 1
        workers = workers_of(self._plan.devices)
        return bucket.chunk * max(1, min(together, bucket.chunks // workers))

    def make(self, name: CohortName, members: CohortMembers) -> Cohort:
        """The cohort of these members, as they begin or as they were saved."""
        bucket = self._plan.buckets[name.bucket]
        cohort = Cohort(self._task, bucket, members, self._weights, saved=self._keep_snapshots)
        if self._saved.known(members.names[:1]).all():
            cohort.restore(self._saved.of(members.names))
        return cohort

    def make_saved(self, done: np.ndarray) -> list[Cohort]:
        """The cohorts whose members were saved and are neither done nor in training again.

        done: see `of_bucket`.
        """
        made = []
        for number in range(len(self._plan.buckets)):
            for name, members in self.of_bucket(number, done).items():
                if self._saved.known(members.names[:1]).all():
                    made.append(self.make(name, members))
        return made
