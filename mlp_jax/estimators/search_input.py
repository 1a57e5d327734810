"""From the parameters of `SweepCV` to what a sweep takes: candidates become configurations."""

from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import ParameterGrid, ParameterSampler
from sklearn.utils import check_random_state

from mlp_jax import metrics
from mlp_jax.estimators.mlp import MLP
from mlp_jax.estimators.search_parts import Parts, parts_of
from mlp_jax.estimators.search_tables import Tables, weights_by_class
from mlp_jax.estimators.settings import (
    Settings,
    mean_over_of,
    parse_settings,
)
from mlp_jax.network import Network
from mlp_jax.sweeps.configuration import network_of
from mlp_jax.sweeps.folds import Split
from mlp_jax.wording import as_typed, meant


class Variant(NamedTuple):
    """The estimator with one setting of all that is not its network's.

    chosen: that setting, as candidates name it.
    parts: of the estimator with it; None if it has none of our networks any more.
    candidates: the numbers of those that have it.
    """

    chosen: dict[str, Any]
    parts: Parts | None
    candidates: list[int]


def candidates_of(space: Any, n_iter: int | None, random_state: Any) -> list[dict[str, Any]]:
    """The parameters to try: all combinations, or n_iter draws, as scikit-learn draws them.

    Raises:
      ValueError: it is no space of parameters, or has none.
    """
    try:
        if n_iter is None:
            found = list(ParameterGrid(space))
        else:
            found = list(ParameterSampler(space, n_iter, random_state=random_state))
    except TypeError as error:
        raise ValueError(f"param_distributions is {as_typed(space)}: {error}") from None
    odd = [name for candidate in found for name in candidate if not isinstance(name, str)]
    if odd or not found:
        what = f"names {as_typed(odd[0])}" if odd else f"is {as_typed(space)}"
        raise ValueError(f"param_distributions {what}; expected names of parameters as texts")
    return found


def variants_of(parts: Parts, candidates: Sequence[Mapping[str, Any]]) -> list[Variant]:
    """The settings of the steps around the network, each once, with the candidates that have it.

    Raises:
      ValueError: a candidate has a parameter that the estimator has not.
    """
    found: dict[Any, Variant] = {}
    for number, candidate in enumerate(candidates):
        own = {f"{parts.prefix}{name}" for name in parts.of_network(candidate)}
        chosen = {name: value for name, value in candidate.items() if name not in own}
        key = tuple((name, _key_of(value)) for name, value in sorted(chosen.items()))
        if key not in found:
            found[key] = Variant(chosen, _with(parts, chosen), [])
        found[key].candidates.append(number)
    return list(found.values())


def _key_of(value: Any) -> Any:
    """What two equal settings have alike: the value and its type, or of others which object."""
    if isinstance(value, tuple):
        return tuple(map(_key_of, value))
    if value is None or isinstance(value, str | bool | int | float | np.generic):
        return type(value), value
    return id(value)


def _with(parts: Parts, chosen: Mapping[str, Any]) -> Parts | None:
    """The parts of the estimator with this setting; None if its network is none of ours."""
    if not chosen:
        return parts
    estimator = clone(parts.estimator)
    try:
        estimator.set_params(**clone(dict(chosen), safe=False))
    except (ValueError, AttributeError, TypeError) as error:
        raise _unknown(parts, chosen, error) from None
    try:
        return parts_of(estimator)
    except ValueError:
        return None


def _unknown(parts: Parts, chosen: Mapping[str, Any], error: Exception) -> ValueError:
    """The error of a setting that the estimator does not take, in words."""
    known = parts.estimator.get_params()
    for name in chosen:
        of_what_is_chosen = any(name.startswith(f"{step}__") for step in chosen)
        if name not in known and not of_what_is_chosen:
            close = meant(name, known)
            own = sorted(parts.mlp.get_params(deep=False))
            of_network = ", ".join(f"{parts.prefix}{one}" for one in own)
            cure = f"it has {of_network}" if close is None else f"did you mean {close}?"
            return ValueError(
                f"the space names {as_typed(name)}, which the estimator has not: {cure}"
            )
    return ValueError(
        f"the estimator does not take {as_typed(dict(chosen))} together ({error}); type a list of "
        "spaces, each with the parameters of the steps that it chooses"
    )


def settings_of(
    variants: Sequence[Variant], candidates: Sequence[Mapping[str, Any]]
) -> dict[int, Settings]:
    """The settings of every candidate's network, by its number, where the network is ours.

    Raises:
      ValueError: what came and what was expected.
    """
    found = {}
    for _, parts, numbers in variants:
        if parts is not None:
            own = parts.mlp.get_params(deep=False)
            for number in numbers:
                found[number] = parse_settings(own | parts.of_network(candidates[number]))
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
    labels, known = tables.labels(mlp), np.flatnonzero(tables.known(mlp))
    weighed: dict[str, list[tuple[float, Any]]] = {}  # by class_weight; see `weights`

    def weighed_rows(
        rows: np.ndarray, given: Any, by_class: np.ndarray | None
    ) -> tuple[float, Any]:
        """(mean weight of some rows, class_weight of these weights of classes)."""
        of_rows = tables.weights_of(rows)
        if by_class is None:
            return float(np.mean(of_rows)), given
        return float(np.mean(by_class[labels[rows]] * of_rows)), dict(enumerate(by_class.tolist()))

    def weights(given: Any) -> list[tuple[float, Any]]:
        """(mean weight of the rows, class_weight) of all samples, and of every fold."""
        if repr(given) not in weighed:
            of_all = weights_by_class(given, mlp, tables.y) if isinstance(given, Mapping) else None
            made = weighed[repr(given)] = [weighed_rows(known, given, of_all)]
            for number, (train, _) in zip(numbers, splits, strict=True):
                trained = tables.y[tables.folds[number].train]
                made.append(weighed_rows(train, given, weights_by_class(given, mlp, trained)))
        return weighed[repr(given)]

    configurations, of_folds = [], []
    for found in settings:
        loss = found.loss or mlp._network().loss.name
        one = found.named_choices(tables.samples, loss) | {"seed": _seed_of(found, seed)}
        outputs = mean_over_of(network_of(one).loss, 1 if tables.y.ndim == 1 else tables.y.shape[1])
        if outputs > 1:
            one["mean_over"] = outputs
        whole, *folds = weights(found.class_weight)
        rows = [len(train) for train, _ in splits]
        own = [found.choices_for(m, *of) for m, of in zip(rows, folds, strict=True)]
        configurations.append(one | found.choices_for(tables.samples, *whole))
        of_folds.append(own)
    return configurations, of_folds


def _seed_of(settings: Settings, seed: int) -> int:
    """The seed that `fit` draws from an integer random_state; otherwise `seed`."""
    if not isinstance(settings.random_state, Integral):
        return seed
    return int(check_random_state(settings.random_state).randint(np.iinfo(np.int32).max))


def check_named_classes(settings: Iterable[Settings], classes: np.ndarray) -> None:
    """Raises ValueError where a class_weight names a class that there is not."""
    for found in settings:
        given = found.class_weight
        if isinstance(given, Mapping) and len(classes):
            unknown = sorted(set(given) - set(classes.tolist()), key=str)
            if unknown:
                raise ValueError(
                    f"class_weight names {as_typed(unknown[0])}; the classes are "
                    f"{as_typed(classes.tolist())}"
                )
