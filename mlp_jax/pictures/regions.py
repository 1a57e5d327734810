"""A picture of what is predicted for every value of two features. Nothing here needs JAX."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Normalize, to_rgb

from mlp_jax.models import outputs
from mlp_jax.pictures.input import BLUE, ORANGE, class_names, class_numbers, margin, numbers, plain
from mlp_jax.wording import as_typed

GRID = 200  # points along each feature at which the network is asked


def decision_regions(
    axes: Axes,
    predict: Callable[[np.ndarray], Any],
    X: Any,
    y: Any,
    *,
    classes: Sequence[Any] | None = None,
    feature_names: Sequence[str] = ("x[1]", "x[2]"),
) -> Axes:
    """What is predicted everywhere, of two features, with the examples on it.

    Args:
      axes: to draw on.
      predict: (rows, 2) -> of each row the class, by number or name; or the probability of the
        last of two classes, floats of (rows, 1); or those of all, (rows, classes). Without classes,
        a number.
      X: examples, (rows, 2).
      y: their classes, by number or name, or their numbers.
      classes: names; None for numbers.
      feature_names: of the two.

    Returns:
      axes.

    Raises:
      ValueError: what came, what was expected and what to type.
    """
    table = np.asarray(X)
    if table.ndim != 2 or table.shape[1] != 2:
        raise ValueError(
            f"X has shape {table.shape}; expected (rows, 2): choose two features, as X[:, [0, 1]]"
        )
    columns = [numbers(f"X[:, {i}]", table[:, i]) for i in (0, 1)]
    if isinstance(feature_names, str) or len(feature_names) != 2:
        raise ValueError(f"feature_names is {as_typed(feature_names)}; expected two names")
    edges = [margin(column) for column in columns]
    along, up = (np.linspace(*edge, GRID) for edge in edges)
    asked = np.stack(np.meshgrid(along, up), axis=-1).reshape(-1, 2)
    answer = np.asarray(predict(asked))
    if answer.shape[:1] != (len(asked),):
        raise ValueError(
            f"predict returned shape {answer.shape} for {len(asked)} rows; expected a class, a "
            "number or probabilities for each"
        )
    if classes is None:
        _numbers_of_regions(axes, answer, columns, y, edges)
    else:
        _classes_of_regions(axes, answer, columns, y, edges, class_names(classes))
    axes.set(xlabel=plain(feature_names[0]), ylabel=plain(feature_names[1]))
    axes.set(xlim=edges[0], ylim=edges[1])
    return axes


def _numbers_of_regions(axes: Axes, answer: Any, columns: Any, y: Any, edges: Any) -> None:
    guess = numbers("predict(X)", answer)
    truth = numbers("y", y, like=("X", len(columns[0])))
    both = np.concatenate([guess, truth])
    norm = Normalize(both.min(), both.max())
    ground = guess.reshape(GRID, GRID)
    extent = (*edges[0], *edges[1])
    shown = axes.imshow(
        ground, origin="lower", extent=extent, aspect="auto", norm=norm, interpolation="bilinear"
    )
    axes.scatter(columns[0], columns[1], c=truth, norm=norm, **_dots(len(truth)))
    axes.figure.colorbar(shown, ax=axes)


def _classes_of_regions(
    axes: Axes, answer: Any, columns: Any, y: Any, edges: Any, names: list[str]
) -> None:
    truth = class_numbers("y", y, names, like=("X", len(columns[0])))
    guess, sure = _regions(answer, names)
    colours = _colours(len(names))
    # White where both classes are as likely, the colour of the class where the network is sure.
    strength = 0.15 + 0.45 * sure[:, None]
    ground = 1 - strength * (1 - colours[guess])
    extent = (*edges[0], *edges[1])
    axes.imshow(ground.reshape(GRID, GRID, 3), origin="lower", extent=extent, aspect="auto")
    for number in np.unique(truth):
        of_class = truth == number
        dots = [column[of_class] for column in columns]
        label = plain(names[number], 24)
        axes.scatter(*dots, color=[colours[number]], label=label, **_dots(len(truth)))
    if len(np.unique(truth)) <= 10:
        axes.legend(fontsize=8)


def _regions(answer: np.ndarray, names: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """(the number of every row's class, how sure it is from 0 to 1)."""
    K = len(names)
    if answer.ndim == 2 and answer.shape[1] == 1 and answer.dtype.kind == "f" and K == 2:
        answer = outputs.probabilities(answer)
    if answer.ndim == 1:
        return class_numbers("predict(X)", answer, names), np.ones(len(answer))
    if answer.shape[1:] != (K,) or not np.isfinite(answer).all():
        raise ValueError(
            f"predict returned shape {answer.shape}, for {K} classes; expected a class a row or "
            f"finite probabilities, (rows, {K})"
        )
    largest = answer.max(axis=1)
    return outputs.class_numbers(answer), np.clip((largest - 1 / K) / (1 - 1 / K), 0, 1)


def _colours(count: int) -> np.ndarray:
    """(count, 3): blue and orange, or as many as there are, or round again."""
    if count == 2:
        return np.array([to_rgb(ORANGE), to_rgb(BLUE)])
    colours = colormaps["tab10" if count <= 10 else "tab20"](np.arange(20))[:, :3]
    return np.asarray(colours[np.arange(count) % 20])


def _dots(count: int) -> dict[str, Any]:
    size = float(np.clip(4000 / count, 4, 24))
    return {"s": size, "edgecolors": "white", "linewidths": 0.4 if size > 6 else 0.1}
