"""Losses: each L with its output activation and its output error dL/dZ, derived by hand.

L sums over the outputs of an example. Both L and dL/dZ are functions of Z[L], not of A[L], in the
form that neither cancels nor overflows: once a rounds to 1, A has forgotten what Z still knows.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array
from jax.nn import sigmoid, softplus


class Loss(NamedTuple):
    """A loss, fused with the output activation that belongs to it.

    name: as users type it. output: Z[L] -> A[L], shape (K, m). L: (Z[L], Y) -> the row of losses,
    shape (1, m). dL_dZ: (Z[L], Y) -> the output errors, shape (K, m), column i for example i.
    labels: the (lowest, highest) label allowed.
    """

    name: str
    output: Callable[[Array], Array]
    L: Callable[[Array, Array], Array]
    dL_dZ: Callable[[Array, Array], Array]
    labels: tuple[float, float]

    def __repr__(self) -> str:
        return repr(self.name)


def _binary_cross_entropy(Z: Array, Y: Array) -> Array:
    """Section 2: L = -y log(a) - (1 - y) log(1 - a), with a = sigmoid(z), summed over the outputs.

    As written it is infinite or NaN once a rounds to 0 or 1 (errata 28). Since
    -log(sigmoid(z)) = softplus(-z), it is y softplus(-z) + (1 - y) softplus(z), exact for every z.
    `jax.nn.softplus` also has the right autodiff at z = 0, which max(z, 0) + log1p(e^-|z|) has not
    (errata 33).
    """
    L = Y * softplus(-Z) + (1.0 - Y) * softplus(Z)
    return jnp.sum(L, axis=0, keepdims=True)


def _binary_cross_entropy_error(Z: Array, Y: Array) -> Array:
    """3.1.2 and 3.1.3 in one: dL/dz = dL/da da/dz = (a - y) / (a (1 - a)) * a (1 - a) = a - y.

    The two factors overflow and vanish as the output saturates (errata 30), and a - y cancels as a
    nears y (errata 32), so: a - y = (1 - y) s(z) - y s(-z), whose terms are of one sign for y = 0
    and y = 1.
    """
    return (1.0 - Y) * sigmoid(Z) - Y * sigmoid(-Z)


LOSSES = {
    loss.name: loss
    for loss in (
        Loss(
            "binary_cross_entropy",
            sigmoid,
            _binary_cross_entropy,
            _binary_cross_entropy_error,
            labels=(0.0, 1.0),
        ),
    )
}
