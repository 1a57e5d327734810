"""Central differences of the cost that know their own error, and where they mean nothing."""

from functools import lru_cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.flatten_util import ravel_pytree

from mlp_jax.activations import Activation
from mlp_jax.cost_function import cost
from mlp_jax.forward_propagation import Network, forward_trace
from mlp_jax.parameters import Layer

# Half the step is exact in binary too. With Richardson's extrapolation the truncation error falls
# with step^4, so the step may be large enough for the rounding of J, some eps J / step, to stay
# near 1e-11, and must be small enough for few ReLUs to change sign within it.
STEP = 2.0**-15


class Differences(NamedTuple):
    """Slopes of the cost along single parameters, each of shape (entries,).

    slope: the extrapolated central difference. resolution: how far it may be off. kink: some
    unit's z changes sign within the step, so the slope means nothing.
    """

    slope: Array
    resolution: Array
    kink: Array


@partial(jax.jit, static_argnames="network")
def central_differences(
    layers: tuple[Layer, ...],
    X: Array,
    Y: Array,
    positions: Array,
    *,
    network: Network,
    weights: Array | None,
    l2: Any,
) -> Differences:
    """Differences of the cost along the entries at `positions` of the raveled parameters.

    All arrays in float64; `positions`, of shape (entries,), count the entries of
    `jax.flatten_util.ravel_pytree(layers)`.
    """
    flat, unravel = ravel_pytree(layers)

    def at(position: Array, step: Any) -> tuple[Array, Array]:
        moved = unravel(flat.at[position].add(step))
        J = cost(moved, X, Y, network=network, weights=weights, l2=l2)
        return J, _sides(moved, X, network)

    J_here, sides_here = at(jnp.array(0), 0.0)

    def along(position: Array) -> Differences:
        steps = STEP * jnp.array([1.0, -1.0, 0.5, -0.5])
        J, sides = jax.vmap(at, in_axes=(None, 0))(position, steps)
        wide, narrow = (J[0] - J[1]) / (2 * STEP), (J[2] - J[3]) / STEP
        rounding = 32 * jnp.finfo(flat.dtype).eps * jnp.maximum(jnp.abs(J_here), 1.0) / STEP
        return Differences(
            slope=(4 * narrow - wide) / 3,
            resolution=jnp.abs(wide - narrow) + rounding,
            kink=jnp.any(sides[:2] != sides_here[None]),
        )

    return jax.lax.map(along, positions, batch_size=32)


def _sides(layers: tuple[Layer, ...], X: Array, network: Network) -> Array:
    """On which side of a kink every unit of every example is: the signs of all such z, flat."""
    Z = forward_trace(layers, X, network).Z
    kinked = Z[:-1] if network.activation.kinked else ()
    return jnp.concatenate([jnp.zeros(1), *(jnp.sign(z).ravel() for z in kinked)])


@lru_cache
def with_value_at_kink(network: Network, fraction: float) -> Network:
    """`network` with f' at a kink taken `fraction` of the way from its left to its right value."""
    f, derivative = network.activation.f, network.activation.derivative

    def f_prime(Z: Array, A: Array) -> Array:
        tiny = jnp.full_like(Z, 1e-30)
        left, right = derivative(-tiny, f(-tiny)), derivative(tiny, f(tiny))
        return jnp.where(Z == 0, left + fraction * (right - left), derivative(Z, A))

    activation = Activation(
        f"{network.activation.name} with f'(0) at {fraction}",
        f,
        f_prime,
        network.activation.zero_at_zero,
        kinked=True,
    )
    return Network(activation, network.loss, network.precision)
