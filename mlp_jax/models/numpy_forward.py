"""Forward propagation in NumPy alone, for where JAX would take longer to load or to compile.

Section 2, with rows as examples: Z[l] = A[l-1] W[l] + 1 b[l]ᵀ, A[l] = f(Z[l]). The tests hold it
equal to `mlp_jax.forward` for every activation and loss.
"""

import math
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mlp_jax.loss_rules import rules_of

Rows = np.ndarray


def forward(
    layers: Sequence[tuple[np.ndarray, np.ndarray]],
    X: Rows,
    activations: Sequence[str],
    loss: str,
    *,
    raw: bool = False,
) -> Rows:
    """A[L] of every row of X, (samples, K).

    Args:
      layers: (W, b) pairs, W of (inputs, outputs), b of (outputs,) or (outputs, 1). Several
        networks side by side have one axis more, before the others; so have their outputs.
      X: (samples, n[0]).
      activations: the name of every hidden layer's.
      loss: its name, which says what the output activation is.
      raw: Z[L] instead.
    """
    A = X
    for (W, b), activation in zip(layers, activations, strict=False):
        A = ACTIVATIONS[activation](A @ W + _row(W, b))
    W, b = layers[-1]
    Z = A @ W + _row(W, b)
    return Z if raw else output_of(loss)(Z)


def _row(W: np.ndarray, b: np.ndarray) -> np.ndarray:
    """B as a row, one for every network."""
    return b[..., None, :] if b.ndim < W.ndim else np.swapaxes(b, -1, -2)


def output_of(loss: str) -> Callable[[Rows], Rows]:
    """The output activation of a loss, by its name.

    Raises:
      ValueError: a name that is unknown, such as of a loss of the user's own.
    """
    output = rules_of(loss).output
    return _OUTPUTS.get(output) or ACTIVATIONS[output]


def _identity(Z: Rows) -> Rows:
    return Z


def _relu(Z: Rows) -> Rows:
    return np.maximum(Z, 0)


def _leaky_relu(Z: Rows) -> Rows:
    return np.where(Z > 0, Z, Z.dtype.type(0.01) * Z)


def _elu(Z: Rows) -> Rows:
    return np.where(Z > 0, Z, np.expm1(np.minimum(Z, 0)))


def _selu(Z: Rows) -> Rows:
    scale, alpha = Z.dtype.type(1.0507009873554805), Z.dtype.type(1.6732632423543772)
    return scale * np.where(Z > 0, Z, alpha * np.expm1(np.minimum(Z, 0)))


def _sigmoid(Z: Rows) -> Rows:
    E = np.exp(-np.abs(Z))  # at most 1, so that nothing overflows
    return np.where(Z > 0, 1, E) / (1 + E)


def _softplus(Z: Rows) -> Rows:
    return np.maximum(Z, 0) + np.log1p(np.exp(-np.abs(Z)))


def _silu(Z: Rows) -> Rows:
    return Z * _sigmoid(Z)


def _erfc(Z: Rows) -> Rows:
    """The complementary error function: that of scipy if scipy is loaded, which takes long."""
    special: Any = sys.modules.get("scipy.special")
    if special is not None:
        return np.asarray(special.erfc(Z))
    return np.asarray(np.frompyfunc(math.erfc, 1, 1)(Z), Z.dtype)


def _gelu(Z: Rows) -> Rows:
    half = Z.dtype.type(0.5)
    return Z * (half * _erfc(-Z * half**half))


def _gelu_tanh(Z: Rows) -> Rows:
    z = np.clip(Z, -25, 25)  # beyond, the sigmoid is 0 or 1 and z³ goes on to overflow
    c = Z.dtype.type(2 * math.sqrt(2 / math.pi))
    return Z * _sigmoid(c * (z + Z.dtype.type(0.044715) * z * z * z))


def _mish(Z: Rows) -> Rows:
    return Z * np.tanh(_softplus(Z))


def _softmax(Z: Rows) -> Rows:
    E = np.exp(Z - Z.max(axis=-1, keepdims=True))
    return np.asarray(E / E.sum(axis=-1, keepdims=True))


ACTIVATIONS: dict[str, Callable[[Rows], Rows]] = {
    "identity": _identity,
    "relu": _relu,
    "leaky_relu": _leaky_relu,
    "elu": _elu,
    "selu": _selu,
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "silu": _silu,
    "gelu": _gelu,
    "gelu_tanh": _gelu_tanh,
    "mish": _mish,
}
# Those that are no hidden layer's; see `loss_rules`.
_OUTPUTS: dict[str, Callable[[Rows], Rows]] = {"softmax": _softmax, "exp": np.exp}
