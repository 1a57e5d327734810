"""One result of the parts of a sweep that were trained one after the other."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from mlp_jax.sweeps.outcomes import Outcomes
from mlp_jax.sweeps.planning.costs import Rates
from mlp_jax.sweeps.planning.parts import Done, together
from mlp_jax.sweeps.planning.plan import SweepPlan
from mlp_jax.sweeps.results.result import SweepResult
from mlp_jax.sweeps.task import Task


class Stretch(NamedTuple):
    """Configurations that were trained together.

    first: the number of the first of them in the stream.
    length: how many they are.
    plan: of them.
    outcomes: of the members that were begun.
    seconds: that the plan's buckets took.
    """

    first: int
    length: int
    plan: SweepPlan
    outcomes: list[Outcomes]
    seconds: dict[int, tuple[float, float]]

    def tried(self) -> np.ndarray:
        """(length,), of which configurations a member has trained an epoch."""
        tried = np.zeros(self.length, bool)
        for part in self.outcomes:
            tried[part.members[part.lengths > 0, 0]] = True
        return tried


def result_of(
    task: Task, parts: Sequence[Stretch], rates: Rates, workers: int, **facts: Any
) -> SweepResult:
    """The result of all configurations that were tried, in their order; of one at least.

    Args:
      task: of all configurations of the parts, and perhaps of more.
      parts: one or more.
      rates: of the devices.
      workers: threads that train at a time.
      **facts: of the result: seconds, compilations, interrupted.
    """
    tried = [part.tried() for part in parts]
    if not any(some.any() for some in tried):
        tried[0][0] = True
    begins = np.cumsum([0, *(some.sum() for some in tried)])
    numbers = [
        np.where(some, np.cumsum(some) - 1 + begin, -1)
        for some, begin in zip(tried, begins[:-1], strict=True)
    ]
    pairs = list(zip(parts, numbers, strict=True))
    rows = [part.first + np.flatnonzero(number_of >= 0) for part, number_of in pairs]
    own = task.of_those(np.concatenate(rows))
    done = [Done(part.plan, number_of, part.seconds) for part, number_of in pairs]
    plan, seconds = together(rates, own, done, workers)
    found = [_renumbered(some, number_of) for part, number_of in pairs for some in part.outcomes]
    return SweepResult(
        task=own,
        plan=plan.portable(),
        outcomes=tuple(some for some in found if len(some)),
        bucket_seconds=seconds,
        brackets=tuple(int(some.sum()) for some in tried) if plan.halving else (),
        **facts,
    )


def _renumbered(outcomes: Outcomes, number_of: np.ndarray) -> Outcomes:
    """Outcomes of configurations that have other numbers, without those that have none."""
    there = number_of[outcomes.members[:, 0]] >= 0
    kept = outcomes if there.all() else outcomes.take(there)
    numbers = number_of[kept.members[:, 0]]
    return replace(kept, members=np.column_stack([numbers, kept.members[:, 1:]]))
