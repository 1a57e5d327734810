"""How the members of a bucket are divided into cohorts."""

from collections.abc import Container

from mlp_jax.sweeps.members import Member
from mlp_jax.sweeps.planning.buckets import Bucket
from mlp_jax.sweeps.planning.chunks import CHUNKS_OF_COHORT
from mlp_jax.sweeps.planning.plan import SweepPlan
from mlp_jax.sweeps.running.cohort import Cohort
from mlp_jax.sweeps.running.devices import workers_of
from mlp_jax.sweeps.running.schedule import CohortName
from mlp_jax.sweeps.running.snapshots import SavedSnapshots
from mlp_jax.sweeps.running.stacking import InitialWeights
from mlp_jax.sweeps.task import Task


class Cohorts:
    """The cohorts of a plan's buckets, each made when a thread asks for it."""

    def __init__(
        self, task: Task, plan: SweepPlan, saved: SavedSnapshots, *, keep_snapshots: bool
    ) -> None:
        """Cohorts of which nothing is made yet.

        Args:
          task: of the sweep.
          plan: of the sweep.
          saved: where members stood when they were saved; they go on from there.
          keep_snapshots: every cohort keeps a snapshot for the next save.
        """
        self._task, self._plan, self._saved = task, plan, saved
        self._keep_snapshots = keep_snapshots
        self._weights = InitialWeights(task)

    def of_bucket(
        self, number: int, done: Container[Member]
    ) -> dict[CohortName, tuple[Member, ...]]:
        """The members of a bucket's cohorts, in the order in which these are to be trained.

        done: members that have nothing left to train.
        """
        bucket = self._plan.buckets[number]
        parts = {fold: self._parts(bucket, fold, done) for fold in bucket.folds}
        return {
            CohortName(number, fold, place): parts[fold][place]
            for place in range(max(map(len, parts.values())))
            for fold in bucket.folds  # so that a configuration is soon done on all of them
            if place < len(parts[fold])
        }

    def _parts(
        self, bucket: Bucket, fold: int, done: Container[Member]
    ) -> list[tuple[Member, ...]]:
        """Members of a cohort each: a chunk, or more where some of them stop and leave room.

        Without halving the members of a cohort may share a chunk. Members that a checkpoint knows
        are with those that have done as many epochs, the furthest first.
        """
        halving = self._plan.halving
        alike: dict[tuple[int, int], list[Member]] = {}
        for member, network in zip(bucket.members(fold), bucket.which, strict=True):
            if member not in done:
                epochs = self._saved.epochs_done(member)
                apart = bucket.alike and not halving
                alike.setdefault((epochs, network if apart else 0), []).append(member)
        together = CHUNKS_OF_COHORT if "patience" in bucket.on else 1
        workers = workers_of(self._plan.devices)
        length = bucket.chunk * max(1, min(together, bucket.chunks // workers))
        if halving:
            length = bucket.per_fold
        return [
            tuple(members[first : first + length])
            for _, members in sorted(alike.items(), key=lambda item: (-item[0][0], item[0][1]))
            for first in range(0, len(members), length)
        ]

    def make(self, name: CohortName, members: tuple[Member, ...]) -> Cohort:
        """The cohort of these members, as they begin or as they were saved."""
        bucket = self._plan.buckets[name.bucket]
        cohort = Cohort(self._task, bucket, members, self._weights, saved=self._keep_snapshots)
        if members[0] in self._saved:
            cohort.restore(self._saved.of(members))
        return cohort

    def make_saved(self, done: Container[Member]) -> list[Cohort]:
        """The cohorts whose members were saved and are neither done nor in training again."""
        made = []
        for number in range(len(self._plan.buckets)):
            for name, members in self.of_bucket(number, done).items():
                if members[0] in self._saved:
                    made.append(self.make(name, members))
        return made
