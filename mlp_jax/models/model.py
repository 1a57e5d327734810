"""One file a model, and predictions from it by NumPy alone: nothing here imports JAX.

The file is safetensors for the arrays, JSON for the rest, and a SHA-256 over it all. Loading runs
no code from the file, and checks every name, shape and dtype before it builds.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from mlp_jax.loss_rules import RULES, quantiles_of, rules_of
from mlp_jax.models import numpy_forward, outputs
from mlp_jax.models.encoding import BLOCK, Column, Encoding, check_encoding, coded, encoded
from mlp_jax.storage.array_files import packed, replace, unpacked

FORMAT = "mlp_jax.model/2"
EXPECTED = "a model written by mlp_jax"
LOSSES = re.compile(rf"({'|'.join(RULES)})(\([-+.,e0-9 ]*\))?")
_ENCODING = dict.fromkeys(("source", "what", "limit"), np.int32) | dict.fromkeys(
    ("fill", "mean", "scale"), float
)


@dataclass(frozen=True)
class Model:
    """A trained network with all it takes to use it on the rows of a table.

    layers: (W, b) of each, W of (inputs, outputs) and b of (outputs, 1).
    activations: of the hidden layers, by name.
    loss: by name; it says what the outputs are.
    encoding: how rows become inputs.
    targets: the names of the columns that are predicted.
    classes: what the one target may be, in the order of the outputs; of two, the output is the
      probability of the second. None for numbers, or for several labels.
    mean, scale: of the target; a predicted number is output * scale + mean.
    precision: of the products that it was trained with.
    notes: what was measured, such as the score on rows held out.

    Example:
      >>> import mlp_jax
      >>> model = mlp_jax.load_model("experiments/results/breast_cancer.safetensors")
      >>> print(model.targets, model.classes)
      ('class',) ('malignant', 'benign')
    """

    layers: tuple[tuple[np.ndarray, np.ndarray], ...] = field(repr=False)
    activations: tuple[str, ...]
    loss: str
    encoding: Encoding = field(repr=False)
    targets: tuple[str, ...]
    classes: tuple[Any, ...] | None = None
    mean: float = 0.0
    scale: float = 1.0
    precision: str = "highest"
    notes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Units of every layer, inputs first."""
        return (len(self.layers[0][0]), *(W.shape[1] for W, _ in self.layers))

    @property
    def is_classifier(self) -> bool:
        """Whether the outputs are probabilities."""
        return rules_of(self.loss).classes

    @property
    def quantiles(self) -> tuple[str, ...]:
        """The quantile of each output, as the name of the loss writes it; () of another loss."""
        return quantiles_of(self.loss)

    def outputs(self, rows: Any) -> np.ndarray:
        """A[L] of every row, (samples, n[L]), in the dtype of W; computed in float32 or float64.

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
        found = []
        for at in range(0, max(1, len(rows)), BLOCK):
            X = self._in_range(inputs(rows[at : at + BLOCK]), at)
            with np.errstate(over="ignore"):
                found.append(numpy_forward.forward(self.layers, X, self.activations, self.loss))
        return np.concatenate(found)

    def _in_range(self, X: np.ndarray, at: int) -> np.ndarray:
        """X in the dtype of W, in which every number must be finite; its first row is row `at`."""
        with np.errstate(over="ignore"):
            found = X.astype(self.layers[0][0].dtype)
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
        A = A.astype(np.float64)
        return A if self.classes is None else outputs.probabilities(A)


def _as_array(classes: Sequence[Any]) -> np.ndarray:
    """Classes as an array; of objects where NumPy would make floats of whole numbers."""
    found = np.array(classes)
    if found.dtype.kind == "f" and all(isinstance(label, int) for label in classes):
        return np.array(classes, object)
    return found


def load_model(path: Any) -> Model:
    """The model in a file of `mlp_jax.save_model` or of the command line.

    Predicts by NumPy alone; JAX is not imported.

    Raises:
      ValueError: the file is missing, foreign, cut short or altered.
    """
    path = Path(path)
    header, arrays = unpacked(path, FORMAT, EXPECTED)
    try:
        return _build(header, arrays)
    except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
        raise ValueError(f"{path} does not hold together: {error}; expected {EXPECTED}") from error


def write_model(path: Any, model: Model) -> None:
    """Writes the model's file; a file already there is replaced once the new one is whole."""
    replace(Path(path), to_bytes(model))


def to_bytes(model: Model) -> bytes:
    """The content of the model's file."""
    header = {
        "sizes": model.sizes,
        "activations": model.activations,
        "loss": model.loss,
        "precision": model.precision,
        "targets": model.targets,
        "classes": model.classes,
        "mean": model.mean,
        "scale": model.scale,
        "columns": model.encoding.columns,
        "notes": dict(model.notes),
    }
    arrays = {
        name: np.asarray(getattr(model.encoding, name), dtype) for name, dtype in _ENCODING.items()
    }
    for index, (W, b) in enumerate(model.layers, start=1):
        arrays |= {f"W{index}": np.asarray(W), f"b{index}": np.asarray(b)}
    return packed(FORMAT, header, arrays)


def _build(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> Model:
    sizes = header["sizes"]
    depth = len(sizes) - 1
    arrays = {"limit": np.zeros_like(arrays["source"])} | arrays  # files of before have no limits
    _check_arrays(sizes, arrays)
    _check_choices(header, depth)
    columns = tuple(
        Column(_text(name), None if categories is None else _texts(categories), bool(strict))
        for name, categories, strict in header["columns"]
    )
    encoding = Encoding(columns, **{name: arrays[name] for name in _ENCODING})
    check_encoding(encoding)
    classes = header["classes"]
    return Model(
        layers=tuple((arrays[f"W{i}"], arrays[f"b{i}"]) for i in range(1, depth + 1)),
        activations=tuple(header["activations"]),
        loss=header["loss"],
        encoding=encoding,
        targets=_texts(header["targets"]),
        classes=None if classes is None else tuple(classes),
        mean=float(header["mean"]),
        scale=float(header["scale"]),
        precision=str(header["precision"]),
        notes={_text(name): value for name, value in header["notes"].items()},
    )


def _check_arrays(sizes: list[int], arrays: dict[str, np.ndarray]) -> None:
    """Raises ValueError where a name, shape or dtype does not go with the sizes."""
    expected: dict[str, tuple[int, ...]] = dict.fromkeys(_ENCODING, (sizes[0],))
    for index, (n_prev, n) in enumerate(pairwise(sizes), start=1):
        expected |= {f"W{index}": (n_prev, n), f"b{index}": (n, 1)}
    found = {name: array.shape for name, array in arrays.items()}
    if found != expected or len(sizes) < 2:
        raise ValueError(f"its sizes are {sizes}, its arrays {found}")
    dtypes = {name: np.dtype(dtype) for name, dtype in _ENCODING.items()}
    for name, array in arrays.items():
        floats = (np.dtype(np.float32), np.dtype(np.float64))
        if array.dtype not in ((dtypes[name],) if name in dtypes else floats):
            raise ValueError(f"{name} is of {array.dtype}")


def _check_choices(header: dict[str, Any], depth: int) -> None:
    """Raises ValueError where activations, loss or classes do not go with the sizes."""
    names, loss, classes = header["activations"], header["loss"], header["classes"]
    if len(names) != depth - 1 or not set(names) <= set(numpy_forward.ACTIVATIONS):
        raise ValueError(f"its activations are {names}, of {depth - 1} hidden layers")
    if not LOSSES.fullmatch(loss):
        raise ValueError(f"its loss is {loss!r}")
    outputs, targets = header["sizes"][-1], _texts(header["targets"])
    rules, quantiles = rules_of(loss), quantiles_of(loss)
    own = 1 if classes is not None or quantiles else outputs
    if len(set(targets)) != len(targets) or len(targets) != own:
        raise ValueError(f"it has targets {targets} and {outputs} outputs")
    if quantiles and len(quantiles) != outputs:
        raise ValueError(f"its loss is {loss!r}, and it has {outputs} outputs")
    if classes is None:
        return
    if not isinstance(classes, list) or not rules.classes:
        raise ValueError(f"it has classes {classes} and the loss {loss}")
    if not all(isinstance(label, str | bool | int | float) for label in classes):
        raise ValueError(f"its classes are {classes}")
    if len(set(map(repr, classes))) != len(classes) or max(2, outputs) != len(classes):
        raise ValueError(f"it has classes {classes} and {outputs} outputs")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")
    return value


def _texts(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list):
        raise ValueError(f"{values!r} is no list of texts")
    return tuple(map(_text, values))
