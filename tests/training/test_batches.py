"""Examples are rows, a batch is columns, and both have the same examples."""

import jax.numpy as jnp
import numpy as np
import pytest

from mlp_jax.products import Products
from mlp_jax.training.batches import Batch, Examples, as_rows, on_device

M = 6
X, Y = np.arange(3.0 * M).reshape(3, M), np.arange(2.0 * M).reshape(2, M)
W = np.arange(1.0, M + 1)[None]


def test_rows_have_the_examples_of_the_columns():
    batch = Batch(X, Y, jnp.asarray(W))
    examples = as_rows(batch)
    assert batch.m == examples.m == M
    np.testing.assert_array_equal(examples.X, X.T)
    np.testing.assert_array_equal(examples.Y, Y.T)
    np.testing.assert_array_equal(examples.weights, W)


def test_some_rows_are_taken_as_columns():
    rest = np.full((2, M), 0.25) * np.arange(M)
    taken = Examples(jnp.asarray(X.T), jnp.asarray(Y.T), None, jnp.asarray(rest.T)).take(
        np.array([4, 1])
    )
    for found, whole in ((taken.X, X), (taken.Y, Y), (taken.rest, rest)):
        np.testing.assert_array_equal(found, whole[:, [4, 1]])
    assert taken.weights is None


@pytest.mark.parametrize("rows", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("filled", [False, True])
def test_a_batch_is_columns_and_what_fills_it_up_has_no_weight(rows, weighted, filled):
    examples = as_rows(on_device(Batch(X, Y, W if weighted else None)))
    is_example = jnp.array([[True, True, False]]) if filled else None
    batch = examples.take_batch(jnp.array([5, 2, 0]), is_example, Products(rows=rows))
    np.testing.assert_array_equal(batch.X, X[:, [5, 2, 0]])
    np.testing.assert_array_equal(batch.Y, Y[:, [5, 2, 0]])
    expected = W[:, [5, 2, 0]] if weighted else np.ones((1, 3))
    expected = expected * [[1.0, 1.0, 0.0]] if filled else expected
    if weighted or filled:
        np.testing.assert_array_equal(batch.weights, expected)
    else:
        assert batch.weights is None
