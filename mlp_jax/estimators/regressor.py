"""`MLPRegressor`: numbers, one or several a sample."""

from typing import Any, Self

import jax.numpy as jnp
import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import check_array, check_consistent_length, column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from mlp_jax import metrics
from mlp_jax.dtypes import scope
from mlp_jax.estimators.mlp import MLP, learns_in_steps
from mlp_jax.estimators.settings import activation_of
from mlp_jax.models.outputs import flat_if_one
from mlp_jax.network import Network


class MLPRegressor(RegressorMixin, MLP):
    """A dense network for numbers: scikit-learn's `MLPRegressor`, trained by this library.

    Args:
      loss: "squared_error", "poisson" (whose outputs are exp(z) and labels 0 or more),
        "absolute_error", "huber(0.5)", or "pinball(0.1, 0.9)", which predicts a column a quantile;
        or any of `mlp_jax.Network`.
      hidden_layer_sizes: this and all others as in `MLPClassifier`.
      activation: likewise.
      solver: likewise.
      alpha: likewise.
      batch_size: likewise.
      learning_rate: likewise.
      learning_rate_init: likewise.
      power_t: likewise.
      max_iter: likewise.
      shuffle: likewise.
      random_state: likewise.
      tol: likewise.
      verbose: likewise.
      warm_start: likewise.
      momentum: likewise.
      nesterovs_momentum: likewise.
      early_stopping: likewise; the score is that of `score`.
      validation_fraction: likewise.
      beta_1: likewise.
      beta_2: likewise.
      epsilon: likewise.
      n_iter_no_change: likewise.
      max_fun: likewise.
      dropout: likewise.
      weight_decay: likewise.
      clip_norm: likewise.
      schedule: likewise.
      warm_up_epochs: likewise.

    Attributes:
      as those of `MLPClassifier`. loss_curve_, best_loss_, loss_ are on scikit-learn's scale, and
      so is tol: of several targets the loss is their mean, of counts ("poisson") their sum and half
      the deviance. What is descended is the sum, as by scikit-learn.

    Example:
      >>> import numpy as np
      >>> X = np.random.default_rng(0).normal(size=(200, 2))
      >>> mlp = MLPRegressor(hidden_layer_sizes=(32, 32), learning_rate_init=0.02, random_state=0)
      >>> mlp = mlp.fit(X, X[:, 0] * X[:, 1])
      >>> bool(mlp.score(X, X[:, 0] * X[:, 1]) > 0.95)
      True
    """

    def __init__(
        self,
        loss: Any = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: Any = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        dropout: float = 0.0,
        weight_decay: float = 0.0,
        clip_norm: float | None = None,
        schedule: str | None = None,
        warm_up_epochs: float = 0.0,
    ) -> None:
        given = dict(locals())
        super().__init__(**{name: given[name] for name in self._get_param_names()})

    @available_if(learns_in_steps)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """One epoch on these samples, from where the network stands; arguments as for `fit`."""
        return self._trained_on(X, y, sample_weight, incremental=True)

    def predict(self, X: Any) -> np.ndarray:
        """The number of every row of X; (samples, K) where there are several."""
        return flat_if_one(self._outputs(X))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """R² of the predictions; of several quantiles, minus their pinball loss.

        That loss is the one that is trained and that early stopping goes by: summed over the
        quantiles, averaged over the samples.

        Args:
          X: as for `fit`.
          y: as for `fit`.
          sample_weight: (samples,), or None.
        """
        check_is_fitted(self)
        loss = self._network().loss
        if loss.outputs_of_label == 1:
            # In float64, for scikit-learn sums in the dtype of what it is given.
            predicted = self.predict(X).astype(np.float64)
            return float(r2_score(y, predicted, sample_weight=sample_weight))
        Z = self._outputs(X, raw=True).astype(np.float64)
        y = column_or_1d(check_array(y, ensure_2d=False, dtype=Z.dtype))
        check_consistent_length(Z, y)
        with scope(Z.dtype):
            L = np.asarray(loss.L(jnp.asarray(Z.T), jnp.asarray(y[None])))
        return -float(np.average(L[0], weights=sample_weight))

    def _network(self) -> Network:
        network = Network(activation_of(self.activation), self.loss)
        self.out_activation_ = "exp" if network.loss.counts else "identity"
        if network.loss.classes:
            raise ValueError(f"loss is {self.loss!r}, which is of classes: use MLPClassifier")
        return network

    def _as_Y(self, y: Any, *, known: bool) -> np.ndarray:
        if np.ndim(y) == 2 and np.shape(y)[1] == 1:
            y = column_or_1d(y, warn=True)
        Y = np.asarray(y)
        return np.atleast_2d(Y.T)

    def _metric(self, network: Network) -> Any:
        return metrics.r2 if network.loss.outputs_of_label == 1 else None

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
