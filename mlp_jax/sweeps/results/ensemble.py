"""What a sweep leaves to predict with: one network, or an average of many."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mlp_jax.models.outputs import predicted
from mlp_jax.models.prediction import outputs, outputs_of_all
from mlp_jax.network import Network
from mlp_jax.parameters import Layer
from mlp_jax.sweeps.task import Task


@dataclass(frozen=True)
class Fitted:
    """A network trained on all samples.

    params: of the layers, W (n[l-1], n[l]) and b (n[l], 1).
    network: the activation and the loss.
    classes: (K,) the values of y, or None if y has numbers.
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
        return predicted(self.outputs(X), self.classes, of_labels=self.network.loss.classes)


@dataclass(frozen=True)
class Ensemble:
    """Networks whose outputs are averaged.

    networks: (params, network) of each, as of `Fitted`.
    weights: (networks,) of sum 1.
    classes: (K,) the values of y, or None if y has numbers.
    chosen: the ranks of the configurations, in the order in which they were chosen; a configuration
      that was chosen twice counts twice.
    losses: of the average, on the rows held out, after every choice; empty where the configurations
      of the best scores were taken.
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
        of_labels = self.networks[0][1].loss.classes
        return predicted(self.outputs(X), self.classes, of_labels=of_labels)


def copied(params: Any) -> tuple[Layer, ...]:
    """Copies in NumPy, which a user may write to without changing what the sweep has."""
    return tuple(Layer(np.array(W), np.array(b)) for W, b in params)


def classes_of(task: Task) -> np.ndarray | None:
    """A copy of the values of y, (K,), or None if y has numbers."""
    return None if task.classes is None else task.classes.copy()
