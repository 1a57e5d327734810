"""Results to keep, and what is compared of them."""

from functools import cache

import jax
import numpy as np

import mlp_jax
from mlp_jax.sweeps.planning.plan import as_plan
from mlp_jax.sweeps.results.result import SweepResult
from mlp_jax.sweeps.task import as_task
from tests.sweeps.small_sweeps import X, Y

NUMBERS = X[:, 0] - X[:, 1]


@cache
def of_words():
    words = np.where(X[:, 2] > 0.5, "three", np.where(Y, "one", "two"))
    space = {"optimizer": "sgd", "hidden": (4, 4), "batch_size": 8}
    # Of the nine, three go on after a ninth of the epochs and one after a third.
    space |= {"learning_rate": [1e300, *np.linspace(0.01, 0.1, 8)]}
    return mlp_jax.sweep(X, words, space, folds=2, epochs=9, halving=3, progress=False)


def untrained(y=Y, space=None, **choices):
    """Of the sweep with nothing done: what was asked, and the plan."""
    task = as_task(X, y, space or {"width": [2, 3]}, **choices)
    return SweepResult(task, as_plan(task).portable(), (), 0.5, 0, True, {})


def bits(array):
    return array.dtype.str, array.shape, array.tobytes()


def facts(member):
    """All there is of a member, bit for bit; of its configuration, every type too."""
    leaves = [bits(leaf) for leaf in jax.tree.leaves((member.params, member.curves))]
    said = repr((member.configuration, member.network, member.seed, member.fold, member.score))
    return said, member.status, member.best_epoch, leaves
