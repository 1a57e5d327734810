"""Rows of weight 0 below those of a table, so that tables of other rows share its programs."""

from typing import NamedTuple

import numpy as np

RUNG = 256  # rows are a multiple of so many
# Floating-point operations that a few more rows may cost: they take less time than to compile.
WORTH = 2e10
OPERATIONS = 6  # of a weight and an example: two each of forward, of dJ/dW and of dJ/dZ


class Examples(NamedTuple):
    """What `mlp_jax.fit` takes.

    X: (n[0], m).
    Y: (n[L], m).
    weights: (1, m), 0 of the rows that are none; None for all ones.
    """

    X: np.ndarray
    Y: np.ndarray
    weights: np.ndarray | None


def on_a_rung(X: np.ndarray, Y: np.ndarray, *, size: int, epochs: int) -> Examples:
    """The examples, and more of weight 0 up to a multiple of `RUNG` where that costs little.

    Args:
      X: (n[0], m).
      Y: (n[L], m).
      size: how many weights the network has.
      epochs: how often it sees all examples.
    """
    m = X.shape[1]
    more = -m % RUNG
    if OPERATIONS * more * size * epochs > WORTH:
        return Examples(X, Y, None)
    # Copies of the last one, so that X is finite and Y is what the loss takes.
    X, Y = (np.pad(part, ((0, 0), (0, more)), mode="edge") for part in (X, Y))
    return Examples(X, Y, (np.arange(m + more) < m)[None].astype(X.dtype))
