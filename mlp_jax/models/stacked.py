"""Several networks in one pass of NumPy: their matrices side by side. Rows are samples.

Networks of one depth and activations are padded to one shape. The weights out of a unit that was
added are zero, so the unit adds nothing whatever its activation is.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from mlp_jax.models import numpy_forward

CELLS = 1 << 18  # numbers that a layer computes at once, so that a cache holds them
FEWEST = 64  # rows that are computed at once, of however many networks
MOST_PADDING = 2  # times the weights of networks that their stack may have; else a stack a shape

Layers = Sequence[tuple[np.ndarray, np.ndarray]]


class Stack(NamedTuple):
    """Networks that are computed in one pass.

    places: which of all networks they are.
    layers: (W, b) of each layer, W of (networks, inputs, outputs) and b of (networks, outputs, 1);
      of a single network as it has them, not copied.
    activations: of the hidden layers, by name.
    """

    places: tuple[int, ...]
    layers: Layers
    activations: tuple[str, ...]


def stacks_of(networks: Iterable[tuple[Layers, Sequence[str]]]) -> tuple[Stack, ...]:
    """The stacks of networks, given as (layers, names of the hidden layers' activations)."""
    alike: dict[tuple[str, ...], list[tuple[int, Layers]]] = {}
    for place, (layers, activations) in enumerate(networks):
        alike.setdefault(tuple(activations), []).append((place, layers))
    found = []
    for activations, group in alike.items():
        for part in _by_shape(group):
            places, every = zip(*part, strict=True)
            layers = every[0] if len(every) == 1 else _side_by_side(every)
            found.append(Stack(places, layers, activations))
    return tuple(found)


def outputs_of_stacks(stacks: Sequence[Stack], X: np.ndarray, loss: str) -> np.ndarray:
    """A[L] of every network for every row of X, (networks, samples, K)."""
    found: list[Any] = [None] * sum(len(stack.places) for stack in stacks)
    for stack in stacks:
        for place, A in zip(stack.places, _outputs(stack, X, loss), strict=True):
            found[place] = A
    return np.stack(found)


def average_of_stacks(
    stacks: Sequence[Stack], weights: np.ndarray, X: np.ndarray, loss: str
) -> np.ndarray:
    """The average A[L] of every row of X, (samples, K), summed in float64.

    weights: of every network, (networks,), of sum 1.
    """
    return np.asarray(
        sum(
            np.tensordot(weights[list(stack.places)], _outputs(stack, X, loss), axes=1)
            for stack in stacks
        )
    )


def _by_shape(group: list[tuple[int, Layers]]) -> list[list[tuple[int, Layers]]]:
    """The group whole, or in parts of one shape where padding would take too much."""
    shapes: dict[Any, list[tuple[int, Layers]]] = {}
    for place, layers in group:
        shapes.setdefault(tuple(W.shape for W, _ in layers), []).append((place, layers))
    padded = np.max(list(shapes), axis=0).prod(axis=1).sum() * len(group)
    taken = sum(W.size for _, layers in group for W, _ in layers)
    return [group] if padded <= MOST_PADDING * taken else list(shapes.values())


def _side_by_side(networks: Sequence[Layers]) -> Layers:
    """The layers of networks of one depth on a new first axis, padded with zeros."""
    return tuple(
        (_padded([W for W, _ in layers]), _padded([b.reshape(-1, 1) for _, b in layers]))
        for layers in zip(*networks, strict=True)
    )


def _padded(leaves: Sequence[np.ndarray]) -> np.ndarray:
    shape = np.max([leaf.shape for leaf in leaves], axis=0)
    stack = np.zeros((len(leaves), *shape), np.result_type(*leaves))
    for one, leaf in zip(stack, leaves, strict=True):
        one[tuple(map(slice, leaf.shape))] = leaf
    return stack


def _outputs(stack: Stack, X: np.ndarray, loss: str) -> np.ndarray:
    """A[L] of the networks of a stack, (networks, samples, K)."""
    count = len(stack.places)
    if count == 1:
        return numpy_forward.forward(stack.layers, X, stack.activations, loss)[None]
    widest = max(W.shape[-1] for W, _ in stack.layers)
    rows = max(FEWEST, CELLS // (count * widest))
    blocks = [X[at : at + rows] for at in range(0, max(1, len(X)), rows)]
    found = [numpy_forward.forward(stack.layers, X, stack.activations, loss) for X in blocks]
    return np.concatenate(found, axis=1)
