"""Members of a cohort: who they are, and which network each of them is."""

from typing import NamedTuple

import numpy as np

from mlp_jax.sweeps.planning.buckets import Bucket
from mlp_jax.sweeps.task import Task


class CohortMembers(NamedTuple):
    """Members of a bucket on one fold.

    names: configuration, seed and fold of each, (members, 3).
    which: the number of each one's network among the bucket's, (members,).
    """

    names: np.ndarray
    which: np.ndarray

    def take(self, which: np.ndarray) -> "CohortMembers":
        """Some of them, by their places or marked."""
        return CohortMembers(self.names[which], self.which[which])


def members_of(bucket: Bucket, fold: int) -> CohortMembers:
    """All members of a bucket on a fold, in the bucket's order."""
    pairs = np.array([bucket.configurations, bucket.seeds], np.int64).reshape(2, -1)
    names = np.column_stack([*pairs, np.full(pairs.shape[1], fold)])
    return CohortMembers(names, np.array(bucket.which, np.int64))


def epochs_of(task: Task, numbers: np.ndarray, fold: int) -> np.ndarray:
    """How many epochs configurations of these numbers train at most, (members,), int32."""
    return np.array([task.of_fold(number, fold).epochs for number in numbers.tolist()], np.int32)
