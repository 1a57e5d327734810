"""Central differences of the cost that know their own error, and where they mean nothing."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.flatten_util import ravel_pytree

from mlp_jax.certificate.programs import quickly_compiled
from mlp_jax.cost_function import cost
from mlp_jax.forward_propagation import forward_trace
from mlp_jax.network import Network
from mlp_jax.parameters import Layer

# Half the step is exact in binary too. With Richardson's extrapolation the truncation error falls
# with step^4, so the step may be large enough for the rounding of J, some eps J / step, to stay
# near 1e-11, and must be small enough for few ReLUs to change sign within it.
STEP = 2.0**-15
AT_ONCE = 8  # entries along which the cost is computed side by side


class Differences(NamedTuple):
    """Slopes of the cost along single parameters, each of shape (entries,).

    slope: the extrapolated central difference.
    resolution: how far the slope may be off.
    kink: whether some unit's z changes sign within the step, so that the slope means nothing.
    bend: by how much more the slopes to both sides differ than those of a smooth cost, as at a kink
      that nobody declared.
    """

    slope: Array
    resolution: Array
    kink: Array
    bend: Array


@quickly_compiled
def central_differences(
    layers: tuple[Layer, ...],
    X: Array,
    Y: Array,
    positions: Array,
    noise_of_J: Any,
    *,
    network: Network,
    weights: Array | None,
    l2: Any,
    masks: tuple[Array, ...] | None = None,
) -> Differences:
    """Differences of the cost along the entries at `positions` of the raveled parameters.

    All arrays in float64; `positions`, of shape (entries,), count the entries of
    `jax.flatten_util.ravel_pytree(layers)`; a multiple of `AT_ONCE`, or a program more is compiled,
    for the rest. noise_of_J: how far J moves, in eps, where everything
    that J is made of moves by one eps: far more than J's last digit where labels are far from 0.
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
        size_of_J = jnp.maximum(jnp.maximum(jnp.abs(J_here), 1.0), noise_of_J / 8)
        rounding = 32 * jnp.finfo(flat.dtype).eps * size_of_J / STEP
        # The slope to the right less that to the left: halved with the step where J is smooth, the
        # same across a kink at this very point. It has six times the rounding of a slope.
        turns = (J[0] - 2 * J_here + J[1]) / STEP, (J[2] - 2 * J_here + J[3]) / (STEP / 2)
        return Differences(
            slope=(4 * narrow - wide) / 3,
            resolution=jnp.abs(wide - narrow) + rounding,
            kink=jnp.any(sides[:2] != sides_here[None]),
            bend=jnp.maximum(jnp.abs(turns[0] - 2 * turns[1]) - 6 * rounding, 0.0),
        )

    return jax.lax.map(along, positions, batch_size=AT_ONCE)


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
