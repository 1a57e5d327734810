"""What a sweep is asked to do, checked before anything compiles. Rows of the table are samples.

The task holds one copy of the examples; folds are indices into it.
"""

from typing import Any, NamedTuple

import jax
import numpy as np

from mlp_jax import metrics
from mlp_jax.keys import as_key
from mlp_jax.labels import rest_of
from mlp_jax.loss_rules import default_loss
from mlp_jax.losses import Loss
from mlp_jax.sweeps.configuration import Configuration
from mlp_jax.sweeps.configurations import Configurations
from mlp_jax.sweeps.examples import (
    as_table,
    check_length,
    checked_weights,
    weights_of_folds,
    with_own_validation,
)
from mlp_jax.sweeps.folds import Split, splits_of
from mlp_jax.sweeps.labels import (
    as_Y,
    checked_labels,
    classes_of,
    kind_of_labels,
    with_class_weights,
)
from mlp_jax.sweeps.scoring import scores_of
from mlp_jax.sweeps.space import configurations
from mlp_jax.training.checks import check_count, check_range
from mlp_jax.training.recipe import JUDGES

BATCH_SIZE = 64  # of a configuration that names none


class Task(NamedTuple):
    """The whole of a sweep, but for how it is done.

    X: features, (m, n[0]): rows are samples.
    labels: for every loss of the space, its Y, (m, K).
    rests: for every loss, what is left of labels that were rounded to Y, (m, K), or None; see
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
    of_folds: of every fold, the configurations as they are there, such as with an l2 that is
      divided by the fold's number of rows; None where folds do not differ in this.
    features: of every fold, how many features its networks take: the first columns of X, of which
      the others are 0 on that fold. None if all folds have all columns.
    as_fit: initial weights, batch order and dropout are those that the `fit` of an estimator draws
      from its seed, alike on all folds, and rows to validate by are weighed as those to train on.
    weights: what every row counts in cost, validation loss and score, (m,); None for all ones.
    """

    X: np.ndarray
    labels: dict[Loss, np.ndarray]
    rests: dict[Loss, np.ndarray | None]
    splits: list[Split]
    configurations: Configurations
    seeds: list[tuple[int, ...]]
    key_init: Any
    key_order: Any
    scoring: str
    metric: dict[Loss, metrics.Metric | None]
    classes: np.ndarray | None
    best_by: str
    of_folds: tuple[Configurations, ...] | None = None
    features: tuple[int, ...] | None = None
    as_fit: bool = False
    weights: np.ndarray | None = None

    def part(self, first: int, last: int) -> "Task":
        """The task of the configurations from number `first` to before `last` alone, from 0."""
        return self.of_those(np.arange(len(self.configurations))[first:last])

    def of_those(self, numbers: np.ndarray) -> "Task":
        """The task of some configurations alone, numbered anew."""
        assert self.of_folds is None
        return self._replace(
            configurations=self.configurations.take(numbers),
            seeds=[self.seeds[number] for number in numbers.tolist()],
        )

    def on_fold(self, fold: int) -> Configurations:
        """The configurations as they are on a fold."""
        return self.configurations if self.of_folds is None else self.of_folds[fold]

    def of_fold(self, number: int, fold: int) -> Configuration:
        """The configuration of that number as it is on a fold."""
        return self.on_fold(fold)[number]

    def only(self, numbers: np.ndarray) -> "Task":
        """The task of the configurations of these numbers, without what the others have."""
        folds = self.of_folds
        return self._replace(
            configurations=self.configurations.only(numbers),
            seeds=[self.seeds[number] for number in numbers.tolist()],
            of_folds=None if folds is None else tuple(one.only(numbers) for one in folds),
        )

    def key_of_weights(self, seed: int) -> jax.Array:
        """The key that `mlp_jax.init` needs for the initial weights of a seed."""
        return as_key(seed) if self.as_fit else jax.random.fold_in(self.key_init, np.uint32(seed))

    def key_of_fold(self, fold: int) -> jax.Array:
        """The key of a fold's batch order and dropout, as `mlp_jax.fit` takes it."""
        return (
            self.key_order if self.as_fit else jax.random.fold_in(self.key_order, np.uint32(fold))
        )

    @property
    def validates_by_class(self) -> bool:
        """Whether the weights of classes count among rows to validate by."""
        return self.as_fit and self.best_by == "metric"

    def columns(self, fold: int | None) -> int:
        """How many features the networks of a fold have; None for all there are."""
        return self.X.shape[1] if self.features is None or fold is None else self.features[fold]

    def exact_labels(self, loss: Loss) -> np.ndarray:
        """Y with all the digits that the labels came with, in float64 if these are more."""
        Y, rest = self.labels[loss], self.rests[loss]
        return Y if rest is None else Y.astype(np.float64) + rest

    def sizes(self, configuration: Configuration, fold: int | None = None) -> tuple[int, ...]:
        """Units of every layer, features first: those of a fold, or all."""
        loss = configuration.network.loss
        outputs = self.labels[loss].shape[1] * loss.outputs_of_label
        return (self.columns(fold), *configuration.hidden, outputs)

    def parameters(self) -> np.ndarray:
        """(n,), int64: how many weights and biases the networks of all configurations have."""
        configs = self.configurations
        losses = [network.loss for network in configs.networks]
        outputs = [self.labels[loss].shape[1] * loss.outputs_of_label for loss in losses]
        last = np.array(outputs, np.int64)[configs.network_codes]
        rows, inputs, widths = np.arange(len(configs)), self.X.shape[1], configs.widths
        sizes = np.concatenate([np.full((len(rows), 1), inputs), widths], axis=1)
        inside = (sizes[:, :-1] * sizes[:, 1:]).sum(axis=1)
        return inside + sizes[rows, configs.depths] * last + widths.sum(axis=1) + last


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
    weights: Any = None,
    stream: bool = False,
) -> Task:
    """The task of `mlp_jax.sweep`'s arguments of these names.

    stream: as for `space.configurations`.

    Raises:
      ValueError: what came, what was expected and what to type.
    """
    key_init, key_order, key_choices = jax.random.split(as_key(key), 3)
    seed_of_space, seed_of_folds = _seeds_of(key_choices)
    patience = _checked(seeds, epochs, patience, best_by)
    configs = configurations(space, n, seed=seed_of_space, stream=stream)
    table, labels = as_table(X), checked_labels(y, "y")
    check_length(table, labels)
    if weights is not None:
        weights = checked_weights(weights, len(table), table.dtype)
    splits = None
    if isinstance(validation, tuple | list):
        table, labels, splits = with_own_validation(table, labels, validation, folds)
    kind = kind_of_labels(configs, labels)
    classes, labels = classes_of(kind, labels)
    default = default_loss(None if kind == "numbers" else 2 if classes is None else len(classes))
    configs = configs.completed(
        loss=default, epochs=int(epochs), patience=patience, batch_size=BATCH_SIZE
    )
    if splits is None:
        splits = splits_of(labels, classes, folds, validation, seed_of_folds)
    weights = weights_of_folds(weights, splits, len(table))
    losses = sorted({network.loss for network in configs.networks}, key=lambda loss: loss.name)
    Y = {loss: as_Y(loss, labels, classes, table.dtype) for loss in losses}
    configs = with_class_weights(configs, Y, classes, splits)
    scored, metric = scores_of(scoring, losses)
    if best_by == "metric" and scored == "loss":
        best_by = "validation_loss"  # they are the same
    return Task(
        X=np.ascontiguousarray(table),
        labels=Y,
        rests={
            loss: None if classes is not None else _rest(labels, one) for loss, one in Y.items()
        },
        splits=splits,
        configurations=configs,
        seeds=_seeds_of_each(configs, seeds),
        key_init=key_init,
        key_order=key_order,
        scoring=scored,
        metric=metric,
        classes=classes,
        best_by=best_by,
        weights=weights,
    )


def _rest(labels: np.ndarray, Y: np.ndarray) -> np.ndarray | None:
    """What labels, (m,) or (m, K), lost when they were rounded to Y, (m, K); None if nothing."""
    rest = rest_of(np.atleast_2d(labels.T), Y.T)
    return None if rest is None else np.ascontiguousarray(rest.T)


def _seeds_of_each(configs: Configurations, seeds: int) -> list[tuple[int, ...]]:
    """The seeds of every configuration, its own where it names one."""
    shared = tuple(range(seeds))
    if "seed" not in configs.columns:
        return [shared] * len(configs)
    own = configs.columns["seed"].values()
    return [shared if seed is None else (seed,) for seed in own]


def _seeds_of(key: Any) -> tuple[int, int]:
    """(the seed of the drawing of a space, the seed of the folds)."""
    words = np.asarray(jax.random.key_data(key)).tolist()
    of_space, of_folds = np.random.SeedSequence(words).generate_state(2)
    return int(of_space), int(of_folds)


def _checked(seeds: Any, epochs: Any, patience: Any, best_by: Any) -> Any:
    """The patience as a number of Python's, or None; ValueError if one of these is wrong."""
    check_count("seeds", seeds)
    check_count("epochs", epochs)
    if best_by not in JUDGES:
        raise ValueError(f"best_by is {best_by!r}; expected one of {', '.join(JUDGES)}")
    if patience is None:
        return None
    check_range("patience", patience, 1, np.inf)
    return np.asarray(patience).item()  # as in a space: a checkpoint knows a sweep by it
