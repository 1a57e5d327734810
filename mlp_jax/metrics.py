"""What a person reads of outputs and labels: accuracy, R², coverage. Nothing here is descended.

All take A and Y, (K, m), and example weights (1, m) or None, and return a scalar.
"""

from collections.abc import Callable
from functools import cache

import jax.numpy as jnp
from jax import Array


def _mean(row: Array, weights: Array | None) -> Array:
    """The weighted mean over the examples, an output each, shape (K, 1)."""
    if weights is None:
        return jnp.mean(row, axis=1, keepdims=True)
    return jnp.sum(weights * row, axis=1, keepdims=True) / jnp.sum(weights)


def accuracy(A: Array, Y: Array, weights: Array | None = None) -> Array:
    """The share of labels on the right side of 1/2, over all outputs and examples."""
    return jnp.mean(_mean(((A > 0.5) == (Y > 0.5)).astype(A.dtype), weights))


def accuracy_of_largest(A: Array, Y: Array, weights: Array | None = None) -> Array:
    """The share of examples whose largest output is that of their class."""
    right = jnp.argmax(A, axis=0) == jnp.argmax(Y, axis=0)
    return jnp.mean(_mean(right[None].astype(A.dtype), weights))


def accuracy_of_all_labels(A: Array, Y: Array, weights: Array | None = None) -> Array:
    """The share of examples of which every label is right: scikit-learn's, of several labels."""
    right = jnp.all((A > 0.5) == (Y > 0.5), axis=0, keepdims=True)
    return jnp.mean(_mean(right.astype(A.dtype), weights))


def r2(A: Array, Y: Array, weights: Array | None = None) -> Array:
    """R² = 1 - Σ (y - a)² / Σ (y - ȳ)², averaged over the outputs.

    NaN for labels that are all the same.
    """
    spread = _mean((Y - _mean(Y, weights)) ** 2, weights)
    return jnp.mean(1.0 - _mean((Y - A) ** 2, weights) / spread)


@cache
def coverage_error(quantiles: tuple[float, ...]) -> Callable[[Array, Array, Array | None], Array]:
    """How far the share of labels at or below output k is from its quantile, averaged over k."""

    def metric(A: Array, Y: Array, weights: Array | None = None) -> Array:
        below = _mean((Y <= A).astype(A.dtype), weights)
        return jnp.mean(jnp.abs(below - jnp.array(quantiles, A.dtype)[:, None]))

    return metric
