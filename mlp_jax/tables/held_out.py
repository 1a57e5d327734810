"""Which rows of a table are held out, and which are trained on. NumPy alone.

They are those that scikit-learn's `train_test_split` draws of the same seed, as a test holds:
scikit-learn takes seconds to import.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

ON_BOTH_SIDES = "expected one of each class or more on both sides"


class Parts(NamedTuple):
    """The places of samples.

    train: of those to train on.
    test: of those held out.
    note: why they are not held out class by class; "" where they are, and of numbers.
    """

    train: np.ndarray
    test: np.ndarray
    note: str = ""


def parts_of(
    y: np.ndarray,
    classes: Sequence[Any] | None,
    held_out: float,
    seed: int,
    *,
    strict: bool = True,
) -> Parts:
    """Which samples to train on, and which are held out.

    Args:
      y: (samples,), the place of each row's class, or its number.
      classes: what a row may be; None for numbers. Each has its share on both sides.
      held_out: the share of the samples.
      seed: of the draw.
      strict: a class that one side would have none of is refused; if not, samples are held out by
        chance then, but one of each class is trained on.

    Raises:
      ValueError: a share that is none, or too few samples.
    """
    m = len(y)
    if not 0 < held_out < 1:
        raise ValueError(f"--held-out is {held_out}; expected a share, such as 0.2")
    of_test = int(np.ceil(m * held_out))
    if m - of_test < 2:
        raise ValueError(_too_few(m, held_out))
    if classes is None:
        order = np.random.RandomState(seed).permutation(m)
        return Parts(order[of_test:], order[:of_test])
    try:
        return _by_class(y, classes, held_out, of_test, seed)
    except ValueError as error:
        if strict:
            raise
        train, test = _by_chance(y, of_test, seed)
        if not len(test):
            raise
        why = str(error).partition(";")[0]
        note = f"held out {len(test)} of {m} rows by chance, not by class: {why}"
        return Parts(train, test, note)


def _too_few(m: int, held_out: float) -> str:
    return f"{m} samples are too few to hold out a share of {held_out:g}; {ON_BOTH_SIDES}"


def _by_class(
    y: np.ndarray, classes: Sequence[Any], held_out: float, of_test: int, seed: int
) -> Parts:
    """Each class has its share on both sides; ValueError where one side would have none."""
    counts = np.bincount(y, minlength=len(classes))
    if counts.min() < 2:
        raise ValueError(
            f"the class {classes[int(counts.argmin())]!r} has {counts.min()} sample, too few to "
            "hold out; expected two of each or more"
        )
    if of_test < len(classes) or len(y) - of_test < len(classes):
        raise ValueError(_too_few(len(y), held_out))
    train, test = _stratified(y, of_test, seed)
    on_both = set(y[train].tolist()) & set(y[test].tolist())
    for place in set(range(len(classes))) - on_both:
        raise ValueError(
            f"the class {classes[place]!r} has {counts[place]} samples, too few to hold out a "
            f"share of {held_out:g}; {ON_BOTH_SIDES}"
        )
    return Parts(train, test)


def _by_chance(y: np.ndarray, of_test: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Of every class the first sample of the order is trained on, whatever chance says."""
    order = np.random.RandomState(seed).permutation(len(y))
    _, firsts = np.unique(y[order], return_index=True)
    free = np.ones(len(y), bool)
    free[firsts] = False
    is_held = free & (np.cumsum(free) <= of_test)
    return order[~is_held], order[is_held]


def _stratified(y: np.ndarray, of_test: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The parts, each with its share of every class as nearly as whole rows allow."""
    rng = np.random.RandomState(seed)
    counts = np.bincount(y)
    rows = np.split(np.argsort(y, kind="stable"), np.cumsum(counts)[:-1])
    of_train = _shares(counts, len(y) - of_test, rng)
    left = _shares(counts - of_train, of_test, rng)
    train, test = [], []
    for own, first, then in zip(rows, of_train, left, strict=True):
        order = own[rng.permutation(len(own))]
        train.append(order[:first])
        test.append(order[first : first + then])
    return rng.permutation(np.concatenate(train)), rng.permutation(np.concatenate(test))


def _shares(counts: np.ndarray, drawn: int, rng: np.random.RandomState) -> np.ndarray:
    """How many of each class are drawn; of classes as near to one more, some at random."""
    exact = counts / counts.sum() * drawn
    found = np.floor(exact)
    missing = int(drawn - found.sum())
    rest = exact - found
    for value in np.sort(np.unique(rest))[::-1]:
        if missing <= 0:
            break
        (alike,) = np.where(rest == value)
        more = rng.choice(alike, size=min(len(alike), missing), replace=False)
        found[more] += 1
        missing -= len(more)
    return found.astype(int)
