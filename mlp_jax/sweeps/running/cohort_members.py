"""The members of a cohort: who they are, and what they are trained by, as columns."""

from typing import NamedTuple

import jax
import numpy as np

from mlp_jax.sweeps.planning.buckets import Bucket
from mlp_jax.sweeps.planning.kinds import numbers_of
from mlp_jax.sweeps.task import Task
from mlp_jax.training.recipe import Numbers


class CohortMembers(NamedTuple):
    """Members of a bucket on one fold; every array has them on its first axis.

    names: configuration, seed and fold of each, (members, 3).
    which: the number of each one's network among the bucket's, (members,).
    epochs: how many each trains at most, (members,), int32.
    numbers: of their trainings, each (members,).
    """

    names: np.ndarray
    which: np.ndarray
    epochs: np.ndarray
    numbers: Numbers

    @property
    def widths(self) -> np.ndarray:
        """Units of the hidden layers, (members, depth)."""
        return np.asarray(self.numbers.widths)

    def take(self, which: np.ndarray) -> "CohortMembers":
        """Some of them, by their places."""
        numbers = jax.tree.map(lambda leaf: leaf[which], self.numbers)
        columns = self.names[which], self.which[which], self.epochs[which]
        return CohortMembers(*columns, numbers)


def names_of(bucket: Bucket, fold: int) -> np.ndarray:
    """Configuration, seed and fold of the members of a bucket on a fold, (members, 3)."""
    pairs = np.array([bucket.configurations, bucket.seeds], np.int64).reshape(2, -1)
    return np.column_stack([*pairs, np.full(pairs.shape[1], fold)])


def members_of(task: Task, bucket: Bucket, fold: int) -> CohortMembers:
    """All members of a bucket on a fold, in the bucket's order."""
    names = names_of(bucket, fold)
    numbers = names[:, 0]
    return CohortMembers(
        names=names,
        which=np.array(bucket.which, np.int64),
        epochs=task.on_fold(fold).epochs[numbers].astype(np.int32),
        numbers=numbers_of(task, numbers, fold, bucket.on, dropout=bucket.kind.dropout),
    )
