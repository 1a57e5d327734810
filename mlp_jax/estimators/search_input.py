"""What `SweepCV` is given, made ready: candidates, folds, and tables for a sweep."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import ClassifierMixin, clone
from sklearn.model_selection import ParameterGrid, ParameterSampler, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing

from mlp_jax import metrics
from mlp_jax.estimators.mlp import MLP
from mlp_jax.estimators.settings import checked, configuration_of, mean_over_of
from mlp_jax.forward_propagation import Network
from mlp_jax.sweeps.space import network_of
from mlp_jax.wording import as_typed

Split = tuple[np.ndarray, np.ndarray]


class Parts(NamedTuple):
    """An estimator in parts: the steps before the network, the network, its parameters' prefix."""

    steps: Pipeline | None
    mlp: MLP
    prefix: str


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
    """The parameters to try: all combinations of lists, or n_iter draws as scikit-learn's."""
    if n_iter is None:
        return list(ParameterGrid(space))
    return list(ParameterSampler(space, n_iter, random_state=random_state))


def settings_of(
    parts: Parts, estimator: Any, candidates: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The checked settings of every candidate's network.

    Raises:
      ValueError: a parameter that the estimator has not.
    """
    own, known = parts.mlp.get_params(deep=False), estimator.get_params()
    found = []
    for candidate in candidates:
        chosen = {}
        for name, value in candidate.items():
            if name not in known:
                close = difflib.get_close_matches(str(name), known, n=1)
                of_network = ", ".join(f"{parts.prefix}{one}" for one in sorted(own))
                meant = f"did you mean {close[0]!r}?" if close else f"it has {of_network}"
                raise ValueError(
                    f"the space names {as_typed(name)}, which the estimator has not: {meant}"
                )
            plain = name.removeprefix(parts.prefix)
            if name.startswith(parts.prefix) and plain in own:
                chosen[plain] = value
        found.append(checked(own | chosen))
    return found


class Tables(NamedTuple):
    """What a sweep trains on and what its scores are of.

    X: the rows of every fold as its own steps transform them, one block after the other; one block
    for all folds if there are no steps. Y: their labels, (K, rows). splits: (train, test), rows of
    X to train on and to validate by. shown: the same for scorers: some steps, such as
    `TargetEncoder`, transform rows otherwise when they are fitted on them. original: the same, rows
    of what the user gave. steps: those of every fold, fitted. fitted: the network with all that
    does not come from training.
    """

    X: np.ndarray
    Y: np.ndarray
    splits: list[Split]
    shown: list[Split]
    original: list[Split]
    steps: list[Pipeline | None]
    fitted: MLP

    def labels(self) -> np.ndarray:
        """Y as `sweep` takes labels: numbers of classes, or what they are."""
        classes = isinstance(self.fitted, ClassifierMixin)
        if not classes or self.fitted._binarizer.y_type_.startswith("multilabel"):
            labels = self.Y[0] if len(self.Y) == 1 else self.Y.T
            return labels.astype(int) if classes else labels
        return (self.Y[0] if len(self.Y) == 1 else self.Y.argmax(axis=0)).astype(int)


def tables_of(parts: Parts, X: Any, y: Any, splits: Sequence[Split]) -> Tables:
    """The tables of these folds; the steps before the network are fitted once a fold."""
    splits = [(np.asarray(train), np.asarray(test)) for train, test in splits]
    if parts.steps is None:
        mlp = _unweighted(parts.mlp)
        data = mlp._data(X, y, None, incremental=False, first=True)
        return Tables(data.X, data.Y, splits, splits, splits, [None] * len(splits), mlp)
    blocks, labels = list[np.ndarray](), list[np.ndarray]()
    moved, shown, steps = list[Split](), list[Split](), []

    def added(block: np.ndarray, Y: np.ndarray) -> int:
        """Where its rows begin."""
        first = sum(map(len, blocks))
        blocks.append(block)
        labels.append(Y)
        return first

    for train, test in splits:
        fold, y_train = clone(parts.steps), _safe_indexing(y, train)
        made = fold.fit_transform(_safe_indexing(X, train), y_train)
        mlp = _unweighted(parts.mlp)
        data = mlp._data(fold.transform(X), y, None, incremental=False, first=True)
        first = added(data.X, data.Y)
        shown.append((train + first, test + first))
        rows, own = train + first, mlp._validated(made, y_train, reset=False)[0]
        if not np.array_equal(own, data.X[train]):
            rows = np.arange(len(train)) + added(own, data.Y[:, train])
        moved.append((rows, test + first))
        steps.append(fold)
    widths = {block.shape[1] for block in blocks}
    if len(widths) > 1:
        raise ValueError(
            f"the steps before the network make {sorted(widths)} columns, not as many in every "
            "fold; type handle_unknown='ignore' and the categories in OneHotEncoder"
        )
    Y = np.concatenate(labels, axis=1)
    return Tables(np.concatenate(blocks), Y, moved, shown, splits, steps, mlp)


def _unweighted(mlp: MLP) -> MLP:
    """A new one, that does not weigh classes; the sweep does."""
    new = clone(mlp)
    return new.set_params(class_weight=None) if isinstance(new, ClassifierMixin) else new


def inner_splits(tables: Tables, share: float, random: np.random.RandomState) -> list[Split]:
    """For early stopping: of the training rows of every fold, a share to validate by."""

    def split(train: np.ndarray) -> Split:
        strata = tables.fitted._strata(tables.Y[:, train], share)
        inner, held = train_test_split(train, test_size=share, random_state=random, stratify=strata)
        return inner, held

    return [split(train) for train, _ in tables.splits]


def scoring_of(tables: Tables, configurations: Sequence[Mapping[str, Any]]) -> Any:
    """What an estimator scores its epochs by, as `mlp_jax.sweep` takes it; None for its own choice.

    That is not the loss's metric everywhere: of several labels an example counts as right if all of
    them are, and one quantile is scored by R².
    """
    networks = [Network(loss=one["loss"]) for one in configurations]
    scored = {tables.fitted._metric(network) for network in networks}
    if len(scored) > 1 or scored == {network.loss.metric for network in networks}:
        return None
    (metric,) = scored
    return {None: "loss", metrics.r2: "r2"}.get(metric, metric)


def configurations_of(
    tables: Tables, settings: Sequence[Mapping[str, Any]], splits: Sequence[Split]
) -> list[dict[str, Any]]:
    """The settings as configurations of `mlp_jax.sweep`."""
    # Of the longest: a batch is cut to a shorter fold, as `fit` does.
    m = max(len(train) for train, _ in splits)
    classes = getattr(tables.fitted, "classes_", None)
    configurations = []
    for found in settings:
        loss = found.get("loss", None) or tables.fitted._network().loss.name
        one = configuration_of(found, m, loss)
        outputs = mean_over_of(network_of(one).loss, len(tables.Y))
        if outputs > 1:
            one["mean_over"] = outputs
        weights = one.get("class_weight")
        if isinstance(weights, Mapping) and classes is not None:
            numbers = {label: number for number, label in enumerate(classes.tolist())}
            unknown = sorted(set(weights) - set(numbers), key=str)
            if unknown:
                raise ValueError(
                    f"class_weight names {as_typed(unknown[0])}; the classes are "
                    f"{as_typed(classes.tolist())}"
                )
            by_class = [float(weights.get(label, 1.0)) for label in numbers]
            one["class_weight"] = dict(enumerate(by_class))
            one["l2"] /= np.mean(np.array(by_class)[tables.labels()])  # as `fit` divides it
        configurations.append(one)
    return configurations
