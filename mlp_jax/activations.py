"""Activations by name: what each does at z = 0, and a user's own.

The functions stand in `activation_functions`.
"""

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.nn import relu, sigmoid, softplus

from mlp_jax import activation_functions as functions


class Activation(NamedTuple):
    """An elementwise activation and its derivative.

    name: as users type it.
    f: Z -> A, of the same shape.
    derivative: (Z, A) -> f'(Z), of the same shape: the entries of the stack of 3.1.5.
    zero_at_zero: f(0) = 0.
    kinked: f' or f'' jumps at z = 0.
    steep_at_zero: f'(0) is not finite.
    own: a user's, of which nothing is known; the others are finite wherever z is, and so are their
      f'.
    """

    name: str
    f: Callable[[Array], Array]
    derivative: Callable[[Array, Array], Array]
    zero_at_zero: bool
    kinked: bool = False
    steep_at_zero: bool = False
    own: bool = False

    @property
    def keeps_padding(self) -> bool:
        """Whether a unit of zero weights stays zero under training by itself, without a mask.

        Its gradient is 0 times f'(0), which is NaN if that is not finite.
        """
        return self.zero_at_zero and not self.steep_at_zero

    def __repr__(self) -> str:
        return repr(self.name)


@cache
def own_activation(f: Callable[[Array], Array], derivative: Callable[[Array], Array]) -> Activation:
    """The activation of a user's pair f(Z), f'(Z); the same two functions give the same value.

    Nothing is known of the functions, so differences across z = 0 are not trusted, and f(0) and
    f'(0) are computed.
    """
    with jax.ensure_compile_time_eval():  # also where the first call is inside a jitted function
        zero_at_zero = bool(f(jnp.zeros(())) == 0)
        steep_at_zero = not bool(jnp.isfinite(derivative(jnp.zeros(()))))
    return Activation(
        name=getattr(f, "__name__", "own"),
        f=f,
        derivative=partial(_of_Z, derivative),
        zero_at_zero=zero_at_zero,
        kinked=True,
        steep_at_zero=steep_at_zero,
        own=True,
    )


def _of_Z(derivative: Callable[[Array], Array], Z: Array, A: Array) -> Array:
    return derivative(Z)


def pair_of(activation: Activation) -> Any:
    """What `own_activation` was given; of another activation, the activation itself."""
    made_of: Any = activation.derivative
    own = isinstance(made_of, partial) and made_of.func is _of_Z
    return (activation.f, made_of.args[0]) if own else activation


def one_of(activations: Sequence[Activation], which: Any) -> Activation:
    """The activation number `which`, a traced int32: chosen when the program runs.

    The activation belongs to one trace, and so cannot be an argument of a jitted function.
    """
    if len(set(activations)) == 1:
        return activations[0]
    return Activation(
        name=" or ".join(activation.name for activation in activations),
        f=lambda Z: jax.lax.switch(which, [activation.f for activation in activations], Z),
        derivative=lambda Z, A: jax.lax.switch(
            which, [activation.derivative for activation in activations], Z, A
        ),
        zero_at_zero=all(activation.zero_at_zero for activation in activations),
        kinked=any(activation.kinked for activation in activations),
        steep_at_zero=any(activation.steep_at_zero for activation in activations),
        own=any(activation.own for activation in activations),
    )


ACTIVATIONS: dict[str, Any] = {
    activation.name: activation
    for activation in (
        Activation(
            "identity", functions.identity, functions.identity_derivative, zero_at_zero=True
        ),
        Activation("relu", relu, functions.relu_derivative, zero_at_zero=True, kinked=True),
        Activation(
            "leaky_relu", functions.leaky_relu, functions.leaky_relu_derivative, True, kinked=True
        ),
        Activation("elu", functions.elu, functions.elu_derivative, zero_at_zero=True, kinked=True),
        Activation(
            "selu", functions.selu, functions.selu_derivative, zero_at_zero=True, kinked=True
        ),
        Activation("tanh", jnp.tanh, functions.tanh_derivative, zero_at_zero=True),
        Activation("sigmoid", sigmoid, functions.sigmoid_derivative, zero_at_zero=False),
        Activation("softplus", softplus, functions.softplus_derivative, zero_at_zero=False),
        Activation("silu", functions.silu, functions.silu_derivative, zero_at_zero=True),
        Activation("gelu", functions.gelu, functions.gelu_derivative, zero_at_zero=True),
        Activation(
            "gelu_tanh", functions.gelu_tanh, functions.gelu_tanh_derivative, zero_at_zero=True
        ),
        Activation("mish", functions.mish, functions.mish_derivative, zero_at_zero=True),
    )
}


def is_named(activation: Activation) -> bool:
    """Whether the activation is the library's of this name, and no function of the user's own."""
    return bool(ACTIVATIONS.get(activation.name) == activation)
