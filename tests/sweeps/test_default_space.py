"""What is searched on a table by default follows from its size, and from nothing else."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from mlp_jax.sweeps.space import configurations
from mlp_jax.sweeps.tables import default_space as defaults
from mlp_jax.sweeps.tables.default_space import default_epochs, default_search
from mlp_jax.sweeps.tables.search import task_of_table
from mlp_jax.sweeps.task import as_task
from mlp_jax.tables.shipped import breast_cancer
from mlp_jax.tables.table import split


def operations(search, m, inputs, outputs, folds):
    """Of all that is trained, counted one configuration at a time."""
    found = 0.0
    for one in configurations(search.space, search.n, seed=1):
        sizes = (inputs, *one.hidden, outputs)
        weights = sum(a * b for a, b in pairwise(sizes))
        found += 6 * weights * m * (folds - 1) * search.epochs
    return found


@pytest.mark.parametrize("shape", [(3_000, 60, 4), (3_000, 60, 1), (3_000, 80, 1)])
def test_the_budget_is_spent_and_no_more(shape):
    search = default_search(*shape)
    assert defaults.LEAST < search.n < defaults.MOST
    of_all = operations(search, *shape, folds=5)
    assert 0.8 * of_all < defaults.BUDGET < 1.25 * of_all
    # Halving by three leaves a quarter of the epochs.
    assert default_search(*shape, halving=3).n > search.n


def test_small_tables_have_the_most_and_large_ones_the_least():
    assert default_search(300, 5, 1).n == defaults.MOST
    assert default_search(10**7, 100, 1).n == defaults.LEAST


def test_a_small_table_has_as_many_steps_as_a_large_one():
    for m in (500, 2_000, 5_000, 20_000):
        steps = default_epochs(m) * (m // defaults.batch_size(m))
        assert defaults.STEPS <= steps < 1.2 * defaults.STEPS
    assert default_epochs(50) == defaults.MOST_EPOCHS
    assert default_epochs(10**6) == defaults.FEWEST_EPOCHS


def test_a_schedule_lasts_as_long_as_the_training():
    assert default_search(1000, 5, 1, epochs=7).space["decay_epochs"] == 7
    search = default_search(1000, 5, 1)
    assert search.space["decay_epochs"] == search.epochs


def test_what_is_given_stands():
    assert default_search(1000, 5, 1, n=3, epochs=4, halving=3)[1:] == (3, 4, 3)
    assert default_search(1000, 5, 1).halving is None
    own = {"width": [4, 8]}
    assert default_search(1000, 5, 1, space=own) == (own, None, default_epochs(800), None)
    drawn = own | {"widths": [4, 8], "depth": 1}
    drawn.pop("width")
    found = default_search(1000, 5, 1, space=drawn)
    assert (found.n, found.halving) == (defaults.MOST_OF_OWN, 3)


def test_the_default_space_is_one_that_a_sweep_takes():
    X = np.random.default_rng(0).normal(size=(40, 3))
    search = default_search(40, 3, 1, n=20)
    task = as_task(X, X[:, 0], search.space, n=search.n, epochs=search.epochs)
    assert len(task.configurations) == 20
    # Each shape as often: that of the line too.
    assert Counter(one.hidden for one in task.configurations) == dict.fromkeys(defaults.HIDDEN, 4)


def test_patience_that_is_given_stands_and_the_default_space_has_some():
    table = breast_cancer()
    parts = split(table, 0.2, 0)

    def patience_of(**choices):
        task, _ = task_of_table(table, parts, n=1, epochs=40, **choices)
        return task.configurations[0].patience

    own = {"width": 4}
    assert patience_of() == 40 // defaults.PATIENCE
    assert patience_of(patience=3) == 3
    assert patience_of(space=own) is None
    assert patience_of(space=own, patience=3) == 3
