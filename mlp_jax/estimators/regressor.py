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
from mlp_jax.estimators.settings import activation_by_our_names
from mlp_jax.models.outputs import flat_if_one
from mlp_jax.network import Network


class MLPRegressor(RegressorMixin, MLP):
    """A dense network for numbers: scikit-learn's `MLPRegressor`, trained by this library.

    Args:
      loss: "squared_error", "poisson" (whose outputs are exp(z) and labels 0 or more),
        "absolute_error", "huber(0.5)", or "pinball(0.1, 0.9)", which predicts a column a quantile;
        or any of `mlp_jax.Network`.
      hidden_layer_sizes: units of every hidden layer.
      activation: of the hidden layers: scikit-learn's "identity", "logistic", "tanh", "relu", or
        any that `mlp_jax.Network` takes.
      solver: "adam", "sgd", "lbfgs" (scipy's, on all samples at once), or "adamw", "rmsprop",
        "adagrad", "lion".
      alpha: strength of the L2 penalty, which is divided by batch_size times the mean sample weight
        (of lbfgs, by the sum of all weights); also where a last batch is short, unlike
        scikit-learn's.
      batch_size: samples a step; "auto" for 200, or all if they are fewer.
      learning_rate: "constant"; "invscaling", divided by (1 + samples seen)^power_t; "adaptive", a
        fifth of it whenever training would stop, until 1e-6. Of "sgd".
      learning_rate_init: the learning rate, at first.
      power_t: see "invscaling".
      max_iter: the most epochs; of lbfgs, the most iterations.
      shuffle: every epoch has its own order of samples.
      random_state: of the weights, the batch order, dropout and the validation set.
      tol: an epoch that is better by less counts as no improvement, so with 0 none that is as good
        as the best is a loss; of lbfgs, the largest entry of the gradient at its end.
      verbose: prints the loss a few times a second.
      warm_start: `fit` begins where the last one ended, with a network of the same sizes.
      momentum: of "sgd", the share of the last step that the next one goes on with.
      nesterovs_momentum: of "sgd", the gradient's own step counts as taken already.
      early_stopping: keeps a share of the samples to validate by, stops when their score no longer
        improves, and keeps the weights of the best epoch. Otherwise the loss is what must improve.
        The score is that of `score`.
      validation_fraction: that share.
      beta_1: of "adam" and "adamw".
      beta_2: of "adam" and "adamw".
      epsilon: of "adam" and "adamw".
      n_iter_no_change: epochs without improvement that are allowed; numpy.inf for any number.
      max_fun: the most evaluations of the loss, of "lbfgs".
      dropout: share of the hidden units dropped in every step.
      weight_decay: decoupled from the loss: taken off the weights, times the learning rate.
      clip_norm: the largest norm of the gradient, or None.
      schedule: "cosine", "log_cosine" or "one_cycle", over max_iter epochs, or None.
      warm_up_epochs: epochs in which the learning rate rises to its value.
      init: how weights begin: "glorot" as in scikit-learn, uniform within ±sqrt(6 / (inputs +
        units)), or ±sqrt(2 / ...) for "logistic", biases too; or another scheme of `mlp_jax.init`,
        such as "he".

    Attributes:
      coefs_, intercepts_: (inputs, outputs) and (outputs,) of every layer; what is written there is
        what predicts.
      n_iter_: epochs of the last call.
      loss_curve_: the loss of every epoch, of all calls that went on, and the penalty. It is on
        scikit-learn's scale, and so are best_loss_, loss_ and tol: of several targets the loss is
        their mean, of counts ("poisson") their sum and half the deviance. What is descended is the
        sum, as by scikit-learn.
      best_epoch_: the one of these whose weights the network has.
      validation_scores_, validation_loss_curve_: of every epoch.
      best_validation_score_: of best_epoch_.

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
        init: str = "glorot",
    ) -> None:
        given = dict(locals())
        super().__init__(**{name: given[name] for name in self._get_param_names()})

    @available_if(learns_in_steps)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """One epoch on these samples, from where the network stands; arguments as for `fit`."""
        return self._train(X, y, sample_weight, incremental=True)

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
            # In float64, since scikit-learn sums in the dtype of the predictions.
            predicted = self.predict(X).astype(np.float64)
            return float(r2_score(y, predicted, sample_weight=sample_weight))
        Z = self._outputs(X, raw=True).astype(np.float64)
        y = column_or_1d(check_array(y, ensure_2d=False, dtype=Z.dtype))
        check_consistent_length(Z, y)
        with scope(Z.dtype):
            L = np.asarray(loss.L(jnp.asarray(Z.T), jnp.asarray(y[None])))
        return -float(np.average(L[0], weights=sample_weight))

    def _network(self) -> Network:
        network = Network(activation_by_our_names(self.activation), self.loss)
        self.out_activation_ = "exp" if network.loss.counts else "identity"
        if network.loss.classes:
            raise ValueError(f"loss is {self.loss!r}, which is of classes: use MLPClassifier")
        return network

    def _as_Y(self, y: Any, *, known: bool) -> np.ndarray:
        if np.ndim(y) == 2 and np.shape(y)[1] == 1:
            y = column_or_1d(y, warn=True)
        Y = np.asarray(y)
        return Y[:, None] if Y.ndim == 1 else Y

    def _metric(self, network: Network) -> Any:
        return metrics.r2 if network.loss.outputs_of_label == 1 else None

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
