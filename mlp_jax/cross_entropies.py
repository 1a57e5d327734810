"""The two cross-entropies and their output errors dL/dZ, in forms that neither cancel nor overflow.

All are functions of Z[L], (K, m), and the labels Y, (K, m).
"""

import jax
import jax.numpy as jnp
from jax import Array
from jax.nn import softplus


def sum_over_outputs(L: Array) -> Array:
    """The row of sums, (1, m), of what every output of an example has, (K, m)."""
    return jnp.sum(L, axis=0, keepdims=True)


# --- Binary cross-entropy: section 2 and 3.1.2; K sigmoids are K of them (extension 5).


def binary_cross_entropy(Z: Array, Y: Array) -> Array:
    """Section 2: L = -y log(a) - (1 - y) log(1 - a), with a = sigmoid(z), summed over the outputs.

    As written it is infinite or NaN once a rounds to 0 or 1 (errata 28). Since
    -log(sigmoid(z)) = softplus(-z), it is y softplus(-z) + (1 - y) softplus(z), exact for every z.
    `jax.nn.softplus` also has the right autodiff at z = 0, which max(z, 0) + log1p(e^-|z|) has not
    (errata 33).
    """
    return sum_over_outputs(Y * softplus(-Z) + (1.0 - Y) * softplus(Z))


def binary_cross_entropy_error(Z: Array, Y: Array) -> Array:
    """3.1.2 and 3.1.3 in one: dL/dz = dL/da da/dz = (a - y) / (a (1 - a)) * a (1 - a) = a - y.

    The two factors overflow and vanish as the output saturates (errata 30), and a - y cancels as a
    nears y (errata 32), so: a - y = (1 - y) s(z) - y s(-z), whose terms are of one sign for y = 0
    and y = 1. With e = exp(-|z|), the larger of s(z) and s(-z) is 1 / (1 + e), the other the rest.
    """
    left = Z < 0.0
    E = jnp.exp(jnp.where(left, Z, -Z))  # not -|z|, whose slope at z = 0 autodiff takes as 0
    of_z, of_minus_z = jnp.where(left, E, 1.0), jnp.where(left, 1.0, E)
    return ((1.0 - Y) * of_z - Y * of_minus_z) / (1.0 + E)


# --- Softmax cross-entropy: extension 4. Its Jacobian is dense: see derivation_of_softmax.


def _exponentials(Z: Array) -> tuple[Array, Array, Array, Array]:
    """(D, first, E, S) relative to the largest z of an example, over which nothing overflows.

    D = z - max z; first marks the largest, one an example; E = exp(D); S, (1, m), sums E over all
    but the largest, whose E is 1: what a sum of all would round away. The largest's D is the number
    0, for autodiff would take 1 - 1 for its slope and round what is added to that.
    """
    first = jax.nn.one_hot(jnp.argmax(Z, axis=0), Z.shape[0], axis=0, dtype=bool)
    largest = jnp.sum(jnp.where(first, Z, 0.0), axis=0, keepdims=True)
    D = jnp.where(first, 0.0, Z - largest)
    E = jnp.exp(D)
    return D, first, E, sum_over_outputs(jnp.where(first, 0.0, E))


def softmax_cross_entropy(Z: Array, Y: Array) -> Array:
    """Extension 4: L = -1ᵀ (Y ∘ log A) = yᵀ (1 lse(z) - z), exact however sure the network is."""
    D, _, _, S = _exponentials(Z)
    return sum_over_outputs(Y * (jnp.log1p(S) - D))


def softmax_cross_entropy_error(Z: Array, Y: Array) -> Array:
    """Extension 4, fused: dL/dz = (1ᵀ y) a - y.

    It cancels as a nears y, so entry k is a_k Σ_(j≠k) y_j - y_k Σ_(j≠k) a_j, of which one term is 0
    for every k if y names one class.
    """
    _, first, E, S = _exponentials(Z)
    others_of_y = sum_over_outputs(Y) - Y
    others_of_E = jnp.where(first, S, (1.0 + S) - E)
    return (E * others_of_y - Y * others_of_E) / (1.0 + S)
