"""One file a model: safetensors for the arrays, JSON for the rest, a SHA-256 over it all.

Loading runs no code from the file, and checks every name, shape and dtype before it builds.
`packed`, `unpacked` and `replace` know nothing of models: sweeps are written by them too.
"""

import hashlib
import json
import os
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from mlp_jax.activations import Activation, is_named
from mlp_jax.forward_propagation import Network, forward
from mlp_jax.parameters import Layer, as_layers, layer_sizes

FORMAT = "mlp_jax/1"


class Model(NamedTuple):
    """A trained network with all it takes to use it on raw rows.

    params, network: as for `mlp_jax.forward`. classes: the labels, the last is y = 1. features:
    names of the columns. mean, scale: of every feature, shape (n[0],); inputs are
    (x - mean) / scale.
    """

    params: Any
    network: Network
    classes: tuple[str, ...]
    features: tuple[str, ...]
    mean: np.ndarray
    scale: np.ndarray


def predict(model: Model, X: Any) -> np.ndarray:
    """A[L] for raw rows X, shape (samples, n[0]); returns (samples, n[L]), probabilities.

    Raises:
      ValueError: X does not have n[0] columns.
    """
    X = np.asarray(X, np.float64)
    if X.ndim != 2 or X.shape[1] != len(model.mean):
        raise ValueError(f"X has shape {X.shape}; expected (samples, {len(model.mean)})")
    standardised = (X - model.mean) / model.scale
    return np.asarray(forward(model.params, jnp.asarray(standardised.T), network=model.network)).T


def to_bytes(model: Model) -> bytes:
    """The content of the model's file."""
    header = {
        "sizes": list(layer_sizes(model.params)),
        "activation": activation_names(model.network),
        "loss": model.network.loss.name,
        "precision": model.network.precision,
        "classes": list(model.classes),
        "features": list(model.features),
    }
    return packed(FORMAT, header, _arrays(model))


def packed(format_: str, header: dict[str, Any], arrays: dict[str, np.ndarray]) -> bytes:
    """A file of these arrays, its header in JSON, and a SHA-256 of both."""
    import mlp_jax

    text = json.dumps({"format": format_, "library": mlp_jax.__version__} | header)
    # In C order by copying: safetensors writes a transposed array wrongly, without a word.
    in_order = {name: array.copy(order="C") for name, array in arrays.items()}
    metadata = {"mlp_jax": text, "sha256": _digest(arrays, text)}
    return _safetensors().numpy.save(in_order, metadata=metadata)


def unpacked(
    path: Path, format_: str, expected: str
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The header and the arrays that `packed` was given.

    Args:
      path: of the file.
      format_: as it was packed.
      expected: what the file should be, for those who hand in another.

    Raises:
      ValueError: the file is missing, foreign, cut short or altered.
    """
    safetensors = _safetensors()
    if not path.is_file():
        raise ValueError(f"{path} is not a file; expected {expected}")
    try:
        with safetensors.safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
            if "sha256" not in metadata:  # whose arrays may be of types that NumPy has not
                raise ValueError(f"{path} was not written by mlp_jax; expected {expected}")
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (safetensors.SafetensorError, OSError) as error:
        raise ValueError(
            f"{path} is no whole safetensors file: {error}; expected {expected}"
        ) from error
    text = metadata.get("mlp_jax", "")
    if metadata["sha256"] != _digest(arrays, text):
        raise ValueError(
            f"{path} was altered or was not written by mlp_jax: its SHA-256 differs; expected "
            f"{expected}"
        )
    header = json.loads(text)
    if header.get("format") != format_:
        raise ValueError(
            f"{path} has format {header.get('format')!r}; expected {format_!r}, {expected}"
        )
    return header, arrays


def _safetensors() -> Any:
    """The package, which a bare install of mlp_jax has not."""
    try:
        import safetensors.numpy
    except ModuleNotFoundError:
        raise ValueError(
            "the files of models and sweeps need safetensors: type pip install safetensors"
        ) from None
    return safetensors


def activation_names(network: Network) -> str | list[str]:
    """As `Network` takes them again.

    Raises:
      ValueError: a user's own function, which no file can hold.
    """
    chosen = network.activation
    activations = [chosen] if isinstance(chosen, Activation) else list(chosen)
    for activation in activations:
        if not is_named(activation):
            raise ValueError(
                f"the activation {activation.name!r} is a function of your own and cannot be "
                "written to a file; save params with safetensors and build the Network in code"
            )
    if not network.loss.by_hand:
        raise ValueError(
            f"the loss {network.loss.name!r} is a function of your own and cannot be written to a "
            "file; save params with safetensors and build the Network in code"
        )
    names = [activation.name for activation in activations]
    return names[0] if isinstance(chosen, Activation) else names


def save(path: Any, model: Model) -> None:
    """Writes the model's file; a file already there is replaced once the new one is whole."""
    replace(Path(path), to_bytes(model))


def replace(path: Path, content: bytes) -> None:
    """Puts `content` at `path` in one step: what was there stays until the new file is whole."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, _permissions(path))
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _permissions(path: Path) -> int:
    """Those of the file to be replaced, or those a new file gets; a temporary file is private."""
    if path.exists():
        return path.stat().st_mode & 0o777
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask


def load(path: Any) -> Model:
    """The model in a file of `save`.

    Raises:
      ValueError: the file is missing, foreign, cut short or altered.
    """
    path = Path(path)
    header, arrays = unpacked(path, FORMAT, "a model written by mlp_jax")
    return _built(path, header, arrays)


def _built(path: Path, header: dict[str, Any], arrays: dict[str, np.ndarray]) -> Model:
    sizes = header["sizes"]
    expected: dict[str, tuple[int, ...]] = {"mean": (sizes[0],), "scale": (sizes[0],)}
    for index, (n_prev, n) in enumerate(pairwise(sizes), start=1):
        expected |= {f"W{index}": (n_prev, n), f"b{index}": (n, 1)}
    if {name: array.shape for name, array in arrays.items()} != expected:
        raise ValueError(f"{path} holds other arrays than its sizes {sizes} call for")
    params = tuple(Layer(arrays[f"W{i}"], arrays[f"b{i}"]) for i in range(1, len(sizes)))
    network = Network(header["activation"], header["loss"], header["precision"])
    classes, features = tuple(header["classes"]), tuple(header["features"])
    return Model(as_layers(params), network, classes, features, arrays["mean"], arrays["scale"])


def _arrays(model: Model) -> dict[str, np.ndarray]:
    arrays = {"mean": np.asarray(model.mean), "scale": np.asarray(model.scale)}
    for index, (W, b) in enumerate(as_layers(model.params), start=1):
        arrays |= {f"W{index}": np.asarray(W), f"b{index}": np.asarray(b)}
    return arrays


def _digest(arrays: dict[str, np.ndarray], text: str) -> str:
    digest = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name} {array.dtype} {array.shape}".encode() + array.tobytes())
    return digest.hexdigest()
