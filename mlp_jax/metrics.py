"""What a person reads of outputs and labels: accuracy, R², coverage. Nothing here is descended.

All take A and Y, (K, m), and example weights (1, m) or None, and return a scalar.
"""

from collections.abc import Callable
from functools import cache

import jax.numpy as jnp
from jax import Array

from mlp_jax.parameters import widened


def _mean(row: Array, weights: Array | None) -> Array:
    """The weighted mean over the examples, an output each, shape (K, 1)."""
    row, weights = widened((row, weights))
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

    An output whose labels are all the same counts 1 if they are met exactly, else 0, as in
    scikit-learn.
    """
    A, Y = widened((A, Y))
    # Less one that counts, so that labels all the same have a spread of 0, whatever a mean rounds.
    one = 0 if weights is None else jnp.argmax(weights)
    D = Y - Y[:, one][:, None]
    spread = _mean((D - _mean(D, weights)) ** 2, weights)
    missed = _mean((Y - A) ** 2, weights)
    constant = jnp.where(missed > 0.0, 0.0, 1.0 - missed)
    return jnp.mean(jnp.where(spread > 0.0, 1.0 - missed / spread, constant))


@cache
def coverage_error(quantiles: tuple[float, ...]) -> Callable[[Array, Array, Array | None], Array]:
    """How far the share of labels at or below output k is from its quantile, averaged over k."""

    def metric(A: Array, Y: Array, weights: Array | None = None) -> Array:
        below = _mean((Y <= A).astype(A.dtype), weights)
        return jnp.mean(jnp.abs(below - jnp.array(quantiles, below.dtype)[:, None]))

    return metric
