"""The samples of a search with what `fit` is given beside them, and whom that goes to."""

import copy
import inspect
import warnings
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from sklearn import get_config
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing
from sklearn.utils.metadata_routing import process_routing
from sklearn.utils.validation import _check_method_params

from mlp_jax.estimators.mlp import MLP
from mlp_jax.estimators.search_parts import inside
from mlp_jax.sweeps.examples import checked_weights

OF_SAMPLES = "sample_weight"  # all that a network of a search is given beside X and y


class Samples(NamedTuple):
    """What the user gave.

    X: as the first step takes it.
    y: the target.
    fit_params: of the estimator's `fit`, by name; arrays with a value for every sample among them.
    score_params: of the scorer, likewise.
    weights: of those that reach the network, what every sample counts, (samples,); None for all
      ones.
    """

    X: Any
    y: Any
    fit_params: Mapping[str, Any]
    score_params: Mapping[str, Any]
    weights: np.ndarray | None

    def to_fit(self, rows: np.ndarray) -> tuple[Any, Any, dict[str, Any]]:
        """(X, y, parameters of `fit`) of some samples."""
        return self._of(rows, self.fit_params)

    def to_score(self, rows: np.ndarray) -> tuple[Any, Any, dict[str, Any]]:
        """(X, y, parameters of the scorer) of some samples."""
        return self._of(rows, self.score_params)

    def _of(self, rows: np.ndarray, params: Mapping[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
        chosen = _check_method_params(self.X, params, indices=rows)
        return _safe_indexing(self.X, rows), _safe_indexing(self.y, rows), chosen


def weights_of_network(estimator: Any, fit_params: Mapping[str, Any], m: int) -> np.ndarray | None:
    """The weights of all m samples that the estimator's `fit` hands to its network; None for none.

    Raises:
      ValueError: the network is handed something else; no step of a pipeline has the name; weights
        are not one a sample, or not 0 or more and finite.
    """
    params = dict(fit_params)
    while not isinstance(estimator, MLP):
        of_last, last = inside(estimator)
        if get_config()["enable_metadata_routing"]:
            params = dict(process_routing(estimator, "fit", **params)[of_last].fit)
        elif isinstance(estimator, Pipeline):
            _check_steps(estimator, params)
            params = {
                one.removeprefix(f"{of_last}__"): value
                for one, value in params.items()
                if one.startswith(f"{of_last}__")
            }
        estimator = last
    for other in params:
        if other != OF_SAMPLES:
            raise ValueError(
                f"fit of SweepCV hands the network no {other}; expected {OF_SAMPLES} at most. "
                "Leave it out (weights of classes: type class_weight in the estimator), or type "
                "RandomizedSearchCV"
            )
    if params.get(OF_SAMPLES) is None:
        return None
    return _checked(params[OF_SAMPLES], m)


def routed(search: Any, scorer: Any, given: Mapping[str, Any]) -> tuple[Any, Any, Any, Any]:
    """Whom the parameters of a search's `fit` go to, as scikit-learn's searches hand them on.

    With metadata routing they go to whoever requests them. Without, groups go to the splitter, all
    others to the estimator, and weights of samples also to those scorers that take them, of which a
    warning says which do not.

    Args:
      search: that is fitted.
      scorer: of its candidates, one of scikit-learn's or a function, or a scorer of several.
      given: the parameters, by name.

    Returns:
      (parameters of the estimator's `fit`, of the splitter, of the scorer; the scorer that takes
      these).
    """
    if get_config()["enable_metadata_routing"]:
        found = process_routing(search, "fit", **given)
        return found.estimator.fit, found.splitter.split, found.scorer.score, scorer
    of_fit = dict(given)
    of_splitter = {"groups": of_fit.pop("groups", None)}
    if OF_SAMPLES not in of_fit:
        return of_fit, of_splitter, {}, scorer
    several = getattr(scorer, "_scorers", None)
    every = {"score": scorer} if several is None else several
    without = [name for name, one in every.items() if not _takes_weights(one)]
    if without:
        warnings.warn(
            f"{', '.join(without)}: this score takes no {OF_SAMPLES} and counts every sample once",
            stacklevel=4,
        )
    if len(without) == len(every):
        return of_fit, of_splitter, {}, scorer
    if without:
        weighed = {n: Unweighed(one) if n in without else one for n, one in every.items()}
        scorer = copy.copy(scorer)
        scorer._scorers = weighed
    return of_fit, of_splitter, {OF_SAMPLES: of_fit[OF_SAMPLES]}, scorer


def _takes_weights(scorer: Any) -> bool:
    """Whether a scorer of scikit-learn, or a function, takes weights of samples."""
    own = getattr(scorer, "_estimator", None)  # of the estimator's own score
    function = getattr(scorer, "_score_func", scorer) if own is None else own.score
    return OF_SAMPLES in inspect.signature(function).parameters


class Unweighed:
    """A scorer that counts every sample once, beside others that take weights."""

    def __init__(self, scorer: Callable[..., Any]) -> None:
        self._scorer = scorer

    def __call__(self, estimator: Any, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """The score, whatever the weights are."""
        return self._scorer(estimator, X, y)

    def _accept_sample_weight(self) -> bool:  # asked by scikit-learn
        return True


def _check_steps(pipeline: Pipeline, params: Mapping[str, Any]) -> None:
    """Raises ValueError for parameters of `fit` that name no step of the pipeline."""
    names = [str(name) for name, _ in pipeline.steps]
    for param in params:
        step, separator, own = param.partition("__")
        if not (separator and step in names):
            raise ValueError(
                f"fit of SweepCV is given {param}, which names no step of the Pipeline; type "
                f"{names[-1]}__{own or param}= for the network, or "
                "sklearn.set_config(enable_metadata_routing=True) and set_fit_request of each step"
            )


def _checked(weights: Any, m: int) -> np.ndarray:
    """Weights of m samples, (samples,), as float64.

    Raises:
      ValueError: another shape, a weight that is below 0 or not finite, or none above 0.
    """
    found = checked_weights(weights, m, np.dtype(np.float64), name=OF_SAMPLES)
    if not found.any():
        raise ValueError(f"all {m} of {OF_SAMPLES} are 0; expected some above 0")
    return found
