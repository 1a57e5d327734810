"""Sections 3.1.1 to 3.2 as one pass over the layers: what training runs.

Three things differ from `derivation.py`, none of them a number:

- every quantity is the gradient of 3.2, shaped like the variable it belongs to, so that
  grad_Z[l] = (dJ/dZ[l])ᵀ is (n[l], m) beside Z[l];
- 3.1.2 and 3.1.3 are fused into the loss's output error dL/dZ, which stays exact where dL/da
  overflows and da/dz vanishes (errata 30);
- the stack of 3.1.5 is f'(Z[l]) itself: no (m, m) diagonal and no rank-4 tensor is formed.
"""

from functools import partial
from itertools import count
from typing import Any

import chex
import jax
from jax import Array

from mlp_jax.cost_function import J_of_losses, dJ_dL, l2_gradient, l2_penalty
from mlp_jax.dropout import as_masks
from mlp_jax.dtypes import narrowed_like, widened
from mlp_jax.examples import as_examples, as_labels, as_weights
from mlp_jax.forward_propagation import Trace, forward_trace, where_kept
from mlp_jax.network import PAPER, Network
from mlp_jax.parameters import Layer, as_layers


def errors(
    layers: tuple[Layer, ...],
    trace: Trace,
    Y: Array,
    *,
    network: Network,
    weights: Array | None,
) -> tuple[Array, ...]:
    """(grad_Z[1], ..., grad_Z[L]), grad_Z[l] = (dJ/dZ[l])ᵀ of shape (n[l], m). 3.1.1 to 3.1.6."""
    # 3.1.1 to 3.1.3, fused: column i is dJ/dL(i) dL(i)/dz(i).
    grad = dJ_dL(trace.A[0], weights) * network.loss.dL_dZ(trace.Z[-1], Y)
    grad_Z = [where_kept(None if weights is None else weights > 0.0, grad)]
    hidden = network.hidden(layers)
    for l in reversed(range(1, len(layers))):
        # 3.1.4 and 3.1.6: (dJ/dA[l])ᵀ = W[l+1] (dJ/dZ[l+1])ᵀ, at the W that forward used.
        grad_A = network.products.of_layer(l + 1).backward(layers[l].W, grad_Z[-1])
        if trace.masks is not None:
            grad_A = trace.masks[l - 1] * grad_A  # d(M ∘ A) = M ∘ dA
        # 3.1.5: the Hadamard product with the stack of the diag⁻¹ of every example. A unit that was
        # dropped gets nothing back, whatever its f'.
        grad = grad_A * hidden[l - 1].derivative(trace.Z[l - 1], trace.A[l])
        grad_Z.append(where_kept(trace.kept[l - 1], grad))
    grad_Z.reverse()
    chex.assert_trees_all_equal_shapes_and_dtypes(tuple(grad_Z), trace.Z)
    return tuple(grad_Z)


def backward(
    layers: tuple[Layer, ...],
    trace: Trace,
    Y: Array,
    *,
    network: Network,
    weights: Array | None,
    l2: Any,
) -> tuple[Layer, ...]:
    """The gradients of J to every W[l] and b[l], from what forward propagation left. 3.2."""
    grad_Z = errors(layers, trace, Y, network=network, weights=weights)

    def of_layer(l: int, layer: Layer, A_prev: Array, grad: Array) -> Layer:
        # A[l-1] dJ/dZ[l] and (dJ/dZ[l])ᵀ 1ᵀ
        grad_W, grad_b = network.products.of_layer(l).gradients(A_prev, grad)
        return Layer(grad_W + l2_gradient(layer.W, l2), grad_b)

    grads = tuple(map(of_layer, count(1), layers, trace.inputs(), grad_Z))
    chex.assert_trees_all_equal_shapes_and_dtypes(grads, layers)
    return grads


def one_pass(
    params: Any,
    X: Any,
    Y: Any,
    network: Network,
    weights: Any = None,
    l2: Any = 0.0,
    masks: Any = None,
) -> tuple[Array, Any]:
    """(J, its gradient), without a jit, which would make a traced number of a literal l2 = 0."""
    layers = widened(as_layers(params))
    X = as_examples(layers, X)
    Y = as_labels(layers, X, Y, one=network.loss.outputs_of_label > 1)
    weights = as_weights(X, weights)
    trace = forward_trace(layers, X, network, as_masks(layers, X, masks), weights)
    J = J_of_losses(network.loss.L(trace.Z[-1], Y), weights) + l2_penalty(layers, l2)
    grads = backward(layers, trace, Y, network=network, weights=weights, l2=l2)
    return J, narrowed_like(params, grads)


@partial(jax.jit, static_argnames="network")
def cost_and_gradient(
    params: Any,
    X: Any,
    Y: Any,
    *,
    network: Network = PAPER,
    weights: Any = None,
    l2: Any = 0.0,
    masks: Any = None,
) -> tuple[Array, Any]:
    """(J, its gradient) with one forward and one backward pass; see `cost` and `gradient`.

    Example:
      >>> import jax.numpy as jnp
      >>> from mlp_jax.parameters import init
      >>> params = init(jax.random.key(0), (4, 3, 1), scheme="he")
      >>> J, grads = cost_and_gradient(params, jnp.zeros((4, 5)), jnp.ones((1, 5)))
      >>> print(J, grads[1].b)
      0.6931472 [[-0.5]]
    """
    return one_pass(params, X, Y, network, weights, l2, masks)


@partial(jax.jit, static_argnames="network")
def gradient(
    params: Any,
    X: Any,
    Y: Any,
    *,
    network: Network = PAPER,
    weights: Any = None,
    l2: Any = 0.0,
    masks: Any = None,
) -> Any:
    """The gradient of `cost` to params, by hand.

    3.2: ∇W[l] = A[l-1] dJ/dZ[l] and ∇b[l] = (dJ/dZ[l])ᵀ 1ᵀ.
    At z = 0 exactly relu' is taken as 0. Of params of 16 bits it is formed in float32, as the cost
    is, and rounded at the end.

    Args:
      params: a sequence of (W, b) pairs, W[l] of shape (n[l-1], n[l]) and b[l] of (n[l], 1).
      X: features, shape (n[0], m): columns are examples.
      Y: labels, shape (n[L], m).
      network: the activation and the loss.
      weights: example weights w >= 0, shape (1, m), with a positive sum; None for all ones.
      l2: strength of the L2 penalty on the weights; biases are free.
      masks: of dropout, from `dropout_masks`; None for none.

    Returns:
      A pytree like params, in the same containers.

    Raises:
      ValueError: shapes that do not fit, in terms of the caller's arrays.

    Example:
      >>> import jax.numpy as jnp
      >>> from mlp_jax.parameters import init
      >>> params = init(jax.random.key(0), (4, 3, 1), scheme="he")
      >>> grads = gradient(params, jnp.zeros((4, 5)), jnp.ones((1, 5)))
      >>> params = jax.tree.map(lambda p, g: p - 0.1 * g, params, grads)  # section 3
      >>> print(params[1].b)
      [[0.05]]
    """
    # The cost is not used, so XLA leaves it out of the compiled program.
    return one_pass(params, X, Y, network, weights, l2, masks)[1]
