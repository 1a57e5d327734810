"""A picture of the columns of a table: what each adds to what a network knows. No JAX here."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from mlp_jax.pictures.input import BLUE, GREY, check_length, numbers, plain

COLUMNS = 20  # bars at most: the most important columns


def importance(
    axes: Axes, names: Sequence[Any], rise: Any, low: Any, high: Any, *, measure: str = "loss"
) -> Axes:
    """How much the loss rises where a column is permuted, with its interval; the largest on top.

    A column whose interval has 0 is grey: the rows do not tell whether the network needs it.

    Args:
      axes: to draw on.
      names: of the columns.
      rise: one a column.
      low: the lower ends of the intervals, one a column.
      high: the upper ends, likewise.
      measure: of what the rise is, in words.

    Returns:
      axes.

    Raises:
      ValueError: what came, what was expected and what to type.
    """
    rises = numbers("rise", rise, each="column")
    like = "rise", len(rises)
    ends = [
        numbers(name, end, each="column", like=like) for name, end in (("low", low), ("high", high))
    ]
    check_length("names", names, like)
    if (ends[0] > ends[1]).any():
        k = int(np.argmax(ends[0] > ends[1]))
        raise ValueError(f"low[{k}] is {ends[0][k]:g} and high[{k}] {ends[1][k]:g}; exchange them")
    order = np.argsort(-rises, kind="stable")[:COLUMNS]
    lows, highs = (end[order] for end in ends)
    colours = [GREY if below <= 0 else BLUE for below in lows]
    at = np.arange(len(order))
    axes.barh(at, rises[order], color=colours, height=0.7)
    axes.hlines(at, lows, highs, color="black", linewidth=1)
    axes.set_yticks(at, [plain(names[k], 28) for k in order], fontsize=8)
    axes.set_ylim(len(order) - 0.4, -0.6)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set(xlabel=f"rise of the {plain(measure)} (lines: 95 %)")
    if len(rises) > COLUMNS:
        axes.set_title(f"the first {COLUMNS} of {len(rises):,} columns", fontsize=10)
    axes.grid(alpha=0.3, axis="x")
    axes.set_axisbelow(True)
    return axes
