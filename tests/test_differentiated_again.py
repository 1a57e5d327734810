"""The gradient by hand under JAX's transformations: vmap, jit, and differentiated again."""

from functools import cache

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export
from jax.flatten_util import ravel_pytree

import mlp_jax
from mlp_jax.activations import ACTIVATIONS
from tests.nets import LABELS, random_net
from tests.shapes import autodiff, relative


def test_gradient_works_under_vmap_jit_and_grad():
    nets = [random_net(seed, (3, 4, 1), 5) for seed in range(3)]
    _, X, Y = nets[0]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *(params for params, _, _ in nets))
    together = jax.jit(jax.vmap(mlp_jax.gradient, in_axes=(0, None, None)))(stacked, X, Y)
    for i, (params, _, _) in enumerate(nets):
        alone = mlp_jax.gradient(params, X, Y)
        chex.assert_trees_all_close(jax.tree.map(lambda g: g[i], together), alone, rtol=1e-12)  # noqa: B023

    def norm(params):
        return sum(jnp.sum(g * g) for g in jax.tree.leaves(mlp_jax.gradient(params, X, Y)))

    second = jax.grad(norm)(nets[0][0])
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(second))


# Of the features, with biases of 0: every z is so small, or exactly 0.
SCALES = np.array([*10.0 ** -np.arange(0, 13, 2), 0.0])


@cache
def along_a_direction(gradient, network, dtype=np.float64):
    """The derivative of `gradient` along one direction of params and X, at all SCALES."""
    outputs, labels = LABELS[network.loss.name]
    params, X, _ = random_net(0, (3, 4, 2, outputs), 12)
    params = [(W, 0 * b) for W, b in params]
    if network.loss.classes:
        Y = labels(np.random.default_rng(1), 12)
    else:  # met exactly, and at huber's bends, where the features are 0
        rows = 1 if network.loss.outputs_of_label > 1 else outputs
        Y = np.resize([0, 1.0, -1, 0.3, -0.3, 2, 0], (rows, 12))
    Y = abs(Y) if network.loss.name == "poisson" else Y
    rng = np.random.default_rng(2)
    point = jax.tree.map(lambda x: jnp.asarray(x, dtype), (params, X))
    direction = jax.tree.map(lambda x: jnp.asarray(rng.normal(size=x.shape), dtype), point)

    @jax.jit
    @jax.vmap
    def derivative(scale):
        def at(params, X):
            return gradient(params, scale * X, Y, network=network)

        return jax.jvp(at, point, direction)[1]

    return derivative(jnp.asarray(SCALES, dtype))


def relative_at_every_scale(ours, theirs):
    differences = [
        relative(*jax.tree.map(lambda leaf: leaf[i], (ours, theirs)))  # noqa: B023
        for i in range(len(SCALES))
    ]
    return np.array(differences)


# Every loss, and every activation at least once: those of f(0) = 0 before the others, or the z of
# the layers above would not be small.
AGAIN = {
    "binary_cross_entropy": ("tanh", "gelu"),
    "softmax_cross_entropy": ("mish", "gelu_tanh"),
    "squared_error": ("gelu", "sigmoid"),
    "absolute_error": ("leaky_relu", "tanh"),
    "huber": ("silu", "selu"),
    "huber(0.3)": ("relu", "identity"),
    "poisson": ("elu", "softplus"),
    "pinball(0.1, 0.5, 0.9)": ("gelu_tanh", "silu"),
}


def test_every_loss_and_activation_is_differentiated_again():
    assert set(AGAIN) == set(LABELS)
    assert {name for pair in AGAIN.values() for name in pair} == set(ACTIVATIONS)


@pytest.mark.parametrize("loss", AGAIN)
def test_the_gradient_differentiated_again_is_that_of_autodiff_however_small_z(loss):
    network = mlp_jax.Network(AGAIN[loss], loss)
    by_hand = along_a_direction(mlp_jax.gradient, network)
    by_autodiff = along_a_direction(autodiff, network)
    np.testing.assert_array_less(relative_at_every_scale(by_hand, by_autodiff), 1e-13)


def test_in_float32_the_gradient_differentiated_again_has_the_digits_of_float32():
    network = mlp_jax.Network(AGAIN["binary_cross_entropy"])
    by_hand = along_a_direction(mlp_jax.gradient, network, np.float32)
    exact = along_a_direction(autodiff, network)
    np.testing.assert_array_less(relative_at_every_scale(by_hand, exact), 2e-6)


@pytest.mark.parametrize(
    ("activation", "loss"), [("gelu", "binary_cross_entropy"), ("tanh", "huber")]
)
def test_every_way_to_a_hessian_gives_the_same(activation, loss):
    outputs, labels = LABELS[loss]
    params, X, _ = random_net(0, (2, 2, outputs), 5)
    params, X = [(W, 0 * b) for W, b in params], X * (np.arange(5) > 1)  # examples with z = 0
    Y = labels(np.random.default_rng(0), 5) if loss != "huber" else np.resize([0.0, 1, 3], (2, 5))
    flat, unravel = ravel_pytree(params)
    network = mlp_jax.Network(activation, loss)

    def J(flat):
        return mlp_jax.cost(unravel(flat), X, Y, network=network)

    def grad(flat):
        return ravel_pytree(mlp_jax.gradient(unravel(flat), X, Y, network=network))[0]

    hessian, forwards, backwards = jax.jit(
        lambda flat: (jax.hessian(J)(flat), jax.jacfwd(grad)(flat), jax.jacrev(grad)(flat))
    )(flat)
    np.testing.assert_allclose(forwards, hessian, rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(backwards, hessian, rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(hessian, hessian.T, rtol=1e-11, atol=1e-14)


def test_a_network_passes_through_a_user_s_jit():
    params, X, Y = random_net(0, (3, 4, 1), 5)
    traced = jax.jit(lambda params, network: mlp_jax.cost(params, X, Y, network=network))
    network = mlp_jax.Network("tanh")
    expected = float(mlp_jax.cost(params, X, Y, network=network))
    assert float(traced(params, network)) == pytest.approx(expected, rel=1e-12)


def test_forward_is_exported_with_any_number_of_examples():
    params, X, _ = random_net(0, (3, 4, 1), 5)
    params = jax.tree.map(jnp.asarray, params)
    (m,) = export.symbolic_shape("m")
    exported = export.export(mlp_jax.forward)(params, jax.ShapeDtypeStruct((3, m), X.dtype))
    np.testing.assert_allclose(exported.call(params, X), mlp_jax.forward(params, X), rtol=1e-14)


def test_gradient_compiles_once_for_equal_shapes():
    params, X, Y = random_net(0, (3, 4, 1), 11)
    counted = jax.jit(chex.assert_max_traces(mlp_jax.gradient.__wrapped__, n=1))
    for seed in range(3):
        params, X, Y = random_net(seed, (3, 4, 1), 11)
        counted(params, X, Y, l2=float(seed))
