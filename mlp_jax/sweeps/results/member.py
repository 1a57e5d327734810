"""A member as a result has it: what it was trained on, and what became of it."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import jax
import numpy as np

from mlp_jax.dtypes import scope
from mlp_jax.labels import class_weights
from mlp_jax.network import Network
from mlp_jax.parameters import Layer, init
from mlp_jax.sweeps.configuration import Configuration
from mlp_jax.sweeps.outcomes import Outcomes
from mlp_jax.sweeps.task import Task
from mlp_jax.training.state import Info

# What a configuration and `mlp_jax.fit` have by the same name.
_OF_FIT = (
    *("epochs", "batch_size", "patience", "tolerance", "ties", "mean_over"),
    *("l2", "dropout", "dropout_epochs", "label_smoothing"),
)


@dataclass(frozen=True, eq=False)
class SweepMember:
    """One training: a configuration, as it is on one fold, with one seed.

    configuration: its choices by name.
    seed: of the initial weights.
    fold: the number of the fold.
    status: "finished", "stopped" (patience was lost), "diverged", "halved away" or "interrupted".
    score: in the best epoch; NaN if there is none.
    best_epoch: by validation loss unless the sweep was told otherwise, counted from 1; 0 if there
      is none.
    """

    configuration: dict[str, Any]
    seed: int
    fold: int
    status: str
    score: float
    best_epoch: int
    _task: Task = field(repr=False)
    _choices: Configuration = field(repr=False)
    _outcome: tuple[Outcomes, int] | None = field(repr=False)  # and its place there

    @cached_property
    def params(self) -> tuple[Layer, ...] | None:
        """Those of the best epoch; None of a member that never began."""
        if self._outcome is None:
            return None
        outcomes, place = self._outcome
        return outcomes.params.of(place, self._task.sizes(self._choices, self.fold))

    @cached_property
    def curves(self) -> Info:
        """What was told of every epoch."""
        if self._outcome is None:
            return Info(*np.empty((4, 0), self._task.X.dtype))
        outcomes, place = self._outcome
        return Info(*outcomes.history(place).T)

    @property
    def network(self) -> Network:
        """The activation, the loss and the precision."""
        return self._choices.network

    @property
    def trained(self) -> tuple[tuple[Layer, ...], Network]:
        """(params, network) of a member that finished."""
        assert self.params is not None, f"a member that {self.status} has no parameters"
        return self.params, self.network

    @property
    def labels(self) -> tuple[np.ndarray, np.ndarray]:
        """(labels trained on, labels validated by), each (n[L], m)."""
        train, held = self._task.splits[self.fold]
        Y = self._task.labels[self.network.loss].T
        return Y[:, train], Y[:, held]

    @property
    def weights(self) -> tuple[np.ndarray | None, np.ndarray | None]:
        """(weights of rows trained on, of rows validated by), each (m,); None for all ones."""
        of_all = self._task.weights
        if of_all is None:
            return None, None
        train, held = self._task.splits[self.fold]
        return of_all[train], of_all[held]

    def arguments_of_fit(self) -> dict[str, Any]:
        """What `mlp_jax.fit` takes to train this member alone.

        It ends in the same parameters, but for dropout in full batches on folds of different
        lengths: a shorter fold is filled up in a sweep, and its masks are others.

        Example:
          >>> import numpy as np, mlp_jax
          >>> X = np.random.default_rng(0).normal(size=(60, 2))
          >>> result = mlp_jax.sweep(X, X[:, 0] > 0, {"width": [4, 8]}, epochs=3, progress=False)
          >>> member = result.members[0]
          >>> state, info = mlp_jax.fit(**member.arguments_of_fit())
          >>> np.allclose(info.cost, member.curves.cost, rtol=1e-4)
          True
        """
        task, config = self._task, self._choices
        train, held = task.splits[self.fold]
        sizes = task.sizes(config, self.fold)
        X, Y = task.X[:, : sizes[0]].T, task.labels[self.network.loss].T
        drawn = np.dtype(np.float32) if task.as_fit else X.dtype
        with scope(X.dtype):  # as in the sweep, to the last bit
            params = init(task.key_of_weights(self.seed), sizes, scheme=config.init, dtype=drawn)
        given = config.class_weight
        numbers = {name: config.named[name] for name in _OF_FIT if name in config.named}
        validation: tuple[Any, ...] = (X[:, held], task.exact_labels(self.network.loss)[held].T)
        weights = example_weights(task, given, Y, train)
        of_held = example_weights(task, given if task.validates_by_class else None, Y, held)
        if of_held is not None:
            validation = (*validation, of_held)
        return numbers | {
            "params": jax.tree.map(lambda leaf: leaf.astype(X.dtype), params),
            "X": X[:, train],
            "Y": Y[:, train],
            "validation": validation,
            "network": self.network,
            "optimizer": config.optimizer,
            "metric": task.metric[self.network.loss],
            "best_by": task.best_by,
            "weights": weights,
            "key": task.key_of_fold(self.fold),
        }


def example_weights(task: Task, class_weight: Any, Y: np.ndarray, rows: Any) -> Any:
    """Of some rows of a task the weights as `fit` takes them, (1, rows); None for all ones.

    class_weight: of a configuration, or None. Y: labels of all rows, (n[L], m).
    """
    by_class = None if class_weight is None else class_weights(Y[:, rows], class_weight)
    if task.weights is None:
        return by_class
    by_row = task.weights[None, rows]
    return by_row if by_class is None else np.asarray(by_class * by_row, by_row.dtype)


def best_loss(member: SweepMember) -> float:
    """The validation loss of its best epoch; infinite if it has none."""
    if member.best_epoch == 0:
        return float("inf")
    return float(member.curves.validation_loss[member.best_epoch - 1])
