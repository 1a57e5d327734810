"""The part of a sweep's report on its answer: who votes, what decides, how far off it may be."""

from typing import NamedTuple

import numpy as np

from mlp_jax import pictures
from mlp_jax.models.intervals import LEVEL, covered
from mlp_jax.models.permutation import Importance
from mlp_jax.sweeps.results.answer import Answer
from mlp_jax.sweeps.results.ensemble import Ensemble
from mlp_jax.sweeps.results.ensemble_selection import loss_of_outputs
from mlp_jax.sweeps.results.report_pictures import OUTPUTS, Picture
from mlp_jax.sweeps.results.result import SweepResult
from mlp_jax.sweeps.scoring import as_read

LOG_LOSSES = ("binary_cross_entropy", "softmax_cross_entropy")


class LossesOutOfFold(NamedTuple):
    """Losses on the rows that the networks of a fold were not trained on.

    name: of the loss, in words.
    best: of the best configuration alone.
    ensemble: of the average.
    """

    name: str
    best: float
    ensemble: float


def losses_out_of_fold(
    result: SweepResult, ensemble: Ensemble, scale: float = 1.0
) -> LossesOutOfFold:
    """Of the best configuration and of the ensemble; scale: of the numbers to predict."""
    loss = result.best.members[0].network.loss
    found = []
    for whose in (None, ensemble):
        rows, A = result.held_out_outputs(whose)
        Y, weights = result.task.exact_labels(loss)[rows], result.task.weights
        weights = None if weights is None else weights[rows]
        found.append(loss_of_outputs(A, Y, loss.name, weights))
    if loss.name == "squared_error":
        found = [float(np.sqrt(one)) * abs(scale) for one in found]
        return LossesOutOfFold("root mean squared error", *found)
    return LossesOutOfFold("log loss" if loss.name in LOG_LOSSES else str(loss.name), *found)


def about_ensemble(result: SweepResult, ensemble: Ensemble, scale: float = 1.0) -> str:
    """A sentence: how many networks of how many configurations, and what is gained by them."""
    losses = losses_out_of_fold(result, ensemble, scale)
    configurations = len(set(ensemble.chosen))
    return (
        f"The answer is the average of {_counted(len(ensemble.networks), 'network')} of "
        f"{_counted(configurations, 'configuration')}, trained on all folds. On rows that the "
        f"networks of a fold were not trained on, the {losses.name} of the average is "
        f"{losses.ensemble:.4g}, of the best configuration alone {losses.best:.4g}."
    )


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def members_of(result: SweepResult, ensemble: Ensemble) -> list[tuple[str, ...]]:
    """A head and a line for every configuration of the ensemble, the largest weight first."""
    names = [name for name in result.varied() if name != "hidden"]
    scoring = result.task.scoring
    found = [("weight", "rank", scoring, "networks", "hidden layers", *names)]
    picks = list(ensemble.chosen)
    for rank in sorted(set(picks), key=lambda rank: (-picks.count(rank), rank)):
        row = result.ranking[rank - 1]
        hidden = "-".join(str(W.shape[1]) for W, _ in row.members[0].trained[0][:-1]) or "none"
        score = as_read(scoring, row.score)
        first = (f"{picks.count(rank) / len(picks):.0%}", str(rank), f"{score:.4f}")
        chosen = tuple(row.in_words(name) for name in names)
        found.append((*first, str(len(row.members)), hidden, *chosen))
    return found


def pictures_of_answer(answer: Answer) -> list[Picture]:
    """The importance of the columns, and numbers of rows held out with their 90 % band."""
    found = [] if answer.importance is None else [_importance(answer.importance)]
    true, predicted, targets = answer.true, answer.predicted, answer.model.targets
    if true is None or predicted is None or not np.isfinite(predicted).all():
        return found
    widths = [None] * len(targets) if answer.half_widths is None else answer.half_widths.tolist()
    return found + [
        _held_out(*(true[:, k], predicted[:, k], widths[k], targets[k] if len(targets) > 1 else ""))
        for k in range(min(OUTPUTS, len(targets)))
    ]


def _importance(found: Importance) -> Picture:
    names, *rises = zip(*found.read(), strict=True)
    shown = min(len(names), pictures.COLUMNS)
    height = max(pictures.HEIGHT, 1.2 + 0.2 * shown)
    drawn, (axes,) = pictures.figure(height=height)
    pictures.importance(axes, names, *rises, measure=found.measure_read)
    caption = (
        f"By how much the {found.measure_read}, {found.loss_read:.4g}, rises where the cells of a "
        f"column are given to other rows: {found.repeats} permutations of {found.rows:,} rows held "
        "out from the sweep. Of columns that say the same, each can stand in for the other."
    )
    return Picture(pictures.png(drawn), caption)


def _held_out(
    true: np.ndarray, predicted: np.ndarray, half_width: float | None, name: str
) -> Picture:
    """Of one target, (samples,), with the band of its intervals if there is a half-width."""
    drawn, (axes,) = pictures.figure()
    pictures.predicted_and_true(axes, true, predicted, half_width=half_width)
    of = f" of {name}" if name else ""
    caption = f"Predicted and true numbers{of}, of {len(true):,} rows held out from the sweep."
    if half_width is not None:
        inside = covered(true, predicted - half_width, predicted + half_width)
        caption += (
            f" The band is the interval of {LEVEL:.0%}, ± {half_width:.4g}, told from errors out "
            f"of fold; it has {inside:.1%} of these rows."
        )
    return Picture(pictures.png(drawn), caption)
