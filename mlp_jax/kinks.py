"""Where f' or dL/dz jumps, every value from its left to its right is as good: the other choices."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import jax.numpy as jnp
from jax import Array

from mlp_jax.activations import Activation
from mlp_jax.forward_propagation import Network, forward_trace
from mlp_jax.losses import Loss
from mlp_jax.parameters import Layer

FRACTIONS = (1.0, 0.5, 0.0)  # of the way from the left value to the right one


def with_other_values(
    network: Network, layers: tuple[Layer, ...], X: Array, Y: Array, masks: Any
) -> Iterator[Network]:
    """`network` with other values at its kinks; none where no z is at one.

    Of the hidden layers that is f'(0), of the loss dL/dz where a = y: the right value, the middle
    and the left one, the same for all units, for one or for both.
    """
    Z = forward_trace(layers, X, network, masks).Z
    hidden = zip(network.hidden(layers), Z, strict=False)  # Z[L] is left over
    of_hidden = any(activation.kinked and bool((z == 0).any()) for activation, z in hidden)
    distance = network.loss.kink
    of_loss = distance is not None and bool((distance(Z[-1], Y) == 0).any())
    for hidden_fraction in (None, *FRACTIONS * of_hidden):
        for loss_fraction in (None, *FRACTIONS * of_loss):
            if hidden_fraction is not None or loss_fraction is not None:
                yield _with_values(network, hidden_fraction, loss_fraction)


def _with_values(network: Network, of_hidden: float | None, of_loss: float | None) -> Network:
    activation: Any = network.activation
    if of_hidden is not None:
        alone = isinstance(activation, Activation)
        every = [_activation(one, of_hidden) for one in ((activation,) if alone else activation)]
        activation = every[0] if alone else tuple(every)
    loss = network.loss if of_loss is None else _loss(network.loss, of_loss)
    return Network(activation, loss, network.precision)


@lru_cache
def _activation(activation: Activation, fraction: float) -> Activation:
    f, derivative = activation.f, activation.derivative

    def f_prime(Z: Array, A: Array) -> Array:
        tiny = jnp.full_like(Z, 1e-30)
        left, right = derivative(-tiny, f(-tiny)), derivative(tiny, f(tiny))
        return jnp.where(Z == 0, left + fraction * (right - left), derivative(Z, A))

    return activation._replace(derivative=f_prime)


@lru_cache
def _loss(loss: Loss, fraction: float) -> Loss:
    def dL_dZ(Z: Array, Y: Array) -> Array:
        tiny = 1e-30 + 4 * jnp.finfo(Z.dtype).eps * jnp.abs(Z)
        left, right = loss.dL_dZ(Z - tiny, Y), loss.dL_dZ(Z + tiny, Y)
        assert loss.kink is not None
        at_kink = loss.kink(Z, Y) == 0
        return jnp.where(at_kink, left + fraction * (right - left), loss.dL_dZ(Z, Y))

    return loss._replace(dL_dZ=dL_dZ)
