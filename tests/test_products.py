"""The three products of a layer: the same numbers however factors lie in memory."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import mlp_jax
from mlp_jax.products import LARGE, FirstTurned, Products
from mlp_jax.training.state import start

WAYS = {
    "columns": Products(),
    "rows": Products(rows=True),
    "as they lie": Products(as_they_lie=True),
    "first turned": FirstTurned().of_layer(1),
}
SHAPES = {  # (n_prev, n, m)
    "small": (4, 3, 5),
    "many examples": (4, 3, 200),
    "square": (6, 6, 6),
    "large": (130, 128, 7),
}


@pytest.fixture(params=SHAPES.values(), ids=SHAPES)
def factors(request):
    """(W, A of the layer below, dZ)."""
    n_prev, n, m = request.param
    rng = np.random.default_rng(0)
    return tuple(jnp.asarray(rng.normal(size=s)) for s in ((n_prev, n), (n_prev, m), (n, m)))


@pytest.mark.parametrize("products", WAYS.values(), ids=WAYS)
def test_the_products_are_those_of_the_paper(factors, products):
    W, A, dZ = factors
    found = products.forward(W, A), products.backward(W, dZ), *products.gradients(A, dZ)
    W, A, dZ = map(np.asarray, factors)
    expected = W.T @ A, W @ dZ, A @ dZ.T, dZ.sum(axis=1, keepdims=True)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=1e-11)
        assert ours.shape == theirs.shape


@pytest.mark.parametrize("products", WAYS.values(), ids=WAYS)
def test_rows_become_columns(products):
    X, Y = jnp.arange(12.0).reshape(4, 3), jnp.arange(8.0).reshape(4, 2)
    for rows, columns in zip((X, Y), products.columns(X, Y), strict=True):
        np.testing.assert_array_equal(columns, rows.T)


@pytest.mark.parametrize("name", ["sgd", "adam", "rmsprop", "adagrad", "lion"])
def test_first_weights_are_turned_between_steps_with_all_that_is_kept_of_them(name):
    more = {"momentum": 0.5} if name in ("sgd", "rmsprop") else {}
    optimizer = mlp_jax.optimizer(name, **more)
    state = start(mlp_jax.init(0, (4, 3, 5, 1)), optimizer, validates=True)
    assert optimizer.by_entry
    turned = FirstTurned().turned(state)
    leaves, others = jax.tree.leaves(state), jax.tree.leaves(turned)
    pairs = [(a, b) for a, b in zip(leaves, others, strict=True) if np.shape(a) == (4, 3)]
    assert len(pairs) >= 3  # of the parameters, of the best ones, of a moment
    for W, W_T in pairs:
        np.testing.assert_array_equal(W_T, np.asarray(W).T)
    same = [a is b for a, b in zip(leaves, others, strict=True)]
    assert same.count(False) == len(pairs)
    jax.tree.map(np.testing.assert_array_equal, FirstTurned().turned(turned), state)


def test_an_optimizer_that_knows_rows_from_columns_gets_the_weights_as_on_paper():
    assert not mlp_jax.optimizer("lbfgs").by_entry
    assert not mlp_jax.optimizer("adam", input_scale_rate=6.0).by_entry
    products = Products("high")
    assert products.side_by_side("cpu", by_entry=False) == products
    assert products.side_by_side("cpu", by_entry=True) == FirstTurned("high")
    assert products.side_by_side("gpu", by_entry=True) == Products("high", as_they_lie=True)


@pytest.mark.parametrize(("sizes", "rows"), [((5, 128, 128, 1), True), ((5, 128, 127, 1), False)])
def test_batches_of_a_large_network_are_rows_in_memory(sizes, rows):
    assert LARGE == 128 * 128
    products = Products("high").of_batches(mlp_jax.init(0, sizes))
    assert products == Products("high", rows=rows)


def test_a_program_of_one_way_is_not_taken_for_another():
    ways = [mlp_jax.Network(precision=products) for products in WAYS.values()]
    assert ways[0] != ways[1]
    assert ways[0] == mlp_jax.Network()
    params = mlp_jax.init(0, (4, 3, 1))
    f = jax.jit(mlp_jax.forward, static_argnames="network")
    for network in ways:
        f(params, jnp.ones((4, 5)), network=network)
    assert f._cache_size() == len(WAYS)


def test_an_unknown_precision_is_refused():
    with pytest.raises(ValueError, match="precision is 'half'; expected one of default, high, hi"):
        mlp_jax.Network(precision="half")
