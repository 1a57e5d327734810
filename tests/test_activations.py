"""Every f' is the derivative of its f, in a form that keeps its digits and does not overflow."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import erfc

import mlp_jax
from mlp_jax.activations import ACTIVATIONS
from tests.nets import random_net

NAMES = [
    "identity",
    "relu",
    "leaky_relu",
    "elu",
    "selu",
    "tanh",
    "sigmoid",
    "softplus",
    "silu",
    "gelu",
    "gelu_tanh",
    "mish",
]
Z = np.concatenate([-np.logspace(3, -6, 60), np.logspace(-6, 3, 60)])


def derivative(name, z):
    activation = ACTIVATIONS[name]
    z = jnp.asarray(z)
    return np.asarray(activation.derivative(z, activation.f(z)))


def test_all_names_of_the_design_are_there():
    assert set(ACTIVATIONS) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_derivative_is_that_of_autodiff(name):
    autodiff = jax.vmap(jax.grad(ACTIVATIONS[name].f))(jnp.asarray(Z))
    # autodiff knows 1 - a² and the like to eps of 1 only, so absolutely.
    np.testing.assert_allclose(derivative(name, Z), autodiff, rtol=1e-12, atol=3e-15)


@pytest.mark.parametrize("name", NAMES)
def test_derivative_in_float32_has_the_digits_of_float32(name):
    near = Z[abs(Z) < 8]  # further out the tails of gelu pass float32's smallest number
    # By hand; the roots of f' (silu near -1.28, gelu near -0.75, mish near -1.19) excepted, where
    # no float32 argument is near enough to have digits.
    near = near[(near > -0.6) | (near < -1.5)]
    exact = derivative(name, near.astype(np.float32).astype(np.float64))
    ours = derivative(name, near.astype(np.float32))
    assert ours.dtype == np.float32
    # e^(-z²/2) turns a rounding of z²/2, up to 32, into 32 of its own.
    np.testing.assert_allclose(ours, exact, rtol=2e-5)


def sech2(z):
    return 1 / np.cosh(z) ** 2


def logistic(z):
    return 1 / (1 + np.exp(-z))


def slope_of_gelu_tanh(z):
    c = np.sqrt(2 / np.pi)
    u, u_prime = c * (z + 0.044715 * z**3), c * (1 + 3 * 0.044715 * z**2)
    return (1 + np.tanh(u)) / 2 + z / 2 * sech2(u) * u_prime


def slope_of_mish(z):
    t = np.tanh(np.log(1 + np.exp(z)))
    return t + z * (1 - t**2) * logistic(z)


# f' as a textbook has it, of a complex z.
SLOPES = {
    "identity": lambda z: 1 + 0 * z,
    "relu": lambda z: (z.real > 0) + 0 * z,
    "leaky_relu": lambda z: np.where(z.real > 0, 1, 0.01) + 0 * z,
    "elu": lambda z: np.where(z.real > 0, 1 + 0 * z, np.exp(z)),
    "selu": lambda z: 1.0507009873554805 * np.where(z.real > 0, 1, 1.6732632423543772 * np.exp(z)),
    "tanh": sech2,
    "sigmoid": lambda z: sech2(z / 2) / 4,
    "softplus": logistic,
    "silu": lambda z: logistic(z) + z * sech2(z / 2) / 4,
    "gelu": lambda z: erfc(-z / np.sqrt(2)) / 2 + z * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi),
    "gelu_tanh": slope_of_gelu_tanh,
    "mish": slope_of_mish,
}


@partial(jax.jit, static_argnames="name")
@partial(jax.vmap, in_axes=(None, 0))
def second_derivative(name, z):
    activation = ACTIVATIONS[name]
    return jax.grad(lambda z: activation.derivative(z, activation.f(z)))(z)


@pytest.mark.parametrize(
    ("dtype", "smallest", "rtol"), [(np.float64, 1e-90, 1e-11), (np.float32, 1e-37, 2e-5)]
)
@pytest.mark.parametrize("name", NAMES)
def test_f_prime_differentiated_again_keeps_its_digits_however_small_z(name, dtype, smallest, rtol):
    # The roots of f'' are left out, and tails in which the textbook's f' has lost its digits.
    z = np.concatenate([np.geomspace(smallest, 1e-13, 9), np.geomspace(1e-12, 1, 13), [3, 4]])
    z = np.concatenate([-z, [0.0], z]).astype(dtype)
    # Im f'(z + ih) / h: nothing is subtracted.
    exact = SLOPES[name](z.astype(np.float64) + 1e-200j).imag / 1e-200
    np.testing.assert_allclose(second_derivative(name, z), exact, rtol=rtol, atol=1e-37)


@pytest.mark.parametrize("name", NAMES)
def test_f_prime_differentiated_again_never_overflows(name):
    z = np.array([-3e38, -1e30, -1e3, 1e3, 1e30, 3e38], np.float32)
    assert not np.asarray(second_derivative(name, z)).any()


def test_cancelling_forms_would_fail_in_float32():
    z = np.float32(9.0)
    a = np.float32(1) / (1 + np.exp(-z))
    exact = derivative("sigmoid", 9.0)
    assert abs(a * (1 - a) / exact - 1) > 1e-4
    assert abs(derivative("sigmoid", z) / exact - 1) < 1e-6


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_overflows_however_large_z(name, dtype):
    z = np.array([-1e30, -1e10, -1e3, 1e3, 1e10, 1e30], dtype)
    f, f_prime = ACTIVATIONS[name].f(jnp.asarray(z)), derivative(name, z)
    assert np.isfinite(np.asarray(f)).all()
    assert np.isfinite(f_prime).all()
    autodiff = jax.vmap(jax.grad(ACTIVATIONS[name].f))(jnp.asarray(z))
    np.testing.assert_allclose(f_prime, autodiff, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_f_of_zero_is_zero_where_it_says_so(name):
    at_zero = float(ACTIVATIONS[name].f(jnp.zeros(())))
    assert (at_zero == 0) == ACTIVATIONS[name].zero_at_zero


@pytest.mark.parametrize(
    ("name", "at_zero"),
    [("relu", 0.0), ("leaky_relu", 0.01), ("elu", 1.0), ("selu", 1.0507009873554805 * 1.6732632)],
)
def test_the_value_taken_at_the_kink(name, at_zero):
    assert float(derivative(name, 0.0)) == pytest.approx(at_zero, rel=1e-6)
    assert float(jax.grad(ACTIVATIONS[name].f)(0.0)) == pytest.approx(at_zero, rel=1e-6)


@pytest.mark.parametrize("name", ["elu", "selu", "softplus", "silu", "gelu", "gelu_tanh", "mish"])
def test_f_is_the_one_of_jax_nn(name):
    theirs = {
        "gelu": lambda z: jax.nn.gelu(z, approximate=False),
        "gelu_tanh": lambda z: jax.nn.gelu(z, approximate=True),
    }.get(name, getattr(jax.nn, name, None))
    z = jnp.linspace(-20, 20, 401)
    np.testing.assert_allclose(ACTIVATIONS[name].f(z), theirs(z), rtol=1e-9, atol=1e-12)


def cube(Z):
    return Z**3 / 10


def slope_of_cube(Z):
    return 3 * Z**2 / 10


def test_a_pair_of_ones_own_is_taken_and_certified():
    params, X, Y = random_net(0, (3, 4, 1), 6)
    network = mlp_jax.Network((cube, slope_of_cube))
    assert network == mlp_jax.Network((cube, slope_of_cube))
    assert network.activation.zero_at_zero
    assert mlp_jax.certify(params, X, Y, network=network).passed
    wrong = mlp_jax.Network((cube, cube))
    certificate = mlp_jax.certify(params, X, Y, network=wrong)
    assert certificate.layer == 1


def test_a_pair_of_ones_own_may_first_be_seen_inside_a_jitted_function():
    params, X, _ = random_net(0, (3, 4, 1), 6)

    def plus_one(Z):
        return Z + 1

    @jax.jit
    def outputs(X):
        network = mlp_jax.Network((plus_one, jnp.ones_like))
        return mlp_jax.forward(params, X, network=network)

    inside = outputs(X)
    network = mlp_jax.Network((plus_one, jnp.ones_like))
    assert network.activation.zero_at_zero is False
    np.testing.assert_allclose(inside, mlp_jax.forward(params, X, network=network))


def test_an_activation_for_each_layer():
    params, X, _ = random_net(0, (3, 4, 5, 1), 6)
    network = mlp_jax.Network(["tanh", "relu"])
    (W1, b1), (W2, b2), (W3, b3) = params
    A = np.maximum(W2.T @ np.tanh(W1.T @ X + b1) + b2, 0)
    expected = 1 / (1 + np.exp(-(W3.T @ A + b3)))
    np.testing.assert_allclose(mlp_jax.forward(params, X, network=network), expected)


def test_activations_for_another_number_of_layers_are_refused():
    params, X, _ = random_net(0, (3, 4, 1), 6)
    with pytest.raises(ValueError, match=r"names 2 hidden layers.*params has 1"):
        mlp_jax.forward(params, X, network=mlp_jax.Network(["tanh", "relu"]))


@pytest.mark.parametrize("choice", ["rleu", 3, None, ("relu", "tahn")])
def test_an_unknown_activation_is_refused(choice):
    with pytest.raises(ValueError, match=r"activation is .*expected one of identity, relu"):
        mlp_jax.Network(choice)
