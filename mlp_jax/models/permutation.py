"""Importance of the columns of a table by permutation: what the loss rises by without one.

The cells of a column are given to other rows, so that the column says nothing of the row it stands
in (Breiman, 2001; Fisher, Rudin and Dominici, 2019). All inputs made of the column move together.
Columns that say the same share the importance: each is replaced by the other. NumPy alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mlp_jax.loss_rules import SMALLEST
from mlp_jax.models.encoding import encode
from mlp_jax.models.model import Model
from mlp_jax.models.moved_inputs import outputs_of_moved
from mlp_jax.wording import as_typed

WORK = 1e11  # multiplications at most, some seconds; fewer rows are asked where it would be more
FEWEST = 200  # rows that are asked, if there are as many, however large the networks
NORMAL = 1.96  # standard errors on both sides of a mean hold 95 % of a normal distribution
NOTED = 100  # columns that a model file has the importance of
ROOT = {"squared error": "root mean squared error"}  # a loss that is read by its root


@dataclass(frozen=True)
class Importance:
    """How much the loss rises where a column is permuted, for the columns that networks see.

    names: of the columns.
    mean: the rise of the mean loss of a row, averaged over the permutations, (columns,).
    low, high: the ends of its 95 % interval, (columns,), for other rows of the same kind as well as
      for other permutations.
    loss: the mean loss of a row as the table is.
    measure: of the loss: "log loss" in nats, "squared error" in squared units of the target, or
      "pinball loss" in its units; of several targets, labels or quantiles the mean.
    rows: that were asked.
    repeats: permutations of each column.

    Example:
      >>> print(Importance(("age", "town"), [0.3, 0.0], [0.2, -0.1], [0.4, 0.1], 0.5, "log loss",
      ...                  rows=200, repeats=5))
      the rise of the log loss, 0.5 as it is, where a column is permuted
      age   0.3  (0.2 to 0.4)
      town  0    (-0.1 to 0.1)
    """

    names: tuple[str, ...]
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    loss: float
    measure: str
    rows: int
    repeats: int

    @property
    def measure_read(self) -> str:
        """What `read` is of: the root of a squared error, in units of the target, or the loss."""
        return ROOT.get(self.measure, self.measure)

    @property
    def loss_read(self) -> float:
        """The loss as the table is, or its root."""
        return float(np.sqrt(self.loss)) if self.measure in ROOT else float(self.loss)

    def read(self) -> list[tuple[str, float, float, float]]:
        """(column, rise, low, high) of `measure_read`, the most important column first."""
        rises = np.stack([self.mean, self.low, self.high]).astype(np.float64)  # (3, columns)
        order = np.argsort(-rises[0], kind="stable")
        if self.measure in ROOT:
            rises = np.sqrt(np.maximum(self.loss + rises, 0)) - np.sqrt(self.loss)
        return [(self.names[k], *map(float, rises[:, k])) for k in order]

    def lines(self, count: int | None = None) -> list[str]:
        """A line of the columns' rises for each of the `count` most important ones."""
        found = self.read()[:count]
        told = [(name, *(f"{one:.4g}" for one in rises)) for name, *rises in found]
        widest, longest = (max((len(row[i]) for row in told), default=0) for i in (0, 1))
        return [
            f"{name:{widest}}  {mean:{longest}}  ({low} to {high})"
            for name, mean, low, high in told
        ]

    def __str__(self) -> str:
        said = f"the rise of the {self.measure_read}, {self.loss_read:.4g} as it is"
        return "\n".join([f"{said}, where a column is permuted", *self.lines()])

    def as_notes(self) -> dict[str, Any]:
        """What a model file holds: all fields, of the `NOTED` most important columns at most."""
        order = np.argsort(-np.asarray(self.mean), kind="stable")[:NOTED]
        columns = {
            name: np.asarray(getattr(self, name), np.float64)[order].tolist()
            for name in ("mean", "low", "high")
        }
        return asdict(self) | {"names": [self.names[k] for k in order]} | columns


def importance_in(notes: Mapping[str, Any]) -> Importance | None:
    """The importance in the notes of a model; None where there is none that can be read."""
    try:
        kept: Any = dict(notes["importance"])
        mean, low, high = (np.array(kept[name], np.float64) for name in ("mean", "low", "high"))
        names, loss = tuple(map(str, kept["names"])), float(kept["loss"])
        rows, repeats, measure = int(kept["rows"]), int(kept["repeats"]), str(kept["measure"])
    except (KeyError, TypeError, ValueError):
        return None
    whole = {mean.shape, low.shape, high.shape} == {(len(names),)}
    if not whole or not np.isfinite(loss):
        return None
    return Importance(names, mean, low, high, loss, measure, rows, repeats)


def importance(model: Model, rows: Any, y: Any, *, repeats: int = 5, seed: int = 0) -> Importance:
    """How much worse the model is where a column says nothing, for every column that it uses.

    The loss is the log loss of classes and labels, the squared error of numbers, and the pinball
    loss of quantiles. Of so many rows and networks that it would take long, a sample of the rows is
    asked.

    Args:
      model: as of `mlp_jax.load_model` or `mlp_jax.model_of`.
      rows: that the model was not trained on, as `Model.outputs` takes them.
      y: what is true of these rows, (samples,): classes, or numbers in units of the target; of
        several targets (samples, K).
      repeats: how many permutations of each column.
      seed: of the permutations, and of which rows are asked.

    Raises:
      ValueError: fewer than 3 rows, y that does not go with rows or model, or what `Model.outputs`
        raises.

    Example:
      >>> import mlp_jax
      >>> from sklearn.datasets import load_breast_cancer
      >>> model = mlp_jax.load_model("experiments/results/breast_cancer.safetensors")
      >>> table = load_breast_cancer(as_frame=True)
      >>> y = table.target_names[table.target]
      >>> found = mlp_jax.importance(model, table.data, y)
      >>> len(found.names), found.measure
      (30, 'log loss')
    """
    return importance_of_inputs(model, encode(model.encoding, rows), y, repeats=repeats, seed=seed)


def importance_of_inputs(
    model: Model, X: np.ndarray, y: Any, *, repeats: int = 5, seed: int = 0
) -> Importance:
    """`importance` on rows that are encoded already, (samples, n[0])."""
    y = _checked(model, X, y, repeats)
    columns = model.encoding.columns
    places: dict[str, list[int]] = {}  # of a date those of all its parts, which are moved together
    for place in sorted(set(model.encoding.source.tolist())):
        places.setdefault(columns[place].of, []).append(place)
    # One random order serves as a sample of the rows and as a start of the permutations: a shift
    # of it by 1, 2, ... gives each row the cell of another, and no two rows meet twice.
    order = np.random.default_rng(seed).permutation(len(X))[
        : _affordable(model, len(places), repeats)
    ]
    X, y = X[order], y[order]
    repeats = min(repeats, len(X) - 1)
    loss = _losses(model, model.outputs_of_inputs(X), y)
    outputs = outputs_of_moved(model, X)
    found = []
    for own_places in places.values():
        inputs = np.flatnonzero(np.isin(model.encoding.source, own_places))
        own = X[:, inputs]
        moved = [np.roll(own, shift, axis=0) for shift in range(1, repeats + 1)]
        losses = [_losses(model, outputs(inputs, cells), y) for cells in moved]
        found.append(mean_and_error(np.stack(losses) - loss))
    mean, error = np.array(found).T.reshape(2, -1)
    return Importance(
        names=tuple(places),
        mean=mean,
        low=mean - NORMAL * error,
        high=mean + NORMAL * error,
        loss=float(loss.mean()),
        measure=_measure(model),
        rows=len(X),
        repeats=repeats,
    )


def mean_and_error(rises: np.ndarray) -> tuple[float, float]:
    """The mean rise, and its standard error for other rows and for other permutations.

    A rise h(i, k) is of row i with the cell of row k, so that the mean has a share of every row
    twice: as the one that receives and as the one that gives. The variance is of the sum of both
    (Hájek's projection), less what permutations add to an estimate from so few of them.

    Args:
      rises: of every row, (repeats, rows); in the s-th repeat, from 1, row i has the cell of row
        i - s.
    """
    repeats, m = rises.shape
    given = np.mean([np.roll(row, -shift) for shift, row in enumerate(rises, start=1)], axis=0)
    by_permutation = rises.var(ddof=1) / repeats if repeats * m > 1 else 0.0
    variance = (rises.mean(axis=0) + given).var(ddof=1) - by_permutation
    return float(rises.mean()), float(np.sqrt(max(variance, by_permutation) / m))


def _measure(model: Model) -> str:
    if model.is_classifier:
        return "log loss"
    return "pinball loss" if len(model.quantiles) > 1 else "squared error"


def _losses(model: Model, A: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The loss of every row by its outputs, (samples,); y as `_checked` returns it."""
    if model.classes is not None:
        P = model.probabilities(A)[np.arange(len(y)), y]
        return np.asarray(-np.log(np.maximum(P, SMALLEST)))
    if model.is_classifier:
        P = np.clip(model.probabilities(A), SMALLEST, 1 - SMALLEST)
        return np.asarray(-np.log(np.where(y > 0, P, 1 - P)).mean(axis=1))
    off = y - model.predicted(A).reshape(len(y), -1)  # (samples, K), y of quantiles (samples, 1)
    if len(model.quantiles) > 1:
        tau = np.array(list(map(float, model.quantiles)))
        return np.asarray(np.maximum(tau * off, (tau - 1) * off).mean(axis=1))
    return np.asarray((off**2).mean(axis=1))


def _checked(model: Model, X: np.ndarray, y: Any, repeats: Any) -> np.ndarray:
    """Y as `_losses` takes it: places of classes, (samples,), or numbers, (samples, K).

    Raises:
      ValueError: see `importance`.
    """
    y = np.asarray(y)
    K = len(model.targets)
    if len(X) < 3:
        raise ValueError(f"there are {len(X)} rows; expected 3 or more, to permute a column of")
    if isinstance(repeats, bool) or not isinstance(repeats, int | np.integer) or repeats < 1:
        raise ValueError(f"repeats is {as_typed(repeats)}; expected a whole number from 1")
    if y.shape not in ((len(X), K), *([(len(X),)] if K == 1 else [])):
        shape = f"({len(X)},)" if K == 1 else f"({len(X)}, {K})"
        raise ValueError(f"y has shape {y.shape}; expected {shape}, the truth of every row")
    if model.classes is not None:
        return _places(model.classes, y.ravel().tolist())
    numbers = y.reshape(len(X), K)
    if numbers.dtype.kind not in "fiub" or not np.isfinite(numbers).all():
        raise ValueError(f"y holds {y.dtype}; expected finite numbers, as {model.targets[0]!r} has")
    return numbers.astype(np.float64)


def _places(classes: Sequence[Any], y: list[Any]) -> np.ndarray:
    places = {label: place for place, label in enumerate(classes)}
    for label in y:
        if label not in places:
            raise ValueError(
                f"y has {label!r}; expected the classes of the model, "
                f"{', '.join(map(repr, classes[:10]))}"
            )
    return np.array([places[label] for label in y])


def _affordable(model: Model, columns: int, repeats: int) -> int:
    """How many rows can be asked."""
    weights = sum(W.size for network in model.networks for W, _ in network.layers)
    return max(FEWEST, int(WORK / (weights * columns * (repeats + 1))))
