"""Section 2: Z[l] = W[l]ᵀ A[l-1] + b[l] 1ᵀ and A[l] = f(Z[l])."""

from functools import partial, reduce
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from mlp_jax.examples import as_examples
from mlp_jax.network import PAPER, Network
from mlp_jax.parameters import Layer, as_layers


class Trace(NamedTuple):
    """What forward propagation computes and backward needs.

    A[L] is not here: the losses are functions of Z[L].

    Z: (Z[1], ..., Z[L]), each (n[l], m).
    A: (A[0], ..., A[L-1]), each (n[l], m): A[0] = X, and every hidden A[l] before its mask.
    masks: (M[1], ..., M[L-1]), each (n[l], m), or None.
    kept: of every hidden layer which entries count, bool, (n[l], m) or (1, m), or None for all.
    """

    Z: tuple[Array, ...]
    A: tuple[Array, ...]
    masks: tuple[Array, ...] | None
    kept: tuple[Array | None, ...]

    def inputs(self) -> tuple[Array, ...]:
        """The input of every layer: A[0], then M[l] ∘ A[l]."""
        hidden = range(len(self.kept))
        return (self.A[0], *(self.masked(l, self.A[l + 1]) for l in hidden))

    def masked(self, l: int, value: Array) -> Array:
        """M ∘ value of hidden layer number l, counted from 0; 0 for all that does not count."""
        product = value if self.masks is None else self.masks[l] * value
        return where_kept(self.kept[l], product)


def where_kept(kept: Array | None, value: Array) -> Array:
    """The value where it counts, else 0; with None, all of the value.

    Chosen and not multiplied: 0 times a number that is not finite is NaN.
    """
    return value if kept is None else jnp.where(kept, value, 0.0)


def _kept(mask: Array | None, weights: Array | None) -> Array | None:
    """Which entries of a hidden layer count: of units that stay, for examples with a weight."""
    counts = [factor > 0.0 for factor in (mask, weights) if factor is not None]
    return reduce(jnp.logical_and, counts) if counts else None


def without_derivative(kept: Array | None, value: Array) -> Array:
    """The value, of which autodiff takes no derivative where the value does not count.

    Otherwise autodiff would multiply the 0 that comes back there by a derivative that may be
    infinite. The compiled forward pass is the same.
    """
    return value if kept is None else jnp.where(kept, value, jax.lax.stop_gradient(value))


def forward_trace(
    layers: tuple[Layer, ...],
    X: Array,
    network: Network,
    masks: tuple[Array, ...] | None = None,
    weights: Array | None = None,
) -> Trace:
    """Section 2, every layer kept; X of shape (n[0], m) in the dtype of the parameters.

    masks: with dropout, M[l] of every hidden layer: Z[l+1] = W[l+1]ᵀ (M[l] ∘ A[l]) + b[l+1] 1ᵀ.
    weights: of the examples, (1, m). Where an activation may make numbers of an example that are
    not finite, an example of weight 0 is as if all its units were dropped.
    """
    hidden = network.hidden(layers)
    kept = tuple(
        _kept(mask, weights if f.own else None)
        for f, mask in zip(hidden, masks or (None,) * len(hidden), strict=True)
    )
    trace = Trace((), (X,), masks, kept)
    A_prev = X
    for l, (W, b) in enumerate(layers, start=1):
        Z = network.products.of_layer(l).forward(W, A_prev) + b  # W[l]ᵀ A[l-1] + b[l] 1ᵀ
        trace = trace._replace(Z=(*trace.Z, Z))
        if l < len(layers):
            A = hidden[l - 1].f(without_derivative(kept[l - 1], Z))
            trace = trace._replace(A=(*trace.A, A))
            A_prev = trace.masked(l - 1, A)
    return trace


@partial(jax.jit, static_argnames="network")
def forward(params: Any, X: Any, *, network: Network = PAPER) -> Array:
    """A[L], the outputs of the network for every example. Section 2.

    Args:
      params: a sequence of (W, b) pairs, W[l] of shape (n[l-1], n[l]) and b[l] of (n[l], 1).
      X: features, shape (n[0], m): columns are examples. Cast to the dtype of params.
      network: the activation and the loss, which brings the output activation.

    Returns:
      Shape (n[L], m); probabilities for the paper's network.

    Raises:
      ValueError: shapes that do not fit, in terms of the caller's arrays.

    Example:
      >>> from mlp_jax.parameters import init
      >>> params = init(jax.random.key(0), (4, 3, 1), scheme="he")
      >>> forward(params, jnp.zeros((4, 5)))
      Array([[0.5, 0.5, 0.5, 0.5, 0.5]], dtype=float32)
    """
    layers = as_layers(params)
    Z = forward_trace(layers, as_examples(layers, X), network).Z
    return network.loss.output(Z[-1])
