"""All members of a sweep in order: configurations as in the space, then seeds, then folds."""

from itertools import chain

import numpy as np

from mlp_jax.sweeps.members import Member
from mlp_jax.sweeps.task import Task


class MemberOrder:
    """The place of every member.

    configurations: of all (configuration, seed) in order, the number of the configuration.
    seeds: likewise the seed.
    folds: how many there are.
    """

    def __init__(self, task: Task) -> None:
        counts = np.fromiter(map(len, task.seeds), np.int64, len(task.seeds))
        self.folds = len(task.splits)
        self.configurations = np.repeat(np.arange(len(counts)), counts)
        self.seeds = np.fromiter(chain.from_iterable(task.seeds), np.int64, counts.sum())
        keys = _keys(self.configurations, self.seeds)
        self._order = np.argsort(keys, kind="stable")
        self._keys = keys[self._order]

    def __len__(self) -> int:
        return len(self.seeds) * self.folds

    def places(self, members: np.ndarray) -> np.ndarray:
        """Of members of the sweep, (members, 3), the place of each, (members,)."""
        configurations, seeds, folds = np.asarray(members, np.int64).reshape(-1, 3).T
        found = np.searchsorted(self._keys, _keys(configurations, seeds))
        return self._order[found] * self.folds + folds

    def member(self, place: int) -> Member:
        """The member at a place."""
        pair, fold = divmod(place, self.folds)
        return Member(int(self.configurations[pair]), int(self.seeds[pair]), fold)


def _keys(configurations: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    return (configurations << 32) | seeds  # a seed has 32 bits
