"""The order of an epoch: every example once, and no order more often than another."""

import math

import jax
import numpy as np
import pytest
from scipy import stats

from mlp_jax import batch_order
from mlp_jax.batch_order import permutation


def orders(m, count, seed=0):
    keys = jax.random.split(jax.random.key(seed), count)
    return np.asarray(jax.jit(jax.vmap(lambda key: permutation(key, m)))(keys))


def chance_of_worse(counts):
    expected = counts.sum() / counts.size
    return stats.chi2.sf(((counts - expected) ** 2 / expected).sum(), counts.size - 1)


def chance_of_orders(m, count):
    _, seen = np.unique(orders(m, count) @ m ** np.arange(m), return_counts=True)
    return chance_of_worse(np.pad(seen, (0, math.factorial(m) - len(seen))))


@pytest.mark.parametrize("m", [1, 2, 3, 4, 7, 8, 63, 64, 65, 569, 1024, 99_991])
def test_every_example_comes_once(m):
    for order in orders(m, 3):
        np.testing.assert_array_equal(np.sort(order), np.arange(m))


@pytest.mark.parametrize("m", [2, 3, 4, 5, 6])
def test_all_orders_of_a_few_examples_are_as_likely(m):
    assert chance_of_orders(m, 200_000) > 1e-4


def test_too_few_rounds_are_seen(monkeypatch):
    monkeypatch.setattr(batch_order, "ROUNDS_OF_FEW", 5)
    assert chance_of_orders(5, 200_000) < 1e-9


@pytest.mark.parametrize("m", [30, 64, 569])
def test_no_example_keeps_to_a_place_or_a_neighbour(m):
    drawn = orders(m, 20_000)
    for place in (0, m // 2, m - 1):
        assert chance_of_worse(np.bincount(drawn[:, place], minlength=m)) > 1e-4
    steps = np.diff(drawn, axis=1) % m
    assert chance_of_worse(np.bincount(steps.ravel(), minlength=m)[1:]) > 1e-4


def test_neighbouring_seeds_and_epochs_have_unlike_orders():
    of_seeds = [permutation(jax.random.key(seed), 1000) for seed in range(5)]
    key = jax.random.key(0)
    of_epochs = [permutation(jax.random.fold_in(key, epoch), 1000) for epoch in range(5)]
    for one, other in zip(of_seeds + of_epochs, (of_seeds + of_epochs)[1:], strict=False):
        assert abs(np.corrcoef(one, other)[0, 1]) < 0.15


@pytest.mark.parametrize("impl", ["threefry2x32", "rbg"])
def test_keys_of_any_kind_do(impl):
    order = permutation(jax.random.key(1, impl=impl), 100)
    np.testing.assert_array_equal(np.sort(order), np.arange(100))
