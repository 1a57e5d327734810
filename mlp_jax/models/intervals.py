"""Intervals of numbers, from the errors on rows that were held out: split conformal prediction.

Where the rows to come are exchangeable with those held out, the next error is as likely to have any
of n + 1 places among n errors. So the k-th smallest error bounds the next one with probability
k / (n + 1) or more, whatever the network and the distribution are (Vovk et al., 2005; Lei et al.,
2018). All rows have one half-width: where errors grow with the number that is predicted, the
intervals are too wide for small numbers and too narrow for large ones, and right on average.
NumPy alone.
"""

import math
from typing import Any

import numpy as np

from mlp_jax.wording import as_typed

LEVEL = 0.9  # of the intervals that a report and `mlp-jax info` show
MOST = 10_000  # residuals that are kept: at most 1 / 10,000 of the level is lost
SOME = "type mlp-jax sweep --output, or take a TableRegressor, of which the model has some"


def residuals_of(true: Any, predicted: Any) -> np.ndarray:
    """|true - predicted|, sorted down every column, (rows kept, K), float64.

    Of more than `MOST` rows, errors of evenly picked ranks are kept. Every one bounds the next
    error at least as often as its place among those kept says.

    Args:
      true: the numbers, (rows,) or (rows, K), in units of the target.
      predicted: likewise, by networks that did not see these rows.

    Raises:
      ValueError: shapes that differ, no row, or a residual that is not finite.

    Example:
      >>> residuals_of([1.0, 2.0, 3.0], [1.5, 2.0, 1.0]).ravel()
      array([0. , 0.5, 2. ])
    """
    true, predicted = np.asarray(true, np.float64), np.asarray(predicted, np.float64)
    if true.shape != predicted.shape or true.ndim not in (1, 2) or not len(true):
        raise ValueError(
            f"true has shape {true.shape} and predicted {predicted.shape}; expected (rows,) or "
            "(rows, targets) of both, and a row at least"
        )
    found = np.sort(np.abs(true - predicted).reshape(len(true), -1), axis=0)
    if not np.isfinite(found).all():
        raise ValueError("a residual is not finite; expected finite predictions of all rows")
    n = len(found)
    if n <= MOST:
        return found
    places = np.arange(1, MOST + 1)
    return found[-(-places * (n + 1) // (MOST + 1)) - 1]  # rounded up


def half_widths(residuals: np.ndarray, level: float) -> np.ndarray:
    """Of every target, the ceil((n + 1) level)-th smallest residual, (K,).

    Args:
      residuals: sorted, (n, K), as `residuals_of` returns them.
      level: the share of rows to be covered, above 0 and below 1.

    Raises:
      ValueError: the level is out of range, or too high for so few residuals.

    Example:
      >>> half_widths(np.arange(1.0, 20.0)[:, None], 0.9)       # the 18th of 19
      array([18.])
    """
    level = _level(level)
    n = len(residuals)
    rank = math.ceil(round((n + 1) * level, 9))  # (n + 1) 0.9 may be above a whole number by 1e-15
    if rank > n:
        raise ValueError(
            f"level is {level:g}, for which {math.ceil(level / (1 - level) - 1e-9)} residuals or "
            f"more are needed; the model has {n}: type a level of {_highest(n)}or less"
        )
    return np.asarray(residuals[rank - 1])


def _highest(n: int) -> str:
    """The highest level for n residuals, rounded down to percents, with a space after it."""
    return f"{math.floor(100 * n / (n + 1)) / 100:g} "


def _level(level: Any) -> float:
    """The level as a float.

    Raises:
      ValueError: it is no number above 0 and below 1.
    """
    real = isinstance(level, int | float | np.floating | np.integer) and level is not True
    if not real or not 0 < level < 1:
        cure = f": type {level / 100:g}" if real and 10 <= level < 100 else ", such as 0.9"
        raise ValueError(
            f"level is {as_typed(level)}; expected the share of rows to be covered, above 0 and "
            f"below 1{cure}"
        )
    return float(level)


def covered(true: Any, low: np.ndarray, high: np.ndarray) -> float:
    """The share of the numbers that lie from low to high, all of one shape."""
    true = np.asarray(true, np.float64)
    return float(((low <= true) & (true <= high)).mean())
