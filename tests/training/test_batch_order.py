"""The order of an epoch: every example once, and no order more often than another."""

import math

import jax
import numpy as np
import pytest
from scipy import stats

from mlp_jax.training import batch_order
from mlp_jax.training.batch_order import permutation


def orders(m, count, *, of="seeds"):
    """Many orders: of as many seeds, or of as many epochs of one seed."""
    numbers = np.arange(count, dtype=np.uint32)

    def of_seed(seed):
        return permutation(jax.random.key(seed), 0, m)

    def of_epoch(epoch):
        return permutation(jax.random.key(3), epoch, m)

    return np.asarray(jax.jit(jax.vmap(of_seed if of == "seeds" else of_epoch))(numbers))


def chance_of_worse(counts):
    expected = counts.sum() / counts.size
    return stats.chi2.sf(((counts - expected) ** 2 / expected).sum(), counts.size - 1)


def chance_of_orders(m, count, of="epochs"):
    _, seen = np.unique(orders(m, count, of=of) @ m ** np.arange(m), return_counts=True)
    return chance_of_worse(np.pad(seen, (0, math.factorial(m) - len(seen))))


@pytest.mark.parametrize("m", [1, 2, 3, 4, 7, 8, 63, 64, 65, 569, 1024, 99_991])
def test_every_example_comes_once(m):
    for order in orders(m, 3):
        np.testing.assert_array_equal(np.sort(order), np.arange(m))


@pytest.mark.parametrize("of", ["seeds", "epochs"])
@pytest.mark.parametrize("m", [2, 3, 4, 5, 6])
def test_all_orders_of_a_few_examples_are_as_likely(m, of):
    assert chance_of_orders(m, 200_000, of) > 1e-4


def test_too_few_rounds_are_seen(monkeypatch):
    monkeypatch.setattr(batch_order, "ROUNDS_OF_FEW", 5)
    assert chance_of_orders(5, 200_000) < 1e-9


@pytest.mark.parametrize("of", ["seeds", "epochs"])
@pytest.mark.parametrize("m", [30, 64, 569])
def test_no_example_keeps_to_a_place_or_a_neighbour(m, of):
    drawn = orders(m, 20_000, of=of)
    for place in (0, m // 2, m - 1):
        assert chance_of_worse(np.bincount(drawn[:, place], minlength=m)) > 1e-4
    steps = np.diff(drawn, axis=1) % m
    assert chance_of_worse(np.bincount(steps.ravel(), minlength=m)[1:]) > 1e-4


@pytest.mark.parametrize("of", ["seeds", "epochs"])
def test_neighbouring_orders_are_unlike(of):
    drawn = orders(1000, 200, of=of)
    likeness = np.corrcoef(drawn)[np.triu_indices(200, 1)] * np.sqrt(999)  # normal of spread 1
    assert abs(likeness.std() - 1) < 0.05
    assert abs(likeness).max() < 6


@pytest.mark.parametrize("impl", ["threefry2x32", "rbg"])
def test_keys_of_any_kind_do(impl):
    order = permutation(jax.random.key(1, impl=impl), 0, 100)
    np.testing.assert_array_equal(np.sort(order), np.arange(100))
