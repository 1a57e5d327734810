"""Estimators that average the networks of a search, those of all folds of some candidates."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.pipeline import Pipeline

from mlp_jax.models.outputs import flat_if_one, probabilities
from mlp_jax.models.prediction import average_of_all
from mlp_jax.network import Network
from mlp_jax.parameters import Layer


class OfFold(NamedTuple):
    """Networks of a fold.

    steps: before the networks, or None.
    networks: (params, network) of each.
    weights: (networks,).
    like: an estimator that takes the rows that the steps of this fold make.
    """

    steps: Pipeline | None
    networks: list[tuple[tuple[Layer, ...], Network]]
    weights: np.ndarray
    like: Any


class _Together(BaseEstimator):
    """An average of fitted networks, which cannot be fitted again."""

    def __init__(self, folds: Sequence[OfFold] = (), like: Any = None) -> None:
        self.folds = folds
        self.like = like

    def fit(self, X: Any, y: Any) -> Any:
        """Not possible: its networks come from a search."""
        raise ValueError("an ensemble is made by a search: type SweepCV(..., ensemble=8).fit(X, y)")

    def __sklearn_is_fitted__(self) -> bool:
        return self.like is not None

    def _average(self, X: Any) -> np.ndarray:
        """The mean A[L] of every row of X, (samples, K)."""
        total: Any = 0.0
        for steps, networks, weights, like in self.folds:
            rows = like._rows(X if steps is None else steps.transform(X))
            rows = rows.astype(networks[0][0][0].W.dtype, copy=False)
            total = total + average_of_all(networks, weights, rows)
        return np.asarray(total)

    @property
    def n_features_in_(self) -> int:
        """How many features the first step takes."""
        first = self.folds[0].steps
        return int((self.like if first is None else first).n_features_in_)


class ClassifiersTogether(ClassifierMixin, _Together):
    """The mean of probabilities."""

    @property
    def classes_(self) -> Any:
        """The classes, as of `MLPClassifier`."""
        return self.like.classes_

    def predict_proba(self, X: Any) -> np.ndarray:
        """The mean probability of every class, (samples, classes)."""
        return probabilities(self._average(X))

    def predict(self, X: Any) -> np.ndarray:
        """The class of the largest mean probability."""
        return self.like._predicted(self._average(X))


class RegressorsTogether(RegressorMixin, _Together):
    """The mean of predicted numbers."""

    def predict(self, X: Any) -> np.ndarray:
        """The mean number of every row of X."""
        return flat_if_one(self._average(X))
