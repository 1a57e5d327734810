"""What a sweep leaves to predict with: one network, or an average of many."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mlp_jax.models.outputs import chances, predicted
from mlp_jax.models.prediction import average_of_all
from mlp_jax.network import Network
from mlp_jax.parameters import Layer
from mlp_jax.sweeps.task import Task

Networks = tuple[tuple[tuple[Layer, ...], Network], ...]  # (params, network) of each


class _Average:
    """What predicts by networks, their weights and the classes: all that an average needs."""

    networks: Networks
    weights: np.ndarray
    classes: np.ndarray | None

    def outputs(self, X: Any) -> np.ndarray:
        """A[L] of every row of X, (samples, K): probabilities, or the predicted numbers.

        Of several networks the average.

        Args:
          X: rows as those of the sweep, (samples, features).
        """
        networks = [
            (tuple(Layer(*map(np.asarray, layer)) for layer in params), network)
            for params, network in self.networks
        ]
        [W, _], *_ = networks[0][0]
        rows = np.asarray(X, W.dtype)
        if rows.ndim != 2 or rows.shape[1] != len(W):
            raise ValueError(f"X has shape {rows.shape}; expected (samples, {len(W)})")
        return average_of_all(networks, self.weights, rows).astype(W.dtype)

    def predict(self, X: Any) -> np.ndarray:
        """The class, or the number, of every row of X."""
        return predicted(self.outputs(X), self.classes, of_labels=self._is_classifier)

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of every class, (samples, classes); of several labels, of each.

        Raises:
          ValueError: y has numbers.
        """
        if not self._is_classifier:
            raise ValueError("the sweep was of numbers, and so are its predictions; use predict")
        return chances(self.outputs(X), of_labels=self.classes is None)

    @property
    def _is_classifier(self) -> bool:
        return self.networks[0][1].loss.classes


@dataclass(frozen=True)
class Fitted(_Average):
    """A network trained on all samples.

    params: of the layers, W (n[l-1], n[l]) and b (n[l], 1).
    network: the activation and the loss.
    classes: (K,) the values of y, or None if y has numbers.
    """

    params: tuple[Layer, ...]
    network: Network
    classes: np.ndarray | None

    @property
    def networks(self) -> Networks:  # type: ignore[override]
        """The one, as an `Ensemble` has several."""
        return ((self.params, self.network),)

    @property
    def weights(self) -> np.ndarray:  # type: ignore[override]
        """Of the one network, [1]."""
        return np.ones(1)


@dataclass(frozen=True)
class Ensemble(_Average):
    """Networks whose outputs are averaged.

    networks: (params, network) of each, as of `Fitted`.
    weights: (networks,) of sum 1.
    classes: (K,) the values of y, or None if y has numbers.
    chosen: the ranks of the configurations, in the order in which they were chosen; a configuration
      that was chosen twice counts twice.
    losses: of the average, on the rows held out, after every choice, of which the last is the
      lowest; empty where the configurations of the best scores were taken.
    """

    networks: Networks = field(repr=False)
    weights: np.ndarray = field(repr=False)
    classes: np.ndarray | None = field(repr=False)
    chosen: tuple[int, ...]
    losses: tuple[float, ...]


def copied(params: Any) -> tuple[Layer, ...]:
    """Copies in NumPy, which a user may write to without changing what the sweep has."""
    return tuple(Layer(np.array(W), np.array(b)) for W, b in params)


def classes_of(task: Task) -> np.ndarray | None:
    """A copy of the values of y, (K,), or None if y has numbers."""
    return None if task.classes is None else task.classes.copy()
