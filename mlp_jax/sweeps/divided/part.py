"""A part of a sweep, as it travels to whoever trains it, and what comes back: arrays alone."""

from typing import NamedTuple

import jax
import numpy as np

from mlp_jax.sweeps.members import Snapshot
from mlp_jax.sweeps.outcomes import Outcomes
from mlp_jax.sweeps.planning.buckets import Bucket
from mlp_jax.sweeps.task import Task

_OF_EXAMPLES = ("X", "labels", "rests", "splits", "weights")  # fields of a task


class Examples(NamedTuple):
    """Where a worker finds the arrays of a task.

    name: a digest of the arrays, by which a worker that has them knows them again.
    file: in a folder of the process that divides the sweep, which removes it at the end.
    arrays: for a worker that does not see the file; else None.
    """

    name: str
    file: str
    arrays: list[np.ndarray] | None = None


class Part(NamedTuple):
    """Members that one call trains.

    task: with the configurations of these members alone, and numbers in the place of arrays.
    examples: these arrays.
    numbers: of the task's configurations in the sweep, ascending, (configurations,).
    buckets: each of one fold; their configurations are counted as in the task.
    of_plan: the number of every bucket in the plan of the sweep.
    standing: where members stand that have been trained before.
    until: the epoch to stop at.
    halving: of the sweep.
    turn: how often the part was handed out before; an engine may know equal calls again.
    """

    task: Task
    examples: Examples
    numbers: np.ndarray
    buckets: tuple[Bucket, ...]
    of_plan: tuple[int, ...]
    standing: tuple[Snapshot, ...]
    until: int
    halving: int | None
    turn: int = 0


class Answer(NamedTuple):
    """What became of a part.

    outcomes: of members that are done; their configurations are counted as in the sweep.
    standing: where the others stand, likewise.
    seconds: (compiling, training) by the number of a bucket in the plan.
    error: what training raised, or None.
    lacks: the worker does not see the file of the examples, and has trained nothing.
    """

    outcomes: Outcomes | None = None
    standing: tuple[Snapshot, ...] = ()
    seconds: dict[int, tuple[float, float]] | None = None
    error: Exception | None = None
    lacks: bool = False


def without_examples(task: Task) -> tuple[Task, list[np.ndarray]]:
    """(the task with numbers in the place of its arrays, the arrays in this order)."""
    arrays, tree = jax.tree.flatten([getattr(task, name) for name in _OF_EXAMPLES])
    numbered = jax.tree.unflatten(tree, range(len(arrays)))
    return task._replace(**dict(zip(_OF_EXAMPLES, numbered, strict=True))), arrays


def with_examples(task: Task, arrays: list[np.ndarray]) -> Task:
    """The task that `without_examples` was given, or one of some of its configurations."""
    numbered = [getattr(task, name) for name in _OF_EXAMPLES]
    found = jax.tree.map(lambda number: arrays[number], numbered)
    return task._replace(**dict(zip(_OF_EXAMPLES, found, strict=True)))


def renumbered(members: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Members, (members, 3), whose configurations have other numbers: `numbers[old]` is the new."""
    return np.column_stack([numbers[members[:, 0]], members[:, 1:]])
