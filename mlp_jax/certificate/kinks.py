"""Where f' or dL/dz jumps, every value from its left to its right is as good: the other choices.

What lies to the left and to the right is autodiff's of f and of L. The f' and dL/dz of a user are
on trial, and say nothing in their own favour.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from mlp_jax.activations import Activation, is_named
from mlp_jax.forward_propagation import forward_trace
from mlp_jax.losses import Loss, is_named_loss
from mlp_jax.network import Network
from mlp_jax.parameters import Layer

FRACTIONS = (1.0, 0.5, 0.0)  # of the way from the left value to the right one
JUMP = 1e-6  # relative: what smooth functions change by over some eps is far less
AS_AUTODIFF = float("nan")  # the fraction that takes autodiff's own value


class Choice(NamedTuple):
    """One way to take all kinks at once.

    of_hidden, of_loss: the fraction from the left value to the right one, or `AS_AUTODIFF`.
    rising: a bool, whether outputs of an example that tie, as in a maximum over them, are parted in
      favour of the last instead of the first.
    """

    of_hidden: Any
    of_loss: Any
    rising: Any


class AtKinks(NamedTuple):
    """What stands where a derivative jumps.

    hidden: of every hidden layer which units are at a kink, bool, (n[l], m).
    examples: which examples are at a kink of the loss, bool, (1, m).
    """

    hidden: tuple[Array, ...]
    examples: Array


def slope(f: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """The derivative f' of an elementwise f, by autodiff."""
    return lambda Z: jax.jvp(f, (Z,), (jnp.ones_like(Z),))[1]


def output_error(loss: Loss) -> Callable[[Array, Array], Array]:
    """(Z[L], Y) -> dL/dZ by autodiff."""
    return lambda Z, Y: jax.grad(lambda Z: jnp.sum(loss.L(Z, Y)))(Z)


def at_kinks(
    network: Network, layers: tuple[Layer, ...], X: Array, Y: Array, masks: tuple[Array, ...] | None
) -> AtKinks:
    """Which units and examples are at a kink, by the values that autodiff has on both sides."""
    Z = forward_trace(layers, X, network, masks).Z
    hidden = tuple(
        _jumps(*_sides_of_f(activation, z)) if _may_jump(activation) else jnp.zeros(z.shape, bool)
        for activation, z in zip(network.hidden(layers), Z, strict=False)  # Z[L] is left over
    )
    examples = jnp.zeros((1, Z[-1].shape[1]), bool)
    if _may_jump_in_loss(network.loss):
        for rising in (False, True):
            jump = _jumps(*_sides_of_loss(network.loss, Z[-1], Y, jnp.asarray(rising)))
            examples |= jnp.any(jump, axis=0, keepdims=True)
    return AtKinks(hidden, examples)


def choices_at(kinks: AtKinks, outputs: int) -> Iterator[Choice]:
    """Other ways to take the kinks there are; none where there are none.

    The right value, the middle and the left one, the same for all units, for one or for both of
    the hidden layers and the loss.
    """
    of_hidden = any(bool(jump.any()) for jump in kinks.hidden)
    of_loss = bool(kinks.examples.any())
    if not of_hidden and not of_loss:
        return
    for hidden_fraction in (AS_AUTODIFF, *FRACTIONS * of_hidden):
        for loss_fraction in (AS_AUTODIFF, *FRACTIONS * of_loss):
            for rising in (False, True) if of_loss and outputs > 1 else (False,):
                yield Choice(hidden_fraction, loss_fraction, rising)


def with_values(network: Network, choice: Choice) -> Network:
    """`network` with these values at its kinks, and autodiff's f' and dL/dZ everywhere else.

    A value of one trace alone if the numbers of `choice` are traced.
    """
    activation: Any = network.activation
    alone = isinstance(activation, Activation)
    every = [_activation(f, choice.of_hidden) for f in ((activation,) if alone else activation)]
    loss = _loss(network.loss, choice) if _may_jump_in_loss(network.loss) else network.loss
    return Network(every[0] if alone else tuple(every), loss, network.precision)


def _may_jump(activation: Activation) -> bool:
    return activation.kinked or not is_named(activation)


def _may_jump_in_loss(loss: Loss) -> bool:
    return loss.kink is not None or not is_named_loss(loss)


def _activation(activation: Activation, fraction: Any) -> Activation:
    if not _may_jump(activation):
        return activation

    def f_prime(Z: Array, A: Array) -> Array:
        left, right = _sides_of_f(activation, Z)
        return _chosen(slope(activation.f)(Z), left, right, fraction)

    return activation._replace(derivative=f_prime)


def _loss(loss: Loss, choice: Choice) -> Loss:
    def dL_dZ(Z: Array, Y: Array) -> Array:
        left, right = _sides_of_loss(loss, Z, Y, choice.rising)
        return _chosen(output_error(loss)(Z, Y), left, right, choice.of_loss)

    return loss._replace(dL_dZ=dL_dZ)


def _chosen(here: Array, left: Array, right: Array, fraction: Any) -> Array:
    takes_another = _jumps(left, right) & ~jnp.isnan(jnp.asarray(fraction))
    return jnp.where(takes_another, left + fraction * (right - left), here)


def _jumps(left: Array, right: Array) -> Array:
    # Infinite or NaN sides give no value to take.
    larger = jnp.maximum(jnp.abs(left), jnp.abs(right))
    return jnp.isfinite(larger) & (jnp.abs(right - left) > JUMP * larger)


def _sides_of_f(activation: Activation, Z: Array) -> tuple[Array, Array]:
    step, f_prime = _step(jnp.abs(Z)), slope(activation.f)
    return f_prime(Z - step), f_prime(Z + step)


def _sides_of_loss(loss: Loss, Z: Array, Y: Array, rising: Any) -> tuple[Array, Array]:
    # Every output takes another step, or outputs that tie would go on to tie. The first goes
    # furthest, to the left as to the right, or the last if `rising`.
    count = jnp.arange(1, Z.shape[0] + 1, dtype=Z.dtype)[:, None]
    steps = jnp.where(rising, count, count[::-1])
    # The outputs of an example have one step, or a large one's would hide a small one's.
    size = jnp.max(jnp.abs(Z) + jnp.abs(Y), axis=0, keepdims=True)
    dL_dZ = output_error(loss)
    return dL_dZ(Z - steps * _step(size), Y), dL_dZ(Z + steps * _step(size), Y)


def _step(size: Array) -> Array:
    """Just enough to leave a kink, also where z is computed to a few eps."""
    return 1e-30 + 4 * jnp.finfo(size.dtype).eps * size
