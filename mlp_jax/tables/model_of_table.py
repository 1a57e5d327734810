"""A table's network: its choices, its labels, its scores on rows held out, its model."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mlp_jax.labels import one_hot
from mlp_jax.loss_rules import ANY, default_loss
from mlp_jax.models.model import Model
from mlp_jax.models.networks import Trained, as_model
from mlp_jax.models.outputs import class_numbers
from mlp_jax.network import Network
from mlp_jax.tables.scores import (
    log_loss,
    mean_absolute_error,
    mean_pinball_loss,
    r2,
    roc_auc,
    root_mean_squared_error,
)
from mlp_jax.tables.table import EncodedTable, Table


def network_of(table: Table) -> Network:
    """The paper's network, with the loss that the target calls for."""
    return Network(loss=default_loss(None if table.classes is None else len(table.classes)))


def check_loss(table: Table, loss: Any) -> None:
    """Raises ValueError for a loss that the target of this table is not for."""
    chosen = Network(loss=loss).loss
    if chosen.classes == (table.classes is None):
        of_loss, of_target = ("classes", "numbers") if chosen.classes else ("numbers", "classes")
        raise ValueError(
            f"the loss {chosen.name} is of {of_loss} and the target {table.target!r} of "
            f"{of_target}: leave the loss out, or type another, or --task"
        )
    if table.classes is None and chosen.labels != ANY:
        raise ValueError(
            f"the loss {chosen.name} expects a target from {chosen.labels[0]:g} up, and tables are "
            f"standardised: type another loss, or train by {chosen.name} in Python, with "
            "mlp_jax.sweep"
        )


def labels_of(table: Table, y: np.ndarray) -> np.ndarray:
    """Y as the loss of `network_of` compares it with the outputs, (n[L], m)."""
    if table.classes is None or len(table.classes) == 2:
        return np.asarray(y, float)[None]
    return np.asarray(one_hot(y, len(table.classes)))


def model_of_table(
    table: Table,
    parts: EncodedTable,
    networks: Sequence[Trained],
    weights: Sequence[float] | np.ndarray | None = None,
) -> Model:
    """The model of networks that were trained on `parts`, averaged with these weights.

    Of what a sweep leaves: `model_of_table(table, parts, fitted.networks, fitted.weights)`.

    Args:
      table: as it was read.
      parts: its rows, encoded.
      networks: (params, network) of each.
      weights: of each, (networks,); equal by default.
    """
    return as_model(
        networks,
        weights,
        encoding=parts.encoding,
        targets=[table.target],
        classes=table.classes,
        mean=parts.mean,
        scale=parts.scale,
    )


def with_notes(model: Model, parts: EncodedTable, found: Mapping[str, float]) -> Model:
    """The model with what was measured, for `mlp-jax info`."""
    counts = {"samples": len(parts.y_train), "held_out_samples": len(parts.y_test)}
    return replace(model, notes=counts | {"held_out": dict(found)})


def scores(model: Model, parts: EncodedTable, A: np.ndarray) -> dict[str, float]:
    """The scores of the rows held out, by name.

    Errors and the pinball loss are in units of the target, the log loss in nats. The share of the
    largest class is the accuracy of predicting that class for all rows.

    Args:
      model: what predicts.
      parts: the table.
      A: the outputs of the rows held out, (samples, n[L]).
    """
    if model.classes is None:
        true = parts.y_test * parts.scale + parts.mean
        if len(model.quantiles) > 1:
            return _scores_of_quantiles(model.quantiles, true, model.predicted(A))
        both = true, model.predicted(A)
        return ({"r2": r2(*both)} if len(true) > 1 else {}) | {
            "root_mean_squared_error": root_mean_squared_error(*both),
            "mean_absolute_error": mean_absolute_error(*both),
        }
    P = model.probabilities(A)
    P /= P.sum(axis=1, keepdims=True)  # the sum of a softmax in float32 is one but for rounding
    found = {
        "accuracy": float((class_numbers(A) == parts.y_test).mean()),
        "share_of_the_largest_class": float(np.bincount(parts.y_test).max() / len(parts.y_test)),
        "log_loss": log_loss(parts.y_test, P),
    }
    if len(model.classes) == 2:
        found["roc_auc"] = roc_auc(parts.y_test, P[:, 1])
    return found


def _scores_of_quantiles(
    quantiles: Sequence[str], true: np.ndarray, predicted: np.ndarray
) -> dict[str, float]:
    """The mean pinball loss, and the share of the rows that are at or below every quantile.

    true: (samples,). predicted: (samples, quantiles).
    """
    columns = list(zip(quantiles, predicted.T, strict=True))
    losses = [mean_pinball_loss(true, one, float(tau)) for tau, one in columns]
    shares = {f"share_below_quantile_{tau}": float((true <= one).mean()) for tau, one in columns}
    return {"pinball_loss": float(np.mean(losses))} | shares


def in_words(found: Mapping[str, float]) -> str:
    """Scores in a line, such as "accuracy 0.98, log loss 0.07"."""
    return ", ".join(f"{name.replace('_', ' ')} {value:.4f}" for name, value in found.items())
