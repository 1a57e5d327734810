"""One trained network or several, and predictions from them by NumPy alone: nothing imports JAX."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np

from mlp_jax.loss_rules import quantiles_of, rules_of
from mlp_jax.models import outputs
from mlp_jax.models.encoding import BLOCK, Encoding, coded, encoded, rows_at_once
from mlp_jax.models.intervals import LEVEL, SOME, half_widths
from mlp_jax.models.stacked import Stack, average_of_stacks, stacks_of


class ModelNetwork(NamedTuple):
    """A network of a model.

    layers: (W, b) of each, W of (inputs, outputs) and b of (outputs, 1).
    activations: of the hidden layers, by name.
    """

    layers: tuple[tuple[np.ndarray, np.ndarray], ...]
    activations: tuple[str, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Units of every layer, inputs first."""
        return (len(self.layers[0][0]), *(W.shape[1] for W, _ in self.layers))


@dataclass(frozen=True)
class Model:
    """One trained network, or several that are averaged, with all it takes to use a table's rows.

    networks: each with its own depth, widths and activations; all have the same inputs, outputs and
      loss. Several are copied side by side at the first prediction, so write to none after it.
    loss: by name; it says what the outputs are.
    encoding: how rows become inputs.
    targets: the names of the columns that are predicted.
    classes: what the one target may be, in the order of the outputs; of two, the output is the
      probability of the second. None for numbers, or for several labels.
    mean, scale: of the target; a predicted number is output * scale + mean.
    precision: of the products in training; "highest" where networks differ.
    notes: what was measured, such as the score on rows held out.
    weights: of every network in the average of the outputs, (networks,), of sum 1.
    residuals: of numbers, how far off the predictions of rows were that the networks had not seen,
      sorted, (rows, targets), in units of the targets; None where that is not known.

    Example:
      >>> import mlp_jax
      >>> model = mlp_jax.load_model("experiments/results/breast_cancer.safetensors")
      >>> print(model.targets, model.classes, [network.sizes for network in model.networks])
      ('class',) ('malignant', 'benign') [(30, 64, 32, 16, 1)]
    """

    networks: tuple[ModelNetwork, ...] = field(repr=False)
    loss: str
    encoding: Encoding = field(repr=False)
    targets: tuple[str, ...]
    classes: tuple[Any, ...] | None = None
    mean: float = 0.0
    scale: float = 1.0
    precision: str = "highest"
    notes: Mapping[str, Any] = field(default_factory=dict)
    weights: np.ndarray = field(default_factory=lambda: np.ones(1), repr=False)
    residuals: np.ndarray | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if len(self.networks) != len(self.weights) or not self.networks:
            raise ValueError(
                f"the model has {len(self.networks)} networks and {len(self.weights)} weights; "
                "expected one or more, and as many"
            )

    @property
    def layers(self) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
        """Of the network, if there is one alone; ValueError of several."""
        return self._only("layers").layers

    @property
    def activations(self) -> tuple[str, ...]:
        """Of the network, if there is one alone; ValueError of several."""
        return self._only("activations").activations

    @property
    def sizes(self) -> tuple[int, ...]:
        """Of the network, if there is one alone; ValueError of several."""
        return self._only("sizes").sizes

    def _only(self, asked: str) -> ModelNetwork:
        if len(self.networks) > 1:
            raise ValueError(
                f"the model is an average of {len(self.networks)} networks, each with its own "
                f"{asked}: type model.networks[0].{asked}"
            )
        return self.networks[0]

    @cached_property
    def stacks(self) -> tuple[Stack, ...]:
        """The networks side by side, as they are computed."""
        return stacks_of(self.networks)

    @property
    def is_classifier(self) -> bool:
        """Whether the outputs are probabilities."""
        return rules_of(self.loss).classes

    @property
    def quantiles(self) -> tuple[str, ...]:
        """The quantile of each output, as the name of the loss writes it; () of another loss."""
        return quantiles_of(self.loss)

    def outputs(self, rows: Any) -> np.ndarray:
        """A[L] of every row, (samples, n[L]), in the dtype of W; of several networks the average.

        Each network is computed in the dtype of W, float32 or float64, the average in float64.

        Args:
          rows: as `mlp_jax.models.encoding.encode` takes them: a data frame, a pyarrow table, a
            dict of columns, or an array, (samples, columns).

        Raises:
          ValueError: a column is missing, or a cell is not what its column is made of.
        """
        return self._outputs(coded(self.encoding, rows), partial(encoded, self.encoding))

    def outputs_of_inputs(self, X: np.ndarray) -> np.ndarray:
        """A[L] of rows that are encoded already, (samples, n[0])."""
        return self._outputs(X, lambda block: block)

    def _outputs(self, rows: np.ndarray, inputs: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """A[L], block by block; `inputs` encodes a block of rows."""
        found, block = [], rows_at_once(BLOCK, len(self.encoding.source))
        for at in range(0, max(1, len(rows)), block):
            X = self._in_range(inputs(rows[at : at + block]), at)
            with np.errstate(over="ignore"):
                A = average_of_stacks(self.stacks, self.weights, X, self.loss)
            found.append(A.astype(X.dtype))
        return np.concatenate(found)

    def _in_range(self, X: np.ndarray, at: int) -> np.ndarray:
        """X in the dtype of W, in which every number must be finite; its first row is row `at`."""
        with np.errstate(over="ignore"):
            found = X.astype(self.networks[0].layers[0][0].dtype)
        if not np.isfinite(found).all():
            row, place = np.argwhere(~np.isfinite(found))[0]
            raise ValueError(
                f"row {at + row + 1}: {self.encoding.inputs()[place]!r} is {X[row, place]:g} when "
                f"standardised, too large for {found.dtype}"
            )
        return found

    def predict(self, rows: Any) -> np.ndarray:
        """The class or the number of every row, (samples,); of several targets (samples, K).

        Of several labels, 1 where its probability is above one half. Arguments and errors as for
        `outputs`.
        """
        return self.predicted(self.outputs(rows))

    def predict_proba(self, rows: Any) -> np.ndarray:
        """The probability of every class, (samples, classes); of several labels, of each.

        Raises:
          ValueError: as for `outputs`; or the model predicts numbers.
        """
        return self.probabilities(self.outputs(rows))

    def interval(self, rows: Any, level: float = LEVEL) -> tuple[np.ndarray, np.ndarray]:
        """(low, high): between which two numbers that of every row is, with this probability.

        Each is of the shape that `predict` returns. All rows have one half-width, that of the
        errors on rows held out in the training (split conformal prediction): of new rows of the
        same kind the share that `level` says is inside, or a little more. Where errors grow with
        the number that is predicted, large numbers are outside more often, small ones less.

        Args:
          rows: as for `outputs`.
          level: the share of rows, above 0 and below 1.

        Raises:
          ValueError: as for `outputs`; the model predicts no numbers or has no residuals, or too
            few for the level.
        """
        widths = self.half_widths(level)
        predicted = self.predict(rows)
        half = widths[0] if predicted.ndim == 1 else widths
        return predicted - half, predicted + half

    def half_widths(self, level: float = LEVEL) -> np.ndarray:
        """Half the width of the `interval` of every target, (targets,)."""
        named = ", ".join(self.targets)
        if self.is_classifier:
            raise ValueError(f"the model predicts {named}, no numbers: use its probabilities")
        if self.residuals is None:
            raise ValueError(
                f"the model of {named} has no residuals, which an interval is made of: {SOME}"
            )
        return half_widths(self.residuals, level)

    def predicted(self, A: np.ndarray) -> np.ndarray:
        """What `predict` returns, from what `outputs` has returned."""
        if not self.is_classifier:
            A = A.astype(np.float64) * self.scale + self.mean
        classes = None if self.classes is None else _as_array(self.classes)
        return outputs.predicted(A, classes, of_labels=self.is_classifier)

    def probabilities(self, A: np.ndarray) -> np.ndarray:
        """What `predict_proba` returns, from what `outputs` has returned."""
        if not self.is_classifier:
            raise ValueError(f"the model predicts {', '.join(self.targets)}, numbers; use predict")
        return outputs.chances(A, of_labels=self.classes is None)


def with_plain_gaps(model: Model) -> Model:
    """The model that takes no word for a gap, nor an infinite number; empty cells are gaps."""
    columns = tuple(
        column._replace(reading=column.reading._replace(gaps=()))
        for column in model.encoding.columns
    )
    return replace(model, encoding=model.encoding._replace(columns=columns))


def _as_array(classes: Sequence[Any]) -> np.ndarray:
    """Classes as an array; of objects where NumPy would make floats of whole numbers."""
    found = np.array(classes)
    if found.dtype.kind == "f" and all(isinstance(label, int) for label in classes):
        return np.array(classes, object)
    return found
