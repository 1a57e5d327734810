"""Plans of parts of a task: one cut out of another's, and several put together.

A part that is cut out has the programs of the whole, so that nothing is compiled twice.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from mlp_jax.sweeps.planning.buckets import Bucket
from mlp_jax.sweeps.planning.costs import Rates
from mlp_jax.sweeps.planning.plan import SweepPlan, with_costs
from mlp_jax.sweeps.task import Task

Seconds = dict[int, tuple[float, float]]  # by bucket: (compiling, training)


def part_of(rates: Rates, task: Task, plan: SweepPlan, first: int, workers: int) -> SweepPlan:
    """The plan of some configurations, by the programs and chunks of a plan of more.

    Args:
      rates: of the devices.
      task: of these configurations.
      plan: of a task that has them from number `first` on.
      first: see `plan`.
      workers: as for `as_plan`.
    """
    number_of = np.full(1 + max(int(b.configurations.max()) for b in plan.buckets), -1)
    own = number_of[first : first + len(task.configurations)]
    own[:] = np.arange(len(own))
    buckets = (bucket_of(bucket, number_of) for bucket in plan.buckets)
    kept = [with_costs(rates, task, one, plan.halving) for one in buckets if one.per_fold]
    return SweepPlan(
        tuple(kept), plan.bytes, _seconds(kept, workers), plan.devices, plan.halving, None
    )


def bucket_of(bucket: Bucket, number_of: np.ndarray) -> Bucket:
    """The bucket's members of some configurations.

    number_of: of every configuration its new number, or -1 where it is left out.
    """
    numbers = number_of[bucket.configurations]
    there = numbers >= 0
    return bucket._replace(
        configurations=numbers[there], seeds=bucket.seeds[there], which=bucket.which[there]
    )


class Done(NamedTuple):
    """A part of a sweep that was run.

    plan: of the part.
    number_of: of every configuration of the part its number in the whole, or -1 where it is none.
    seconds: that its buckets took.
    """

    plan: SweepPlan
    number_of: np.ndarray
    seconds: Seconds


def together(
    rates: Rates, task: Task, parts: Sequence[Done], workers: int
) -> tuple[SweepPlan, Seconds]:
    """(one plan of all parts, what its buckets took); equal programs of parts are one bucket.

    task: of the whole.
    """
    found: dict[Any, list[Bucket]] = {}
    spent: dict[Any, list[tuple[float, float]]] = {}
    for part in parts:
        for number, bucket in enumerate(part.plan.buckets):
            own = bucket_of(bucket, part.number_of)
            if own.per_fold:
                name = own.program, own.folds
                found.setdefault(name, []).append(own)
                spent.setdefault(name, []).append(part.seconds.get(number, (0.0, 0.0)))
    halving = parts[0].plan.halving
    made = [
        (with_costs(rates, task, _joined(task, buckets), halving), np.sum(spent[name], axis=0))
        for name, buckets in found.items()
    ]
    made.sort(key=lambda pair: -pair[0].flops_issued)
    buckets = tuple(bucket for bucket, _ in made)
    seconds = {number: (float(a), float(b)) for number, (_, (a, b)) in enumerate(made)}
    most = max(part.plan.bytes for part in parts)
    return SweepPlan(buckets, most, _seconds(buckets, workers), halving=halving), seconds


def _joined(task: Task, buckets: Sequence[Bucket]) -> Bucket:
    """The members of all in one, in the order that a bucket has."""
    names = ("configurations", "seeds", "which")
    numbers, seeds, which = (
        np.concatenate([getattr(bucket, name) for bucket in buckets]) for name in names
    )
    epochs = task.configurations.epochs[numbers]
    order = np.lexsort((epochs, which) if buckets[0].alike else (which, epochs))
    return buckets[0]._replace(
        configurations=numbers[order], seeds=seeds[order], which=which[order]
    )


def _seconds(buckets: Sequence[Bucket], workers: int) -> float:
    return sum(bucket.compiling + bucket.seconds for bucket in buckets) / workers
