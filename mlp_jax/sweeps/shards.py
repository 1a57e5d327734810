"""A sweep divided among processes: which configurations each of them trains."""

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from mlp_jax.sweeps.task import Task
from mlp_jax.wording import as_typed


class Shard(NamedTuple):
    """One of several parts of a sweep.

    number: of the part, from 0.
    of: how many parts there are.
    joined: each is trained by one of the processes that `mlp_jax.distributed` has joined.
    """

    number: int
    of: int
    joined: bool = False


def as_shard(choice: Any) -> Shard | None:
    """`choice`, a pair (number, count) or None, checked."""
    if choice is None:
        return None
    try:
        number, count = (int(value) for value in choice if value == int(value))
    except (TypeError, ValueError):
        number, count = 0, 0
    if not 0 <= number < count:
        raise ValueError(
            f"shard is {as_typed(choice)}; expected (number, count), such as (0, 4) for the "
            "first of four"
        )
    return Shard(number, count)


def configurations_of_shard(task: Task, shard: Shard | None, halving: int | None) -> list[int]:
    """The numbers of the configurations that a shard trains; all of them if there is none.

    Without halving a shard has configurations that are alike, so that it compiles few programs, and
    as much to do as any other. With halving they are dealt out one by one, for nobody knows which
    go on, and those that do are often alike.
    """
    count = len(task.configurations)
    if shard is None:
        return list(range(count))
    if halving:
        owner = np.arange(count) % shard.of
    else:
        work = np.array([_work(task, number) for number in range(count)])
        order = sorted(range(count), key=lambda number: _likeness(task, number))
        middle = np.cumsum(work[order]) - work[order] / 2
        owner = np.empty(count, int)
        owner[order] = middle / work.sum() * shard.of
        owner -= owner.min()  # the first, which speaks for all, has one at least
    return np.flatnonzero(owner == shard.number).tolist()


def _likeness(task: Task, number: int) -> tuple[str, ...]:
    """What makes configurations share a program, most first."""
    configuration = task.configurations[number]
    names = ("loss", "optimizer", "batch_size", "schedule", "nesterov", "class_weight")
    hidden = configuration.hidden
    described = [repr(configuration.named.get(name)) for name in names]
    return (*described, f"{len(hidden):09d}", *(f"{width:09d}" for width in hidden), str(number))


def _work(task: Task, number: int) -> float:
    """About what a configuration takes, in no unit: parameters and the cost of any step."""
    sizes = task.sizes(task.configurations[number])
    parameters = sum((a + 1) * b for a, b in pairwise(sizes))
    return (parameters + 1000.0) * task.configurations[number].epochs * len(task.seeds[number])
