"""The outputs of a network for any number of rows, compiling as seldom as may be."""

from contextlib import nullcontext
from functools import partial
from typing import Any

import jax
import numpy as np
from jax import Array

from mlp_jax import numpy_forward
from mlp_jax.activations import ACTIVATIONS
from mlp_jax.forward_propagation import Network, forward_trace

FEWEST, MOST = 64, 1 << 16  # rows of a program
WORTH_COMPILING = 4e9  # FLOPs, which take NumPy as long as a program takes to compile


def outputs(params: Any, X: np.ndarray, network: Network, *, raw: bool = False) -> np.ndarray:
    """A[L] of every row of X, (samples, K); Z[L] if raw.

    By NumPy where that is done before a program would have been compiled. Otherwise rows are
    filled up to one of a few lengths, so that a new number of them seldom compiles.
    """
    hidden = network.hidden(params)
    named = all(ACTIVATIONS.get(f.name) == f for f in hidden) and network.loss.by_hand
    work = 2 * len(X) * sum(W.size for W, _ in params)
    if named and work < WORTH_COMPILING and network.precision == "highest":
        names = [f.name for f in hidden]
        with np.errstate(over="ignore"):  # a network may have diverged
            return numpy_forward.forward(params, X, names, network.loss.name, raw=raw)
    blocks = [
        _of_block(params, X[first : first + MOST], network, raw) for first in range(0, len(X), MOST)
    ]
    return np.concatenate(blocks)


def length_of(rows: int) -> int:
    """The length that so many rows are filled up to: 64, 96, 128, 192, 256, ..."""
    power = max(FEWEST, 1 << (rows - 1).bit_length())
    between = 3 * power // 4
    return between if rows <= between and between > FEWEST else power


def scope(dtype: Any) -> Any:
    """JAX with float64, where numbers are of that."""
    return jax.enable_x64(True) if np.dtype(dtype) == np.float64 else nullcontext()


def _of_block(params: Any, X: np.ndarray, network: Network, raw: bool) -> np.ndarray:
    filled = np.zeros((length_of(len(X)), X.shape[1]), X.dtype)
    filled[: len(X)] = X
    with scope(X.dtype):
        return np.asarray(_forward(params, filled, network=network, raw=raw))[: len(X)]


@partial(jax.jit, static_argnames=("network", "raw"))
def _forward(params: Any, X: Array, *, network: Network, raw: bool) -> Array:
    Z = forward_trace(params, X.T, network).Z[-1]
    return (Z if raw else network.loss.output(Z)).T
