"""A sweep divided among processes: which configurations each of them trains."""

from typing import Any, NamedTuple

import numpy as np

from mlp_jax.sweeps.columns import Column
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


def configurations_of_shard(task: Task, shard: Shard | None, halving: int | None) -> np.ndarray:
    """The numbers of the configurations that a shard trains; all of them if there is none.

    Without halving a shard has configurations that are alike, so that it compiles few programs, and
    as much to do as any other. With halving they are dealt out one by one, for nobody knows which
    go on, and those that do are often alike.
    """
    count = len(task.configurations)
    if shard is None:
        return np.arange(count)
    if halving:
        owner = np.arange(count) % shard.of
    else:
        work, order = _work(task), _in_order_of_likeness(task)
        middle = np.cumsum(work[order]) - work[order] / 2
        owner = np.empty(count, int)
        owner[order] = middle / work.sum() * shard.of
        owner -= owner.min()  # the first, which speaks for all, has one at least
    return np.flatnonzero(owner == shard.number)


def _in_order_of_likeness(task: Task) -> np.ndarray:
    """The numbers of all configurations, those that may share a program side by side."""
    configs = task.configurations
    names = ("loss", "optimizer", "batch_size", "schedule", "nesterov", "class_weight")
    static = [_ranks(configs.columns[name]) for name in names if name in configs.columns]
    return np.lexsort((*configs.widths.T[::-1], configs.depths, *static[::-1]))


def _ranks(column: Column) -> np.ndarray:
    """(n,) whole numbers by which configurations are ordered as by their values, written out."""
    written = [repr(column.option(code)) for code in range(len(column.options))]
    _, ranks = np.unique([*written, repr(None)], return_inverse=True)
    return ranks[column.codes]


def _work(task: Task) -> np.ndarray:
    """About what each configuration takes, in no unit: parameters and the cost of any step."""
    seeds = np.array([len(seeds) for seeds in task.seeds])
    return (task.parameters() + 1000.0) * task.configurations.epochs * seeds
