"""The functions behind the activations: each f beside its f', the value taken at the kink.

f' is written in the form that neither cancels nor overflows, and takes both Z and A = f(Z), so that
it can use whichever is exact and at hand. Section 6 of the extension has them in a table. Who
differentiates the gradient once more needs f'': by hand too where autodiff of that form of f' would
cancel, or divide by z. ReLU, tanh, sigmoid and softplus are JAX's.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.nn import sigmoid
from jax.scipy.special import erfc


def _with_derivative(f_second: Callable[[Array, Array], Array]) -> Callable[[Any], Any]:
    """Gives an f' its own derivative: (Z, A) -> f''(Z).

    A is f(Z) and moves with Z alone, so all of the change is counted as Z's, and none as A's. The
    first derivative compiles to the same program.
    """

    def decorated(f_prime: Callable[[Array, Array], Array]) -> Any:
        by_hand = jax.custom_jvp(f_prime)

        @by_hand.defjvp
        def _(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
            return by_hand(*primals), f_second(*primals) * tangents[0]

        return by_hand

    return decorated


def identity(Z: Array) -> Array:
    """f(z) = z."""
    return Z


def identity_derivative(Z: Array, A: Array) -> Array:
    """f'(z) = 1."""
    return jnp.ones_like(Z)


def relu_derivative(Z: Array, A: Array) -> Array:
    """f'(z) = 1 where z > 0, else 0; 0 at z = 0."""
    # At z = 0 as `jax.nn.relu` has it and `jnp.maximum` has not (errata 17 and 34).
    return (Z > 0.0).astype(Z.dtype)


LEAK = 0.01


def leaky_relu(Z: Array) -> Array:
    """f(z) = z where z > 0, else LEAK z."""
    return jnp.where(Z > 0.0, Z, LEAK * Z)


def leaky_relu_derivative(Z: Array, A: Array) -> Array:
    """f'(z) = 1 where z > 0, else LEAK; LEAK at z = 0."""
    # `jax.nn.leaky_relu` takes 1 at z = 0.
    return jnp.where(Z > 0.0, jnp.ones_like(Z), LEAK)


def _negative_part(Z: Array) -> Array:
    # Keeps the side that is not used from overflowing: inf * 0 is NaN in autodiff. Not
    # jnp.minimum(Z, 0), of which autodiff takes half at z = 0.
    return jnp.where(Z > 0.0, 0.0, Z)


def elu(Z: Array) -> Array:
    """f(z) = z where z > 0, else e^z - 1."""
    return jnp.where(Z > 0.0, Z, jnp.expm1(_negative_part(Z)))


def elu_derivative(Z: Array, A: Array) -> Array:
    """f'(z) = 1 where z > 0, else e^z."""
    # Not f + 1, which cancels as z falls.
    return jnp.where(Z > 0.0, jnp.ones_like(Z), jnp.exp(_negative_part(Z)))


# Klambauer et al. (2017), equation 14: with them mean 0 and variance 1 are a fixed point.
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def selu(Z: Array) -> Array:
    """f(z) = scale z where z > 0, else scale alpha (e^z - 1)."""
    negative = SELU_ALPHA * jnp.expm1(_negative_part(Z))
    return SELU_SCALE * jnp.where(Z > 0.0, Z, negative)


def selu_derivative(Z: Array, A: Array) -> Array:
    """f'(z) = scale where z > 0, else scale alpha e^z."""
    # At z = 0 the slope of the left side, scale * alpha.
    negative = SELU_ALPHA * jnp.exp(_negative_part(Z))
    return SELU_SCALE * jnp.where(Z > 0.0, jnp.ones_like(Z), negative)


def _tanh_second(Z: Array, A: Array) -> Array:
    # -2 tanh(z) sech(z)^2. By autodiff of sech(z)^2 it is a difference near z = 0.
    return -2.0 * A * tanh_derivative(Z, A)


@_with_derivative(_tanh_second)
def tanh_derivative(Z: Array, A: Array) -> Array:
    """f'(z) = sech(z)^2."""
    # 1 - tanh(z)^2 = sech(z)^2; the left side cancels as |z| grows (errata 35).
    e = jnp.exp(-2.0 * jnp.abs(Z))
    return 4.0 * e / (1.0 + e) ** 2


def _sigmoid_second(Z: Array, A: Array) -> Array:
    # s(z) s(-z) (s(-z) - s(z)), with s(-z) - s(z) = -tanh(z/2).
    return -A * sigmoid(-Z) * jnp.tanh(0.5 * Z)


@_with_derivative(_sigmoid_second)
def sigmoid_derivative(Z: Array, A: Array) -> Array:
    """f'(z) = s(z) s(-z), for the sigmoid s."""
    # a (1 - a) = s(z) s(-z); the left side cancels as a nears 1.
    return A * sigmoid(-Z)


def _softplus_second(Z: Array, A: Array) -> Array:
    # s' = s(z) s(-z), and not s (1 - s), which autodiff takes.
    return sigmoid(Z) * sigmoid(-Z)


@_with_derivative(_softplus_second)
def softplus_derivative(Z: Array, A: Array) -> Array:
    """f'(z) = s(z), the sigmoid."""
    return sigmoid(Z)


def silu(Z: Array) -> Array:
    """f(z) = z s(z), for the sigmoid s."""
    return Z * sigmoid(Z)


def _silu_second(Z: Array, A: Array) -> Array:
    # 2 s' + z s'', with s'' = -s' tanh(z/2).
    s_prime = sigmoid(Z) * sigmoid(-Z)
    return 2.0 * s_prime - Z * s_prime * jnp.tanh(0.5 * Z)


@_with_derivative(_silu_second)
def silu_derivative(Z: Array, A: Array) -> Array:
    """f'(z) = s(z) + z s(z) s(-z)."""
    # 1 - s(z) = s(-z)
    s = sigmoid(Z)
    return s + Z * s * sigmoid(-Z)


def _normal_cdf(Z: Array) -> Array:
    # (1 + erf(z / sqrt 2)) / 2 loses its digits for z << 0; erfc does not.
    return 0.5 * erfc(-Z * 0.5**0.5)


def gelu(Z: Array) -> Array:
    """f(z) = z Phi(z), for the normal distribution Phi."""
    return Z * _normal_cdf(Z)


def _normal_density(Z: Array) -> Array:
    return jnp.exp(-0.5 * Z * Z) * (2.0 * jnp.pi) ** -0.5


def _gelu_second(Z: Array, A: Array) -> Array:
    # 2 phi + z phi', with phi' = -z phi. Past |z| = 40 phi is 0 in float64 too, while z^2 goes on
    # to overflow. Phi = a / z must not be differentiated: (a' - a / z) / z has no digits near 0.
    z = jnp.clip(Z, -40.0, 40.0)
    return (2.0 - z * z) * _normal_density(z)


@_with_derivative(_gelu_second)
def gelu_derivative(Z: Array, A: Array) -> Array:
    """f'(z) = Phi(z) + z phi(z), for the normal density phi."""
    # Phi is a / z, as exact as a is, and spares a second erfc, which is two thirds of
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


def gelu_tanh(Z: Array) -> Array:
    """f(z) = z s(2u), for u = sqrt(2/pi) (z + 0.044715 z^3)."""
    return Z * sigmoid(_tanh_form(Z)[0])


def _gelu_tanh_second(Z: Array, A: Array) -> Array:
    # s' (2 (2u') + z ((2u'') - (2u')^2 tanh(u))), s' = s(2u) s(-2u), 2u'' = 6 c 0.044715 z.
    z = jnp.clip(Z, -25.0, 25.0)
    u, u_prime = _tanh_form(z)
    u_second = 12.0 * (2.0 / jnp.pi) ** 0.5 * 0.044715 * z
    bend = 2.0 * u_prime + z * (u_second - u_prime * u_prime * jnp.tanh(0.5 * u))
    return sigmoid(u) * sigmoid(-u) * bend


@_with_derivative(_gelu_tanh_second)
def gelu_tanh_derivative(Z: Array, A: Array) -> Array:
    """f'(z) = s(2u) + z s(2u) s(-2u) 2u'."""
    u, u_prime = _tanh_form(Z)
    s = sigmoid(u)
    return s + Z * s * sigmoid(-u) * u_prime


def _tanh_of_softplus(Z: Array) -> tuple[Array, Array]:
    """(t, 1 - t) of t = tanh(softplus(z)) = e^z (e^z + 2) / (e^z (e^z + 2) + 2)."""
    right = Z > 0.0
    e = jnp.exp(jnp.where(right, -Z, Z))  # never above 1: both fractions are of e^-|z|
    t, rest = jnp.where(right, 1.0 + 2.0 * e, e * (e + 2.0)), jnp.where(right, 2.0 * e * e, 2.0)
    return t / (t + rest), rest / (t + rest)


def mish(Z: Array) -> Array:
    """f(z) = z tanh(softplus(z))."""
    return Z * _tanh_of_softplus(Z)[0]


def _mish_second(Z: Array, A: Array) -> Array:
    # 2 t' + z t'', with t' = (1 - t^2) s(z) and t'' = t' (s(-z) - 2 t s(z)).
    t, rest = _tanh_of_softplus(Z)
    s = sigmoid(Z)
    t_prime = rest * (1.0 + t) * s
    return 2.0 * t_prime + Z * t_prime * (sigmoid(-Z) - 2.0 * t * s)


@_with_derivative(_mish_second)
def mish_derivative(Z: Array, A: Array) -> Array:
    """f'(z) = t + z (1 - t^2) s(z), for t = tanh(softplus(z))."""
    # 1 - t^2 = (1 - t) (1 + t)
    t, rest = _tanh_of_softplus(Z)
    return t + Z * rest * (1.0 + t) * sigmoid(Z)
