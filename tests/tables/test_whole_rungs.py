"""Examples of weight 0 make the rows of tables alike, and change nothing but that."""

import chex
import numpy as np
import pytest

import mlp_jax
from mlp_jax.tables.whole_rungs import RUNG, on_a_rung
from tests.nets import random_net


@pytest.mark.parametrize(("m", "rows"), [(3, RUNG), (RUNG, RUNG), (RUNG + 1, 2 * RUNG)])
def test_rows_are_made_whole(m, rows):
    X, Y, weights = on_a_rung(np.ones((2, m)), np.ones((1, m)), size=10, epochs=5)
    assert (X.shape, Y.shape, weights.shape) == ((2, rows), (1, rows), (1, rows))
    assert weights[0, :m].all()
    assert not weights[0, m:].any()


def test_rows_are_left_where_more_would_take_long():
    X, Y = np.ones((2, 3)), np.ones((1, 3))
    assert on_a_rung(X, Y, size=10**6, epochs=100) == (X, Y, None)


def test_a_network_is_trained_as_without_them():
    params, X, Y = random_net(0, (3, 4, 1), 20)
    found = []
    for examples in ((X, Y, None), on_a_rung(X, Y, size=16, epochs=3)):
        state, info = mlp_jax.fit(
            *(params, *examples[:2]), optimizer="sgd", epochs=3, weights=examples[2]
        )
        found.append((state.params, info.cost))
    chex.assert_trees_all_close(*found, rtol=1e-12)
