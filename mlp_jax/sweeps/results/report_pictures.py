"""The pictures of a sweep's report: of what is varied, of the best network, and of the time."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.ticker import MaxNLocator

from mlp_jax import pictures
from mlp_jax.certificate.certificate import certify
from mlp_jax.models.outputs import class_numbers
from mlp_jax.pictures.input import BLUE, GREY, ORANGE
from mlp_jax.sweeps.results.ensemble import Ensemble, Fitted
from mlp_jax.sweeps.results.result import SweepResult

CURVES = 5  # configurations whose curves are drawn, the best
CERTIFIED = 64  # rows: enough for every unit to be active somewhere, few enough for seconds
# Entries of each leaf that are compared with central differences, beside all with `jax.grad`: those
# furthest from it and some at random. Of 100 the report would wait for twice as long.
PROBED = 30
OUTPUTS = 4  # that are drawn, at most, of a network


class Picture(NamedTuple):
    """A picture of the report.

    png: the bytes of a PNG file.
    caption: to be read under the picture.
    large: a column is too narrow for the picture.
    """

    png: bytes
    caption: str
    large: bool = False


def pictures_of_choices(result: SweepResult) -> list[Picture]:
    """The score against each of the choices that vary."""
    rows = [row for row in result.ranking if np.isfinite(row.score)]
    if not rows:  # there is nothing to draw
        return []
    statuses = [row.status for row in rows]
    scores = [row.score for row in rows]
    found = []
    # In pictures more is better: scores far below all others are arrows at the foot.
    scoring = {"loss": "minus the loss"}.get(result.task.scoring, result.task.scoring)
    for name in result.varied():
        values: list[Any] = [row.configuration.get(name) for row in rows]
        title = name
        if name == "hidden":  # too many values to be columns: by size
            values, title = [sum(hidden) for hidden in values], "hidden units in all"
        elif not all(isinstance(value, int | float) for value in values):
            values = [row.in_words(name) for row in rows]
        drawn, (axes,) = pictures.figure()
        pictures.score_by(axes, values, scores, name=title, scoring=scoring, statuses=statuses)
        caption = f"Each dot is a configuration: {scoring} by {title}."
        found.append(Picture(pictures.png(drawn), caption))
    return found


def pictures_of_best(
    result: SweepResult,
    classes: Sequence[str] | None,
    features: Sequence[str],
    *,
    mean: float = 0.0,
    scale: float = 1.0,
    ensemble: Ensemble | None = None,
) -> list[Picture]:
    """The best configuration's predictions of rows that its networks were not trained on.

    Args:
      result: of the sweep.
      classes: names of the classes, or None.
      features: names of the columns of X.
      mean: of the numbers to predict, if y has them standardised; see `html_report`.
      scale: likewise.
      ensemble: whose predictions are drawn instead.
    """
    task, network = result.task, result.best.members[0].network
    rows, A = result.held_out_outputs(ensemble)
    if not np.isfinite(A).all():
        return []
    Y = task.labels[network.loss][rows]
    if classes is not None:
        found = _of_classes(A, Y, classes)
    elif network.loss.classes:
        found = [
            picture
            for k in range(min(OUTPUTS, Y.shape[1]))
            for picture in _of_classes(A[:, [k]], Y[:, [k]], (f"not {k + 1}", f"label {k + 1}"))
        ]
    else:
        found = [
            _of_numbers(
                _in_units(A[:, _output_of(k, A, Y)], mean, scale),
                _in_units(Y[:, k], mean, scale),
                k if Y.shape[1] > 1 else None,
            )
            for k in range(min(OUTPUTS, Y.shape[1]))
        ]
    one = classes is not None or Y.shape[1] == 1
    if one and task.X.shape[1] == 2:
        found.append(_regions(result, classes, features, mean, scale))
    return found


def _of_classes(A: np.ndarray, Y: np.ndarray, classes: Sequence[str]) -> list[Picture]:
    width, height = pictures.size_of_confusion(len(classes))
    drawn, (axes,) = pictures.figure(width=width, height=height)
    pictures.confusion(axes, class_numbers(Y), class_numbers(A), classes)
    right = float((class_numbers(A) == class_numbers(Y)).mean())
    caption = f"Held-out rows by their class and by the one predicted; {right:.2%} are right."
    found = [Picture(pictures.png(drawn), caption, large=len(classes) > 8)]
    if len(classes) == 2:
        drawn, (axes,) = pictures.figure()
        pictures.calibration(axes, class_numbers(Y), A[:, -1], name=classes[1])
        caption = f"How often it is {classes[1]} where the network says so with some probability."
        found.append(Picture(pictures.png(drawn), caption))
    return found


def _output_of(k: int, A: np.ndarray, Y: np.ndarray) -> int:
    """The column of A for column k of Y; where A has several quantiles, the middle one."""
    return k if A.shape[1] == Y.shape[1] else A.shape[1] // 2


def _in_units(standardised: np.ndarray, mean: float, scale: float) -> np.ndarray:
    return standardised.astype(float) * scale + mean


def _of_numbers(predicted: np.ndarray, y: np.ndarray, output: int | None) -> Picture:
    of = "" if output is None else f" of output {output + 1}"
    drawn, (axes,) = pictures.figure()
    pictures.predicted_and_true(axes, y, predicted)
    caption = f"Predicted and true numbers{of}, each predicted by networks not trained on its row."
    return Picture(pictures.png(drawn), caption)


def _regions(
    result: SweepResult,
    classes: Sequence[str] | None,
    features: Sequence[str],
    mean: float,
    scale: float,
) -> Picture:
    """The predictions of the first fold's network, with the rows held out from the fold."""
    task, member = result.task, result.best.members[0]
    params, network = member.trained
    fitted = Fitted(params, network, task.classes)
    held = task.splits[member.fold][1]
    Y = task.labels[network.loss][held]

    def predict(X: np.ndarray) -> np.ndarray:
        A = fitted.outputs(X)
        return A if classes is not None else _in_units(A[:, _output_of(0, A, Y)], mean, scale)

    y = class_numbers(Y) if classes is not None else _in_units(Y[:, 0], mean, scale)
    drawn, (axes,) = pictures.figure()
    pictures.decision_regions(
        axes, predict, task.X[held], y, classes=classes, feature_names=features
    )
    by = f"{features[0]} and {features[1]}"
    return Picture(
        pictures.png(drawn),
        f"What the network of the first fold predicts by {by}, and the rows held out from it.",
    )


def pictures_of_training(result: SweepResult) -> list[Picture]:
    """Learning curves, the certificate, and the time of every program."""
    shown = min(CURVES, len(result.ranking))
    return [
        _learning(result),
        Picture(_best_curves(result), f"Validation loss of the best {shown}, on their first fold."),
        _certificate(result),
        Picture(_buckets(result), "Where the time went: each bar is a compiled program."),
    ]


def _learning(result: SweepResult) -> Picture:
    member = result.best.members[0]
    cost, validation = member.curves.cost, member.curves.validation_loss
    broken = np.flatnonzero(~np.isfinite(cost) | ~np.isfinite(validation))
    end = int(broken[0]) if broken.size else len(cost)
    best = member.best_epoch if 1 <= member.best_epoch <= end else None
    drawn, (axes,) = pictures.figure()
    pictures.learning_curves(axes, cost[:end], validation[:end], best_epoch=best)
    return Picture(pictures.png(drawn), "Cost of the best, on its first fold.")


def _best_curves(result: SweepResult) -> bytes:
    drawn, (axes,) = pictures.figure()
    for row in result.ranking[:CURVES]:
        loss = row.members[0].curves.validation_loss
        axes.plot(np.arange(1, len(loss) + 1), loss, label=f"rank {row.rank}", linewidth=1.5)
    axes.set(xlabel="epoch", ylabel="validation loss")
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3)
    return pictures.png(drawn)


def _certificate(result: SweepResult) -> Picture:
    """The certificate of the gradient by hand at the best network, on some rows held out."""
    task, member = result.task, result.best.members[0]
    params, network = member.trained
    rows = task.splits[member.fold][1][:CERTIFIED]
    found = certify(
        params,
        task.X[rows, : task.columns(member.fold)].T,
        task.labels[network.loss][rows].T,
        network=network,
        l2=member.configuration.get("l2", 0.0),
        entries=PROBED,
    )
    drawn, (axes,) = pictures.figure(height=max(pictures.HEIGHT, 1.2 + 0.2 * len(found.leaves)))
    pictures.certificate(axes, found)
    said = " ".join([found.diagnosis.replace("\n", " "), found.note]).strip()
    return Picture(
        pictures.png(drawn),
        f"Certificate of the gradient by hand at the best, on {len(rows)} rows: {said}",
    )


def _buckets(result: SweepResult) -> bytes:
    drawn, (axes,) = pictures.figure()
    buckets = range(len(result.plan.buckets))
    spent = np.array([result.bucket_seconds.get(i, (0.0, 0.0)) for i in buckets])
    at = np.arange(len(spent))
    useful = np.array([b.flops_used / b.flops_issued for b in result.plan.buckets])
    axes.bar(at, spent[:, 0], color=ORANGE, label="compiling")
    running = spent[:, 1]
    axes.bar(at, running * useful, bottom=spent[:, 0], color=BLUE, label="training")
    bottom = spent[:, 0] + running * useful
    axes.bar(at, running * (1 - useful), bottom=bottom, color=GREY, label="padding")
    axes.set(xlabel="program", ylabel="seconds of a core")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.legend(fontsize=8)
    return pictures.png(drawn)
