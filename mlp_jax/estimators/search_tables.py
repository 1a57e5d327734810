"""The folds of `SweepCV` as `fit` and `score` would see them, in one table for a sweep.

What the estimator learns before it trains differs by fold: the steps before the network, and so how
many columns they make; the classes there are; which samples validate.
"""

import copy
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.pipeline import Pipeline
from sklearn.utils.class_weight import compute_class_weight

from mlp_jax.estimators.data import Data
from mlp_jax.estimators.mlp import MLP
from mlp_jax.estimators.search_parts import (
    NetworkInput,
    Parts,
    fit_up_to_network,
    network_in,
    steps_before,
    target_of,
    unweighted,
)
from mlp_jax.estimators.search_samples import Samples
from mlp_jax.sweeps.folds import Split, as_splits


class TableFold(NamedTuple):
    """A fold of the table.

    train: places of the rows to train on.
    test: places of the rows to score.
    shown: places of the rows that were trained on, to score: some steps, such as `TargetEncoder`,
      transform a row otherwise when they are fitted on it.
    original: (train, test), places in what the user gave.
    fitted: the estimator, fitted but for its network, in whose place there is a `NetworkInput`.
    steps: before the network; None if there are none.
    mlp: the network with all that does not come from training.
    unscored: what the steps raised at the rows to score, or None.
    """

    train: np.ndarray
    test: np.ndarray
    shown: np.ndarray
    original: Split
    fitted: Any
    steps: Pipeline | None
    mlp: MLP
    unscored: Exception | None

    @property
    def classes(self) -> tuple[Any, ...]:
        """The classes that it trains on."""
        return tuple(getattr(self.mlp, "classes_", np.empty(0)).tolist())


class Tables(NamedTuple):
    """What a sweep trains on, and what its scores are of.

    X: (rows, features), the rows of every fold as its own steps transform them, one block after the
      other; one block for all folds if there are no steps. A fold with fewer columns than another
      has zeros after its own, at which weights stay as they are.
    y: (rows,) or (rows, K), the target of every row as the network learns it.
    weights: (rows,), what every row counts; None for all ones.
      samples: how many there are.
    folds: the folds to train on, by number.
    failed: what `fit` raises on the others, by number.
    total: how many folds there are.
    """

    X: np.ndarray
    y: np.ndarray
    weights: np.ndarray | None
    samples: int
    folds: dict[int, TableFold]
    failed: dict[int, Exception]
    total: int

    def rows(self, number: int, rows: np.ndarray) -> np.ndarray:
        """Rows of a fold as its network takes them, (rows, features)."""
        return np.ascontiguousarray(self.X[rows, : self.folds[number].mlp.n_features_in_])

    def widened(self, columns: int) -> "Tables":
        """The same with columns of zeros at the end of X, so that there are so many."""
        if columns == self.X.shape[1]:
            return self
        X = np.zeros((len(self.X), columns), self.X.dtype)
        X[:, : self.X.shape[1]] = self.X
        return self._replace(X=X)

    def weights_of(self, rows: np.ndarray) -> np.ndarray:
        """The weights of some rows, (rows,)."""
        return np.ones(len(rows)) if self.weights is None else self.weights[rows]

    def labels(self, mlp: MLP) -> np.ndarray:
        """The labels of every row of X, as a sweep takes them for this network.

        They are numbers of classes, or the labels as they are. A class that the network does not
        know has the number of the first, or of the second where the network knows one class alone;
        a number that is not finite is 0.
        """
        if not isinstance(mlp, ClassifierMixin):
            return np.where(np.isfinite(self.y), self.y, 0)
        if mlp._is_of_labels:
            return np.asarray(mlp._binarizer.transform(self.y), int)
        numbers = np.searchsorted(mlp.classes_, self.y)
        return np.where(self.known(mlp), numbers, int(len(mlp.classes_) == 1))

    def known(self, mlp: MLP) -> np.ndarray:
        """Whether the network knows what a row is, its class or its numbers, (rows,)."""
        if isinstance(mlp, ClassifierMixin):
            several = self.y.ndim > 1
            return np.ones(len(self.y), bool) if several else np.isin(self.y, mlp.classes_)
        return np.asarray(np.isfinite(self.y).reshape(len(self.y), -1).all(axis=1))

    def alike(self) -> list[list[int]]:
        """The numbers of the folds, in groups that train on the same classes."""
        groups: dict[Any, list[int]] = {}
        for number, fold in self.folds.items():
            groups.setdefault(fold.classes, []).append(number)
        return list(groups.values())


def tables_of(
    parts: Parts, samples: Samples, target: Any, splits: Any, *, shown: bool = False
) -> Tables:
    """The tables of these folds; the steps before the network are fitted once a fold.

    Args:
      parts: of the estimator.
      samples: as the user gave them.
      target: of the samples, see `checked_target`.
      splits: pairs (train, test) of what NumPy indexes samples by.
      shown: rows that were trained on are scored too.

    Raises:
      ValueError: X is no table, where there are no steps.
    """
    blocks = _Blocks()
    if not parts.path:
        whole = unweighted(parts.mlp)
        rows, _ = whole._validate(samples.X, samples.y, reset=True)
        blocks.add(rows, target, samples.weights)
    folds: dict[int, TableFold] = {}
    failed: dict[int, Exception] = {}
    pairs = as_splits(splits, target.shape[0])
    for number, split in enumerate(pairs):
        try:
            if not len(split[0]):
                raise ValueError("there are no rows to train on")
            if parts.path:
                folds[number] = _fit_fold(blocks, parts, samples, target, split, shown=shown)
            else:
                folds[number] = _fold_of_rows(whole, target, samples.weights, split)
        except Exception as error:  # a step may be the user's own
            failed[number] = error
    return Tables(*blocks.joined(), target.shape[0], folds, failed, len(pairs))


class _Blocks:
    """Rows with their targets and weights that are put into one table, block by block."""

    def __init__(self) -> None:
        self._blocks: list[tuple[np.ndarray, np.ndarray, np.ndarray | None]] = []
        self._count = 0

    def add(self, X: np.ndarray, y: Any, weights: np.ndarray | None) -> np.ndarray:
        """Puts a block into the table; the places of its rows there."""
        self._blocks.append((X, y.toarray() if hasattr(y, "toarray") else y, weights))
        self._count += len(X)
        return np.arange(self._count - len(X), self._count)

    def joined(self) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """(X, with columns of zeros to one width; y; weights, or None) of all rows."""
        if not self._blocks:
            return np.empty((0, 0)), np.empty(0), None
        tables, targets, weights = zip(*self._blocks, strict=True)
        y = targets[0] if len(targets) == 1 else np.concatenate(targets)
        weighed = None if weights[0] is None else np.concatenate(weights)
        if len(tables) == 1:
            return tables[0], y, weighed
        widest = max(table.shape[1] for table in tables)
        X = np.zeros((self._count, widest), np.result_type(*tables))
        ends = np.cumsum([len(table) for table in tables])
        for table, end in zip(tables, ends, strict=True):
            X[end - len(table) : end, : table.shape[1]] = table
        return X, y, weighed


def _fold_of_rows(mlp: MLP, target: Any, weights: np.ndarray | None, split: Split) -> TableFold:
    """The fold of a network alone, whose rows are in the table already."""
    own = copy.deepcopy(mlp)
    own._as_Y(target[split[0]], known=False)
    if weights is not None and not weights[split[0]].any():
        raise ValueError("all sample weights are zero; expected some above zero")
    return TableFold(*split, split[0], split, NetworkInput(own), None, own, None)


def _fit_fold(
    blocks: _Blocks, parts: Parts, samples: Samples, target: Any, split: Split, *, shown: bool
) -> TableFold:
    """Fits the steps of a fold and adds its rows to the blocks."""
    train, test = split
    X, y, params = samples.to_fit(train)
    fitted = fit_up_to_network(parts, X, y, params)
    made, steps = network_in(fitted), steps_before(fitted)
    mlp, of_rows = made.mlp_, made.handed_over()
    rows = seen = blocks.add(*of_rows)

    def add(given: Any, places: np.ndarray, otherwise: Any = None) -> np.ndarray:
        """The places of other samples in the table, or of those rows that they are equal to."""
        made = mlp._rows(given if steps is None else steps.transform(given))
        if otherwise is not None and np.array_equal(made, of_rows[0]):
            return np.asarray(otherwise)
        weights = None if samples.weights is None else samples.weights[places]
        return blocks.add(made, _target_or_nan(fitted, target[places]), weights)

    if shown:
        seen = add(X, train, rows)
    unscored, scored = None, rows[:0]
    try:
        if len(test):
            scored = add(samples.to_score(test)[0], test)
    except Exception as error:  # `score` would raise it too
        unscored = error
    return TableFold(rows, scored, seen, split, fitted, steps, mlp, unscored)


def _target_or_nan(fitted: Any, y: Any) -> Any:
    """The target as the network learns it; NaN where the user's transformer cannot take it."""
    try:
        with np.errstate(all="ignore"):
            return target_of(fitted, y)
    except Exception:  # it says nothing about the training, nor about the score
        return np.full(y.shape, np.nan)


def inner_splits(tables: Tables, share: float, random: np.random.RandomState) -> dict[int, Split]:
    """For early stopping, the training rows of every fold in two: to train on and to validate by.

    They are the rows that `fit` would take on the fold with the same `random_state`.
    """

    def split(fold: TableFold) -> Split:
        mlp = copy.deepcopy(fold.mlp).set_params(validation_fraction=share)
        Y = mlp._as_Y(tables.y[fold.train], known=True)
        weights = None if tables.weights is None else tables.weights[fold.train]
        parts = mlp._split(Data(fold.train[:, None], Y, weights), copy.deepcopy(random))
        return parts[0].X[:, 0], parts[1].X[:, 0]

    return {number: split(fold) for number, fold in tables.folds.items()}


def weights_by_class(given: Any, mlp: MLP, y: np.ndarray) -> np.ndarray | None:
    """The weights that `fit` gives the classes of the network on samples of these labels, (K,).

    None if it does not, or where `given` is nothing that it takes.
    """
    if isinstance(given, Mapping):
        return np.array([float(given.get(label, 1.0)) for label in mlp.classes_.tolist()])
    if isinstance(given, str) and given == "balanced":
        return np.asarray(compute_class_weight(given, classes=mlp.classes_, y=y))
    return None
