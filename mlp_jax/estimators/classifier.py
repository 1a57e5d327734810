"""`MLPClassifier`: two classes, several, or several labels at a time."""

from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels

from mlp_jax import metrics
from mlp_jax.estimators.mlp import MLP, learns_in_steps
from mlp_jax.estimators.settings import activation_by_our_names
from mlp_jax.loss_rules import default_loss
from mlp_jax.models.outputs import flat_if_one, predicted, probabilities
from mlp_jax.network import Network
from mlp_jax.wording import as_typed


class MLPClassifier(ClassifierMixin, MLP):
    """A dense network for classes: scikit-learn's `MLPClassifier`, trained by this library.

    Two classes and several labels have sigmoid outputs and the binary cross-entropy, several
    classes a softmax and its cross-entropy. Weights and biases begin as scikit-learn's.

    Args:
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
      validation_fraction: that share.
      beta_1: of "adam" and "adamw".
      beta_2: of "adam" and "adamw".
      epsilon: of "adam" and "adamw".
      n_iter_no_change: epochs without improvement that are allowed; numpy.inf for any number.
      max_fun: the most evaluations of the loss, of "lbfgs".
      dropout: share of the hidden units dropped in every step.
      label_smoothing: how far labels are drawn towards even odds.
      class_weight: "balanced", or the weight of every class.
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
      classes_: the classes.
      n_iter_: epochs of the last call.
      loss_curve_: the loss of every epoch, of all calls that went on, and the penalty.
      best_epoch_: the one of these whose weights the network has.
      validation_scores_, validation_loss_curve_: of every epoch.
      best_validation_score_: of best_epoch_.

    Example:
      >>> import numpy as np
      >>> X = np.random.default_rng(0).normal(size=(200, 2))
      >>> y = np.where(X[:, 0] * X[:, 1] > 0, "alike", "unlike")
      >>> mlp = MLPClassifier((16, 16), learning_rate_init=0.02, random_state=0).fit(X, y)
      >>> bool(mlp.score(X, y) > 0.95)
      True
    """

    def __init__(
        self,
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
        label_smoothing: float = 0.0,
        class_weight: Any = None,
        weight_decay: float = 0.0,
        clip_norm: float | None = None,
        schedule: str | None = None,
        warm_up_epochs: float = 0.0,
        init: str = "glorot",
    ) -> None:
        given = dict(locals())
        super().__init__(**{name: given[name] for name in self._get_param_names()})

    @available_if(learns_in_steps)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:
        """One epoch on these samples, from where the network stands.

        Args:
          X: as for `fit`.
          y: as for `fit`.
          sample_weight: as for `fit`.
          classes: all there will ever be, at the first call.
        """
        if not hasattr(self, "classes_"):
            if classes is None:
                raise ValueError("classes must be passed on the first call to partial_fit.")
            multilabel = type_of_target(y).startswith("multilabel")
            self._binarizer = LabelBinarizer().fit(y if multilabel else unique_labels(classes))
            self.classes_ = self._binarizer.classes_
        elif classes is not None and not np.array_equal(self.classes_, unique_labels(classes)):
            raise ValueError(
                f"`classes={as_typed(classes)}` is not the same as on last call to partial_fit, "
                f"was: {self.classes_!r}"
            )
        return self._train(X, y, sample_weight, incremental=True)

    def predict(self, X: Any) -> np.ndarray:
        """The class of every row of X; of several labels, 0 or 1 of each."""
        return self._predicted(self._outputs(X))

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of every class, (samples, classes), in the order of `classes_`."""
        return probabilities(self._outputs(X))

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """The logarithm of `predict_proba`, (samples, classes)."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def decision_function(self, X: Any) -> np.ndarray:
        """Z[L], the outputs before sigmoid or softmax; (samples,) of two classes."""
        return flat_if_one(self._outputs(X, raw=True))

    @property
    def _is_of_labels(self) -> bool:
        return bool(self._binarizer.y_type_.startswith("multilabel"))

    def _predicted(self, A: np.ndarray) -> Any:
        """What `predict` returns for the outputs A, (samples, K)."""
        classes = None if self._is_of_labels else self.classes_
        found = predicted(A, classes, of_labels=self._is_of_labels)
        # scikit-learn predicts a sparse matrix where the labels were in one.
        return self._binarizer.inverse_transform(found) if self._binarizer.sparse_input_ else found

    def _network(self) -> Network:
        multiclass = self._binarizer.y_type_ == "multiclass" and len(self.classes_) > 2
        self.out_activation_ = "softmax" if multiclass else "logistic"
        loss = default_loss(len(self.classes_) if multiclass else 2)
        return Network(activation_by_our_names(self.activation), loss)

    def _as_Y(self, y: Any, *, known: bool) -> np.ndarray:
        if np.ndim(y) == 2 and np.shape(y)[1] == 1:
            y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        if not known and (not self.warm_start or not hasattr(self, "coefs_")):
            self._binarizer = LabelBinarizer().fit(y)
            self.classes_ = self._binarizer.classes_
            return np.asarray(self._binarizer.transform(y))
        classes = unique_labels(y)
        if not known and set(classes) != set(self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {self.classes_}, `y` has {classes}"
            )
        if len(np.setdiff1d(classes, self.classes_, assume_unique=True)):
            raise ValueError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes_}. 'y' "
                f"has {classes}."
            )
        return np.asarray(self._binarizer.transform(y))

    def _strata(self, Y: np.ndarray, held: float) -> np.ndarray | None:
        if self._is_of_labels:
            return None
        if Y.shape[1] == 1:
            return Y.astype(bool)
        counts = Y.sum(axis=0)
        enough = counts[counts > 0].min() > 1 and held * len(Y) >= Y.shape[1]
        return Y.argmax(axis=1) if enough else None

    def _metric(self, network: Network) -> Any:
        if self._is_of_labels:
            return metrics.accuracy_of_all_labels
        return network.loss.metric

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
