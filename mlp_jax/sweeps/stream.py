"""The configurations of a space in an order of their own, drawn as far as they are tried."""

import math
from collections.abc import Callable

from mlp_jax.sweeps.space import BLOCK
from mlp_jax.sweeps.task import Task

TaskOf = Callable[[int], Task]  # of the first so many configurations, or fewer if there are no more


class Stream:
    """The configurations of a space in order, drawn as far as somebody asks."""

    def __init__(self, task_of: TaskOf, n: int | None) -> None:
        """n: of which there are no more; None for as many as there are."""
        self._task_of, self._most = task_of, math.inf if n is None else n
        self._asked = int(min(BLOCK, self._most))
        self.task = task_of(self._asked)

    def has(self, count: int) -> bool:
        """Whether there are so many."""
        while len(self.task.configurations) == self._asked < min(count, self._most):
            self._asked = int(min(2 * self._asked, self._most))
            self.task = self._task_of(self._asked)
        return len(self.task.configurations) >= count

    def part(self, first: int, count: int) -> Task:
        """The task of so many configurations from number `first` on, or of fewer, to the end."""
        self.has(first + count)
        return self.task.part(first, first + count)
