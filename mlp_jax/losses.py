"""Losses: each L with its output activation and its output error dL/dZ, derived by hand.

L sums over the outputs of an example. Both L and dL/dZ are functions of Z[L], not of A[L], in the
form that neither cancels nor overflows: once a rounds to 1, A has forgotten what Z still knows.
"""

import re
from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.nn import relu, sigmoid, softmax

from mlp_jax import metrics
from mlp_jax.cross_entropies import (
    binary_cross_entropy,
    binary_cross_entropy_error,
    softmax_cross_entropy,
    softmax_cross_entropy_error,
    sum_over_outputs,
)
from mlp_jax.loss_rules import ANY, RULES
from mlp_jax.losses_of_numbers import (
    absolute_error,
    absolute_error_error,
    poisson,
    poisson_error,
    squared_error,
    squared_error_error,
)
from mlp_jax.metrics import Metric
from mlp_jax.wording import as_typed


def _identity(Z: Array) -> Array:
    return Z


class Loss(NamedTuple):
    """A loss, fused with the output activation that belongs to it.

    name: as users type it.
    output: Z[L] -> A[L], shape (K, m).
    L: (Z[L], Y) -> the row of losses, shape (1, m).
    dL_dZ: (Z[L], Y) -> the output errors, shape (K, m), column i for example i.
    labels: the (lowest, highest) label allowed.
    classes: Y says how much of each class, so that labels can be smoothed and classes weighted.
    kink: (Z[L], Y) -> the distances to where dL/dZ or its slope jumps, or None if it never does.
    metric: a `Metric`, what a person reads; or a function (A, Y, weights or None) -> a scalar, the
      better the higher; or None.
    outputs_of_label: how many outputs are compared with one and the same row of Y; 1 but for
      several quantiles.
    by_hand: False if dL/dZ is autodiff's.
    of_differences: L is a function of Z - Y alone, where both are numbers of the same kind.
    exclusive: whether the classes of an example exclude one another; None where that is not said.
    counts: labels are counts, see `loss_rules.LossRules`.
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
    exclusive: bool | None = None
    counts: bool = False

    def of_parts(self, Z: Array, Y: Array, rest: Array | None) -> Array:
        """L for the labels Y + rest, which have more digits than their dtype holds."""
        if rest is None or not self.of_differences:
            return self.L(Z, Y)
        # Of numbers near each other the difference is exact.
        return self.L((Z - Y) - rest, jnp.zeros_like(Y))

    def __repr__(self) -> str:
        return repr(self.name)

    def __reduce__(self) -> Any:
        """By its name, for not all functions behind it can be pickled; a user's own as it is."""
        return (of_name, (self.name,)) if is_named_loss(self) else (Loss, tuple(self))


def _distance_to_label(Z: Array, Y: Array) -> Array:
    return Z - Y


def _digits(number: float) -> str:
    """The number with all its digits, by which a file names a loss."""
    return np.format_float_positional(number, trim="-")


def huber(delta: float = 1.0) -> Loss:
    """Squared error up to |a - y| = delta, absolute error beyond.

    L = e² / 2 for |e| <= delta, else delta (|e| - delta / 2), with e = a - y, a = z. dL/dz = e cut
    off at ±delta: continuous, with a bend there.
    """
    if not delta > 0:
        raise ValueError(f"delta is {as_typed(delta)}; expected a positive number")
    return _huber(float(delta))


@cache  # the same number gives the same loss, or the losses of a sweep would not be equal
def _huber(delta: float) -> Loss:
    # Neither |e|, of which autodiff takes 0 at a = y and so 0 for the second derivative of e² / 2,
    # nor jnp.clip, of which it takes half at the bend: the second derivative there is that of e².
    def cut_off(e: Array) -> Array:
        return jnp.where(e > delta, delta, jnp.where(e < -delta, -delta, e))

    def L(Z: Array, Y: Array) -> Array:
        near = cut_off(Z - Y)
        return sum_over_outputs(near * (Z - Y - 0.5 * near))

    def dL_dZ(Z: Array, Y: Array) -> Array:
        return cut_off(Z - Y)

    def kink(Z: Array, Y: Array) -> Array:
        return jnp.abs(Z - Y) - delta

    name = "huber" if delta == 1 else f"huber({_digits(delta)})"
    choices = {"kink": kink, "metric": metrics.r2, "of_differences": True}
    return _by_the_rules("huber", L, dL_dZ, **choices)._replace(name=name)


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
        return sum_over_outputs(tau(Z) * relu(Y - Z) + (1.0 - tau(Z)) * relu(Z - Y))

    def dL_dZ(Z: Array, Y: Array) -> Array:
        return jnp.where(Z > Y, 1.0 - tau(Z), 0.0) - jnp.where(Z < Y, tau(Z), 0.0)

    listed = ", ".join(_digits(tau) for tau in quantiles)
    name = "pinball" if quantiles == (0.5,) else f"pinball({listed})"
    return _by_the_rules(
        *("pinball", L, dL_dZ),
        kink=_distance_to_label,
        metric=metrics.coverage_error(quantiles),
        outputs_of_label=len(quantiles),
        of_differences=True,
    )._replace(name=name)


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
        return value[None] if value.ndim == 1 else sum_over_outputs(value)

    def dL_dZ(Z: Array, Y: Array) -> Array:
        return jax.grad(lambda Z: jnp.sum(row(Z, Y)))(Z)

    name = getattr(L, "__name__", "own")
    return Loss(name, output, row, dL_dZ, labels, metric=metric, by_hand=False)


# The output activations by the names that `loss_rules` has.
OUTPUTS: dict[str, Callable[[Array], Array]] = {
    "identity": _identity,
    "sigmoid": sigmoid,
    "softmax": partial(softmax, axis=0),
    "exp": jnp.exp,
}


def _by_the_rules(
    name: str,
    L: Callable[[Array, Array], Array],
    dL_dZ: Callable[[Array, Array], Array],
    **choices: Any,
) -> Loss:
    """The loss of this name, of which `loss_rules` says the output and the labels."""
    _, output, labels, classes, exclusive, counts, *_ = RULES[name]
    return Loss(
        *(name, OUTPUTS[output], L, dL_dZ, labels, classes),
        exclusive=exclusive,
        counts=counts,
        **choices,
    )


LOSSES: dict[str, Any] = {
    loss.name: loss
    for loss in (
        _by_the_rules(
            "binary_cross_entropy",
            binary_cross_entropy,
            binary_cross_entropy_error,
            metric=metrics.accuracy,
        ),
        _by_the_rules(
            "softmax_cross_entropy",
            softmax_cross_entropy,
            softmax_cross_entropy_error,
            metric=metrics.accuracy_of_largest,
        ),
        _by_the_rules(
            *(
                "squared_error",
                squared_error,
                squared_error_error,
            ),
            metric=metrics.r2,
            of_differences=True,
        ),
        _by_the_rules(
            *(
                "absolute_error",
                absolute_error,
                absolute_error_error,
            ),
            kink=_distance_to_label,
            metric=metrics.r2,
            of_differences=True,
        ),
        huber(),
        _by_the_rules("poisson", poisson, poisson_error, metric=metrics.r2),
        pinball(),
    )
}
# Losses with numbers of their own, as in "huber(0.5)" and "pinball(0.1, 0.5, 0.9)".
LOSSES_WITH_PARAMETERS: dict[str, Callable[..., Loss]] = {"huber": huber, "pinball": pinball}


def of_name(name: str) -> Loss | None:
    """The loss of a name such as "poisson" or "huber(0.5)"; None if there is none.

    Raises:
      ValueError: its numbers are none, or out of range.
    """
    numbers = re.fullmatch(r"(\w+)\((.*)\)", name)
    if numbers and numbers[1] in LOSSES_WITH_PARAMETERS:
        try:
            return LOSSES_WITH_PARAMETERS[numbers[1]](*(float(x) for x in numbers[2].split(",")))
        except (ValueError, TypeError) as error:
            raise ValueError(f"loss is {name!r}: {error}") from None
    return LOSSES.get(name)


def is_named_loss(loss: Loss) -> bool:
    """Whether the loss is the library's of this name, and no loss of the user's own."""
    try:
        return of_name(loss.name) == loss
    except ValueError:
        return False
