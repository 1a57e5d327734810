"""The folds of `SweepCV` as `fit` and `score` would see them, in one table for a sweep.

What the estimator learns before it trains differs by fold: the steps before the network, and so how
many columns they make; the classes there are; which samples validate.
"""

import copy
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin, clone
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.validation import _check_y

from mlp_jax.estimators.data import Data
from mlp_jax.estimators.mlp import MLP
from mlp_jax.sweeps.folds import Split, as_splits


class TableFold(NamedTuple):
    """A fold of the table.

    train: places of the rows to train on.
    test: places of the rows to score.
    shown: places of the rows that were trained on, to score: some steps, such as `TargetEncoder`,
      transform a row otherwise when they are fitted on it.
    original: (train, test), places in what the user gave.
    steps: before the network, fitted; None if there are none.
    mlp: the network with all that does not come from training.
    unscored: what the steps raised at the rows to score, or None.
    """

    train: np.ndarray
    test: np.ndarray
    shown: np.ndarray
    original: Split
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
    source: (rows,), the sample that a row is made of.
    y: (samples,) or (samples, K).
    classes: of all samples; none of numbers.
    folds: the folds to train on, by number.
    failed: what `fit` raises on the others, by number.
    total: how many folds there are.
    """

    X: np.ndarray
    source: np.ndarray
    y: np.ndarray
    classes: np.ndarray
    folds: dict[int, TableFold]
    failed: dict[int, Exception]
    total: int

    def rows(self, number: int, rows: np.ndarray) -> np.ndarray:
        """Rows of a fold as its network takes them, (rows, features)."""
        return np.ascontiguousarray(self.X[rows, : self.folds[number].mlp.n_features_in_])

    def labels(self, mlp: MLP) -> np.ndarray:
        """The labels of every row of X, as a sweep takes them for this network.

        They are numbers of classes, or the labels as they are. A class that the network does not
        know has the number of the first, or of the second where the network knows one class alone.
        """
        if not isinstance(mlp, ClassifierMixin):
            return np.asarray(self.y[self.source])
        if mlp._is_of_labels:
            return np.asarray(mlp._binarizer.transform(self.y), int)[self.source]
        numbers = np.searchsorted(mlp.classes_, self.y)
        known = self.known(mlp)
        return np.where(known, numbers, int(len(mlp.classes_) == 1))[self.source]

    def known(self, mlp: MLP) -> np.ndarray:
        """Whether the network knows the class of a sample, (samples,)."""
        return np.isin(self.y, mlp.classes_)

    def alike(self) -> list[list[int]]:
        """The numbers of the folds, in groups that train on the same classes."""
        groups: dict[Any, list[int]] = {}
        for number, fold in self.folds.items():
            groups.setdefault(fold.classes, []).append(number)
        return list(groups.values())


def tables_of(
    steps: Pipeline | None, mlp: MLP, X: Any, y: Any, splits: Any, *, shown: bool = False
) -> Tables:
    """The tables of these folds; the steps before the network are fitted once a fold.

    Args:
      steps: before the network, or None.
      mlp: the network.
      X: samples, as the first step takes them.
      y: their target.
      splits: pairs (train, test) of what NumPy indexes samples by.
      shown: rows that were trained on are scored too.

    Raises:
      ValueError: of no fold could `fit` make anything, or of none of the samples.
    """
    whole = _unweighted(mlp)
    target = _check_y(
        y, multi_output=True, y_numeric=isinstance(mlp, RegressorMixin), estimator=mlp
    )
    whole._as_Y(target, known=False)  # raises for what is no target
    if target.ndim == 2 and target.shape[1] == 1:
        target = target[:, 0]
    blocks = _Blocks()
    if steps is None:
        rows, _ = whole._validate(X, y, reset=True)
        blocks.add(rows, np.arange(len(rows)))
    folds: dict[int, TableFold] = {}
    failed: dict[int, Exception] = {}
    pairs = as_splits(splits, target.shape[0])
    for number, split in enumerate(pairs):
        try:
            if not len(split[0]):
                raise ValueError("there are no rows to train on")
            if steps is None:
                own = copy.deepcopy(whole)
                own._as_Y(target[split[0]], known=False)
                folds[number] = TableFold(*split, split[0], split, None, own, None)
            else:
                arguments = clone(steps), _unweighted(mlp), X, y, target, split
                folds[number] = _fit_fold(blocks, *arguments, shown=shown)
        except Exception as error:  # a step may be the user's own
            failed[number] = error
    if not folds:
        raise next(iter(failed.values()))
    table, source = blocks.joined()
    classes = getattr(whole, "classes_", np.empty(0))
    return Tables(table, source, target, classes, folds, failed, len(pairs))


class _Blocks:
    """Rows that are put into one table, block by block."""

    def __init__(self) -> None:
        self._blocks: list[np.ndarray] = []
        self._sources: list[np.ndarray] = []
        self._count = 0

    def add(self, block: np.ndarray, source: np.ndarray) -> np.ndarray:
        """Puts a block into the table; the places of its rows there."""
        self._blocks.append(block)
        self._sources.append(source)
        self._count += len(block)
        return np.arange(self._count - len(block), self._count)

    def joined(self) -> tuple[np.ndarray, np.ndarray]:
        """(all rows, with columns of zeros to one width; the sample that each row is made of)."""
        source = np.concatenate(self._sources)
        if len(self._blocks) == 1:
            return self._blocks[0], source
        widest = max(block.shape[1] for block in self._blocks)
        table = np.zeros((self._count, widest), np.result_type(*self._blocks))
        ends = np.cumsum([len(block) for block in self._blocks])
        for block, end in zip(self._blocks, ends, strict=True):
            table[end - len(block) : end, : block.shape[1]] = block
        return table, source


def _fit_fold(
    blocks: _Blocks,
    steps: Pipeline,
    mlp: MLP,
    X: Any,
    y: Any,
    target: np.ndarray,
    split: Split,
    *,
    shown: bool,
) -> TableFold:
    """Fits the steps of a fold and adds its rows to the blocks."""
    train, test = split
    some = _safe_indexing(X, train)
    made = steps.fit_transform(some, _safe_indexing(y, train))
    data = mlp._data(made, target[train], None, incremental=False, first=True)
    rows = seen = blocks.add(data.X, train)
    if shown:
        again = mlp._rows(steps.transform(some))
        seen = rows if np.array_equal(again, data.X) else blocks.add(again, train)
    unscored = None
    scored = rows[:0]
    try:
        if len(test):
            tested = mlp._rows(steps.transform(_safe_indexing(X, test)))
            scored = blocks.add(tested, test)
    except Exception as error:  # `score` would raise it too
        unscored = error
    return TableFold(rows, scored, seen, split, steps, mlp, unscored)


def _unweighted(mlp: MLP) -> MLP:
    """A new network that does not weigh classes, since the sweep does."""
    new = clone(mlp)
    return new.set_params(class_weight=None) if isinstance(new, ClassifierMixin) else new


def inner_splits(tables: Tables, share: float, random: np.random.RandomState) -> dict[int, Split]:
    """For early stopping, the training rows of every fold in two: to train on and to validate by.

    They are the rows that `fit` would take on the fold with the same `random_state`.
    """

    def split(fold: TableFold) -> Split:
        mlp = copy.deepcopy(fold.mlp).set_params(validation_fraction=share)
        Y = mlp._as_Y(tables.y[fold.original[0]], known=True)
        parts = mlp._split(Data(fold.train[:, None], Y, None), copy.deepcopy(random))
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
