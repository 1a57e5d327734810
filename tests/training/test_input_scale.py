"""Scales of the inputs are learned by the optimizer as if they were a layer of their own."""

from functools import partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import mlp_jax
from mlp_jax.training import input_scale
from mlp_jax.training.input_scale import gradients
from mlp_jax.training.optimizers import optimizer, transformation
from tests.nets import random_net
from tests.training.small import net


def cost_of(parts, X, Y, **choices):
    """J of the network whose first weights are diag(s) V, written as in the paper."""
    (V, b), *others = parts["params"]
    return mlp_jax.cost([(jnp.diag(parts["s"][:, 0]) @ V, b), *others], X, Y, **choices)


def check_gradients(found, sizes=(4, 5, 3), l2=0.0):
    """found: what stands for `gradients`."""
    params, X, Y = random_net(0, sizes, 12)
    params = jax.tree.map(jnp.asarray, params)
    s = jnp.asarray(np.random.default_rng(1).normal(size=(sizes[0], 1)))
    (V, b), *others = params
    grads = mlp_jax.gradient([(s * V, b), *others], X, Y, l2=l2)
    expected = jax.grad(partial(cost_of, X=X, Y=Y, l2=l2))({"s": s, "params": params})
    grad_s, grad_V = found(grads[0][0], s, V)
    np.testing.assert_allclose(grad_s, expected["s"], rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(grad_V, expected["params"][0][0], rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("l2", [0.0, 0.3])
@pytest.mark.parametrize("sizes", [(4, 5, 3), (3, 3, 3), (3, 1), (1, 4, 1)])
def test_the_gradients_of_scales_and_weights_equal_jax_grad(sizes, l2):
    check_gradients(gradients, sizes, l2)


FAULTS = {
    "V alone is learned": lambda grad_W, s, V: (0 * s, s * grad_W),
    "the scale is missing in the weights'": lambda grad_W, s, V: (
        gradients(grad_W, s, V)[0],
        grad_W,
    ),
    "of W in place of V": lambda grad_W, s, V: (gradients(grad_W, s, s * V)[0], s * grad_W),
    "a mean in place of the sum": lambda grad_W, s, V: (
        jnp.mean(V * grad_W, axis=1, keepdims=True),
        s * grad_W,
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_gradient_would_be_seen(fault):
    with pytest.raises(AssertionError):
        check_gradients(FAULTS[fault])


# Ours, and optax's optimizers of scales, weights and biases, at 6 times the rate, at it and at
# a tenth of it where biases have a rate of their own.
PAIRS = {
    "sgd": (optimizer("sgd", learning_rate=0.1), optax.sgd(0.6), optax.sgd(0.1), optax.sgd(0.1)),
    "momentum": (
        optimizer("sgd", learning_rate=0.1, momentum=0.8, bias_rate=0.1),
        *(optax.sgd(rate, 0.8) for rate in (0.6, 0.1, 0.01)),
    ),
    "adam": (
        optimizer("adam", learning_rate=0.1),
        *(optax.adam(rate) for rate in (0.6, 0.1, 0.1)),
    ),
    "adamw": (
        optimizer("adamw", learning_rate=0.1, weight_decay=0.3, bias_rate=0.1),
        optax.adam(0.6),
        optax.adamw(0.1, weight_decay=0.3),
        optax.adam(0.01),
    ),
    "rmsprop": (
        optimizer("rmsprop", learning_rate=0.1),
        *(optax.rmsprop(rate) for rate in (0.6, 0.1, 0.1)),
    ),
    "adagrad": (
        optimizer("adagrad", learning_rate=0.1),
        *(optax.adagrad(rate) for rate in (0.6, 0.1, 0.1)),
    ),
    "lion": (
        optimizer("lion", learning_rate=0.01, weight_decay=0.3),
        optax.lion(0.06, weight_decay=0),
        optax.lion(0.01, weight_decay=0.3),
        optax.lion(0.01, weight_decay=0),
    ),
}


def with_scales(choice, rate=6.0):
    numbers = choice.numbers | {"input_scale_rate": rate}
    return optimizer(choice.name, schedule=choice.schedule, **numbers)


def steps_of(choice, params, X, Y, count=3):
    """The parameters after so many steps of one of our optimizers."""
    chosen = transformation(choice, params)

    @jax.jit
    def step(params, state):
        updates, state = chosen.update(mlp_jax.gradient(params, X, Y), state, params)
        return optax.apply_updates(params, updates), state

    state = chosen.init(params)
    for _ in range(count):
        params, state = step(params, state)
    return params


def steps_of_a_layer_more(of_s, of_W, of_b, params, X, Y, count=3):
    """The same where s is a parameter, by autodiff and by optax."""
    parts = {"s": jnp.ones((X.shape[0], 1)), "params": params}
    labels = {"s": "s", "params": [("W", "b")] * len(params)}
    chosen = optax.multi_transform({"s": of_s, "W": of_W, "b": of_b}, labels)

    @jax.jit
    def step(parts, state):
        updates, state = chosen.update(jax.grad(cost_of)(parts, X, Y), state, parts)
        return optax.apply_updates(parts, updates), state

    state = chosen.init(parts)
    for _ in range(count):
        parts, state = step(parts, state)
    (V, b), *others = parts["params"]
    return [(parts["s"] * V, b), *others], parts["s"]


def check_steps(name):
    params, X, Y = net()
    ours, *theirs = PAIRS[name]
    expected, s = steps_of_a_layer_more(*theirs, params, X, Y)
    assert abs(s - 1).max() > 0.01  # the scales have moved
    found = steps_of(with_scales(ours), params, X, Y)
    chex.assert_trees_all_close(found, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", PAIRS)
def test_a_step_is_that_of_a_network_with_a_diagonal_layer_more(name):
    check_steps(name)


def test_scales_that_do_not_learn_would_be_seen(monkeypatch):
    monkeypatch.setattr(input_scale, "gradients", FAULTS["V alone is learned"])
    with pytest.raises(AssertionError):
        check_steps("adam")


def test_fit_takes_these_steps():
    params, X, Y = net()
    ours, *theirs = PAIRS["adamw"]
    expected, _ = steps_of_a_layer_more(*theirs, params, X, Y, count=4)
    fit = partial(mlp_jax.fit, X=X, Y=Y, optimizer=with_scales(ours))
    state, _ = fit(params, epochs=4)
    chex.assert_trees_all_close(state.params, expected, rtol=1e-12, atol=1e-14)
    on, _ = fit(fit(params, epochs=1)[0], epochs=3)
    chex.assert_trees_all_equal(on.params, state.params)


def test_what_is_clipped_is_the_gradient_of_the_network():
    params, X, Y = net()
    grads = mlp_jax.gradient(params, X, Y)
    short = 0.5 * optax.tree.norm(grads)
    clipped = optimizer("sgd", learning_rate=0.1, clip_norm=short, input_scale_rate=6.0)
    found = steps_of(clipped, params, X, Y, count=1)
    # By hand, of half the gradient: s is 1, and V is W.
    (W, b), *others = params
    (grad_W, grad_b), *others_grads = jax.tree.map(lambda g: 0.05 * g, grads)
    s = 1 - 6 * (W * grad_W).sum(1, keepdims=True)
    expected = [(s * (W - grad_W), b - grad_b)]
    expected += [(W - dW, b - db) for (W, b), (dW, db) in zip(others, others_grads, strict=True)]
    chex.assert_trees_all_close(found, expected, rtol=1e-12)


def test_at_a_rate_of_0_all_is_as_without():
    params, X, Y = net()
    still = steps_of(with_scales(PAIRS["adamw"][0], rate=0.0), params, X, Y)
    chex.assert_trees_all_close(still, steps_of(PAIRS["adamw"][0], params, X, Y), rtol=1e-12)


def test_what_is_padded_stays_zero():
    params, X, Y = net(sizes=(3, 4, 1))
    (W, b), (V, c) = params
    wide = [(jnp.pad(W, ((0, 2), (0, 3))), jnp.pad(b, ((0, 3), (0, 0))))]
    wide += [(jnp.pad(V, ((0, 3), (0, 0))), c)]
    X_wide = jnp.pad(jnp.asarray(X), ((0, 2), (0, 0)))
    chosen = with_scales(PAIRS["adamw"][0])
    (W, b), (V, c) = steps_of(chosen, params, X, Y)
    found = steps_of(chosen, wide, X_wide, Y)
    assert not found[0][0][3:].any()
    assert not found[0][0][:, 4:].any()
    np.testing.assert_allclose(found[0][0][:3, :4], W, rtol=1e-12)


def test_a_diverged_run_is_finite_and_goes_on_with_scales_of_1():
    params, X, Y = net()
    wild = optimizer("sgd", learning_rate=1e300, input_scale_rate=6.0)
    tame = optimizer("sgd", learning_rate=0.1, input_scale_rate=6.0)
    with pytest.warns(mlp_jax.DivergenceWarning):
        state, _ = mlp_jax.fit(params, X, Y, optimizer=wild, epochs=9)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(state.params))
    state = state._replace(params=params)  # of the wild ones no step leads back
    on, _ = mlp_jax.fit(state, X, Y, optimizer=tame, epochs=4)
    anew, _ = mlp_jax.fit(params, X, Y, optimizer=tame, epochs=4)
    chex.assert_trees_all_close(on.params, anew.params, rtol=1e-12)


def test_inputs_that_say_nothing_become_small():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(8, 200))
    Y = (X[:1] * X[1:2] > 0) * 1.0
    params = mlp_jax.init(0, (8, 16, 1), scheme="glorot", dtype=jnp.float64)
    fit = partial(mlp_jax.fit, params, X, Y, epochs=150)

    def share_of_noise(**numbers):
        state, _ = fit(optimizer=optimizer("adam", learning_rate=0.01, **numbers))
        squares = np.square(state.params[0].W).sum(1)
        return squares[2:].sum() / squares.sum()

    assert share_of_noise(input_scale_rate=6.0) < 0.8 * share_of_noise()
