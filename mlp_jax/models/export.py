"""A model as a program that needs no mlp_jax: an ONNX graph, or StableHLO for whoever has JAX."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from mlp_jax.models.encoding import VALUE
from mlp_jax.models.model import Model
from mlp_jax.storage.array_files import replace

FORMATS = ("onnx", "stablehlo")
LOST = 1e-3  # share of a column's scale that float32 may round off at most


def export_model(
    model: Model, path: Any, *, format: str | None = None, dtype: str = "float32"
) -> None:
    """Writes a program that predicts, for any number of rows.

    "onnx" takes the table's columns as they are. If all are of numbers, there is one input "X",
    (samples, columns), in the order of `model.encoding.columns`; else each column that is used is
    an input of its name, (samples, 1), of numbers or of texts. Numbers are no texts here; of a date
    each part among the columns is one. A missing number is NaN, a missing text "". A class model
    returns "label", (samples,), and "probabilities", (samples, classes), of several labels both
    (samples, labels); another one "prediction", (samples, n[L]), in the units of the target.
    Encoding and averages of several networks are in it, computed in float64. It needs operators of
    ai.onnx 17 and ai.onnx.ml 3. Where a model would raise an error for a cell, a graph cannot:
    probabilities and predictions of that row are NaN.

    "stablehlo" takes coded rows, (samples, columns): of a column of numbers the number, of one of
    categories the place of the category in `model.encoding.columns`, or the place after the last
    for any other, and of a date each part among the columns; NaN for a missing cell.
    `mlp_jax.models.encoding.coded(model.encoding, table)` makes them so. It returns (samples,
    n[L]): the probability of the second of two classes, of each of several, or numbers in the units
    of the target. Read it with `jax.export.deserialize`; it runs on CPU, GPU and TPU.

    Args:
      model: from `mlp_jax.load_model` or `mlp_jax.model_of`.
      path: of the file.
      format: "onnx" or "stablehlo"; by default what the path ends with, StableHLO if it does not
        end with ".onnx".
      dtype: of numbers that come and go and of the networks; "float64" of StableHLO is for whoever
        has `jax_enable_x64`.

    Raises:
      ValueError: it is no `Model`, no path, another format or dtype, a column or target whose mean
        is so much larger than its scale that float32 has too few digits, a column that ONNX export
        does not know, or a package is not installed that the format needs.

    Example:
      >>> import tempfile, numpy as np, mlp_jax, onnxruntime
      >>> X = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)
      >>> mlp = mlp_jax.MLPClassifier((8,), max_iter=9, tol=0.1, n_iter_no_change=1)
      >>> model = mlp_jax.model_of(mlp.fit(X, np.where(X[:, 0] > 0, "yes", "no")))
      >>> with tempfile.TemporaryDirectory() as folder:
      ...     mlp_jax.export_model(model, f"{folder}/model.onnx")
      ...     program = onnxruntime.InferenceSession(f"{folder}/model.onnx")
      >>> label, probabilities = program.run(None, {"X": X})
      >>> bool((label == model.predict(X)).all()), probabilities.shape
      (True, (60, 2))
    """
    if not isinstance(model, Model):
        raise ValueError(
            f"model is of type {type(model).__name__}; expected a Model: type "
            "mlp_jax.model_of(fitted), or mlp_jax.load_model(path)"
        )
    if not isinstance(path, str | os.PathLike):
        raise ValueError(f"path is {path!r}; expected the name of a file")
    if format is None:
        format = "onnx" if str(path).lower().endswith(".onnx") else "stablehlo"
    if format not in FORMATS:
        raise ValueError(f"format is {format!r}; expected 'onnx' or 'stablehlo'")
    if dtype not in ("float32", "float64"):
        raise ValueError(f"dtype is {dtype!r}; expected 'float32' or 'float64'")
    if dtype == "float32":
        _check_precision(model)
    content = _onnx(model, dtype) if format == "onnx" else _stablehlo(model, dtype)
    replace(Path(path), content)


def _onnx(model: Model, dtype: str) -> bytes:
    try:
        import onnx  # noqa: F401
    except ModuleNotFoundError:
        raise ValueError(
            "export to ONNX needs the package onnx: type pip install onnx, or pip install "
            "'mlp_jax[onnx]'"
        ) from None
    from mlp_jax.models.onnx_model import to_bytes

    return to_bytes(model, dtype)


def _stablehlo(model: Model, dtype: str) -> bytes:
    try:
        import flatbuffers  # noqa: F401  # jax.export needs it and does not bring it
    except ModuleNotFoundError:
        raise ValueError("export needs flatbuffers: type pip install flatbuffers") from None
    from mlp_jax.models.stablehlo import to_bytes

    return to_bytes(model, dtype)


def _check_precision(model: Model) -> None:
    """Raises ValueError for inputs or outputs that float32 hardly tells apart."""
    encoding = model.encoding
    found = [
        (encoding.columns[source].name, mean, scale)
        for source, what, _, mean, scale, _ in zip(*encoding[1:], strict=True)
        if what == VALUE
    ]
    if not model.is_classifier:
        found += [(target, model.mean, model.scale) for target in model.targets]
    for name, mean, scale in found:
        if np.finfo(np.float32).eps * abs(mean) > LOST * abs(scale):
            raise ValueError(
                f"{name!r} has mean {mean:g} and scale {scale:g}, of which float32 has too few "
                "digits; type dtype='float64', or --dtype float64"
            )
