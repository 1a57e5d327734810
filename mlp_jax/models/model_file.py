"""The file of a model, read and written by NumPy alone: nothing here imports JAX.

The file is safetensors for the arrays, JSON for the rest, and a SHA-256 over it all. Loading runs
no code from the file, and checks every name, shape and dtype before it builds.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mlp_jax.loss_rules import RULES, can_be_averaged, quantiles_of, rules_of
from mlp_jax.models import numpy_forward
from mlp_jax.models.columns import as_json, from_json, text_in, texts_in
from mlp_jax.models.encoding import FREE, Encoding, check_encoding
from mlp_jax.models.model import Model, ModelNetwork
from mlp_jax.storage.array_files import packed, replace, unpacked

FORMAT = "mlp_jax.model/4"
# The formats before: cells are read as they are; and the model has one network.
OF_PLAIN_CELLS, OF_ONE_NETWORK = "mlp_jax.model/3", "mlp_jax.model/2"
EXPECTED = "a model written by mlp_jax"
LOSSES = re.compile(rf"({'|'.join(RULES)})(\([-+.,e0-9 ]*\))?")
OFF_ONE = 1e-6  # how far from 1 rounding may leave the sum of the weights of networks


class _Array(NamedTuple):
    """An array of a file, beside the layers of its networks.

    of: what it has a number of: "inputs", "networks", or None for as many as there are.
    optional: whether a file may be without it.
    """

    dtype: Any
    of: str | None = "inputs"
    optional: bool = False


_ENCODING = {
    "source": _Array(np.int32),
    "what": _Array(np.int32),
    "fill": _Array(np.float64),
    "mean": _Array(np.float64),
    "scale": _Array(np.float64),
    "limit": _Array(np.int32),
}
_ARRAYS = _ENCODING | {
    "weights": _Array(np.float64, "networks"),
    "residuals": _Array(np.float64, None, optional=True),  # row by row, a number a target
}


def load_model(path: Any) -> Model:
    """The model in a file of `mlp_jax.save_model` or of the command line.

    Predicts by NumPy alone; JAX is not imported.

    Raises:
      ValueError: the file is missing, foreign, cut short or altered.
    """
    path = Path(path)
    header, arrays = unpacked(path, (FORMAT, OF_PLAIN_CELLS, OF_ONE_NETWORK), EXPECTED)
    try:
        if header["format"] == OF_ONE_NETWORK:
            header, arrays = _with_networks(header, arrays)
        if header["format"] != FORMAT:
            header = _with_readings(header)
        return _build(header, arrays)
    except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
        raise ValueError(f"{path} does not hold together: {error}; expected {EXPECTED}") from error


def write_model(path: Any, model: Model) -> None:
    """Writes the model's file; a file already there is replaced once the new one is whole."""
    replace(Path(path), to_bytes(model))


def to_bytes(model: Model) -> bytes:
    """The content of the model's file."""
    header = {
        "networks": [
            {"sizes": network.sizes, "activations": network.activations}
            for network in model.networks
        ],
        "loss": model.loss,
        "precision": model.precision,
        "targets": model.targets,
        "classes": model.classes,
        "mean": model.mean,
        "scale": model.scale,
        "notes": dict(model.notes),
        **as_json(model.encoding.columns),
    }
    residuals = None if model.residuals is None else model.residuals.ravel()
    given = model.encoding._asdict() | {"weights": model.weights, "residuals": residuals}
    arrays = {
        name: np.asarray(given[name], kind.dtype)
        for name, kind in _ARRAYS.items()
        if not kind.optional or given.get(name) is not None
    }
    for number, network in enumerate(model.networks, start=1):
        for index, (W, b) in enumerate(network.layers, start=1):
            arrays |= {f"{number}.W{index}": np.asarray(W), f"{number}.b{index}": np.asarray(b)}
    return packed(FORMAT, header, arrays)


def _with_networks(
    header: dict[str, Any], arrays: dict[str, np.ndarray]
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What the format of one network would be in the one after it."""
    network = {name: header.pop(name) for name in ("sizes", "activations")}
    free = np.full(len(arrays["source"]), FREE, np.int32)
    own = {name if name in _ARRAYS else f"1.{name}": array for name, array in arrays.items()}
    return header | {"networks": [network]}, {"weights": np.ones(1), "limit": free, **own}


def _with_readings(header: dict[str, Any]) -> dict[str, Any]:
    """What the format of plain cells would be in the format of today."""
    plain = {"gaps": 0, "spelling": None, "dates": None}
    columns = [
        {"name": name, "categories": categories, "strict": strict} | plain
        for name, categories, strict in header["columns"]
    ]
    return header | {"gaps": [[]], "columns": columns}


def _build(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> Model:
    told = header["networks"]
    _check_arrays([network["sizes"] for network in told], arrays)
    for network in told:
        _check_network(network["sizes"], network["activations"])
    _check_choices(header, told[0]["sizes"][-1])
    _check_weights(arrays["weights"], header["loss"])
    encoding = Encoding(
        from_json(header), **{name: arrays[name] for name in _ENCODING if name in arrays}
    )
    check_encoding(encoding)
    classes = header["classes"]
    residuals = arrays.get("residuals")
    if residuals is not None:
        residuals = residuals.reshape(-1, len(header["targets"]))
        _check_residuals(residuals, header["loss"])
    return Model(
        networks=tuple(
            _network(number, network, arrays) for number, network in enumerate(told, start=1)
        ),
        loss=header["loss"],
        encoding=encoding,
        targets=texts_in(header["targets"]),
        classes=None if classes is None else tuple(classes),
        mean=float(header["mean"]),
        scale=float(header["scale"]),
        precision=str(header["precision"]),
        notes={text_in(name): value for name, value in header["notes"].items()},
        weights=arrays["weights"],
        residuals=residuals,
    )


def _network(
    number: int, told: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
) -> ModelNetwork:
    layers = range(1, len(told["sizes"]))
    return ModelNetwork(
        tuple((arrays[f"{number}.W{i}"], arrays[f"{number}.b{i}"]) for i in layers),
        tuple(told["activations"]),
    )


def _check_arrays(sizes: Sequence[list[int]], arrays: Mapping[str, np.ndarray]) -> None:
    """Raises ValueError where a name, shape or dtype does not go with the sizes of the networks."""
    if {(one[0], one[-1]) for one in sizes} != {(sizes[0][0], sizes[0][-1])}:
        raise ValueError(f"its networks are of {sizes}: of different inputs or outputs")
    lengths = {"inputs": sizes[0][0], "networks": len(sizes)}
    expected: dict[str, tuple[int, ...]] = {
        name: arrays[name].shape if kind.of is None else (lengths[kind.of],)
        for name, kind in _ARRAYS.items()
        if name in arrays or not kind.optional
    }
    for number, own in enumerate(sizes, start=1):
        for index, (n_prev, n) in enumerate(pairwise(own), start=1):
            expected |= {f"{number}.W{index}": (n_prev, n), f"{number}.b{index}": (n, 1)}
    found = {name: array.shape for name, array in arrays.items()}
    if found != expected or min(map(len, sizes)) < 2:
        raise ValueError(f"its sizes are {sizes}, its arrays {found}")
    floats = (np.dtype(np.float32), np.dtype(np.float64))
    for name, array in arrays.items():
        if array.dtype not in ((np.dtype(_ARRAYS[name].dtype),) if name in _ARRAYS else floats):
            raise ValueError(f"{name} is of {array.dtype}")
        if name in _ARRAYS and array.ndim != 1:
            raise ValueError(f"{name} has shape {array.shape}")


def _check_network(sizes: Sequence[int], names: Sequence[str]) -> None:
    """Raises ValueError where the activations do not go with the sizes of their network."""
    if len(names) != len(sizes) - 2 or not set(names) <= set(numpy_forward.ACTIVATIONS):
        raise ValueError(f"its activations are {names}, of {len(sizes) - 2} hidden layers")


def _check_weights(weights: np.ndarray, loss: str) -> None:
    """Raises ValueError for weights of networks that are none of an average."""
    if not (np.isfinite(weights).all() and (weights >= 0).all()):
        raise ValueError(f"its networks have the weights {weights}")
    if abs(weights.sum() - 1) > OFF_ONE:
        raise ValueError(f"the weights of its networks are of sum {weights.sum()}")
    if len(weights) > 1 and not can_be_averaged(loss):
        raise ValueError(f"it averages outputs of the loss {loss!r}")


def _check_residuals(residuals: np.ndarray, loss: str) -> None:
    """Raises ValueError for residuals that are none, (rows, targets), or of what has none."""
    sorted_ = (np.diff(residuals, axis=0) >= 0).all() and (residuals >= 0).all()
    if not len(residuals) or not sorted_ or not np.isfinite(residuals).all():
        raise ValueError("its residuals are not in order")
    if rules_of(loss).classes or len(quantiles_of(loss)) > 1:
        raise ValueError(f"it has residuals and the loss {loss!r}")


def _check_choices(header: dict[str, Any], outputs: int) -> None:
    """Raises ValueError where loss, targets or classes do not go with the number of outputs."""
    loss, classes, targets = header["loss"], header["classes"], texts_in(header["targets"])
    if not LOSSES.fullmatch(loss):
        raise ValueError(f"its loss is {loss!r}")
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
