"""What was measured of a model, in lines for `mlp-jax info`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlp_jax.models.intervals import LEVEL
from mlp_jax.models.permutation import importance_in

if TYPE_CHECKING:
    from mlp_jax.models.model import Model

MOST = 10  # columns whose importance is printed
OWN = ("importance", "interval")  # notes that have lines of their own


def notes_in_words(model: "Model") -> list[str]:
    """The notes, a line each; the intervals' half-width; the importance of columns."""
    return [
        *(_in_words(name, value) for name, value in model.notes.items() if name not in OWN),
        *_interval(model),
        *_importance(model.notes),
    ]


def _in_words(name: str, value: Any) -> str:
    said = _spelled(value)
    if isinstance(value, dict):
        said = ", ".join(f"{key.replace('_', ' ')} {_spelled(one)}" for key, one in value.items())
    return f"{name.replace('_', ' ')}: {said}"


def _spelled(value: Any) -> str:
    """With six digits of a float, as many as a person reads."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _interval(model: "Model") -> list[str]:
    """One line of a model with residuals enough, else none."""
    if model.residuals is None or len(model.residuals) < 1 / (1 - LEVEL) - 1.5:
        return []
    widths = model.half_widths(LEVEL).tolist()
    pairs = zip(model.targets, widths, strict=True)
    named = [f"± {width:.4g}{f' ({name})' if len(widths) > 1 else ''}" for name, width in pairs]
    noted = model.notes.get("interval")
    share = noted.get("share_of_rows_held_out") if isinstance(noted, Mapping) else None
    more = f"; it has {share:.1%} of the rows held out" if isinstance(share, float) else ""
    return [f"interval of {LEVEL:.0%}: {', '.join(named)}{more}"]


def _importance(notes: Mapping[str, Any]) -> list[str]:
    found = importance_in(notes)
    if found is None:
        return []
    said = f"{found.measure_read}, {found.loss_read:.4g} on {found.rows:,} rows held out"
    more = len(found.names) - MOST
    return [
        f"importance, by how much the {said}, rises where a column is permuted:",
        *(f"  {line}" for line in found.lines(MOST)),
        *([f"  and {more:,} more, less important"] if more > 0 else []),
    ]
