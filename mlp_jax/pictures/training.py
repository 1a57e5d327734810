"""Pictures of how networks were trained, compared and checked: each draws on Axes and returns them.

Nothing here needs JAX, nor pyplot.
"""

from collections.abc import Sequence
from math import isfinite
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from mlp_jax.certificate.evidence import DIFFERENCES_TOLERANCE, TOLERANCE
from mlp_jax.pictures.input import (
    BLUE,
    GREY,
    ORANGE,
    RED,
    check_length,
    name_columns,
    numbers,
    plain,
    spread,
)

if TYPE_CHECKING:
    from mlp_jax.certificate.certificate import Certificate

COLUMNS = 12  # names side by side at most; further ones share the last column
FEW = 8  # so many different numbers at most are columns, if there are twice as many dots
EXACT = 1e-18  # where an error of 0 is drawn
BEYOND = 1e3  # where an infinite error is drawn
VERDICTS = {"right": BLUE, "kink": ORANGE, "too small": GREY, "untold": "black", "wrong": RED}


def learning_curves(
    axes: Axes,
    cost: Any,
    validation_cost: Any = None,
    *,
    best_epoch: Any = None,
    name: str = "cost",
) -> Axes:
    """The cost of every epoch, counted from 1; on a log axis where it falls to a twentieth.

    Args:
      axes: to draw on.
      cost: one an epoch, such as `info.cost` of `mlp_jax.fit`.
      validation_cost: the same of rows that were not trained on, or None.
      best_epoch: marked, from 1; None for no mark.
      name: of what is drawn.

    Returns:
      axes.

    Raises:
      ValueError: what came, what was expected and what to type.
    """
    curves = {"training": numbers("cost", cost, each="epoch")}
    count = len(curves["training"])
    if validation_cost is not None:
        like = "cost", count
        curves["validation"] = numbers("validation_cost", validation_cost, each="epoch", like=like)
    marker = "o" if count <= 20 else None
    for (label, curve), colour in zip(curves.items(), (BLUE, ORANGE), strict=False):
        epochs = np.arange(1, count + 1)
        axes.plot(epochs, curve, color=colour, label=label, marker=marker, markersize=3)
    if best_epoch is not None:
        if not 1 <= best_epoch <= count or best_epoch != int(best_epoch):
            raise ValueError(
                f"best_epoch is {best_epoch}; expected one of the epochs 1 to {count}, or None"
            )
        label = f"best epoch, {int(best_epoch)}"
        axes.axvline(int(best_epoch), color="black", linewidth=1, linestyle="--", label=label)
    if len(axes.get_lines()) > 1:
        axes.legend()
    if spread(np.concatenate(list(curves.values()))):
        axes.set_yscale("log")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set(xlabel="epoch", ylabel=plain(name))
    axes.grid(alpha=0.3)
    return axes


def score_by(
    axes: Axes,
    values: Sequence[Any],
    scores: Any,
    *,
    name: str,
    scoring: str = "score",
    statuses: Sequence[str] | None = None,
) -> Axes:
    """The score of every configuration against its value of one hyperparameter.

    Numbers lie on an axis; names, and few different numbers, in columns, set apart within them.
    Scores far below all others are drawn as arrows at the foot.

    Args:
      axes: to draw on.
      values: of the hyperparameter, one a configuration.
      scores: one a configuration.
      name: of the hyperparameter.
      scoring: of the score.
      statuses: of every configuration: "finished", "stopped", "halved away" or another; None where
        all finished.

    Returns:
      axes.

    Raises:
      ValueError: what came, what was expected and what to type.
    """
    scores = numbers("scores", scores, each="configuration")
    like = "scores", len(scores)
    values = list(values)
    check_length("values", values, like)
    statuses = ["finished"] * len(scores) if statuses is None else list(statuses)
    check_length("statuses", statuses, like)
    at = _places(axes, values, scores)
    foot = _foot(scores)
    kinds = np.array([_KINDS.get(status, (status, RED))[0] for status in statuses])
    colours = dict(_KINDS.values())
    for kind in sorted(set(kinds), key=lambda kind: kind != "halved away"):  # grey first, beneath
        dots, low = (kinds == kind) & (scores >= foot), (kinds == kind) & (scores < foot)
        colour = colours.get(str(kind), RED)
        style: dict[str, Any] = {"color": colour, "alpha": 0.6, "linewidths": 0}
        if dots.any():
            axes.scatter(at[dots], scores[dots], s=16, label=plain(kind), **style)
        if low.any():
            label = f"{low.sum()} lower, down to {scores[low].min():.3g}"
            feet = np.full(low.sum(), foot)
            axes.scatter(at[low], feet, s=24, marker="v", label=label, **style)
    if len(axes.collections) > 1:  # above the axes, where it hides no dot
        axes.legend(fontsize=8, ncols=2, loc="lower left", bbox_to_anchor=(0, 1), frameon=False)
    if foot > scores.min():
        axes.set_ylim(foot - 0.03 * (scores.max() - foot), None)
    axes.set(xlabel=plain(name), ylabel=plain(scoring))
    axes.grid(alpha=0.3)
    return axes


_KINDS = {
    "finished": ("to the end", BLUE),
    "stopped": ("to the end", BLUE),
    "halved away": ("halved away", GREY),
}


def _foot(scores: np.ndarray) -> float:
    """The lowest score that is drawn where it is: a few that failed would press the others flat."""
    usual = float(np.quantile(scores, 0.1))
    height = float(scores.max()) - usual
    low = usual - height
    return low if height > 0 and scores.min() < low - height else float(scores.min())


def _places(axes: Axes, values: list[Any], scores: np.ndarray) -> np.ndarray:
    """Where every configuration is on the x axis, which is made ready for it."""
    numeric = [isinstance(v, Real) and not isinstance(v, bool) and isfinite(v) for v in values]
    values = [v if is_number else str(v) for is_number, v in zip(numeric, values, strict=True)]
    different = sorted(set(zip(numeric, values, strict=True)), key=_order)
    few = len(different) <= FEW and 2 * len(different) <= len(values)
    if all(numeric) and not few:
        at = np.array(values, float)
        axes.set_xscale("log" if spread(at) else "linear")
        return at
    words = [_in_words(value) for value in values]
    names = list(dict.fromkeys(_in_words(value) for _, value in different))
    if len(names) > COLUMNS:
        best = dict.fromkeys(words[i] for i in np.argsort(-scores, kind="stable"))
        kept = set(list(best)[: COLUMNS - 1])
        others = f"{len(names) - len(kept)} others"
        names = [one for one in names if one in kept] + [others]
        words = [one if one in kept else others for one in words]
    labels = [plain(one, 16) for one in names]
    name_columns(axes, labels, across=40)
    axes.set_xlim(-0.6, len(names) - 0.4)
    # The fractions of multiples of the golden ratio: any part of them is spread evenly.
    aside = 0.5 * (np.arange(len(words)) * (np.sqrt(1.25) - 0.5) % 1 - 0.5)
    return np.array([names.index(one) for one in words]) + aside


def _order(value: tuple[bool, Any]) -> tuple[bool, float, str]:
    is_number, what = value
    return not is_number, float(what) if is_number else 0.0, str(what)


def _in_words(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def certificate(axes: Axes, certificate: "Certificate") -> Axes:
    """The largest error of every W[l] and b[l] against both other gradients; colours are verdicts.

    Errors are relative to their own entry, on a log axis; one of exactly 0 is at the left edge,
    an infinite one at the right. Lines are the limits of what is right in float64.

    Args:
      axes: to draw on.
      certificate: of `mlp_jax.certify`.

    Returns:
      axes.

    Raises:
      ValueError: it is no certificate.
    """
    leaves = getattr(certificate, "leaves", ())
    if not leaves:
        raise ValueError(
            f"certificate is a {type(certificate).__name__}; expected one: type "
            "mlp_jax.certify(params, X, Y)"
        )
    rows = np.arange(len(leaves))
    colours = [VERDICTS[leaf.verdict] for leaf in leaves]
    against = (
        ("jax.grad", "o", -0.12, [leaf.error_autodiff for leaf in leaves]),
        ("differences", "^", 0.12, [leaf.error_differences for leaf in leaves]),
    )
    for label, marker, lower, errors in against:
        shown = np.clip(np.array(errors, float), EXACT, BEYOND)
        axes.scatter(shown, rows + lower, c=colours, marker=marker, s=36, alpha=0.8, clip_on=False)
        axes.scatter([], [], c="black", marker=marker, s=36, label=f"against {label}")
    for verdict in dict.fromkeys(leaf.verdict for leaf in leaves):
        axes.scatter([], [], c=VERDICTS[verdict], marker="s", s=36, label=verdict)
    if not any(leaf.remark == f"in {dtype}" for leaf in leaves for dtype in TOLERANCE):
        limits = TOLERANCE["float64"], DIFFERENCES_TOLERANCE
        for limit, style in zip(limits, (":", "--"), strict=True):
            label = f"limit, {limit:.0e}"
            axes.axvline(limit, color="black", linewidth=0.8, linestyle=style, label=label)
    axes.set_xscale("log")
    axes.set_xlim(EXACT, BEYOND)
    axes.set_yticks(rows, [leaf.name for leaf in leaves])
    axes.set_ylim(len(leaves) - 0.4, -0.6)
    axes.set(xlabel="largest relative error; 0 at the left edge")
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3, axis="x")
    return axes
