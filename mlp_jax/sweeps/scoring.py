"""What members of a sweep are scored by."""

from typing import Any

from mlp_jax import metrics
from mlp_jax.losses import Loss


def as_read(scoring: str, score: float) -> float:
    """A score as it is read under its name: a loss, and not minus the loss."""
    return 0.0 - score if scoring == "loss" else score


def scores_of(choice: Any, losses: list[Loss]) -> tuple[str, dict[Loss, metrics.Metric | None]]:
    """The score's name, and for every loss the metric behind it; None for the loss itself."""
    if callable(choice):
        return "own", dict.fromkeys(losses, metrics.as_metric(choice))
    if choice is None:
        own = {loss.metric for loss in losses}
        classes = all(loss.classes for loss in losses)
        choice = "accuracy" if classes else "r2" if own == {metrics.r2} else "loss"
    if choice == "accuracy" and all(loss.classes for loss in losses):
        return "accuracy", {loss: metrics.as_metric(loss.metric) for loss in losses}
    if choice == "r2":
        return "r2", dict.fromkeys(losses, metrics.r2)
    if choice != "loss":
        raise ValueError(
            f"scoring is {choice!r}; expected 'accuracy' (of classes), 'r2', 'loss', or a function "
            "of (A, Y, weights) whose value is better the higher it is, or of an error "
            "mlp_jax.Metric(function, less_is_better=True)"
        )
    if len(losses) > 1:
        names = ", ".join(loss.name for loss in losses)
        raise ValueError(
            f"the space has the losses {names}, whose values cannot be compared; "
            "type scoring='r2', or only one of them"
        )
    return "loss", dict.fromkeys(losses)
