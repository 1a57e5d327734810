"""Metrics, which a person reads of outputs and labels: accuracy, R², coverage.

No training descends by them.

All take A and Y, (K, m), and example weights (1, m) or None, and return a scalar.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import jax.numpy as jnp
from jax import Array

from mlp_jax.dtypes import widened


@dataclass(frozen=True)
class Metric:
    """A number to read of outputs and labels, and which way it is better.

    Whoever compares values of a metric compares their `score`, which alone knows the way.

    of: (A, Y, weights or None) -> a scalar.
    less_is_better: as of an error; else more is better.
    of_differences: a number added to an output and to its labels changes nothing, so that labels
      far from zero can be told from outputs as exactly as labels near zero.

    Example:
      >>> error = Metric(lambda A, Y, weights: abs(A - Y).max(), less_is_better=True)
      >>> print(error(jnp.zeros((1, 2)), jnp.array([[1.0, -3.0]]), None))
      3.0
      >>> error.score(3.0)
      -3.0
    """

    of: Callable[[Array, Array, Array | None], Array]
    less_is_better: bool = False
    of_differences: bool = False

    def __call__(self, A: Array, Y: Array, weights: Array | None = None) -> Array:
        """The value, a scalar."""
        return self.of(A, Y, weights)

    def of_parts(self, A: Array, Y: Array, rest: Array | None, weights: Array | None) -> Array:
        """The value for the labels Y + rest, which have more digits than their dtype holds."""
        if rest is None or not self.of_differences:
            return self.of(A, Y, weights)
        # Of numbers near each other the difference is exact.
        one = Y[:, 0 if weights is None else jnp.argmax(weights)][:, None]
        return self.of(A - one, (Y - one) + rest, weights)

    def score(self, value: Any) -> Any:
        """The value, or minus it, so that more is better."""
        return -value if self.less_is_better else value

    @property
    def name(self) -> str:
        """The function and whether less is better: a checkpoint knows the metric by this name."""
        name = getattr(self.of, "__qualname__", type(self.of).__name__)
        return f"{name}, less is better" if self.less_is_better else name

    def __reduce__(self) -> Any:
        """Of this file by its name, which hides the function's; else by the function."""
        name = getattr(self.of, "__name__", "")
        if globals().get(name) is self:
            return name
        return Metric, (self.of, self.less_is_better, self.of_differences)

    @property
    def __wrapped__(self) -> Callable[..., Array]:
        return self.of


def as_metric(choice: Any) -> Metric | None:
    """A `Metric`, one of a plain function, of which more is better, or None for None."""
    return choice if choice is None or isinstance(choice, Metric) else Metric(choice)


def _mean(row: Array, weights: Array | None) -> Array:
    """The weighted mean over the examples, an output each, shape (K, 1)."""
    row, weights = widened((row, weights))
    if weights is None:
        return jnp.mean(row, axis=1, keepdims=True)
    # Chosen and not multiplied: of an example of weight 0 it may be infinite.
    counted = jnp.where(weights > 0.0, weights * row, 0.0)
    return jnp.sum(counted, axis=1, keepdims=True) / jnp.sum(weights)


@Metric
def accuracy(A: Array, Y: Array, weights: Array | None = None) -> Array:
    """The share of labels on the right side of 1/2, over all outputs and examples."""
    return jnp.mean(_mean(((A > 0.5) == (Y > 0.5)).astype(A.dtype), weights))


@Metric
def accuracy_of_largest(A: Array, Y: Array, weights: Array | None = None) -> Array:
    """The share of examples whose largest output is the output of their class."""
    right = jnp.argmax(A, axis=0) == jnp.argmax(Y, axis=0)
    return jnp.mean(_mean(right[None].astype(A.dtype), weights))


@Metric
def accuracy_of_all_labels(A: Array, Y: Array, weights: Array | None = None) -> Array:
    """The share of examples of which every label is right: scikit-learn's, of several labels."""
    right = jnp.all((A > 0.5) == (Y > 0.5), axis=0, keepdims=True)
    return jnp.mean(_mean(right.astype(A.dtype), weights))


@partial(Metric, of_differences=True)
def r2(A: Array, Y: Array, weights: Array | None = None) -> Array:
    """R² = 1 - Σ (y - a)² / Σ (y - ȳ)², averaged over the outputs.

    An output whose labels are all the same counts 1 if they are met exactly, else 0, as in
    scikit-learn.
    """
    A, Y = widened((A, Y))
    # Less a label that counts: labels that are all the same then have a spread of 0, although a
    # mean of them is rounded.
    one = 0 if weights is None else jnp.argmax(weights)
    D = Y - Y[:, one][:, None]
    spread = _mean((D - _mean(D, weights)) ** 2, weights)
    missed = _mean((Y - A) ** 2, weights)
    constant = jnp.where(missed > 0.0, 0.0, 1.0 - missed)
    return jnp.mean(jnp.where(spread > 0.0, 1.0 - missed / spread, constant))


@cache
def coverage_error(quantiles: tuple[float, ...]) -> Metric:
    """How far the share of labels at or below output k is from its quantile, averaged over k."""

    def metric(A: Array, Y: Array, weights: Array | None = None) -> Array:
        below = _mean((Y <= A).astype(A.dtype), weights)
        return jnp.mean(jnp.abs(below - jnp.array(quantiles, below.dtype)[:, None]))

    return Metric(metric, less_is_better=True, of_differences=True)
