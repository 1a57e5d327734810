"""Section 2, line 4: the cost J, and 3.1.1: its Jacobian to the row of losses.

The only place where the 1/m of J, the example weights and the L2 penalty are written.
"""

from functools import partial
from typing import Any

import chex
import jax
import jax.numpy as jnp
from jax import Array

from mlp_jax.dropout import as_masks
from mlp_jax.dtypes import widened
from mlp_jax.examples import as_examples, as_labels, as_weights
from mlp_jax.forward_propagation import forward_trace, where_kept, without_derivative
from mlp_jax.network import PAPER, Network
from mlp_jax.parameters import Layer, as_layers


def J_of_losses(L: Array, weights: Array | None) -> Array:
    """J = (1/s) (w ∘ L) 1, with s = w 1; for w = 1 it is the paper's J = (1/m) L 1.

    Args:
      L: losses, shape (1, m).
      weights: w, shape (1, m), or None for all ones.

    Returns:
      Scalar. NaN when the weights sum to 0, where J is undefined. The loss of an example of weight
      0 may be infinite.
    """
    chex.assert_shape(L, (1, None))
    if weights is None:
        return jnp.mean(L)
    return jnp.sum(where_kept(weights > 0.0, weights * L)) / jnp.sum(weights)


def J_of_mean(J: Any, penalty: Any, outputs: Any) -> Any:
    """J where L is the mean over an example's outputs instead of their sum; the penalty is whole.

    scikit-learn reports this J of squared errors and compares it with its `tol`, while it descends
    by the sum as we do.

    Args:
      J: with L as the sum.
      penalty: of L2, which is a part of J.
      outputs: how many outputs there are.
    """
    return (J - penalty) / outputs + penalty


def dJ_dL(X: Array, weights: Array | None) -> Array:
    """3.1.1. dJ/dLᵀ = w / (w 1), shape (1, m); for w = 1 it is the paper's (1/m) 1ᵀ.

    Args:
      X: the examples, (n[0], m), of which m and the dtype are read.
      weights: w, shape (1, m), or None for all ones.
    """
    if weights is None:
        return jnp.broadcast_to(jnp.ones((), X.dtype) / X.shape[1], (1, X.shape[1]))
    return weights / jnp.sum(weights)


def l2_penalty(layers: tuple[Layer, ...], l2: Any) -> Array | float:
    """(l2 / 2) Σ_l tr(W[l]ᵀ W[l]); biases free, not divided by m."""
    if is_off(l2):
        return 0.0
    return l2 / 2 * sum(jnp.sum(W * W) for W, _ in layers)


def l2_gradient(W: Array, l2: Any) -> Array | float:
    """The penalty's gradient l2 W[l], shape (n_prev, n)."""
    return 0.0 if is_off(l2) else l2 * W


def is_off(choice: Any) -> bool:
    """Whether `choice` is None or a literal 0, as of an argument that was left out.

    A traced 0 is a number like any other.
    """
    return choice is None or (isinstance(choice, int | float) and choice == 0)


@partial(jax.jit, static_argnames="network")
def cost(
    params: Any,
    X: Any,
    Y: Any,
    *,
    network: Network = PAPER,
    weights: Any = None,
    l2: Any = 0.0,
    masks: Any = None,
) -> Array:
    """J = Σᵢ wᵢ Lᵢ / Σᵢ wᵢ + (l2 / 2) Σ_l ‖W[l]‖². Section 2.

    Exact for any Z[L], however far the output is saturated. For params of 16 bits the cost is in
    float32, because 16 bits hold neither m nor a sum of so many losses.

    Args:
      params: a sequence of (W, b) pairs, W[l] of shape (n[l-1], n[l]) and b[l] of (n[l], 1).
      X: features, shape (n[0], m): columns are examples.
      Y: labels, shape (n[L], m).
      network: the activation and the loss.
      weights: example weights w >= 0, shape (1, m), with a positive sum; None for all ones.
      l2: strength of the L2 penalty on the weights; biases are free.
      masks: of dropout, from `dropout_masks`; None for none.

    Returns:
      Scalar, in nats for the cross-entropies.

    Raises:
      ValueError: shapes that do not fit, in terms of the caller's arrays.

    Example:
      >>> from mlp_jax.parameters import init
      >>> params = init(jax.random.key(0), (4, 3, 1), scheme="he")
      >>> print(cost(params, jnp.zeros((4, 5)), jnp.ones((1, 5))))  # log 2
      0.6931472
    """
    layers = widened(as_layers(params))
    X = as_examples(layers, X)
    Y = as_labels(layers, X, Y, one=network.loss.outputs_of_label > 1)
    weights = as_weights(X, weights)
    Z = forward_trace(layers, X, network, as_masks(layers, X, masks), weights).Z[-1]
    L = network.loss.L(without_derivative(None if weights is None else weights > 0.0, Z), Y)
    return J_of_losses(L, weights) + l2_penalty(layers, l2)
