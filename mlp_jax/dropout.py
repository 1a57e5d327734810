"""Dropout: the mask M[l] of every hidden layer, part of the trace of forward propagation."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from mlp_jax.dtypes import widened
from mlp_jax.keys import as_key
from mlp_jax.parameters import Layer, as_layers
from mlp_jax.wording import as_typed


def as_masks(layers: tuple[Layer, ...], X: Array, masks: Any) -> tuple[Array, ...] | None:
    """Dropout masks checked against the hidden layers and X, in its dtype; None stands for none.

    Raises:
      ValueError: masks is not a sequence of arrays (n[l], m), one a hidden layer.
    """
    if masks is None:
        return None
    expected = [(layer.W.shape[1], X.shape[1]) for layer in layers[:-1]]
    shapes = [jnp.shape(mask) for mask in masks]
    if shapes != expected:
        raise ValueError(
            f"masks has shapes {shapes}; expected {expected}, one mask a hidden layer, as from "
            "mlp_jax.dropout_masks"
        )
    return tuple(jnp.asarray(mask, X.dtype) for mask in masks)


def dropout_masks(
    key: Any, params: Any, m: int, rate: Any, *, widths: Any = None
) -> tuple[Array, ...]:
    """(M[1], ..., M[L-1]) of inverted dropout: 0 with probability `rate`, else 1 / (1 - rate).

    So the expected input of the next layer is the input without dropout, and `forward` needs none.

    Args:
      key: from `jax.random.key`, or a seed.
      params: a sequence of (W, b) pairs.
      m: how many examples.
      rate: of units dropped, 0 <= rate < 1; may be traced.
      widths: of a network padded with units of zero weights, how many units each hidden layer has
        without the padding, shape (L - 1,). These units are dropped as in the network without it.

    Returns:
      One array (n[l], m) a hidden layer, of the dtype of params; in float32 if params are of 16
      bits, in which a draw is so coarse that a small rate would be another rate.

    Example:
      >>> from mlp_jax.parameters import init
      >>> [M.shape for M in dropout_masks(jax.random.key(0), init(0, (4, 3, 2, 1)), 5, 0.5)]
      [(3, 5), (2, 5)]
    """
    layers = widened(as_layers(params))
    if isinstance(rate, int | float | np.number) and not 0 <= rate < 1:
        raise ValueError(
            f"the dropout rate is {as_typed(rate)}; expected 0 or more and less than 1"
        )
    sizes = [layer.W.shape[1] for layer in layers[:-1]]
    # One draw for all layers: a draw a layer compiles slower.
    uniform = jax.random.uniform(as_key(key), (sum(sizes), m), layers[0].W.dtype)
    kept = jnp.where(uniform >= rate, 1.0 / (1.0 - rate), 0.0).astype(uniform.dtype)
    if widths is None:
        cuts = [sum(sizes[: l + 1]) for l in range(len(sizes) - 1)]
        return tuple(jnp.split(kept, cuts)) if sizes else ()
    # Draw number i is the same however many there are, so the rows that the network without padding
    # would get are here too: from `begins` on.
    begins = jnp.cumsum(widths) - widths
    drawn = [jax.lax.dynamic_slice_in_dim(kept, begins[l], size) for l, size in enumerate(sizes)]
    units = unit_masks(widths, params, uniform)
    return tuple(M * mask for M, mask in zip(units, drawn, strict=True))


class FallingRate(NamedTuple):
    """A dropout rate that falls to 0, as RealMLP's does (its schedule "flat_cos").

    rate: until half of `epochs` are done; a scalar.
    epochs: after which there is no dropout; a scalar, infinity for a rate that stays.
    """

    rate: Any
    epochs: Any

    def after(self, done: Any) -> Array:
        """The rate after so many epochs, and parts of one: from the half on along half a cosine.

        Example:
          >>> [round(float(FallingRate(0.4, 8.0).after(done)), 3) for done in (0, 4, 5, 6, 8, 9)]
          [0.4, 0.4, 0.341, 0.2, 0.0, 0.0]
        """
        rate = jnp.asarray(self.rate)
        share = jnp.clip(2.0 * jnp.asarray(done, rate.dtype) / self.epochs - 1.0, 0.0, 1.0)
        return rate * (0.5 * (1.0 + jnp.cos(jnp.pi * share)))


def unit_masks(widths: Array, params: Any, X: Array) -> tuple[Array, ...]:
    """Masks that are 1 for the first widths[l] units of hidden layer l and 0 for the padding.

    Of shapes (n[l], m), for X of m columns.
    """
    return tuple(
        jnp.broadcast_to(
            (jnp.arange(layer.W.shape[1])[:, None] < widths[l]).astype(X.dtype),
            (layer.W.shape[1], X.shape[1]),
        )
        for l, layer in enumerate(as_layers(params)[:-1])
    )
