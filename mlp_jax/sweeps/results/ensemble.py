"""What a sweep leaves to predict with: one network, or an average of many."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mlp_jax.models.prediction import outputs, outputs_of_all
from mlp_jax.network import Network
from mlp_jax.parameters import Layer


def class_numbers(A: np.ndarray) -> np.ndarray:
    """The number of the class of every row of the outputs, or of the labels, (samples, K)."""
    return np.asarray((A[:, 0] > 0.5).astype(int) if A.shape[1] == 1 else A.argmax(axis=1))


def predicted(A: np.ndarray, network: Network, classes: np.ndarray | None) -> np.ndarray:
    """The class, or the number, of every row of the outputs A, (samples, K)."""
    if classes is not None:
        return np.asarray(classes[class_numbers(A)])
    if network.loss.classes:
        return (A > 0.5).astype(int)
    return A[:, 0] if A.shape[1] == 1 else A


@dataclass(frozen=True)
class Fitted:
    """A network trained on all samples. params, network: as for `mlp_jax.forward`.

    classes: what y was made of, or None.
    """

    params: tuple[Layer, ...]
    network: Network
    classes: np.ndarray | None

    def outputs(self, X: Any) -> np.ndarray:
        """A[L] of every row of X, (samples, K): probabilities, or the predicted numbers."""
        params = tuple(Layer(*map(np.asarray, layer)) for layer in self.params)
        return outputs(params, np.asarray(X, params[0].W.dtype), self.network)

    def predict(self, X: Any) -> np.ndarray:
        """The class, or the number, of every row of X."""
        return predicted(self.outputs(X), self.network, self.classes)


@dataclass(frozen=True)
class Ensemble:
    """Networks whose outputs are averaged.

    networks: (params, network) of each. weights: of each, of sum 1. classes: as of `Fitted`.
    chosen: the ranks of the configurations they are of, in the order in which they were chosen; one
    that was chosen twice counts twice. losses: of the average, on the rows held out, after every
    choice; empty where the best were taken.
    """

    networks: tuple[tuple[tuple[Layer, ...], Network], ...] = field(repr=False)
    weights: np.ndarray = field(repr=False)
    classes: np.ndarray | None = field(repr=False)
    chosen: tuple[int, ...]
    losses: tuple[float, ...]

    def outputs(self, X: Any) -> np.ndarray:
        """The average A[L] of every row of X, (samples, K)."""
        X = np.asarray(X, self.networks[0][0][0].W.dtype)
        return np.tensordot(self.weights.astype(X.dtype), outputs_of_all(self.networks, X), axes=1)

    def predict(self, X: Any) -> np.ndarray:
        """The class, or the number, of every row of X."""
        return predicted(self.outputs(X), self.networks[0][1], self.classes)
