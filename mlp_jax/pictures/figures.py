"""Figures of several pictures, without pyplot; and as the bytes of a PNG."""

import io
import warnings
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mlp_jax.pictures.input import class_names, class_numbers
from mlp_jax.pictures.predictions import calibration, confusion, predicted_and_true
from mlp_jax.pictures.training import learning_curves

WIDTH, HEIGHT = 5.0, 3.4  # inches of one picture
DOTS = 130  # an inch


def figure(
    rows: int = 1, columns: int = 1, *, width: float = WIDTH, height: float = HEIGHT
) -> tuple[Figure, list[Axes]]:
    """A figure and its Axes, row by row; width and height are inches of one of them."""
    made = Figure(figsize=(columns * width, rows * height), layout="constrained")
    FigureCanvasAgg(made)
    return made, list(made.subplots(rows, columns, squeeze=False).ravel())


def png(figure: Figure) -> bytes:
    """The figure as a PNG; a letter that the font has not is a box, and no warning."""
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph \d+ .* missing from font")
        figure.savefig(file, format="png", dpi=DOTS)
    return file.getvalue()


def size_of_confusion(classes: int) -> tuple[float, float]:
    """Width and height in inches at which so many classes can be read."""
    cells = min(classes, 20)
    return max(WIDTH, 2.0 + 0.32 * cells), max(HEIGHT, 1.4 + 0.32 * cells)


def picture_of_training(
    *,
    cost: Any,
    y: Any,
    predicted: Any,
    validation_cost: Any = None,
    best_epoch: Any = None,
    probability: Any = None,
    classes: Sequence[Any] | None = None,
) -> bytes:
    """One PNG of a training: its learning curves, and what it predicts beside what is true.

    Args:
      cost: one an epoch.
      y: the true class of every row, by number or name, or the true number.
      predicted: the same, as predicted.
      validation_cost: one an epoch, or None.
      best_epoch: marked, from 1, or None.
      probability: of the last of two classes, one a row: how well it is calibrated is drawn too.
      classes: names; None for numbers.

    Raises:
      ValueError: what came, what was expected and what to type.
    """
    width, height, names = WIDTH, HEIGHT, []
    if classes is not None:
        names = class_names(classes)
        width, height = size_of_confusion(len(names))
    if probability is not None and len(names) != 2:
        raise ValueError(
            f"probability is given with classes {classes}; it is that of the last of two classes: "
            "leave it out"
        )
    made, axes = figure(1, 2 if probability is None else 3, width=width, height=height)
    learning_curves(axes[0], cost, validation_cost, best_epoch=best_epoch)
    if classes is None:
        predicted_and_true(axes[1], y, predicted)
    else:
        confusion(axes[1], y, predicted, names)
    if probability is not None:
        calibration(axes[2], class_numbers("y", y, names), probability, name=names[-1])
    return png(made)
