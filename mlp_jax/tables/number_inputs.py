"""What is learned of columns of numbers: centres, scales and bins. NumPy alone."""

from collections.abc import Sequence

import numpy as np

from mlp_jax.models.encoding import MISSING, RAMP, SMOOTH, VALUE, Input
from mlp_jax.tables.input_choices import InputChoices

LARGEST = float(np.finfo(np.float64).max)
ALIKE = 1e-8  # two edges that differ by less, as a share of the larger, are one but for rounding


def inputs_of_numbers(
    X: np.ndarray,
    choices: InputChoices,
    sources: Sequence[int] | None = None,
    marked: Sequence[bool] | None = None,
) -> list[Input]:
    """The inputs that columns of numbers become.

    First the numbers, then what says that a number is missing, then the bins, each in the order of
    the columns. A missing number is the median of its column; a column without a number has no
    input of its own.

    Args:
      X: (m, columns), float64; a missing number NaN.
      choices: `scaling` and `bins` of them.
      sources: the place of each column in the table; by default its place in X.
      marked: whether an input says that a number of the column is missing, where one is; by default
        of each.
    """
    if not X.shape[1]:
        return []
    places = range(X.shape[1]) if sources is None else sources
    X = np.asfortranarray(X)  # one way only to add up, whatever table the numbers come from
    gaps = np.isnan(X)
    known = np.flatnonzero(~gaps.all(axis=0)).tolist()
    has_gaps = gaps.any(axis=0)
    missing = np.flatnonzero(has_gaps if marked is None else has_gaps & marked).tolist()
    ordered = [np.sort(X[~gaps[:, k], k]) for k in known]
    medians = [float(np.median(numbers)) for numbers in ordered]
    if choices.scaling == "robust":
        found = [
            Input(places[k], VALUE, median, median, _spread(numbers), SMOOTH)
            for k, median, numbers in zip(known, medians, ordered, strict=True)
        ]
        found += [Input(places[k], MISSING) for k in missing]
    else:
        filled = np.where(gaps[:, known], medians, X[:, known])
        # In one array, as scikit-learn has them: the bits of a sum depend on the order in memory.
        means, scales = _means_and_scales(np.hstack([filled, gaps[:, missing]], dtype=np.float64))
        whats = [VALUE] * len(known) + [MISSING] * len(missing)
        fills = [*medians, *[None] * len(missing)]
        own = [places[k] for k in (*known, *missing)]
        found = list(map(Input, own, whats, fills, means.tolist(), scales.tolist()))
    for k, median, numbers in zip(known, medians, ordered, strict=True):
        edges = bin_edges(numbers, choices.bins_of(len(numbers)))
        found += [
            Input(places[k], VALUE, median, left, width, RAMP)
            for left, width in zip(edges[:-1].tolist(), _distances(edges).tolist(), strict=True)
        ]
    return found


def bin_edges(ordered: np.ndarray, bins: int) -> np.ndarray:
    """Edges of at most so many bins with as many rows in each; none for no bins.

    Every edge is one of the numbers: of T + 1 different ones or fewer, all of them; of more, the
    t-th of T is the smallest that t / T of the rows are at or below. Where many rows share a
    number, such edges fall together, and there are fewer bins. A column of two numbers has no bins,
    since its own input says all.

    Args:
      ordered: the numbers, (m,), in order.
      bins: T.
    """
    nothing = ordered[:0]
    if not bins:
        return nothing
    m = len(ordered)
    edges = ordered[np.r_[True, ordered[1:] > ordered[:-1]]]  # the different ones
    if len(edges) > bins + 1:  # -(-a // b) is a / b rounded up, in whole numbers
        edges = ordered[[max(0, -(-t * m // bins) - 1) for t in range(bins + 1)]]
    larger = np.maximum(np.abs(edges[1:]), np.abs(edges[:-1]))
    edges = edges[np.r_[True, _distances(edges) > ALIKE * larger]]
    return edges if len(edges) > 2 else nothing


def _distances(edges: np.ndarray) -> np.ndarray:
    """From each edge to the next; a number, however far they are."""
    with np.errstate(over="ignore"):
        return np.minimum(np.diff(edges), LARGEST)


def _spread(ordered: np.ndarray) -> float:
    """The distance of the quartiles; where it is 0, half the range; of a constant column 1.

    As in RealMLP (Holzmüller et al., "Better by default", 2024).
    """
    smallest, largest = ordered[0], ordered[-1]
    rounding = 8 * np.finfo(np.float64).eps * max(abs(smallest), abs(largest))
    with np.errstate(over="ignore", invalid="ignore"):  # of numbers that are nearly beyond float64
        low, high = np.quantile(ordered, (0.25, 0.75))
        for spread in (high - low, largest / 2 - smallest / 2):
            if spread > rounding:
                return float(min(spread, LARGEST))
    return 1.0


def _means_and_scales(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of every column of X, (m, columns), as of StandardScaler.

    The scale is 1 of a column whose numbers may differ by rounding alone.
    """
    m, eps = len(X), np.finfo(np.float64).eps
    means = X.sum(axis=0) / m
    off = X - means
    # The corrected two-pass variance (Chan et al., 1983): with exact means `rounding` would be 0.
    rounding = off.sum(axis=0)
    off **= 2
    variances = (off.sum(axis=0) - rounding**2 / m) / m
    constant = variances <= m * eps * variances + (m * means * eps) ** 2
    return means, np.where(constant, 1.0, np.sqrt(variances))
