"""Losses of numbers and their output errors dL/dZ: extension 3 and its like.

All are functions of Z[L], (K, m), and the labels Y, (K, m). Those with numbers of their own, Huber
and pinball, stand in `losses`.
"""

import jax.numpy as jnp
from jax import Array
from jax.nn import relu

from mlp_jax.cross_entropies import sum_over_outputs


def squared_error(Z: Array, Y: Array) -> Array:
    """Extension 3: L = 1/2 ‖a - y‖², with a = z."""
    return sum_over_outputs(0.5 * (Z - Y) ** 2)


def squared_error_error(Z: Array, Y: Array) -> Array:
    """Extension 3: dL/dz = a - y; the 1/2 took the 2."""
    return Z - Y


def absolute_error(Z: Array, Y: Array) -> Array:
    """L = ‖a - y‖₁, with a = z."""
    # Not jnp.abs, of which autodiff takes 1 at a = y.
    return sum_over_outputs(relu(Z - Y) + relu(Y - Z))


def absolute_error_error(Z: Array, Y: Array) -> Array:
    """dL/dz = sign(a - y); 0 at a = y, as autodiff has it."""
    return jnp.sign(Z - Y)


def poisson(Z: Array, Y: Array) -> Array:
    """L = a - y log a with the log link a = e^z, so e^z - y z: -log of Poisson's law, less log y!.

    Where y = 0, 0 z is 0 for every finite z.
    """
    return sum_over_outputs(jnp.exp(Z) - Y * Z)


def poisson_error(Z: Array, Y: Array) -> Array:
    """dL/dz = dL/da da/dz = (1 - y / a) a = a - y."""
    return jnp.exp(Z) - Y
