"""What pictures are made of, checked; colours; and names, so that none is read as a formula."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from mlp_jax.wording import as_typed

BLUE, ORANGE, RED, GREY = "#4c72b0", "#dd8452", "#c44e52", "#b0b7c3"
ZOOMED = 20  # from this ratio of the largest to the smallest value an axis is logarithmic


def numbers(
    name: str, values: Any, *, each: str = "row", like: tuple[str, int] | None = None
) -> np.ndarray:
    """`values` as finite numbers, (rows,); (rows, 1) is taken as well.

    Args:
      name: of the argument, for the message.
      values: what came.
      each: what there is one number of.
      like: the name and the length of the argument that it goes with.

    Raises:
      ValueError: what came, what was expected and what to type.
    """
    found = np.asarray(values)
    if found.ndim == 2 and found.shape[1] == 1:
        found = found[:, 0]
    if found.ndim != 1 or not found.size:
        cure = f": type {name}[:, 0]" if found.ndim == 2 and found.size else ""
        raise ValueError(
            f"{name} has shape {found.shape}; expected a number for each {each}, and one at least"
            f"{cure}"
        )
    if found.dtype.kind not in "fiub":
        raise ValueError(
            f"{name} holds {found.dtype}; expected numbers: type np.asarray({name}, float)"
        )
    found = found.astype(np.float64)
    if not np.isfinite(found).all():
        first = int(np.flatnonzero(~np.isfinite(found))[0])
        raise ValueError(
            f"{name}[{first}] is {found[first]}; expected finite numbers: leave out where "
            f"np.isfinite({name}) is False"
        )
    check_length(name, found, like)
    return found


def check_length(
    name: str, values: Sequence[Any] | np.ndarray, like: tuple[str, int] | None
) -> None:
    """Raises ValueError where `values` and the argument it goes with differ in length."""
    if like is not None and len(values) != like[1]:
        raise ValueError(
            f"{name} has length {len(values)} and {like[0]} {like[1]}; expected the same: type "
            "the two of the same rows"
        )


def class_names(classes: Any) -> list[str]:
    """The names of two classes or more.

    Raises:
      ValueError: there are fewer, or `classes` is one word.
    """
    names = [] if isinstance(classes, str) else [str(one) for one in classes]
    if len(names) < 2:
        raise ValueError(
            f"classes is {as_typed(classes)}; expected the names of two classes or more: type "
            "classes=['no', 'yes']"
        )
    return names


def class_numbers(
    name: str, values: Any, classes: list[str], *, like: tuple[str, int] | None = None
) -> np.ndarray:
    """The number of every row's class, from 0. Numbers are taken as such, words are looked up.

    Raises:
      ValueError: what came, what was expected and what to type.
    """
    found = np.asarray(values)
    if found.dtype.kind in "OUS":
        check_length(name, found, like)
        places = {one: number for number, one in enumerate(classes)}
        strange = [str(one) for one in found.ravel() if str(one) not in places]
        if strange:
            raise ValueError(
                f"{name} has {strange[0]!r}, which is none of the classes {', '.join(classes[:5])}"
                f"{', ...' if len(classes) > 5 else ''}: name it in classes"
            )
        found = np.array([places[str(one)] for one in found.ravel()]).reshape(found.shape)
    whole = numbers(name, found, like=like)
    wrong = (whole != np.round(whole)) | (whole < 0) | (whole >= len(classes))
    if wrong.any():
        raise ValueError(
            f"{name} has {whole[wrong][0]:g}; expected the numbers of the classes, 0 to "
            f"{len(classes) - 1}: type np.searchsorted(classes, {name}) if it holds classes"
        )
    return whole.astype(int)


def name_columns(axes: Axes, labels: list[str], *, across: int, size: float | None = None) -> None:
    """Names under columns 0, 1, ...; turned where they have more letters than go side by side."""
    axes.set_xticks(range(len(labels)), labels, fontsize=size)
    if max(map(len, labels)) * len(labels) > across:
        for label in axes.get_xticklabels():
            label.set(rotation=40, ha="right", rotation_mode="anchor")


def spread(values: np.ndarray) -> bool:
    """Whether a log axis shows `values` better."""
    return bool(values.min() > 0 and values.max() > ZOOMED * values.min())


def margin(values: np.ndarray) -> tuple[float, float]:
    """The range of the values and a twentieth more; 1 around where all are equal."""
    low, high = float(values.min()), float(values.max())
    margin = 0.05 * (high - low) or 1.0
    return low - margin, high + margin


def plain(text: Any, longest: int = 60) -> str:
    """A name as matplotlib draws it to the letter: on one line, cut, no $ taken for a formula."""
    words = " ".join(str(text).split())
    if len(words) > longest:
        words = words[: longest - 1] + "…"
    return words.replace("$", r"\$")
