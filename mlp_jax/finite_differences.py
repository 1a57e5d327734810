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
    masks: tuple[Array, ...] | None = None,
) -> Differences:
    """Differences of the cost along the entries at `positions` of the raveled parameters.

    All arrays in float64; `positions`, of shape (entries,), count the entries of
    `jax.flatten_util.ravel_pytree(layers)`.
    """
    flat, unravel = ravel_pytree(layers)

    def at(position: Array, step: Any) -> tuple[Array, Array]:
        moved = unravel(flat.at[position].add(step))
        J = cost(moved, X, Y, network=network, weights=weights, l2=l2, masks=masks)
        return J, _sides(moved, X, Y, network, masks)

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


def _sides(
    layers: tuple[Layer, ...],
    X: Array,
    Y: Array,
    network: Network,
    masks: tuple[Array, ...] | None,
) -> Array:
    """On which side of a kink every unit and output of every example is: signs, flat."""
    Z = forward_trace(layers, X, network, masks).Z
    hidden = zip(network.hidden(layers), Z, strict=False)  # Z[L] is left over
    distances = [z for activation, z in hidden if activation.kinked]
    if network.loss.kink is not None:
        distances.append(network.loss.kink(Z[-1], Y))
    return jnp.concatenate([jnp.zeros(1), *(jnp.sign(d).ravel() for d in distances)])


def with_value_at_kink(network: Network, fraction: float) -> Network:
    """`network` with f' at a kink taken `fraction` of the way from its left to its right value."""
    chosen = network.activation
    if isinstance(chosen, Activation):
        activation: Any = _at_kink(chosen, fraction)
    else:
        activation = tuple(_at_kink(one, fraction) for one in chosen)
    return Network(activation, network.loss, network.precision)


@lru_cache
def _at_kink(activation: Activation, fraction: float) -> Activation:
    f, derivative = activation.f, activation.derivative

    def f_prime(Z: Array, A: Array) -> Array:
        tiny = jnp.full_like(Z, 1e-30)
        left, right = derivative(-tiny, f(-tiny)), derivative(tiny, f(tiny))
        return jnp.where(Z == 0, left + fraction * (right - left), derivative(Z, A))

    return activation._replace(derivative=f_prime)
