"""What `MLPClassifier` and `MLPRegressor` share: from a table to trained parameters, and back."""

import warnings
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from mlp_jax.dtypes import scope
from mlp_jax.estimators.data import Data, dense, in_dtype, split_data
from mlp_jax.estimators.initial_layers import new_layers
from mlp_jax.estimators.lbfgs import solve_by_lbfgs
from mlp_jax.estimators.settings import parse_settings
from mlp_jax.estimators.solvers import Resumed, Solution, solve_in_steps
from mlp_jax.models.prediction import outputs
from mlp_jax.network import Network
from mlp_jax.parameters import Layer

# How `validate_data` of scikit-learn checks a table.
_TABLE: dict[str, Any] = {
    "accept_sparse": ["csr", "csc", "coo"],
    "dtype": (np.float64, np.float32),
}
NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and "
    "need to be preprocessed."
)


def learns_in_steps(estimator: Any) -> bool:
    """True; an AttributeError for lbfgs, of which scikit-learn expects no `partial_fit`."""
    if estimator.solver == "lbfgs":
        raise AttributeError(
            "partial_fit is only available for stochastic optimizers. lbfgs is not stochastic."
        )
    return True


class MLP(BaseEstimator):
    """An estimator without what depends on its kind of target.

    `MLPClassifier` and `MLPRegressor` describe the parameters.
    """

    def __init__(self, **parameters: Any) -> None:
        for name, value in parameters.items():
            setattr(self, name, value)

    def _network(self) -> Network:
        """The activations and the loss, which the target decides."""
        raise NotImplementedError

    @property
    def _is_of_labels(self) -> bool:
        """Whether the target is of several labels a sample."""
        return False

    def _as_Y(self, y: Any, *, known: bool) -> np.ndarray:
        """The target as the loss compares it with the outputs, (samples, K).

        known: its classes are those of before.
        """
        raise NotImplementedError

    def _strata(self, Y: np.ndarray, held: float) -> np.ndarray | None:
        """What both parts of a split have the same share of, one a sample; None for nothing."""
        return None

    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, X_val: Any = None, y_val: Any = None
    ) -> Self:
        """Trains the network.

        Args:
          X: (samples, features), an array, a data frame or a sparse matrix, which is made dense.
            float64 is trained in float64, float32 in float32.
          y: the target, (samples,) or (samples, K).
          sample_weight: (samples,), or None.
          X_val: samples to validate by, after every epoch; with early_stopping, in place of a share
            of X. Not for lbfgs.
          y_val: their target.

        Raises:
          ValueError: what came and what was expected; or the training did not end in finite
            numbers. With early_stopping a ConvergenceWarning says so, and the best epoch before
            that is kept; there is an error if there is none.
        """
        return self._train(X, y, sample_weight, X_val, y_val, incremental=False)

    def _train(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        X_val: Any = None,
        y_val: Any = None,
        *,
        incremental: bool,
    ) -> Self:
        settings = parse_settings(self.get_params(deep=False))
        if incremental and self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        first = not hasattr(self, "coefs_") or not (self.warm_start or incremental)
        data = self._data(X, y, sample_weight, incremental=incremental, first=first)
        random = check_random_state(self.random_state)
        seed = int(random.randint(np.iinfo(np.int32).max))
        outside = None
        if X_val is not None or y_val is not None:
            outside = self._validation_data(X_val, y_val)
        elif settings.keeps_validation:
            data, outside = self._split(data, random)
        resumed: Resumed | None = getattr(self, "_resumed", None) if incremental else None
        if first:
            resumed = None
            self._forget()
        with scope(data.X.dtype):
            network = self._network()
            sizes = _sizes(settings.hidden, data, network)
            params = (
                new_layers(seed, sizes, settings.init, data.X.dtype)
                if first
                else self._layers_of(sizes)
            )
            if settings.is_lbfgs:
                solution = solve_by_lbfgs(settings, network, params, data)
            else:
                solution = solve_in_steps(
                    *(settings, network, params, data, outside),
                    metric=self._metric(network),
                    seed=seed if resumed is None else resumed.seed,
                    resumed=resumed,
                    epochs=1 if incremental else None,
                )
        self._keep_solution(solution, len(data.X), incremental=incremental)
        return self

    def _data(self, X: Any, y: Any, sample_weight: Any, *, incremental: bool, first: bool) -> Data:
        """Checks X, y and the weights, which `class_weight` multiplies."""
        X, y = self._validate(X, y, reset=first)
        weights: Any = None
        if sample_weight is not None:
            weights = _check_sample_weight(sample_weight, X, ensure_non_negative=True)
        given = getattr(self, "class_weight", None)
        if given is not None:
            by_class = compute_sample_weight(given, y)
            weights = by_class if weights is None else weights * by_class
        if weights is not None and not weights.sum() > 0:
            raise ValueError("all sample weights are zero; expected some above zero")
        Y = self._as_Y(y, known=incremental)
        return Data(X, in_dtype(Y, X.dtype), weights)

    def _validate(self, X: Any, y: Any, *, reset: bool) -> tuple[np.ndarray, np.ndarray]:
        """Checks X and y; X is dense then."""
        numeric = isinstance(self, RegressorMixin)
        X, y = self._checked(X, y, multi_output=True, y_numeric=numeric, reset=reset)
        return dense(X), y

    def _checked(self, *table: Any, **choices: Any) -> Any:
        """The table as `validate_data` checks it; texts and gaps are told who takes them."""
        try:
            return validate_data(self, *table, **choices, **_TABLE)
        except ValueError as error:
            if not any(said in str(error) for said in ("could not convert", "contains NaN")):
                raise
            other = "TableRegressor" if isinstance(self, RegressorMixin) else "TableClassifier"
            raise ValueError(f"{error}\nmlp_jax.{other} takes texts and gaps as is") from error

    def _validation_data(self, X_val: Any, y_val: Any) -> Data:
        """Checks the samples that the user validates by."""
        if self.solver == "lbfgs":
            raise ValueError("lbfgs takes no X_val; leave it out, or type solver='adam'")
        if X_val is None or y_val is None:
            raise ValueError("X_val and y_val belong together; one of them is None")
        X_val, y_val = self._validate(X_val, y_val, reset=False)
        return Data(X_val, in_dtype(self._as_Y(y_val, known=True), X_val.dtype), None)

    def _split(self, data: Data, random: np.random.RandomState) -> tuple[Data, Data]:
        """The samples to train on, and those to validate by; of classes, the same share of each."""
        share = self.validation_fraction
        return split_data(data, share, self._strata(data.Y, share), random)

    def _layers_of(self, sizes: tuple[int, ...]) -> tuple[Layer, ...]:
        """The layers that a training goes on with, checked against sizes: features to outputs.

        Raises:
          ValueError: the network there is of others. scikit-learn goes on with these.
        """
        layers = self._layers()
        found = (*(len(W) for W, _ in layers), layers[-1].W.shape[1])
        if found != sizes:
            cure = f"hand {found[0]} features and {found[-1]} outputs"
            if found[1:-1] != sizes[1:-1]:
                cure = f"type hidden_layer_sizes={found[1:-1]}"
            raise ValueError(
                f"the network to go on with has layers of {found} units, and hidden_layer_sizes, X "
                f"and y now ask for {sizes}; expected the same. To go on, {cure}; to begin afresh, "
                "fit with warm_start=False"
            )
        return layers

    def _layers(self) -> tuple[Layer, ...]:
        pairs = zip(self.coefs_, self.intercepts_, strict=True)
        return tuple(Layer(W, b[:, None]) for W, b in pairs)

    def _forget(self) -> None:
        """Forgets the curves of the last fit."""
        self.t_ = 0
        self.loss_curve_: list[float] = []
        stops = self.early_stopping and self.solver != "lbfgs"
        self.validation_scores_: list[float] | None = [] if stops else None
        self.validation_loss_curve_: list[float] = []

    def _take_params(
        self,
        params: tuple[Layer, ...],
        *,
        costs: np.ndarray,
        validation_losses: np.ndarray,
        best_epoch: int,
    ) -> None:
        """Takes the parameters that a training has found, and appends its curves to those before.

        best_epoch: counted from 1 in this training.
        """
        if not hasattr(self, "validation_loss_curve_"):  # the weights were set by hand
            self._forget()
        # Copies, since users may write there, and not into the memory of JAX or of a sweep.
        self.coefs_ = [np.array(W) for W, _ in params]
        self.intercepts_ = [np.array(b)[:, 0] for _, b in params]
        self.n_layers_, self.n_outputs_ = len(params) + 1, len(self.intercepts_[-1])
        self.n_iter_, self.best_epoch_ = len(costs), len(self.loss_curve_) + best_epoch
        self.loss_curve_ += [float(cost) for cost in costs]
        self.loss_ = self.loss_curve_[-1] if self.loss_curve_ else float("nan")
        self.best_loss_: float | None = min(self.loss_curve_, default=float("nan"))
        self.best_validation_score_: float | None = None
        self.validation_loss_curve_ += [float(loss) for loss in validation_losses]

    def _keep_solution(self, solution: Solution, m: int, *, incremental: bool) -> None:
        """Sets the attributes of a fitted estimator; warns if the training did not converge."""
        self._take_params(
            solution.params,
            costs=solution.costs,
            validation_losses=solution.validation_losses,
            best_epoch=solution.best_epoch,
        )
        self._resumed = solution.resumed
        self.t_ += self.n_iter_ * m
        diverged = solution.ended == "diverged"
        if diverged and not solution.chosen:
            raise ValueError(NOT_FINITE)
        if self.early_stopping and len(solution.scores):
            known = self.validation_scores_ or []
            # The epochs of calls without early stopping have no score.
            missing = [float("nan")] * (len(self.loss_curve_) - self.n_iter_ - len(known))
            self.validation_scores_ = [*known, *missing, *map(float, solution.scores)]
            self.best_validation_score_ = self.validation_scores_[self.best_epoch_ - 1]
            self.best_loss_ = None
        which = "lbfgs" if self.solver == "lbfgs" else "Stochastic Optimizer"
        said = f"{which}: {solution.ended} and the optimization hasn't converged yet."
        if diverged:
            said = (
                f"{which}: the training diverged by epoch {len(self.loss_curve_)}; the weights are "
                f"those of epoch {self.best_epoch_}, the best by its validation score. Type a "
                "smaller learning_rate_init, or clip_norm=1.0"
            )
        if solution.ended != "converged" and not incremental:
            warnings.warn(said, ConvergenceWarning, stacklevel=4)

    def _metric(self, network: Network) -> Any:
        """What an epoch is scored by, which is what `score` tells."""
        raise NotImplementedError

    def _outputs(self, X: Any, *, raw: bool = False) -> np.ndarray:
        """A[L] of every row of X, (samples, K); Z[L] if raw."""
        check_is_fitted(self)
        X = self._rows(X)
        # A floating dtype, whatever the user may have put into coefs_.
        dtype = np.result_type(self.coefs_[0], np.float32)
        layers = tuple(
            Layer(W.astype(dtype, copy=False), b.astype(dtype)) for W, b in self._layers()
        )
        return outputs(layers, X.astype(dtype, copy=False), self._network(), raw=raw)

    def _rows(self, X: Any) -> np.ndarray:
        """Checks X; the rows are dense then."""
        return dense(self._checked(X, reset=False))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _sizes(hidden: tuple[int, ...], data: Data, network: Network) -> tuple[int, ...]:
    """Units of every layer, features first."""
    return (data.X.shape[1], *hidden, data.Y.shape[1] * network.loss.outputs_of_label)
