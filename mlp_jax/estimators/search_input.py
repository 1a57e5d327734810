"""From the parameters of `SweepCV` to what a sweep takes: candidates become configurations."""

import difflib
from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.model_selection import ParameterGrid, ParameterSampler
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state

from mlp_jax import metrics
from mlp_jax.estimators.mlp import MLP
from mlp_jax.estimators.search_tables import Tables, weights_by_class
from mlp_jax.estimators.settings import (
    Settings,
    mean_over_of,
    parse_settings,
)
from mlp_jax.network import Network
from mlp_jax.sweeps.configuration import network_of
from mlp_jax.sweeps.folds import Split
from mlp_jax.wording import as_typed


class Parts(NamedTuple):
    """An estimator in parts.

    steps: before the network, or None.
    mlp: the network.
    prefix: what the names of the network's parameters begin with.
    """

    steps: Pipeline | None
    mlp: MLP
    prefix: str

    def of_network(self, candidate: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters of a candidate that are the network's, by the network's own names."""
        own = self.mlp.get_params(deep=False)
        plain = {
            name.removeprefix(self.prefix): value
            for name, value in candidate.items()
            if name.startswith(self.prefix)
        }
        return {name: value for name, value in plain.items() if name in own}


def parts_of(estimator: Any) -> Parts:
    """The parts of an estimator that `SweepCV` can search over.

    Raises:
      ValueError: it is neither one of ours nor a `Pipeline` that ends with one.
    """
    if isinstance(estimator, MLP):
        return Parts(None, estimator, "")
    if isinstance(estimator, Pipeline) and isinstance(estimator.steps[-1][1], MLP):
        before = estimator[:-1] if len(estimator.steps) > 1 else None
        return Parts(before, estimator.steps[-1][1], f"{estimator.steps[-1][0]}__")
    raise ValueError(
        f"estimator is {type(estimator).__name__}; expected MLPClassifier or MLPRegressor of "
        "mlp_jax, or a Pipeline whose last step is one of them"
    )


def candidates_of(space: Any, n_iter: int | None, random_state: Any) -> list[dict[str, Any]]:
    """The parameters to try: all combinations, or n_iter draws, as scikit-learn draws them."""
    if n_iter is None:
        return list(ParameterGrid(space))
    return list(ParameterSampler(space, n_iter, random_state=random_state))


def settings_of(
    parts: Parts, estimator: Any, candidates: Sequence[Mapping[str, Any]]
) -> list[Settings]:
    """The settings of every candidate's network.

    Raises:
      ValueError: a parameter that the estimator has not.
    """
    own, known = parts.mlp.get_params(deep=False), estimator.get_params()
    found = []
    for candidate in candidates:
        for name in candidate:
            if name not in known:
                close = difflib.get_close_matches(str(name), known, n=1)
                of_network = ", ".join(f"{parts.prefix}{one}" for one in sorted(own))
                meant = f"did you mean {close[0]!r}?" if close else f"it has {of_network}"
                raise ValueError(
                    f"the space names {as_typed(name)}, which the estimator has not: {meant}"
                )
        found.append(parse_settings(own | parts.of_network(candidate)))
    return found


def scoring_of(mlp: MLP, configurations: Sequence[Mapping[str, Any]]) -> Any:
    """What an estimator scores its epochs by, as `mlp_jax.sweep` takes it.

    None for the metric of the loss. An estimator has another one for several labels, where an
    example counts as right if all its labels are, and for a single quantile, which R² scores.
    """
    networks = [Network(loss=one["loss"]) for one in configurations]
    scored = {mlp._metric(network) for network in networks}
    if len(scored) > 1 or scored == {network.loss.metric for network in networks}:
        return None
    (metric,) = scored
    return {None: "loss", metrics.r2: "r2"}.get(metric, metric)


def configurations_of(
    tables: Tables,
    settings: Sequence[Settings],
    numbers: Sequence[int],
    splits: Sequence[Split],
    seed: int,
) -> tuple[list[dict[str, Any]], list[list[dict[str, Any]]]]:
    """The settings as configurations of `mlp_jax.sweep`, and what differs by fold.

    Args:
      tables: of all folds.
      settings: of every candidate.
      numbers: of folds that train on the same classes.
      splits: their rows to train on and to validate by.
      seed: of the candidates without a random_state of their own.

    Returns:
      (of every candidate, its configuration, as on all samples; of every candidate and fold, the
      choices that are as on its rows).
    """
    mlp = tables.folds[numbers[0]].mlp
    labels, sources = tables.labels(mlp), [tables.folds[n].original[0] for n in numbers]
    known = tables.known(mlp) if isinstance(mlp, ClassifierMixin) else np.ones(len(tables.y), bool)
    weighed: dict[str, list[tuple[float, Any]]] = {}  # by class_weight; see `weights`

    def weights(given: Any) -> list[tuple[float, Any]]:
        """(mean weight of the rows, class_weight) of all samples, and of every fold."""
        if repr(given) not in weighed:
            made = weighed[repr(given)] = [(1.0, given)]
            for source, (train, _) in zip(sources, splits, strict=True):
                by_class = weights_by_class(given, mlp, tables.y[source])
                if by_class is None:
                    made.append((1.0, given))
                else:
                    mean = float(np.mean(by_class[labels[train]]))
                    made.append((mean, dict(enumerate(by_class.tolist()))))
            if isinstance(given, Mapping):
                by_class = weights_by_class(given, mlp, tables.y)
                assert by_class is not None
                numbers_of = np.searchsorted(mlp.classes_, tables.y[known])
                made[0] = float(np.mean(by_class[numbers_of])), dict(enumerate(by_class.tolist()))
        return weighed[repr(given)]

    configurations, of_folds = [], []
    for found in settings:
        loss = found.loss or mlp._network().loss.name
        one = found.named_choices(len(tables.y), loss) | {"seed": _seed_of(found, seed)}
        outputs = mean_over_of(network_of(one).loss, 1 if tables.y.ndim == 1 else tables.y.shape[1])
        if outputs > 1:
            one["mean_over"] = outputs
        given = found.class_weight
        _check_named(given, tables.classes)
        whole, *folds = [(1.0, None)] * (1 + len(splits)) if given is None else weights(given)
        rows = [len(train) for train, _ in splits]
        own = [found.choices_for(m, *of) for m, of in zip(rows, folds, strict=True)]
        configurations.append(one | found.choices_for(len(tables.y), *whole))
        of_folds.append(own)
    return configurations, of_folds


def _seed_of(settings: Settings, seed: int) -> int:
    """The seed that `fit` draws from an integer random_state; otherwise `seed`."""
    if not isinstance(settings.random_state, Integral):
        return seed
    return int(check_random_state(settings.random_state).randint(np.iinfo(np.int32).max))


def _check_named(given: Any, classes: np.ndarray) -> None:
    if isinstance(given, Mapping) and len(classes):
        unknown = sorted(set(given) - set(classes.tolist()), key=str)
        if unknown:
            raise ValueError(
                f"class_weight names {as_typed(unknown[0])}; the classes are "
                f"{as_typed(classes.tolist())}"
            )
