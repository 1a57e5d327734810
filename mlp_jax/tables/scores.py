"""Scores of predictions on rows held out, in NumPy: scikit-learn, whose they are, loads slowly.

All take the true values first, (samples,), and return a number; a test holds them equal to
scikit-learn's.
"""

import numpy as np


def root_mean_squared_error(true: np.ndarray, predicted: np.ndarray) -> float:
    """In units of the target."""
    return float(np.sqrt(np.mean((true - predicted) ** 2)))


def mean_absolute_error(true: np.ndarray, predicted: np.ndarray) -> float:
    """In units of the target."""
    return float(np.mean(np.abs(true - predicted)))


def r2(true: np.ndarray, predicted: np.ndarray) -> float:
    """1 - Σ (y - a)² / Σ (y - ȳ)²; of numbers that are all the same 1 if all are met, else 0."""
    missed, spread = ((true - predicted) ** 2).sum(), ((true - true.mean()) ** 2).sum()
    if spread == 0:
        return float(missed == 0)
    return float(1 - missed / spread)


def mean_pinball_loss(true: np.ndarray, predicted: np.ndarray, quantile: float) -> float:
    """In units of the target: a number above what is predicted costs `quantile` of its distance."""
    above = true - predicted
    return float(np.mean(np.maximum(quantile * above, (quantile - 1) * above)))


def log_loss(true: np.ndarray, P: np.ndarray) -> float:
    """In nats; a probability counts as no less than an eps of its dtype.

    Args:
      true: the place of every row's class.
      P: probabilities, (samples, classes).
    """
    eps = np.finfo(P.dtype).eps
    of_truth = np.clip(P[np.arange(len(true)), true], eps, 1 - eps)
    return float(-np.log(of_truth).mean())


def roc_auc(true: np.ndarray, score: np.ndarray) -> float:
    """The share of pairs of a row of class 1 and one of class 0 in which the first scores higher.

    A tie counts half. NaN where a class has no row.

    Args:
      true: 0 or 1.
      score: larger for what is rather 1.
    """
    _, places, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]  # from 1, the mean of those that tie
    ones = int(np.sum(true == 1))
    zeros = len(true) - ones
    if not ones or not zeros:
        return float("nan")
    return float((ranks[true == 1].sum() - ones * (ones + 1) / 2) / (ones * zeros))
