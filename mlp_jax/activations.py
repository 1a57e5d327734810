"""Activations: each f beside its f', the value taken at the kink, and whether f(0) = 0.

f' is written in the form that neither cancels nor overflows, and takes both Z and A = f(Z), so that
it can use whichever is exact and at hand.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array
from jax.nn import relu, sigmoid


class Activation(NamedTuple):
    """An elementwise activation and its derivative.

    name: as users type it. f: Z -> A. derivative: (Z, A) -> f'(Z), the entries of the stack of
    3.1.5. zero_at_zero: f(0) = 0, so a unit of zero weights stays zero. kinked: f' jumps at z = 0.
    """

    name: str
    f: Callable[[Array], Array]
    derivative: Callable[[Array, Array], Array]
    zero_at_zero: bool
    kinked: bool = False

    def __repr__(self) -> str:
        return repr(self.name)


def _identity(Z: Array) -> Array:
    return Z


def _identity_derivative(Z: Array, A: Array) -> Array:
    return jnp.ones_like(Z)


def _relu_derivative(Z: Array, A: Array) -> Array:
    # 0 at z = 0, as `jax.nn.relu` has it and `jnp.maximum` has not (errata 17 and 34).
    return (Z > 0.0).astype(Z.dtype)


def _tanh_derivative(Z: Array, A: Array) -> Array:
    # 1 - tanh(z)^2 = sech(z)^2; the left side cancels as |z| grows (errata 35).
    e = jnp.exp(-2.0 * jnp.abs(Z))
    return 4.0 * e / (1.0 + e) ** 2


def _sigmoid_derivative(Z: Array, A: Array) -> Array:
    # a (1 - a) = s(z) s(-z); the left side cancels as a nears 1.
    return A * sigmoid(-Z)


ACTIVATIONS = {
    activation.name: activation
    for activation in (
        Activation("identity", _identity, _identity_derivative, zero_at_zero=True),
        Activation("relu", relu, _relu_derivative, zero_at_zero=True, kinked=True),
        Activation("tanh", jnp.tanh, _tanh_derivative, zero_at_zero=True),
        Activation("sigmoid", sigmoid, _sigmoid_derivative, zero_at_zero=False),
    )
}
