"""An extension of section 3: every input has a learned scale, W[1] = diag(s) V.

The network stays what it is, a stack of (W, b): the optimizer alone knows of s, (n[0], 1), and V,
(n[0], n[1]), and descends by them. They begin with s = 1 and V = W[1]. In numerator layout

    dW[1] = diag(ds) V + diag(s) dV
    dJ = tr(dJ/dW[1] dW[1]) = tr(V dJ/dW[1] diag(ds)) + tr(dJ/dW[1] diag(s) dV)
    dJ/ds = (diag⁻¹(V dJ/dW[1]))ᵀ, a row, for tr(M diag(ds)) sees the diagonal of M alone
    dJ/dV = dJ/dW[1] diag(s)

and by 3.2, ∇W[1] = (dJ/dW[1])ᵀ, the gradients are

    ∇s = (V ∘ ∇W[1]) 1        ∇V = (s 1ᵀ) ∘ ∇W[1]

Why: one number says what an input is worth to all units. Adam gives every weight of an input that
is worth nothing a step as long as those of others; s takes all of them down at once, at several
times the rate. It is RealMLP's scaling layer, which learns at 6 times the rate of the weights.

References:
  D. Holzmüller, L. Grinsztajn, I. Steinwart, Better by default: strong pre-tuned MLPs and boosted
  trees on tabular data, NeurIPS 2024.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

from mlp_jax.parameters import Layer, as_layers, shaped_like


class Scaled(NamedTuple):
    """What the optimizer descends by in place of the parameters; or their gradients or updates.

    s: scales of the inputs, (n[0], 1).
    params: of the network, with V in the place of W[1].
    """

    s: Any
    params: Any


class InputScale(NamedTuple):
    """What the optimizer keeps. Whoever puts other parameters in a `State` calls `start` with them.

    s: scales of the inputs, (n[0], 1).
    V: W[1] = diag(s) V, (n[0], n[1]). W[1] / s would not do: s may come through 0.
    of_parts: what it keeps of (s, V) and the other parameters.
    """

    s: Any
    V: Any
    of_parts: Any


def gradients(grad_W: Array, s: Array, V: Array) -> tuple[Array, Array]:
    """(∇s, ∇V) of a cost that knows s and V by W[1] = diag(s) V alone.

    Args:
      grad_W: ∇W[1], (n[0], n[1]).
      s: (n[0], 1).
      V: (n[0], n[1]).
    """
    grad_s = jnp.sum(V * grad_W, axis=1, keepdims=True)  # (V ∘ ∇W[1]) 1, (n[0], 1)
    grad_V = s * grad_W  # (s 1ᵀ) ∘ ∇W[1], (n[0], n[1])
    return grad_s, grad_V


def with_input_scale(of_parts: optax.GradientTransformation) -> optax.GradientTransformation:
    """The optimizer of a network's parameters that descends by s and V.

    Args:
      of_parts: the optimizer of a `Scaled`.
    """

    def init(params: Any) -> InputScale:
        W = as_layers(params)[0].W
        s = jnp.ones((W.shape[0], 1), W.dtype)
        return InputScale(s, W, of_parts.init(Scaled(s, params)))

    def update(updates: Any, state: InputScale, params: Any = None) -> tuple[Any, InputScale]:
        s, V, kept = state
        W = as_layers(params)[0].W
        grad_s, grad_V = gradients(as_layers(updates)[0].W, s, V)
        grads = Scaled(grad_s, _with_first(updates, grad_V))
        steps, kept = of_parts.update(grads, kept, Scaled(s, _with_first(params, V)))
        step_of_V = as_layers(steps.params)[0].W
        s, V = optax.apply_updates((s, V), (steps.s, step_of_V))
        # From the parameter and not from the last product: errors of rounding do not add up.
        return _with_first(steps.params, s * V - W), InputScale(s, V, kept)

    return optax.GradientTransformation(init, update)


def begun(optimizer_state: Any, params: Any) -> Any:
    """The optimizer's state with every s = 1 and V = W[1], in NumPy: nothing is compiled.

    Args:
      optimizer_state: of one network or of several side by side.
      params: of these networks, NumPy arrays.
    """

    def begin(part: Any) -> Any:
        if not isinstance(part, InputScale):
            return part
        return part._replace(s=np.ones(part.s.shape, part.s.dtype), V=np.array(params[0].W))

    return jax.tree.map(begin, optimizer_state, is_leaf=lambda part: isinstance(part, InputScale))


def _with_first(params: Any, W: Array) -> Any:
    """Parameters with this W[1]."""
    first, *others = as_layers(params)
    return shaped_like(params, [Layer(W, first.b), *others])
