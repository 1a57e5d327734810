"""Pictures of what a network predicts beside what is true: each draws on Axes and returns them.

Nothing here needs JAX, nor pyplot.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from mlp_jax.pictures.input import (
    BLUE,
    GREY,
    ORANGE,
    class_names,
    class_numbers,
    margin,
    name_columns,
    numbers,
    plain,
)
from mlp_jax.wording import as_typed

LARGEST = 20  # rows of a confusion matrix at most; further classes share the last one
DENSE = 3000  # rows from which a cloud of dots becomes a map of counts
STRIP = 0.3  # height of the strip of counts beneath a calibration curve


def calibration(axes: Axes, y: Any, probability: Any, *, name: str = "", bins: int = 10) -> Axes:
    """How often it is so where the probability says so: a dot a bin, with its 95 % interval.

    A strip beneath has the number of rows of every bin, so that a thin one is not believed.

    Args:
      axes: to draw on.
      y: 0 or 1, one a row.
      probability: that y is 1, one a row.
      name: of the class of y = 1.
      bins: how many, of equal width.

    Returns:
      axes.

    Raises:
      ValueError: what came, what was expected and what to type.
    """
    p = numbers("probability", probability)
    truth = class_numbers("y", y, ["0", "1"], like=("probability", len(p)))
    if p.min() < 0 or p.max() > 1:
        raise ValueError(
            f"probability is from {p.min():g} to {p.max():g}; expected 0 to 1: type the sigmoid "
            "of scores"
        )
    if isinstance(bins, bool) or not isinstance(bins, int | np.integer) or bins < 1:
        raise ValueError(f"bins is {as_typed(bins)}; expected a whole number from 1, such as 10")
    of_row = np.minimum((p * bins).astype(int), bins - 1)
    all_counts = np.bincount(of_row, minlength=bins)
    filled = np.flatnonzero(all_counts)
    counts = all_counts[filled]
    said = np.bincount(of_row, p, bins)[filled] / counts
    seen = np.bincount(of_row, truth, bins)[filled] / counts
    low, high = _wilson(seen, counts)
    off = float((counts * np.abs(said - seen)).sum() / len(p))
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", label="as it should be")
    bars = np.maximum([seen - low, high - seen], 0)
    axes.errorbar(
        said, seen, yerr=bars, fmt="o", color=BLUE, capsize=2, label=f"as it is: off by {off:.3f}"
    )
    centres = (filled + 0.5) / bins
    heights = 0.6 * STRIP * counts / counts.max()
    axes.bar(centres, heights, width=0.9 / bins, bottom=-STRIP, color=GREY)
    for x, height, count in zip(centres, heights, counts, strict=True):
        axes.text(x, height - STRIP, f"{count:,}", ha="center", va="bottom", fontsize=7)
    axes.axhline(-0.04, color="black", linewidth=0.8)
    axes.set_yticks(np.linspace(0, 1, 6))
    axes.set(xlim=(-0.03, 1.03), ylim=(-STRIP, 1.03))
    of = f" of {plain(name, 24)}" if name else ""
    axes.set(xlabel=f"probability{of}", ylabel="share of rows (below: rows)")
    axes.legend(loc="upper left", fontsize=8)
    axes.grid(alpha=0.3)
    axes.set_axisbelow(True)
    return axes


def _wilson(share: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's interval (1927) of a share of so many, which is never outside 0 to 1."""
    z2 = 1.96**2
    middle = (share + z2 / (2 * counts)) / (1 + z2 / counts)
    half = np.sqrt(z2 * (share * (1 - share) + z2 / (4 * counts)) / counts) / (1 + z2 / counts)
    return middle - half, middle + half


def confusion(axes: Axes, y: Any, predicted: Any, classes: Sequence[Any]) -> Axes:
    """The count of every pair of a true class (row) and a predicted one; colour is the row's share.

    Of more than 20 classes, the 19 that are most confused, and all others as one.

    Args:
      axes: to draw on.
      y: the number of every row's class, from 0, or its name.
      predicted: the same, as predicted.
      classes: their names.

    Returns:
      axes.

    Raises:
      ValueError: what came, what was expected and what to type.
    """
    names = class_names(classes)
    truth = class_numbers("y", y, names)
    guess = class_numbers("predicted", predicted, names, like=("y", len(truth)))
    total = len(names)
    counts = np.bincount(truth * total + guess, minlength=total**2).reshape(total, total)
    shown = total
    if total > LARGEST:
        counts, names = _most_confused(counts, names)
        shown = LARGEST - 1
    n = len(names)
    rows = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(rows, 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    box = axes.get_window_extent()
    cell = 72 / axes.figure.dpi * min(box.width, box.height) / n  # in points
    for i, j in np.argwhere(counts):
        share = f"\n{shares[i, j]:.0%}" if n <= 8 else ""
        colour = "white" if shares[i, j] > 0.5 else "black"
        size = float(np.clip(cell / 3, 5, 11))
        axes.text(
            j, i, f"{counts[i, j]:,}{share}", ha="center", va="center", color=colour, fontsize=size
        )
    labels = [plain(name, 18) for name in names]
    if n > 8:  # no room in the cells
        found = [f"{shares[i, i]:.0%}" if rows[i, 0] else "-" for i in range(n)]
        labelled = [f"{label}  {share}" for label, share in zip(labels, found, strict=True)]
    size = 10 if n <= 8 else 7
    axes.set_yticks(range(n), labels if n <= 8 else labelled, fontsize=size)
    name_columns(axes, labels, across=36, size=size)
    axes.set(xlabel="predicted", ylabel="true" if n <= 8 else "true, and the share found")
    if shown < total:
        axes.set_title(f"the {shown} most confused of {total} classes", fontsize=10)
    return axes


def _most_confused(counts: np.ndarray, names: list[str]) -> tuple[np.ndarray, list[str]]:
    """The counts and names of those with most errors, in their order, and of all others as one."""
    errors = counts.sum(axis=0) + counts.sum(axis=1) - 2 * counts.diagonal()
    kept = np.sort(np.argsort(-errors, kind="stable")[: LARGEST - 1])
    place = np.full(len(names), LARGEST - 1)
    place[kept] = np.arange(LARGEST - 1)
    fewer = np.zeros((LARGEST, LARGEST), counts.dtype)
    np.add.at(fewer, (place[:, None], place[None, :]), counts)
    return fewer, [*(names[i] for i in kept), f"{len(names) - len(kept)} others"]


def predicted_and_true(
    axes: Axes, y: Any, predicted: Any, *, name: str = "", half_width: float | None = None
) -> Axes:
    """The predicted number of every row against the true one, and where they would be equal.

    Of many rows, how many fall where. With a half-width, the band of it around what is predicted,
    and the share of the rows whose true number the band has.

    Args:
      axes: to draw on.
      y: the true numbers.
      predicted: the predicted ones.
      name: of what is predicted.
      half_width: of the intervals around what is predicted, or None for no band.

    Returns:
      axes.

    Raises:
      ValueError: what came, what was expected and what to type.
    """
    truth = numbers("y", y)
    guess = numbers("predicted", predicted, like=("y", len(truth)))
    low, high = margin(np.concatenate([truth, guess]))
    if len(truth) > DENSE:
        axes.hexbin(truth, guess, gridsize=40, bins="log", mincnt=1, cmap="Blues")
    else:
        alpha = float(np.clip(150 / len(truth), 0.15, 0.7))
        axes.scatter(truth, guess, s=14, color=BLUE, alpha=alpha, linewidths=0)
    scatter = ((truth - truth.mean()) ** 2).sum()
    r2 = f", R² {1 - ((truth - guess) ** 2).sum() / scatter:.3f}" if scatter else ""
    axes.plot([low, high], [low, high], color="black", linewidth=1, linestyle="--")
    if half_width is not None:
        _band(axes, (low, high), half_width, float((np.abs(truth - guess) <= half_width).mean()))
    axes.set(xlim=(low, high), ylim=(low, high))
    of = f" {plain(name, 24)}" if name else ""
    axes.set(xlabel=f"true{of}", ylabel=f"predicted{of}")
    axes.set_title(f"{len(truth):,} rows{r2}", fontsize=10)
    axes.grid(alpha=0.3)
    return axes


def _band(axes: Axes, ends: tuple[float, float], half_width: float, share: float) -> None:
    """The band around where predicted and true numbers are equal, and the share of rows in it."""
    if not np.isfinite(half_width) or half_width < 0:
        raise ValueError(f"half_width is {as_typed(half_width)}; expected a number from 0, or None")
    lower, upper = ([end + sign * half_width for end in ends] for sign in (-1, 1))
    label = f"± {half_width:.4g}: {share:.1%} of the rows"
    axes.fill_between(ends, lower, upper, color=ORANGE, alpha=0.2, linewidth=0, label=label)
    axes.legend(loc="upper left", fontsize=8)
