"""An estimator in parts: the network, and what stands around it in scikit-learn's pipelines.

A `Pipeline` may end in the network and a `TransformedTargetRegressor` may hold it, one within the
other. While these are fitted, a `NetworkInput` stands in the network's place and keeps what reaches
it, so that scikit-learn's own code makes the rows, the target and the weights.
"""

import copy
from collections.abc import Mapping
from typing import Any, NamedTuple, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import _check_y

from mlp_jax.estimators.mlp import MLP


class Parts(NamedTuple):
    """An estimator in parts.

    estimator: the whole.
    mlp: the network in it.
    path: the network's place, as `set_params` takes it: "mlpclassifier", "regressor__net"; "" where
      the network is the whole.
    """

    estimator: Any
    mlp: MLP
    path: str

    @property
    def prefix(self) -> str:
        """What the names of the network's parameters begin with."""
        return f"{self.path}__" if self.path else ""

    @property
    def transforms_target(self) -> bool:
        """Whether the network learns another target than the user's."""
        inner = self.estimator
        while not isinstance(inner, MLP):
            if isinstance(inner, TransformedTargetRegressor):
                return True
            _, inner = inside(inner)
        return False

    def of_network(self, candidate: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters of a candidate that are the network's, by the network's own names."""
        own = self.mlp.get_params(deep=False)
        plain = {
            name.removeprefix(self.prefix): value
            for name, value in candidate.items()
            if name.startswith(self.prefix)
        }
        return {name: value for name, value in plain.items() if name in own}


def inside(estimator: Any) -> tuple[str, Any]:
    """(name, estimator) of what a pipeline ends in, or of what learns a transformed target.

    ("", None) of another estimator.
    """
    if isinstance(estimator, Pipeline) and estimator.steps:
        name, last = estimator.steps[-1]
        return str(name), last
    if isinstance(estimator, TransformedTargetRegressor):
        return "regressor", estimator.regressor
    return "", None


def parts_of(estimator: Any) -> Parts:
    """The parts of an estimator that `SweepCV` can search over.

    Raises:
      ValueError: there is none of our networks in it.
    """
    names, inner = [], estimator
    while not isinstance(inner, MLP):
        name, inner = inside(inner)
        if not name:
            raise ValueError(
                f"estimator is {type(estimator).__name__}; expected MLPClassifier or MLPRegressor "
                "of mlp_jax, or a Pipeline or a TransformedTargetRegressor that ends in one of them"
            )
        names.append(name)
    return Parts(estimator, inner, "__".join(names))


class NetworkInput(BaseEstimator):
    """What stands in a network's place while the steps before it are fitted.

    mlp_: the network with all that does not come from training.
    """

    def __init__(self, mlp: MLP) -> None:
        self.mlp = mlp

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Keeps what reaches it."""
        self.mlp_ = clone(self.mlp)
        self._y = checked_target(self.mlp, y)
        self._data = self.mlp_._data(X, self._y, sample_weight, incremental=False, first=True)
        return self

    def handed_over(self) -> tuple[np.ndarray, Any, np.ndarray | None]:
        """(rows, target, weights) that have reached it; it keeps them no longer."""
        (X, _, weights), y = self._data, self._y
        del self._data, self._y
        return X, y, weights

    def predict(self, X: Any) -> Any:
        """Not possible; `TransformedTargetRegressor` takes none without this method."""
        raise ValueError("there is no network yet that could predict")


def fit_up_to_network(parts: Parts, X: Any, y: Any, params: Mapping[str, Any]) -> Any:
    """The estimator fitted to these samples, with a `NetworkInput` in the network's place."""
    input_of_network = NetworkInput(unweighted(parts.mlp))
    if hasattr(parts.mlp, "_metadata_request"):  # as `clone` hands it on
        input_of_network._metadata_request = copy.deepcopy(parts.mlp._metadata_request)
    whole = input_of_network
    if parts.path:
        whole = clone(parts.estimator).set_params(**{parts.path: input_of_network})
    return whole.fit(X, y, **params)


def unweighted(mlp: MLP) -> MLP:
    """A new network that does not weigh classes, since the sweep does."""
    new = clone(mlp)
    return new.set_params(class_weight=None) if isinstance(new, ClassifierMixin) else new


def checked_target(mlp: MLP, y: Any) -> Any:
    """The target of a network as scikit-learn checks it: (samples,) or (samples, K).

    It is an array, or a sparse matrix of labels.

    Raises:
      ValueError: it is none.
    """
    if y is None:
        raise ValueError("SweepCV requires y to be passed, but the target y is None")
    numeric = isinstance(mlp, RegressorMixin)
    found = _check_y(y, multi_output=True, y_numeric=numeric, estimator=mlp)
    return _flat(found) if isinstance(found, np.ndarray) else found


def _flat(y: np.ndarray) -> np.ndarray:
    """(samples,) where there is one column."""
    return y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y


def network_in(fitted: Any) -> Any:
    """What stands in the network's place."""
    while True:
        if isinstance(fitted, Pipeline):
            fitted = fitted.steps[-1][1]
        elif isinstance(fitted, TransformedTargetRegressor):
            fitted = fitted.regressor_
        else:
            return fitted


def steps_before(fitted: Any) -> Pipeline | None:
    """All fitted steps before the network, one after the other; None if there are none."""
    steps, outer = [], ""
    while not isinstance(fitted, NetworkInput):
        if isinstance(fitted, Pipeline):
            steps += [(f"{outer}{name}", step) for name, step in fitted.steps[:-1]]
            outer += f"{fitted.steps[-1][0]}-"
            fitted = fitted.steps[-1][1]
        else:
            fitted = fitted.regressor_
    return Pipeline(steps) if steps else None


def target_of(fitted: Any, y: np.ndarray) -> np.ndarray:
    """The user's target, flat, as the network learns it. fitted: see `fit_up_to_network`."""
    while not isinstance(fitted, NetworkInput):
        if isinstance(fitted, Pipeline):
            fitted = fitted.steps[-1][1]
        else:
            y = _flat(fitted.transformer_.transform(y[:, None] if y.ndim == 1 else y))
            fitted = fitted.regressor_
    return y


def with_network(fitted: Any, mlp: MLP, *, steps: bool) -> Any:
    """The fitted estimator with this network in its place.

    Args:
      fitted: see `fit_up_to_network`; it is left as it is.
      mlp: fitted.
      steps: with the steps before the network, for rows as the user gave them; otherwise for rows
        as the network takes them.
    """
    if isinstance(fitted, NetworkInput):
        return mlp
    if isinstance(fitted, Pipeline):
        name, last = fitted.steps[-1]
        inner = with_network(last, mlp, steps=steps)
        if not steps:
            return inner
        whole = copy.copy(fitted)
        whole.steps = [*fitted.steps[:-1], (name, inner)]
        return whole
    whole = copy.copy(fitted)
    whole.regressor = whole.regressor_ = with_network(fitted.regressor_, mlp, steps=steps)
    return whole
