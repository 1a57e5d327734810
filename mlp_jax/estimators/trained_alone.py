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
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing

from mlp_jax.estimators.mlp import NOT_FINITE
from mlp_jax.estimators.search_input import Parts
from mlp_jax.estimators.search_tables import Tables
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
        mlp = _network_in(self.fitted)
        dtype = jax.dtypes.canonicalize_dtype(np.float64)
        layers = tuple(Layer(W.astype(dtype), b.astype(dtype)) for W, b in mlp._layers())
        return layers, mlp._network()


INTERRUPTED = FittedAlone(None, "interrupted", 0.0)


def reasons_of(
    parts: Parts,
    tables: Tables,
    candidates: Sequence[Mapping[str, Any]],
    settings: Sequence[Settings],
) -> list[str | None]:
    """Why each candidate cannot be trained beside others; None where it can.

    settings: of the candidates' networks.
    """
    mlp = next(iter(tables.folds.values())).mlp
    one_class = is_classifier(mlp) and not mlp._is_of_labels and len(tables.classes) < 2

    def reason(candidate: Mapping[str, Any], found: Settings) -> str | None:
        of_network = {f"{parts.prefix}{name}" for name in parts.of_network(candidate)}
        for name in candidate:
            if name not in of_network:
                return f"it chooses {name}"
        if found.adaptive:
            return "learning_rate='adaptive'"
        if not found.shuffle and not found.is_lbfgs:
            return "shuffle=False"
        if mlp._is_of_labels and found.class_weight is not None:
            return "class_weight with several labels"
        return "y has one class" if one_class else None

    return list(map(reason, candidates, settings))


def warn_of_those_alone(reasons: Sequence[str | None]) -> None:
    """Warns of candidates that take their time one after the other, if there are any."""
    found = [reason for reason in reasons if reason is not None]
    if found:
        warnings.warn(
            f"{len(found)} of {len(reasons)} candidates cannot be trained side by side and are "
            f"trained one by one: {', '.join(dict.fromkeys(found))}",
            stacklevel=3,
        )


def candidate_of(parts: Parts, estimator: Any, candidate: Mapping[str, Any], random: Any) -> Any:
    """The estimator with the parameters of a candidate, not fitted.

    random: its random_state, if it has none.
    """
    one = clone(estimator).set_params(**clone(dict(candidate), safe=False))
    name = f"{parts.prefix}random_state"
    if one.get_params().get(name, 0) is None:
        one.set_params(**{name: random})
    return one


def fit_alone(estimator: Any, X: Any, y: Any, train: np.ndarray, *, raises: bool) -> FittedAlone:
    """The estimator fitted on the rows `train`.

    Raises:
      Exception: what `fit` raises, if `raises`.
    """
    began = time.perf_counter()
    try:
        with warnings.catch_warnings():
            # No warning, as there is none for candidates side by side: "status" tells it.
            warnings.simplefilter("ignore", ConvergenceWarning)
            estimator.fit(_safe_indexing(X, train), _safe_indexing(y, train))
    except Exception as error:  # a step before the network may be the user's own
        if raises:
            raise
        status = "diverged" if str(error) == NOT_FINITE else "failed"
        return FittedAlone(None, status, time.perf_counter() - began, error)
    mlp = _network_in(estimator)
    most = getattr(mlp, "max_iter", None)
    status = "stopped" if most is not None and mlp.n_iter_ < most else "finished"
    return FittedAlone(estimator, status, time.perf_counter() - began)


def _network_in(fitted: Any) -> Any:
    return fitted.steps[-1][1] if isinstance(fitted, Pipeline) else fitted
