"""Parameters, and what the door says to shapes that do not fit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import mlp_jax
from mlp_jax.parameters import DEFAULT_SCHEME
from tests.nets import random_net


def is_normal(params, factor):
    """Whether weights are normal, of variance factor / n_prev, and biases zero."""
    spreads = [float(W.std()) / np.sqrt(factor / W.shape[0]) for W, _ in params]
    # Four in a hundred thousand normal numbers are further out than four times the spread.
    far = max(float(abs(W).max() / W.std()) for W, _ in params)
    straight = all(abs(float(W.mean())) < 0.002 for W, _ in params)
    biased = any(b.any() for _, b in params)
    return np.allclose(spreads, 1, atol=0.02) and far > 4 and straight and not biased


def is_uniform(params, factor):
    """Whether weights and biases are uniform within ±sqrt(factor / (n_prev + n))."""
    bounds = [np.sqrt(factor / sum(W.shape)) for W, _ in params]
    scaled = [
        np.ravel(leaf) / bound for pair, bound in zip(params, bounds, strict=True) for leaf in pair
    ]
    inside = all(abs(numbers).max() <= 1 + 1e-6 for numbers in scaled)
    # Of n uniform numbers the largest is 1 / n below 1; their spread is 1 / sqrt(3).
    full = all(abs(numbers).max() > 0.97 for numbers in scaled)
    straight = all(abs(numbers.mean()) < 4 / np.sqrt(3 * numbers.size) for numbers in scaled)
    spread = [float(numbers.std()) * np.sqrt(3) for numbers in scaled]
    return inside and full and straight and np.allclose(spread, 1, atol=0.1)


SCHEMES = {
    "he": (is_normal, 2),
    "lecun": (is_normal, 1),
    "glorot": (is_uniform, 6),
    "glorot_sigmoid": (is_uniform, 2),
}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_scheme_is_the_distribution_that_it_says_and_no_other(scheme):
    params = mlp_jax.init(jax.random.key(0), (200, 400, 300), scheme=scheme)
    assert mlp_jax.layer_sizes(params) == (200, 400, 300)
    assert {leaf.dtype for leaf in jax.tree.leaves(params)} == {jnp.dtype(jnp.float32)}
    for name, (holds, factor) in SCHEMES.items():
        assert holds(params, factor) == (name == scheme)


def test_init_has_the_default_scheme():
    default, named = (mlp_jax.init(0, (3, 4, 2), **how) for how in ({}, {"scheme": DEFAULT_SCHEME}))
    for ours, theirs in zip(jax.tree.leaves(default), jax.tree.leaves(named), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_no_number_of_a_draw_is_used_twice():
    params = mlp_jax.init(1, (6, 5, 4), scheme="glorot", dtype=jnp.float64)
    bounds = [np.sqrt(6 / sum(W.shape)) for W, _ in params]
    drawn = [
        np.ravel(leaf) / bound for pair, bound in zip(params, bounds, strict=True) for leaf in pair
    ]
    assert len(set(np.concatenate(drawn).round(12))) == 6 * 5 + 5 * 4 + 5 + 4


@pytest.mark.parametrize(
    ("scheme", "said"),
    [("gloriot", "scheme is 'gloriot'; expected one of 'he'.*did you mean 'glorot'"), (3, "is 3;")],
)
def test_a_scheme_that_is_none_is_refused(scheme, said):
    with pytest.raises(ValueError, match=said):
        mlp_jax.init(0, (2, 1), scheme=scheme)


def test_init_draws_every_layer_anew():
    params = mlp_jax.init(jax.random.key(0), (5, 5, 5), dtype=jnp.float64)
    assert params[0].W.dtype == jnp.float64
    assert (params[0].W != params[1].W).all()
    again = mlp_jax.init(jax.random.key(0), (5, 5, 5), dtype=jnp.float64)
    assert (params[0].W == again[0].W).all()


@pytest.mark.parametrize("sizes", [(3,), (), (3, 0, 1), (3, -1), 5, (3, 2.5, 1), "31"])
def test_sizes_that_are_none_are_refused(sizes):
    with pytest.raises(ValueError, match="expected two or more positive integers"):
        mlp_jax.init(jax.random.key(0), sizes)


def test_a_string_for_a_key_is_told_what_to_type():
    with pytest.raises(ValueError, match=r"type jax\.random\.key\(0\)"):
        mlp_jax.init("7", (2, 1))


def test_a_seed_is_its_key_and_one_that_jax_would_wrap_is_refused():
    by_seed, by_key = mlp_jax.init(7, (2, 1)), mlp_jax.init(jax.random.key(7), (2, 1))
    assert np.array_equal(by_seed[0].W, by_key[0].W)
    for seed in (2**32 + 5, -1):
        with pytest.raises(ValueError, match=rf"the seed is {seed}; expected 0 or more"):
            mlp_jax.init(seed, (2, 1))


def test_float64_that_jax_would_round_is_refused():
    with jax.enable_x64(False), pytest.raises(ValueError, match="jax_enable_x64"):
        mlp_jax.init(jax.random.key(0), (2, 1), dtype="float64")


def test_an_integer_dtype_is_refused():
    with pytest.raises(ValueError, match="expected a floating type"):
        mlp_jax.init(jax.random.key(0), (2, 1), dtype=int)


def spoilt(change):
    params, X, Y = random_net(0, (3, 4, 2), 5)
    given = {"params": [list(pair) for pair in params], "X": X, "Y": Y, "weights": np.ones((1, 5))}
    change(given)
    return given


def layer(index, part, change):
    def apply(given):
        given["params"][index][part] = change(given["params"][index][part])

    return apply


def of(name, change):
    def apply(given):
        given[name] = change(given[name])

    return apply


DOOR = {
    "X by rows": (of("X", lambda X: X.T), r"X has shape \(5, 3\); expected \(3, m\).*type X\.T"),
    "X of one example": (of("X", lambda X: X[:, 0]), r"type X\.reshape\(-1, 1\)"),
    "X of other features": (of("X", lambda X: X[:2]), r"X has shape \(2, 5\); expected \(3, m\)"),
    "X without examples": (of("X", lambda X: X[:, :0]), "no example"),
    "X as a list": (of("X", lambda X: X.tolist()), r"X is a list of length 3; expected an array"),
    "Y by rows": (of("Y", lambda Y: Y.T), r"Y has shape \(5, 2\); expected \(2, 5\).*type Y\.T"),
    "Y flat": (of("Y", lambda Y: Y[0]), r"Y has shape \(5,\); expected \(2, 5\)"),
    "weights flat": (of("weights", lambda w: w[0]), r"type weights\.reshape\(1, -1\)"),
    "weights short": (of("weights", lambda w: w[:, :2]), r"expected \(1, 5\), one an example"),
    "b flat": (layer(0, 1, lambda b: b[:, 0]), r"b\[1\] has shape \(4,\).*type b\[1\]\.reshape"),
    "b of another layer": (layer(1, 1, lambda b: b[:1]), r"b\[2\] has shape \(1, 1\)"),
    "W transposed": (layer(1, 0, lambda W: W.T), r"W\[2\] has shape \(2, 4\), but.*type W\[2\]\.T"),
    "W of other units": (layer(1, 0, lambda W: W[:3]), r"expected \(4, n\)"),
    "W of a stack": (layer(0, 0, lambda W: W[None]), r"type jax\.vmap\(mlp_jax\.forward"),
    "W of integers": (layer(0, 0, lambda W: W.astype(int)), "expected a floating type"),
    "W as a list": (layer(0, 0, lambda W: W.tolist()), r"W\[1\] is a list of length 3"),
    "two dtypes": (layer(0, 0, lambda W: W.astype("float32")), "params mixes float32 and float64"),
    "no layer": (of("params", lambda p: []), r"params is a list of length 0; expected one or more"),
    "a dict": (of("params", lambda p: {"W": p[0][0]}), "params is a dict of length 1"),
    "three in a pair": (of("params", lambda p: [[*p[0], 1.0], p[1]]), "layer 1 of params"),
    "a single Layer": (of("params", lambda p: mlp_jax.Layer(*p[0])), r"type \(layer,\)"),
}


@pytest.mark.parametrize("case", DOOR)
def test_the_door_says_what_came_and_what_to_type(case):
    change, said = DOOR[case]
    given = spoilt(change)
    with pytest.raises(ValueError, match=said):
        mlp_jax.gradient(**given)


def test_nothing_spoilt_passes_the_door():
    mlp_jax.gradient(**spoilt(lambda given: None))


def test_a_flat_Y_for_one_output_is_told_what_to_type():
    params, X, Y = random_net(0, (3, 1), 5)
    with pytest.raises(ValueError, match=r"type Y\.reshape\(1, -1\)"):
        mlp_jax.cost(params, X, Y[0])


def test_booleans_and_integers_are_cast_to_the_dtype_of_the_parameters():
    params, X, Y = random_net(0, (3, 1), 5)
    X = np.round(X * 3)
    assert mlp_jax.cost(params, X.astype(int), Y > 0) == mlp_jax.cost(params, X, Y)


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"activation": "rely"}, "activation is 'rely'.*did you mean 'relu'"),
        ({"loss": "binary_crossentropy"}, "did you mean 'binary_cross_entropy'"),
        ({"loss": 3}, "loss is 3; expected one of"),
        ({"precision": "tf32"}, "precision is 'tf32'"),
    ],
)
def test_a_misspelt_choice_is_named(choice, said):
    with pytest.raises(ValueError, match=said):
        mlp_jax.Network(**choice)


def test_equal_networks_are_equal_and_hash_alike():
    assert mlp_jax.Network("tanh") == mlp_jax.Network(activation="tanh")
    assert hash(mlp_jax.Network()) == hash(mlp_jax.Network("relu"))
    assert mlp_jax.Network("tanh") != mlp_jax.Network()
