"""The outputs of a network for any number of rows, with as few compiled programs as may be."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import numpy as np
from jax import Array

from mlp_jax.activations import is_named
from mlp_jax.dtypes import scope
from mlp_jax.forward_propagation import forward_trace
from mlp_jax.losses import is_named_loss
from mlp_jax.models import numpy_forward
from mlp_jax.models.stacked import outputs_of_stacks, stacks_of
from mlp_jax.network import Network
from mlp_jax.parameters import Layer

FEWEST, MOST = 64, 1 << 16  # rows of a program
WORTH_COMPILING = 4e9  # FLOPs, which take NumPy as long as a program takes to compile


def outputs(
    params: tuple[Layer, ...], X: np.ndarray, network: Network, *, raw: bool = False
) -> np.ndarray:
    """A[L] of every row of X, (samples, K); Z[L] if raw.

    NumPy computes them where it is done before a program would have been compiled. Otherwise the
    rows are filled up to one of a few lengths, so that a new number of rows seldom compiles.
    """
    names = _names_of_activations(network, len(params))
    if names is not None and _flops(params, X) < WORTH_COMPILING:
        with np.errstate(over="ignore"):  # a network may have diverged
            return numpy_forward.forward(params, X, names, network.loss.name, raw=raw)
    blocks = [
        _outputs_of_block(params, X[first : first + MOST], network, raw)
        for first in range(0, len(X), MOST)
    ]
    return np.concatenate(blocks)


def outputs_of_all(
    networks: Sequence[tuple[tuple[Layer, ...], Network]], X: np.ndarray
) -> np.ndarray:
    """A[L] of every network for every row of X, (networks, samples, K).

    Networks of one depth and activation are computed side by side, see `models.stacked`, where
    NumPy is done before their programs would have been compiled.
    """
    groups: dict[Any, list[int]] = {}
    for number, (params, network) in enumerate(networks):
        groups.setdefault((len(params), network), []).append(number)
    found: list[Any] = [None] * len(networks)
    for (depth, network), numbers in groups.items():
        alike, names = [networks[i][0] for i in numbers], _names_of_activations(network, depth)
        programs = len({tuple(W.shape for W, _ in params) for params in alike})
        flops = sum(_flops(params, X) for params in alike)
        if names is None or flops >= WORTH_COMPILING * programs:
            of_all: Any = [outputs(params, X, network) for params in alike]
        else:
            stacks = stacks_of((params, names) for params in alike)
            with np.errstate(over="ignore"):
                of_all = outputs_of_stacks(stacks, X, network.loss.name)
        for number, A in zip(numbers, of_all, strict=True):
            found[number] = A
    return np.stack(found)


def average_of_all(
    networks: Sequence[tuple[tuple[Layer, ...], Network]], weights: np.ndarray, X: np.ndarray
) -> np.ndarray:
    """The average A[L] of every row of X, (samples, K), in float64.

    weights: of every network, (networks,).
    """
    blocks = [
        np.tensordot(weights, outputs_of_all(networks, X[first : first + MOST]), axes=1)
        for first in range(0, max(1, len(X)), MOST)
    ]
    return np.concatenate(blocks)


def _names_of_activations(network: Network, depth: int) -> list[str] | None:
    """The names of the hidden layers' activations, if NumPy knows all of the network."""
    hidden = network.hidden((None,) * depth)
    named = all(map(is_named, hidden)) and is_named_loss(network.loss)
    return [f.name for f in hidden] if named and network.precision == "highest" else None


def _flops(params: tuple[Layer, ...], X: np.ndarray) -> float:
    return 2.0 * len(X) * sum(W.size for W, _ in params)


def length_of(rows: int) -> int:
    """The length that so many rows are filled up to: 64, 96, 128, 192, 256, ..."""
    power = max(FEWEST, 1 << (rows - 1).bit_length())
    between = 3 * power // 4
    return between if rows <= between and between > FEWEST else power


def _outputs_of_block(
    params: tuple[Layer, ...], X: np.ndarray, network: Network, raw: bool
) -> np.ndarray:
    filled = np.zeros((length_of(len(X)), X.shape[1]), X.dtype)
    filled[: len(X)] = X
    with scope(X.dtype):
        return np.asarray(_forward(params, filled, network=network, raw=raw))[: len(X)]


@partial(jax.jit, static_argnames=("network", "raw"))
def _forward(params: tuple[Layer, ...], X: Array, *, network: Network, raw: bool) -> Array:
    Z = forward_trace(params, X.T, network).Z[-1]
    return (Z if raw else network.loss.output(Z)).T
