"""Candidates of a search that cannot be trained side by side: fitted one by one.

scikit-learn fits them likewise. Their results stand among those of the others.
"""

import time
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.exceptions import ConvergenceWarning

from mlp_jax.estimators.mlp import MLP, NOT_FINITE
from mlp_jax.estimators.search_parts import Parts, network_in
from mlp_jax.estimators.search_samples import Samples
from mlp_jax.estimators.settings import Settings
from mlp_jax.network import Network
from mlp_jax.parameters import Layer


class FittedAlone(NamedTuple):
    """A candidate fitted on one fold.

    fitted: the whole estimator, None if it could not be fitted.
    status: as of `SweepMember`, or "failed".
    seconds: that it took.
    error: what it raised, or None.
    """

    fitted: Any
    status: str
    seconds: float
    error: Exception | None = None

    @property
    def trained(self) -> tuple[tuple[Layer, ...], Network]:
        """(params, network), in the dtype in which a sweep trains; see `SweepMember`."""
        mlp = network_in(self.fitted)
        dtype = jax.dtypes.canonicalize_dtype(np.float64)
        layers = tuple(Layer(W.astype(dtype), b.astype(dtype)) for W, b in mlp._layers())
        return layers, mlp._network()


INTERRUPTED = FittedAlone(None, "interrupted", 0.0)


def reasons_of(
    mlp: MLP, candidates: Sequence[Mapping[str, Any]], settings: Mapping[int, Settings]
) -> list[str | None]:
    """Why each candidate cannot be trained beside others; None where it can.

    Args:
      mlp: that knows the classes of the target.
      candidates: of the search.
      settings: of the networks of those candidates whose network is ours, by number.
    """
    one_class = is_classifier(mlp) and not mlp._is_of_labels and len(mlp.classes_) < 2

    def reason(number: int, candidate: Mapping[str, Any]) -> str | None:
        found = settings.get(number)
        if found is None:
            return "it has no network of mlp_jax"
        if found.adaptive:
            return "learning_rate='adaptive'"
        if not found.shuffle and not found.is_lbfgs:
            return "shuffle=False"
        if mlp._is_of_labels and found.class_weight is not None:
            return "class_weight with several labels"
        return "y has one class" if one_class else None

    return [reason(number, candidate) for number, candidate in enumerate(candidates)]


def warn_of_those_alone(reasons: Sequence[str | None]) -> None:
    """Warns of candidates that take their time one after the other, if there are any."""
    found = [reason for reason in reasons if reason is not None]
    if found:
        warnings.warn(
            f"{len(found)} of {len(reasons)} candidates cannot be trained side by side and are "
            f"trained one by one: {', '.join(dict.fromkeys(found))}",
            stacklevel=3,
        )


def candidate_of(parts: Parts, candidate: Mapping[str, Any], random: Any) -> Any:
    """The estimator with the parameters of a candidate, not fitted.

    random: its random_state, if it has none.
    """
    one = clone(parts.estimator).set_params(**clone(dict(candidate), safe=False))
    name = f"{parts.prefix}random_state"
    if one.get_params().get(name, 0) is None:
        one.set_params(**{name: random})
    return one


def fit_alone(estimator: Any, samples: Samples, train: np.ndarray, *, raises: bool) -> FittedAlone:
    """The estimator fitted on the samples `train`.

    Raises:
      Exception: what `fit` raises, if `raises`.
    """
    began = time.perf_counter()
    try:
        with warnings.catch_warnings():
            # No warning, as there is none for candidates side by side: "status" tells it.
            warnings.simplefilter("ignore", ConvergenceWarning)
            X, y, params = samples.to_fit(train)
            estimator.fit(X, y, **params)
    except Exception as error:  # a step before the network may be the user's own
        if raises:
            raise
        status = "diverged" if str(error) == NOT_FINITE else "failed"
        return FittedAlone(None, status, time.perf_counter() - began, error)
    mlp = network_in(estimator)
    status = "stopped" if isinstance(mlp, MLP) and mlp.n_iter_ < mlp.max_iter else "finished"
    return FittedAlone(estimator, status, time.perf_counter() - began)
