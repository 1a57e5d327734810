"""Losses: each L with its output activation and its output error dL/dZ, derived by hand.

L sums over the outputs of an example. Both L and dL/dZ are functions of Z[L], not of A[L], in the
form that neither cancels nor overflows: once a rounds to 1, A has forgotten what Z still knows.
"""

import re
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.nn import relu, sigmoid, softmax, softplus

from mlp_jax import metrics
from mlp_jax.metrics import Metric
from mlp_jax.wording import as_typed

ANY = (-float("inf"), float("inf"))  # labels that may be any finite number


def _identity(Z: Array) -> Array:
    return Z


class Loss(NamedTuple):
    """A loss, fused with the output activation that belongs to it.

    name: as users type it. output: Z[L] -> A[L], shape (K, m). L: (Z[L], Y) -> the row of losses,
    shape (1, m). dL_dZ: (Z[L], Y) -> the output errors, shape (K, m), column i for example i.
    labels: the (lowest, highest) label allowed. classes: Y says how much of each class, so that
    labels can be smoothed and classes weighted. kink: (Z[L], Y) -> the distances to where dL/dZ or
    its slope jumps, or None if it never does. metric: a `Metric`, what a person reads; or a
    function (A, Y, weights or None) -> a scalar, the better the higher; or None. outputs_of_label:
    how many outputs are compared with one and the same row of Y; 1 but for several quantiles.
    by_hand: False if dL/dZ is autodiff's. of_differences: L is a function of Z - Y alone, where
    both are numbers of the same kind.
    """

    name: str
    output: Callable[[Array], Array]
    L: Callable[[Array, Array], Array]
    dL_dZ: Callable[[Array, Array], Array]
    labels: tuple[float, float]
    classes: bool = False
    kink: Callable[[Array, Array], Array] | None = None
    metric: Metric | Callable[[Array, Array, Array | None], Array] | None = None
    outputs_of_label: int = 1
    by_hand: bool = True
    of_differences: bool = False

    def of_parts(self, Z: Array, Y: Array, rest: Array | None) -> Array:
        """L for the labels Y + rest, which have more digits than their dtype holds."""
        if rest is None or not self.of_differences:
            return self.L(Z, Y)
        # Of numbers near each other the difference is exact.
        return self.L((Z - Y) - rest, jnp.zeros_like(Y))

    def __repr__(self) -> str:
        return repr(self.name)


def _sum_over_outputs(L: Array) -> Array:
    return jnp.sum(L, axis=0, keepdims=True)


# --- Binary cross-entropy: section 2 and 3.1.2; K sigmoids are K of them (extension 5).


def _binary_cross_entropy(Z: Array, Y: Array) -> Array:
    """Section 2: L = -y log(a) - (1 - y) log(1 - a), with a = sigmoid(z), summed over the outputs.

    As written it is infinite or NaN once a rounds to 0 or 1 (errata 28). Since
    -log(sigmoid(z)) = softplus(-z), it is y softplus(-z) + (1 - y) softplus(z), exact for every z.
    `jax.nn.softplus` also has the right autodiff at z = 0, which max(z, 0) + log1p(e^-|z|) has not
    (errata 33).
    """
    return _sum_over_outputs(Y * softplus(-Z) + (1.0 - Y) * softplus(Z))


def _binary_cross_entropy_error(Z: Array, Y: Array) -> Array:
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


def _softmax(Z: Array) -> Array:
    return softmax(Z, axis=0)


def _exponentials(Z: Array) -> tuple[Array, Array, Array, Array]:
    """(D, first, E, S) relative to the largest z of an example, over which nothing overflows.

    D = z - max z; first marks the largest, one an example; E = exp(D); S, (1, m), sums E over all
    but the largest, whose E is 1: what a sum of all would round away.
    """
    first = jax.nn.one_hot(jnp.argmax(Z, axis=0), Z.shape[0], axis=0, dtype=bool)
    D = Z - jnp.sum(jnp.where(first, Z, 0.0), axis=0, keepdims=True)
    E = jnp.exp(D)
    return D, first, E, _sum_over_outputs(jnp.where(first, 0.0, E))


def _softmax_cross_entropy(Z: Array, Y: Array) -> Array:
    """Extension 4: L = -1ᵀ (Y ∘ log A) = yᵀ (1 lse(z) - z), exact however sure the network is."""
    D, _, _, S = _exponentials(Z)
    return _sum_over_outputs(Y * (jnp.log1p(S) - D))


def _softmax_cross_entropy_error(Z: Array, Y: Array) -> Array:
    """Extension 4, fused: dL/dz = (1ᵀ y) a - y.

    It cancels as a nears y, so entry k is a_k Σ_(j≠k) y_j - y_k Σ_(j≠k) a_j, of which one term is 0
    for every k if y names one class.
    """
    _, first, E, S = _exponentials(Z)
    others_of_y = _sum_over_outputs(Y) - Y
    others_of_E = jnp.where(first, S, (1.0 + S) - E)
    return (E * others_of_y - Y * others_of_E) / (1.0 + S)


# --- Regression, output z itself: extension 3 and its like.


def _squared_error(Z: Array, Y: Array) -> Array:
    """Extension 3: L = 1/2 ‖a - y‖², with a = z."""
    return _sum_over_outputs(0.5 * (Z - Y) ** 2)


def _squared_error_error(Z: Array, Y: Array) -> Array:
    """Extension 3: dL/dz = a - y; the 1/2 took the 2."""
    return Z - Y


def _absolute_error(Z: Array, Y: Array) -> Array:
    """L = ‖a - y‖₁, with a = z."""
    # Not jnp.abs, of which autodiff takes 1 at a = y.
    return _sum_over_outputs(relu(Z - Y) + relu(Y - Z))


def _absolute_error_error(Z: Array, Y: Array) -> Array:
    """dL/dz = sign(a - y); 0 at a = y, as autodiff has it."""
    return jnp.sign(Z - Y)


def _poisson(Z: Array, Y: Array) -> Array:
    """L = a - y log a with the log link a = e^z, so e^z - y z: -log of Poisson's law, less log y!.

    Where y = 0, 0 z is 0 for every finite z.
    """
    return _sum_over_outputs(jnp.exp(Z) - Y * Z)


def _poisson_error(Z: Array, Y: Array) -> Array:
    """dL/dz = dL/da da/dz = (1 - y / a) a = a - y."""
    return jnp.exp(Z) - Y


def _distance_to_label(Z: Array, Y: Array) -> Array:
    return Z - Y


def _digits(number: float) -> str:
    """All that it takes to type the number again: a file names a loss by it."""
    return np.format_float_positional(number, trim="-")


def huber(delta: float = 1.0) -> Loss:
    """Squared error up to |a - y| = delta, absolute error beyond.

    L = e² / 2 for |e| <= delta, else delta (|e| - delta / 2), with e = a - y, a = z. dL/dz = e cut
    off at ±delta: continuous, with a bend there.
    """
    if not delta > 0:
        raise ValueError(f"delta is {as_typed(delta)}; expected a positive number")
    return _huber(float(delta))


@cache  # one loss a number, or those of a sweep would not be equal
def _huber(delta: float) -> Loss:
    # Neither |e|, of which autodiff takes 0 at a = y and so 0 for the second derivative of e² / 2,
    # nor jnp.clip, of which it takes half at the bend: there the second derivative is that of e².
    def cut_off(e: Array) -> Array:
        return jnp.where(e > delta, delta, jnp.where(e < -delta, -delta, e))

    def L(Z: Array, Y: Array) -> Array:
        near = cut_off(Z - Y)
        return _sum_over_outputs(near * (Z - Y - 0.5 * near))

    def dL_dZ(Z: Array, Y: Array) -> Array:
        return cut_off(Z - Y)

    def kink(Z: Array, Y: Array) -> Array:
        return jnp.abs(Z - Y) - delta

    name = "huber" if delta == 1 else f"huber({_digits(delta)})"
    return Loss(name, _identity, L, dL_dZ, ANY, kink=kink, metric=metrics.r2, of_differences=True)


def pinball(*quantiles: float) -> Loss:
    """Output k estimates the quantile τ_k of y; all at once from one row of labels.

    L = Σ_k τ_k e_k where e_k = y - z_k is positive, else (τ_k - 1) e_k. dL/dz_k = -τ_k or 1 - τ_k;
    at e_k = 0 it is taken as 0, which lies between. Without quantiles, the median.
    """
    quantiles = quantiles or (0.5,)
    if not all(0 < tau < 1 for tau in quantiles):
        raise ValueError(f"quantiles are {as_typed(quantiles)}; expected numbers between 0 and 1")
    return _pinball(tuple(map(float, quantiles)))


@cache
def _pinball(quantiles: tuple[float, ...]) -> Loss:
    def tau(Z: Array) -> Array:
        if Z.shape[0] != len(quantiles):
            raise ValueError(
                f"the network has {Z.shape[0]} outputs and pinball {len(quantiles)} quantiles, "
                f"{quantiles}; expected an output a quantile"
            )
        return jnp.array(quantiles, Z.dtype)[:, None]

    def L(Z: Array, Y: Array) -> Array:
        return _sum_over_outputs(tau(Z) * relu(Y - Z) + (1.0 - tau(Z)) * relu(Z - Y))

    def dL_dZ(Z: Array, Y: Array) -> Array:
        return jnp.where(Z > Y, 1.0 - tau(Z), 0.0) - jnp.where(Z < Y, tau(Z), 0.0)

    listed = ", ".join(_digits(tau) for tau in quantiles)
    name = "pinball" if quantiles == (0.5,) else f"pinball({listed})"
    metric = metrics.coverage_error(quantiles)
    return Loss(
        *(name, _identity, L, dL_dZ, ANY),
        kink=_distance_to_label,
        metric=metric,
        outputs_of_label=len(quantiles),
        of_differences=True,
    )


@cache
def own_loss(
    L: Callable[[Array, Array], Array],
    output: Callable[[Array], Array] = _identity,
    *,
    labels: tuple[float, float] = ANY,
    metric: Metric | Callable[[Array, Array, Array | None], Array] | None = None,
) -> Loss:
    """A user's loss; its output error alone is autodiff's, and the certificate says so.

    Args:
      L: (Z[L], Y), both (K, m), to the losses of the examples: (1, m), (m,), or (K, m) to be
        summed over the outputs. Column i may depend on example i only.
      output: Z[L] -> A[L], what `forward` returns.
      labels: the (lowest, highest) label allowed.
      metric: (A, Y, weights or None) -> a scalar for the training's history, the better the higher;
        `mlp_jax.Metric(function, less_is_better=True)` of an error.

    Returns:
      The same `Loss` for the same functions, so that nothing compiles twice.
    """

    def row(Z: Array, Y: Array) -> Array:
        value = L(Z, Y)
        if value.shape not in ((1, Z.shape[1]), (Z.shape[1],), Z.shape):
            raise ValueError(
                f"the loss returned shape {value.shape} for {Z.shape[1]} examples; expected "
                f"(1, {Z.shape[1]}), one an example"
            )
        return value[None] if value.ndim == 1 else _sum_over_outputs(value)

    def dL_dZ(Z: Array, Y: Array) -> Array:
        return jax.grad(lambda Z: jnp.sum(row(Z, Y)))(Z)

    name = getattr(L, "__name__", "own")
    return Loss(name, output, row, dL_dZ, labels, metric=metric, by_hand=False)


LOSSES: dict[str, Any] = {
    loss.name: loss
    for loss in (
        Loss(
            "binary_cross_entropy",
            sigmoid,
            _binary_cross_entropy,
            _binary_cross_entropy_error,
            labels=(0.0, 1.0),
            classes=True,
            metric=metrics.accuracy,
        ),
        Loss(
            "softmax_cross_entropy",
            _softmax,
            _softmax_cross_entropy,
            _softmax_cross_entropy_error,
            labels=(0.0, 1.0),
            classes=True,
            metric=metrics.accuracy_of_largest,
        ),
        Loss(
            "squared_error",
            _identity,
            _squared_error,
            _squared_error_error,
            ANY,
            metric=metrics.r2,
            of_differences=True,
        ),
        Loss(
            "absolute_error",
            _identity,
            _absolute_error,
            _absolute_error_error,
            ANY,
            kink=_distance_to_label,
            metric=metrics.r2,
            of_differences=True,
        ),
        huber(),
        Loss("poisson", jnp.exp, _poisson, _poisson_error, (0.0, ANY[1]), metric=metrics.r2),
        pinball(),
    )
}
# Those with numbers of their own, as in "huber(0.5)" and "pinball(0.1, 0.5, 0.9)".
LOSSES_OF_NUMBERS: dict[str, Callable[..., Loss]] = {"huber": huber, "pinball": pinball}


def of_name(name: str) -> Loss | None:
    """The loss of a name such as "poisson" or "huber(0.5)"; None if there is none.

    Raises:
      ValueError: its numbers are none, or out of range.
    """
    numbers = re.fullmatch(r"(\w+)\((.*)\)", name)
    if numbers and numbers[1] in LOSSES_OF_NUMBERS:
        try:
            return LOSSES_OF_NUMBERS[numbers[1]](*(float(x) for x in numbers[2].split(",")))
        except (ValueError, TypeError) as error:
            raise ValueError(f"loss is {name!r}: {error}") from None
    return LOSSES.get(name)


def is_named_loss(loss: Loss) -> bool:
    """Whether it is the one of its name, and none of the user's own, by hand or not."""
    try:
        return of_name(loss.name) == loss
    except ValueError:
        return False
