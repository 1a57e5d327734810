"""A sweep's answer, a model, with what it rests on: importance of columns, errors out of fold."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from mlp_jax.models.intervals import LEVEL, covered, half_widths, residuals_of
from mlp_jax.models.model import Model
from mlp_jax.models.permutation import Importance, importance_of_inputs
from mlp_jax.sweeps.results.ensemble import Ensemble
from mlp_jax.sweeps.results.result import SweepResult

REPEATS = 5  # permutations of a column: with fewer, much of an interval would be of permutations


class Answer(NamedTuple):
    """A model that a sweep answers by, and what it rests on.

    model: with notes of the importance and of the intervals, and for numbers with residuals.
    ensemble: that the model was made of; None of a single network.
    importance: of the columns, on the rows held out; None without such rows.
    true: numbers of the rows held out, (samples, targets), in units of the target; None of classes.
    predicted: likewise.
    """

    model: Model
    ensemble: Ensemble | None = None
    importance: Importance | None = None
    true: np.ndarray | None = None
    predicted: np.ndarray | None = None

    @property
    def half_widths(self) -> np.ndarray | None:
        """Of the 90 % intervals of every target, (targets,), or None."""
        return _half_widths(self.model.residuals)


def explained(
    model: Model,
    result: SweepResult,
    ensemble: Ensemble | None,
    X: np.ndarray | None = None,
    y: np.ndarray | None = None,
    *,
    seed: int = 0,
) -> Answer:
    """The model with its residuals out of fold, and what rows held out from the sweep say of it.

    Args:
      model: that is to be written.
      result: of the sweep.
      ensemble: that the model was made of; None where it is a network that was trained again with
        the best configuration.
      X: rows that no network has seen, encoded, (samples, n[0]); None for no such rows.
      y: of these rows the places of the classes or labels, or the numbers as the networks have
        them, standardised: (samples,), or (samples, targets).
      seed: of the permutations.
    """
    residuals = _residuals(model, result, ensemble)
    notes: dict[str, Any] = {}
    answer = Answer(replace(model, residuals=residuals), ensemble)
    if X is not None and y is not None:
        answer = _on_rows_held_out(answer, X, np.asarray(y), seed)
    widths = answer.half_widths
    if widths is not None:
        notes["interval"] = {"level": LEVEL, "half_width": _one_or_list(widths)}
        if answer.true is not None:
            low, high = answer.predicted - widths, answer.predicted + widths
            notes["interval"]["share_of_rows_held_out"] = covered(answer.true, low, high)
    if answer.importance is not None:
        notes["importance"] = answer.importance.as_notes()
    return answer._replace(model=replace(answer.model, notes={**model.notes, **notes}))


def _on_rows_held_out(answer: Answer, X: np.ndarray, y: np.ndarray, seed: int) -> Answer:
    """The answer with importance and, of numbers, with what is true and predicted."""
    model = answer.model
    if model.classes is not None:
        truth: Any = [model.classes[place] for place in y.ravel().astype(int)]
    else:
        truth = y if model.is_classifier else y.astype(np.float64) * model.scale + model.mean
    found = None
    if len(X) >= 3:  # of fewer no column can be permuted
        found = importance_of_inputs(model, X, truth, repeats=REPEATS, seed=seed)
    if model.is_classifier or len(model.quantiles) > 1:
        return answer._replace(importance=found)
    predicted = model.predicted(model.outputs_of_inputs(X)).reshape(len(X), -1)
    return answer._replace(importance=found, true=truth.reshape(len(X), -1), predicted=predicted)


def _residuals(model: Model, result: SweepResult, ensemble: Ensemble | None) -> np.ndarray | None:
    """What the errors are on rows of the folds that the networks were not trained on, or None.

    Of an ensemble, the networks of a row's own fold predict it: the others have seen it. These are
    fewer networks than predict new rows, so the intervals are a little too wide, never too narrow.
    """
    if model.is_classifier or len(model.quantiles) > 1:
        return None
    rows, A = result.held_out_outputs(ensemble)
    Y = result.task.exact_labels(result.best.members[0].network.loss)[rows]
    if not np.isfinite(A).all():
        return None
    return abs(model.scale) * residuals_of(Y, A)


def _half_widths(residuals: np.ndarray | None) -> np.ndarray | None:
    """Of the level that reports show; None without residuals, or with too few."""
    if residuals is None or len(residuals) + 1 < 1 / (1 - LEVEL) - 1e-9:
        return None
    return half_widths(residuals, LEVEL)


def _one_or_list(widths: np.ndarray) -> Any:
    return float(widths[0]) if len(widths) == 1 else widths.tolist()
