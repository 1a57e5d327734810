"""Activations: each f beside its f', the value taken at the kink, and whether f(0) = 0.

f' is written in the form that neither cancels nor overflows, and takes both Z and A = f(Z), so that
it can use whichever is exact and at hand. Section 6 of the extension has them in a table. Who
differentiates the gradient once more needs f'': by hand too where autodiff of that form of f' would
cancel, or divide by z.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.nn import relu, sigmoid, softplus
from jax.scipy.special import erfc


class Activation(NamedTuple):
    """An elementwise activation and its derivative.

    name: as users type it. f: Z -> A. derivative: (Z, A) -> f'(Z), the entries of the stack of
    3.1.5. zero_at_zero: f(0) = 0. kinked: f' or f'' jumps at z = 0. steep_at_zero: f'(0) is not
    finite. own: a user's, of which nothing is known; the others are finite wherever z is, and so
    are their f'.
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
    """A user's pair f(Z), f'(Z). Of the same two functions it is the same value.

    Nothing is known of it, so differences across z = 0 are not trusted, and f(0) and f'(0) are
    asked.
    """
    with jax.ensure_compile_time_eval():  # also where the first call is inside a jitted function
        zero_at_zero = bool(f(jnp.zeros(())) == 0)
        steep_at_zero = not bool(jnp.isfinite(derivative(jnp.zeros(()))))
    return Activation(
        name=getattr(f, "__name__", "own"),
        f=f,
        derivative=lambda Z, A: derivative(Z),
        zero_at_zero=zero_at_zero,
        kinked=True,
        steep_at_zero=steep_at_zero,
        own=True,
    )


def one_of(activations: Sequence[Activation], which: Any) -> Activation:
    """The activation number `which`, a traced int32: chosen when the program runs.

    A value of one trace alone, and so no argument for a jitted function.
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


def _with_derivative(f_second: Callable[[Array, Array], Array]) -> Callable[[Any], Any]:
    """Gives an f' its own derivative: (Z, A) -> f''(Z).

    A is f(Z) and moves with Z alone, so all of the change is counted as Z's, and none as A's. The
    first derivative compiles to what it was.
    """

    def decorated(f_prime: Callable[[Array, Array], Array]) -> Any:
        by_hand = jax.custom_jvp(f_prime)

        @by_hand.defjvp
        def _(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
            return by_hand(*primals), f_second(*primals) * tangents[0]

        return by_hand

    return decorated


def _identity(Z: Array) -> Array:
    return Z


def _identity_derivative(Z: Array, A: Array) -> Array:
    return jnp.ones_like(Z)


def _relu_derivative(Z: Array, A: Array) -> Array:
    # 0 at z = 0, as `jax.nn.relu` has it and `jnp.maximum` has not (errata 17 and 34).
    return (Z > 0.0).astype(Z.dtype)


LEAK = 0.01


def _leaky_relu(Z: Array) -> Array:
    return jnp.where(Z > 0.0, Z, LEAK * Z)


def _leaky_relu_derivative(Z: Array, A: Array) -> Array:
    # The slope of the left side at z = 0; `jax.nn.leaky_relu` takes 1 there.
    return jnp.where(Z > 0.0, jnp.ones_like(Z), LEAK)


def _negative_part(Z: Array) -> Array:
    # Keeps the side that is not used from overflowing: inf * 0 is NaN in autodiff. Not
    # jnp.minimum(Z, 0), of which autodiff takes half at z = 0.
    return jnp.where(Z > 0.0, 0.0, Z)


def _elu(Z: Array) -> Array:
    # z, or e^z - 1
    return jnp.where(Z > 0.0, Z, jnp.expm1(_negative_part(Z)))


def _elu_derivative(Z: Array, A: Array) -> Array:
    # 1, or e^z; not f + 1, which cancels as z falls.
    return jnp.where(Z > 0.0, jnp.ones_like(Z), jnp.exp(_negative_part(Z)))


# Klambauer et al. (2017), equation 14: with them mean 0 and variance 1 are a fixed point.
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def _selu(Z: Array) -> Array:
    negative = SELU_ALPHA * jnp.expm1(_negative_part(Z))
    return SELU_SCALE * jnp.where(Z > 0.0, Z, negative)


def _selu_derivative(Z: Array, A: Array) -> Array:
    # At z = 0 that of the left side, scale * alpha.
    negative = SELU_ALPHA * jnp.exp(_negative_part(Z))
    return SELU_SCALE * jnp.where(Z > 0.0, jnp.ones_like(Z), negative)


def _tanh_second(Z: Array, A: Array) -> Array:
    # -2 tanh(z) sech(z)^2. By autodiff of sech(z)^2 it is a difference near z = 0.
    return -2.0 * A * _tanh_derivative(Z, A)


@_with_derivative(_tanh_second)
def _tanh_derivative(Z: Array, A: Array) -> Array:
    # 1 - tanh(z)^2 = sech(z)^2; the left side cancels as |z| grows (errata 35).
    e = jnp.exp(-2.0 * jnp.abs(Z))
    return 4.0 * e / (1.0 + e) ** 2


def _sigmoid_second(Z: Array, A: Array) -> Array:
    # s(z) s(-z) (s(-z) - s(z)), with s(-z) - s(z) = -tanh(z/2).
    return -A * sigmoid(-Z) * jnp.tanh(0.5 * Z)


@_with_derivative(_sigmoid_second)
def _sigmoid_derivative(Z: Array, A: Array) -> Array:
    # a (1 - a) = s(z) s(-z); the left side cancels as a nears 1.
    return A * sigmoid(-Z)


def _softplus_second(Z: Array, A: Array) -> Array:
    # s' = s(z) s(-z), and not s (1 - s), which autodiff takes.
    return sigmoid(Z) * sigmoid(-Z)


@_with_derivative(_softplus_second)
def _softplus_derivative(Z: Array, A: Array) -> Array:
    return sigmoid(Z)


def _silu(Z: Array) -> Array:
    return Z * sigmoid(Z)


def _silu_second(Z: Array, A: Array) -> Array:
    # 2 s' + z s'', with s'' = -s' tanh(z/2).
    s_prime = sigmoid(Z) * sigmoid(-Z)
    return 2.0 * s_prime - Z * s_prime * jnp.tanh(0.5 * Z)


@_with_derivative(_silu_second)
def _silu_derivative(Z: Array, A: Array) -> Array:
    # s + z s (1 - s), with 1 - s(z) = s(-z).
    s = sigmoid(Z)
    return s + Z * s * sigmoid(-Z)


def _normal_cdf(Z: Array) -> Array:
    # (1 + erf(z / sqrt 2)) / 2 loses its digits for z << 0; erfc does not.
    return 0.5 * erfc(-Z * 0.5**0.5)


def _gelu(Z: Array) -> Array:
    return Z * _normal_cdf(Z)


def _normal_density(Z: Array) -> Array:
    return jnp.exp(-0.5 * Z * Z) * (2.0 * jnp.pi) ** -0.5


def _gelu_second(Z: Array, A: Array) -> Array:
    # 2 phi + z phi', with phi' = -z phi. Past |z| = 40 phi is 0 in float64 too, while z^2 goes on
    # to overflow. Phi = a / z must not be differentiated: (a' - a / z) / z has no digits near 0.
    z = jnp.clip(Z, -40.0, 40.0)
    return (2.0 - z * z) * _normal_density(z)


@_with_derivative(_gelu_second)
def _gelu_derivative(Z: Array, A: Array) -> Array:
    # Phi + z phi. Phi is a / z, as exact as a is, and spares a second erfc, which is two thirds of
    # the time; where z is so small that a / z has no digits, it is 1/2.
    tiny = jnp.abs(Z) < jnp.finfo(Z.dtype).tiny / jnp.finfo(Z.dtype).eps
    Phi = jnp.where(tiny, 0.5, A / jnp.where(tiny, 1.0, Z))
    return Phi + Z * _normal_density(Z)


def _tanh_form(Z: Array) -> tuple[Array, Array]:
    """(2u, 2u') of u = sqrt(2/pi) (z + 0.044715 z^3), so that gelu_tanh is z s(2u)."""
    # Past |z| = 25 both sides of s are 0 or 1 in float64, while z^3 goes on to overflow.
    z = jnp.clip(Z, -25.0, 25.0)
    c = 2.0 * (2.0 / jnp.pi) ** 0.5
    return c * (z + 0.044715 * z * z * z), c * (1.0 + 3.0 * 0.044715 * z * z)


def _gelu_tanh(Z: Array) -> Array:
    return Z * sigmoid(_tanh_form(Z)[0])


def _gelu_tanh_second(Z: Array, A: Array) -> Array:
    # s' (2 (2u') + z ((2u'') - (2u')^2 tanh(u))), s' = s(2u) s(-2u), 2u'' = 6 c 0.044715 z.
    z = jnp.clip(Z, -25.0, 25.0)
    u, u_prime = _tanh_form(z)
    u_second = 12.0 * (2.0 / jnp.pi) ** 0.5 * 0.044715 * z
    bend = 2.0 * u_prime + z * (u_second - u_prime * u_prime * jnp.tanh(0.5 * u))
    return sigmoid(u) * sigmoid(-u) * bend


@_with_derivative(_gelu_tanh_second)
def _gelu_tanh_derivative(Z: Array, A: Array) -> Array:
    # s(2u) + z s(2u) s(-2u) 2u'
    u, u_prime = _tanh_form(Z)
    s = sigmoid(u)
    return s + Z * s * sigmoid(-u) * u_prime


def _tanh_of_softplus(Z: Array) -> tuple[Array, Array]:
    """(t, 1 - t) of t = tanh(softplus(z)) = e^z (e^z + 2) / (e^z (e^z + 2) + 2)."""
    right = Z > 0.0
    e = jnp.exp(jnp.where(right, -Z, Z))  # never above 1: both fractions are those of e^-|z|
    t, rest = jnp.where(right, 1.0 + 2.0 * e, e * (e + 2.0)), jnp.where(right, 2.0 * e * e, 2.0)
    return t / (t + rest), rest / (t + rest)


def _mish(Z: Array) -> Array:
    return Z * _tanh_of_softplus(Z)[0]


def _mish_second(Z: Array, A: Array) -> Array:
    # 2 t' + z t'', with t' = (1 - t^2) s(z) and t'' = t' (s(-z) - 2 t s(z)).
    t, rest = _tanh_of_softplus(Z)
    s = sigmoid(Z)
    t_prime = rest * (1.0 + t) * s
    return 2.0 * t_prime + Z * t_prime * (sigmoid(-Z) - 2.0 * t * s)


@_with_derivative(_mish_second)
def _mish_derivative(Z: Array, A: Array) -> Array:
    # t + z (1 - t^2) s(z), with 1 - t^2 = (1 - t) (1 + t).
    t, rest = _tanh_of_softplus(Z)
    return t + Z * rest * (1.0 + t) * sigmoid(Z)


ACTIVATIONS: dict[str, Any] = {
    activation.name: activation
    for activation in (
        Activation("identity", _identity, _identity_derivative, zero_at_zero=True),
        Activation("relu", relu, _relu_derivative, zero_at_zero=True, kinked=True),
        Activation("leaky_relu", _leaky_relu, _leaky_relu_derivative, True, kinked=True),
        Activation("elu", _elu, _elu_derivative, zero_at_zero=True, kinked=True),
        Activation("selu", _selu, _selu_derivative, zero_at_zero=True, kinked=True),
        Activation("tanh", jnp.tanh, _tanh_derivative, zero_at_zero=True),
        Activation("sigmoid", sigmoid, _sigmoid_derivative, zero_at_zero=False),
        Activation("softplus", softplus, _softplus_derivative, zero_at_zero=False),
        Activation("silu", _silu, _silu_derivative, zero_at_zero=True),
        Activation("gelu", _gelu, _gelu_derivative, zero_at_zero=True),
        Activation("gelu_tanh", _gelu_tanh, _gelu_tanh_derivative, zero_at_zero=True),
        Activation("mish", _mish, _mish_derivative, zero_at_zero=True),
    )
}


def is_named(activation: Activation) -> bool:
    """Whether it is the one of its name, and no function of the user's own."""
    return bool(ACTIVATIONS.get(activation.name) == activation)
