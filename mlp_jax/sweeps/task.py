"""What a sweep is asked to do, checked before anything compiles. Rows of the table are samples.

The task holds one copy of the examples; folds are indices into it.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from mlp_jax import metrics
from mlp_jax.keys import as_key
from mlp_jax.labels import rest_of
from mlp_jax.loss_rules import default_loss
from mlp_jax.losses import Loss
from mlp_jax.sweeps.configuration import Configuration
from mlp_jax.sweeps.folds import Split, as_splits, held_out, k_folds
from mlp_jax.sweeps.labels import (
    as_Y,
    checked_labels,
    classes_of,
    kind_of_labels,
    with_class_weights,
)
from mlp_jax.sweeps.space import configurations
from mlp_jax.training.checks import check_count, check_range
from mlp_jax.training.epoch import JUDGES

BATCH_SIZE = 64  # of a configuration that names none


class Task(NamedTuple):
    """The whole of a sweep, but for how it is done.

    X: features, (n[0], m).
    labels: for every loss of the space, its Y, (K, m).
    rests: for every loss, what is left of labels that were rounded to Y, (K, m), or None; see
      `labels.rest_of`.
    splits: the folds.
    configurations: complete, each with its loss, and with class weights by class number.
    seeds: of every configuration, those of its initial weights.
    key_init: the key of the initial weights.
    key_order: the key of batch order and dropout.
    scoring: "accuracy", "r2", "loss" or "own".
    metric: of every loss, what members are scored by; None for the loss itself.
    classes: what y was made of, or None.
    best_by: what makes an epoch the best, one of `JUDGES`; by "cost" the last one is.
    of_folds: every configuration as it is on every fold, such as with an l2 that is divided by the
      fold's number of rows; None where folds do not differ in this.
    features: of every fold, how many rows of X its networks have, the first ones; the others are 0
      there. None where all have all.
    as_fit: initial weights, batch order and dropout are those that the `fit` of an estimator draws
      from its seed, alike on all folds, and rows to validate by are weighed as those to train on.
    """

    X: np.ndarray
    labels: dict[Loss, np.ndarray]
    rests: dict[Loss, np.ndarray | None]
    splits: list[Split]
    configurations: list[Configuration]
    seeds: list[tuple[int, ...]]
    key_init: Any
    key_order: Any
    scoring: str
    metric: dict[Loss, metrics.Metric | None]
    classes: np.ndarray | None
    best_by: str
    of_folds: Sequence[Sequence[Configuration]] | None = None
    features: tuple[int, ...] | None = None
    as_fit: bool = False

    def of_fold(self, number: int, fold: int) -> Configuration:
        """The configuration of that number as it is on a fold."""
        return self.configurations[number] if self.of_folds is None else self.of_folds[number][fold]

    def key_of_weights(self, seed: int) -> jax.Array:
        """The key that `mlp_jax.init` needs for the initial weights of a seed."""
        return as_key(seed) if self.as_fit else jax.random.fold_in(self.key_init, np.uint32(seed))

    def key_of_fold(self, fold: int) -> jax.Array:
        """The key of a fold's batch order and dropout, as `mlp_jax.fit` takes it."""
        return (
            self.key_order if self.as_fit else jax.random.fold_in(self.key_order, np.uint32(fold))
        )

    def columns(self, fold: int | None) -> int:
        """How many features the networks of a fold have; None for all there are."""
        return len(self.X) if self.features is None or fold is None else self.features[fold]

    def exact_labels(self, loss: Loss) -> np.ndarray:
        """Y with all the digits that the labels came with, in float64 if these are more."""
        Y, rest = self.labels[loss], self.rests[loss]
        return Y if rest is None else Y.astype(np.float64) + rest

    def sizes(self, configuration: Configuration, fold: int | None = None) -> tuple[int, ...]:
        """Units of every layer, features first: those of a fold, or all."""
        loss = configuration.network.loss
        outputs = len(self.labels[loss]) * loss.outputs_of_label
        return (self.columns(fold), *configuration.hidden, outputs)


def as_task(
    X: Any,
    y: Any,
    space: Any,
    *,
    n: int | None = None,
    folds: Any = None,
    validation: Any = None,
    seeds: int = 1,
    epochs: int = 100,
    patience: int | None = None,
    scoring: Any = None,
    best_by: str = "validation_loss",
    key: Any = 0,
) -> Task:
    """The task of `mlp_jax.sweep`'s arguments of these names.

    Raises:
      ValueError: what came, what was expected and what to type.
    """
    key_init, key_order, key_choices = jax.random.split(as_key(key), 3)
    words = np.asarray(jax.random.key_data(key_choices)).tolist()
    seed_of_space, seed_of_folds = map(int, np.random.SeedSequence(words).generate_state(2))
    check_count("seeds", seeds)
    check_count("epochs", epochs)
    if patience is not None:
        check_range("patience", patience, 1, np.inf)
        patience = np.asarray(patience).item()  # as in a space: a checkpoint knows a sweep by it
    if best_by not in JUDGES:
        raise ValueError(f"best_by is {best_by!r}; expected one of {', '.join(JUDGES)}")
    configs = configurations(space, n, seed=seed_of_space)
    table, labels = _table(X), checked_labels(y, "y")
    _check_length(table, labels)
    splits = None
    if isinstance(validation, tuple | list):
        table, labels, splits = _with_own_validation(table, labels, validation, folds)
    kind = kind_of_labels(configs, labels)
    classes, labels = classes_of(kind, labels)
    default = default_loss(None if kind == "numbers" else 2 if classes is None else len(classes))
    configs = [
        config.completed(loss=default, epochs=int(epochs), patience=patience, batch_size=BATCH_SIZE)
        for config in configs
    ]
    if splits is None:
        splits = _splits(labels, classes, folds, validation, seed_of_folds)
    losses = sorted({config.network.loss for config in configs}, key=lambda loss: loss.name)
    Y = {loss: as_Y(loss, labels, classes, table.dtype) for loss in losses}
    configs = with_class_weights(configs, Y, classes, splits)
    scored, metric = scores_of(scoring, losses)
    if best_by == "metric" and scored == "loss":
        best_by = "validation_loss"  # they are the same
    return Task(
        X=np.ascontiguousarray(table.T),
        labels=Y,
        rests={
            loss: None if classes is not None else rest_of(np.atleast_2d(labels.T), one)
            for loss, one in Y.items()
        },
        splits=splits,
        configurations=configs,
        seeds=[tuple(range(seeds)) if c.seed is None else (c.seed,) for c in configs],
        key_init=key_init,
        key_order=key_order,
        scoring=scored,
        metric=metric,
        classes=classes,
        best_by=best_by,
    )


def _table(X: Any) -> np.ndarray:
    """X as floating numbers, (samples, features): float64 where it came so and JAX allows it.

    Of 16 bits it becomes float32: parameters are of the dtype of X, and `fit` refuses such.
    """
    try:
        table = np.asarray(X)
        dtype = table.dtype if table.dtype.kind == "f" else np.dtype(np.float64)
        table = table.astype(jax.dtypes.canonicalize_dtype(np.promote_types(dtype, np.float32)))
    except (TypeError, ValueError):
        raise ValueError(
            f"X holds something else than numbers ({np.asarray(X).dtype}); encode words as numbers "
            "first, as with sklearn.preprocessing.OneHotEncoder"
        ) from None
    if table.ndim != 2 or 0 in table.shape:
        raise ValueError(f"X has shape {table.shape}; expected (samples, features)")
    if not np.isfinite(table).all():
        row, column = (int(i) for i in np.argwhere(~np.isfinite(table))[0])
        raise ValueError(
            f"X[{row}, {column}] is {table[row, column]}; expected finite numbers: fill it in first"
        )
    return table


def _check_length(table: np.ndarray, labels: np.ndarray, of: str = "") -> None:
    if len(table) != len(labels):
        turned = "; rows are samples here: type X.T" if table.shape[1] == len(labels) else ""
        raise ValueError(f"{of}X has {len(table)} samples and y {len(labels)}{turned}")


def _with_own_validation(
    table: np.ndarray, labels: np.ndarray, validation: Sequence[Any], folds: Any
) -> tuple[np.ndarray, np.ndarray, list[Split]]:
    """The examples with those of (Xv, yv) after them, and the one split between the two."""
    if folds is not None:
        raise ValueError("both folds and validation are given: leave one out")
    if len(validation) != 2:
        raise ValueError(f"validation has {len(validation)} parts; expected (Xv, yv) or a share")
    own, own_labels = _table(validation[0]), checked_labels(validation[1], "validation y")
    _check_length(own, own_labels, "validation ")
    if own.shape[1] != table.shape[1] or own_labels.ndim != labels.ndim:
        raise ValueError(
            f"validation has X {own.shape} and y {own_labels.shape}; X is {table.shape} and y "
            f"{labels.shape}: expected as many columns"
        )
    m, all_m = len(table), len(table) + len(own)
    split = np.arange(m), np.arange(m, all_m)
    return np.concatenate([table, own]), np.concatenate([labels, own_labels]), [split]


def _splits(
    labels: np.ndarray, classes: np.ndarray | None, folds: Any, validation: Any, seed: int
) -> list[Split]:
    m, strata = len(labels), None if classes is None else labels
    if validation is not None:
        if folds is not None:
            raise ValueError("both folds and validation are given: leave one out")
        return held_out(m, validation, seed=seed, classes=strata)
    if folds is None:
        folds = 5
    if isinstance(folds, int | np.integer):
        return k_folds(m, int(folds), seed=seed, classes=strata)
    if hasattr(folds, "split") and not isinstance(folds, str):
        folds = folds.split(np.zeros((m, 1)), labels)
    splits = as_splits(folds, m)
    for number, parts in enumerate(splits):
        if not all(map(len, parts)):
            raise ValueError(
                f"fold {number} has {len(parts[0])} rows to train on and {len(parts[1])} to "
                "validate by; expected one or more of each"
            )
    return splits


def scores_of(choice: Any, losses: list[Loss]) -> tuple[str, dict[Loss, metrics.Metric | None]]:
    """The score's name, and for every loss the metric behind it; None for the loss itself."""
    if callable(choice):
        return "own", dict.fromkeys(losses, metrics.as_metric(choice))
    if choice is None:
        own = {loss.metric for loss in losses}
        classes = all(loss.classes for loss in losses)
        choice = "accuracy" if classes else "r2" if own == {metrics.r2} else "loss"
    if choice == "accuracy" and all(loss.classes for loss in losses):
        return "accuracy", {loss: metrics.as_metric(loss.metric) for loss in losses}
    if choice == "r2":
        return "r2", dict.fromkeys(losses, metrics.r2)
    if choice != "loss":
        raise ValueError(
            f"scoring is {choice!r}; expected 'accuracy' (of classes), 'r2', 'loss', or a function "
            "of (A, Y, weights) whose value is better the higher it is, or of an error "
            "mlp_jax.Metric(function, less_is_better=True)"
        )
    if len(losses) > 1:
        names = ", ".join(loss.name for loss in losses)
        raise ValueError(
            f"the space has the losses {names}, whose values cannot be compared; "
            "type scoring='r2', or only one of them"
        )
    return "loss", dict.fromkeys(losses)
