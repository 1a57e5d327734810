"""How examples are split to train and to validate, as indices into one resident copy of them."""

import reprlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jax import Array

from mlp_jax.wording import as_typed


class Fold(NamedTuple):
    """One split of the examples, as indices into all of them.

    train: rows to train on, int32, (length of the longest fold,): filled up with rows once more.
    validation: rows to validate by, likewise.
    sizes: how many of each are no filling, int32, (2,).
    which: the number of the fold's training size in `Lengths.train`, int32, ().
    """

    train: Array | np.ndarray
    validation: Array | np.ndarray
    sizes: Array | np.ndarray
    which: Array | np.ndarray


class Lengths(NamedTuple):
    """The static side of the folds.

    train: the different numbers of examples to train on, ascending.
    even: all folds train on as many examples, and validate by as many.
    """

    train: tuple[int, ...]
    even: bool


Split = tuple[np.ndarray, np.ndarray]  # indices to train on, indices to validate by


def k_folds(m: int, k: int, *, seed: int = 0, classes: Any = None) -> list[Split]:
    """K splits of m examples at random; every example is validated by once.

    Args:
      m: how many examples.
      k: how many folds.
      seed: of the order.
      classes: the class of every example, (m,), to have the same share of every class, but for
        one example, in each fold; None for no regard to it.

    Returns:
      k pairs (train, validation) of indices; the sizes differ by one example at most.

    Raises:
      ValueError: k is not from 2 to m, or classes does not fit.

    Example:
      >>> [len(train) for train, _ in k_folds(10, 3)]
      [6, 7, 7]
    """
    if not isinstance(k, int | np.integer) or isinstance(k, bool) or not 2 <= k <= m:
        raise ValueError(
            f"folds is {as_typed(k)} for {m} examples; expected an integer from 2 to {m}"
        )
    order = _order(m, seed, classes)
    # Dealt out like cards: neighbours in the order, which are of one class, go to different folds.
    parts = [np.sort(order[i::k]) for i in range(k)]
    everything = np.arange(m)
    return [(np.setdiff1d(everything, part), part) for part in parts]


def held_out(m: int, share: float, *, seed: int = 0, classes: Any = None) -> list[Split]:
    """The one split that keeps a share of the examples to validate by.

    Raises:
      ValueError: the share leaves nothing on one side.
    """
    if not isinstance(share, float | np.floating) or not 0 < share < 1 or m < 2:
        raise ValueError(
            f"validation is {as_typed(share)} of {m} examples; expected a share between 0 and 1 "
            "of at least 2 examples"
        )
    count = min(max(1, round(share * m)), m - 1)
    order = _order(m, seed, classes)
    # Evenly spaced in an order sorted by class, so that every class gives its share.
    picked = np.floor((np.arange(count) + 0.5) * m / count).astype(int)
    return [(np.sort(np.delete(order, picked)), np.sort(order[picked]))]


def as_splits(folds: Any, m: int) -> list[Split]:
    """Pairs of what NumPy indexes m rows by, as pairs of indices from 0 to m - 1.

    Args:
      folds: pairs (train, validation), each part a boolean mask of all rows, or indices, which may
        be negative, and may name a row more than once.
      m: how many rows there are.

    Raises:
      ValueError: something else came.

    Example:
      >>> as_splits([([True, False, True], [-2])], 3)
      [(array([0, 2]), array([1]))]
    """
    try:
        pairs = [(train, held) for train, held in folds]
    except (TypeError, ValueError):
        raise ValueError(
            f"folds is {reprlib.repr(folds)}; expected how many, pairs of indices (train, "
            "validation), or a splitter of scikit-learn"
        ) from None
    if not pairs:
        raise ValueError("folds is empty; expected a pair (train, validation) or more")
    return [
        (
            _indices(train, m, f"to train on of fold {number}"),
            _indices(held, m, f"of fold {number}"),
        )
        for number, (train, held) in enumerate(pairs)
    ]


def splits_of(
    labels: np.ndarray, classes: np.ndarray | None, folds: Any, validation: Any, seed: int
) -> list[Split]:
    """The folds of `mlp_jax.sweep`'s arguments of these names, five where it names none.

    Args:
      labels: (m,) or (m, K); class numbers where there are classes.
      classes: what y was made of, or None.
      folds: how many, pairs of indices, a splitter of scikit-learn, or None.
      validation: the share to validate by, or None.
      seed: of the draw.

    Raises:
      ValueError: neither of these came, or both, or a fold has no rows.
    """
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


def _indices(part: Any, m: int, name: str) -> np.ndarray:
    """A part of a fold as indices; `name` tells the rows it is of."""
    found = np.asarray(part)
    if found.dtype == bool and found.shape == (m,):
        return np.flatnonzero(found)
    if found.shape == (0,):  # of whatever dtype
        return np.empty(0, np.intp)
    if found.ndim != 1 or found.dtype.kind not in "iu":
        raise ValueError(
            f"the rows {name} are given as {found.dtype} of shape {found.shape}; expected indices, "
            f"or a mask of shape ({m},)"
        )
    lowest, highest = int(found.min()), int(found.max())
    if lowest < -m or highest >= m:
        raise ValueError(
            f"the rows {name} have the index {highest if highest >= m else lowest}; expected "
            f"indices from 0 to {m - 1}, or from -{m} to -1, counted from the end"
        )
    return np.where(found < 0, found + m, found) if lowest < 0 else found


def _order(m: int, seed: int, classes: Any) -> np.ndarray:
    """All indices at random, those of one class together."""
    order = np.random.default_rng(seed).permutation(m)
    if classes is None:
        return order
    classes = np.asarray(classes)
    if classes.shape != (m,):
        raise ValueError(f"classes has shape {classes.shape}; expected ({m},), one an example")
    return order[np.argsort(classes[order], kind="stable")]


def as_folds(splits: Sequence[Split]) -> tuple[list[Fold], Lengths]:
    """The splits in NumPy as the program takes them, as long as the longest; and what is static."""
    sizes = [(len(train), len(held)) for train, held in splits]
    longest, longest_held = (max(column) for column in zip(*sizes, strict=True))
    different = tuple(sorted({train for train, _ in sizes}))
    folds = [
        Fold(
            np.asarray(np.resize(train, longest), np.int32),
            np.asarray(np.resize(held, longest_held), np.int32),
            np.asarray((len(train), len(held)), np.int32),
            np.asarray(different.index(len(train)), np.int32),
        )
        for train, held in splits
    ]
    return folds, Lengths(different, even=len(set(sizes)) == 1)
