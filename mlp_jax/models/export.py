"""A model as a program of StableHLO, for whoever has JAX and not this library."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mlp_jax.dtypes import scope
from mlp_jax.forward_propagation import forward
from mlp_jax.models.encoding import VALUE, encoded
from mlp_jax.models.model import Model
from mlp_jax.models.networks import as_network
from mlp_jax.models.stacked import Stack
from mlp_jax.parameters import Layer
from mlp_jax.storage.array_files import replace

PLATFORMS = ("cpu", "cuda", "rocm", "tpu")
LOST = 1e-3  # share of a column's scale that float32 may round off at most


def export_model(model: Model, path: Any, *, dtype: str = "float32") -> None:
    """Writes a program that predicts, for any number of rows, on CPU, GPU and TPU.

    It takes coded rows, (samples, columns): of a column of numbers the number, of one of categories
    the place of the category in `model.encoding.columns`, or the place after the last for any
    other; NaN for a missing cell. `mlp_jax.models.encoding.coded(model.encoding, table)` makes them
    so. It returns (samples, n[L]): the probability of the second of two classes, of each of
    several, or numbers in the units of the target.

    Args:
      model: from `mlp_jax.load_model` or `mlp_jax.model_of`.
      path: of the file. Read it with `jax.export.deserialize`.
      dtype: of the rows and of all that is computed; "float64" for whoever has `jax_enable_x64`.

    Raises:
      ValueError: it is no `Model`, another dtype, a column or target whose mean is so much larger
        than its scale that float32 has too few digits, or flatbuffers is not installed.
    """
    if not isinstance(model, Model):
        raise ValueError(
            f"model is of type {type(model).__name__}; expected a Model: type "
            "mlp_jax.model_of(fitted), or mlp_jax.load_model(path)"
        )
    if dtype not in ("float32", "float64"):
        raise ValueError(f"dtype is {dtype!r}; expected 'float32' or 'float64'")
    if dtype == "float32":
        _check_precision(model)
    replace(Path(path), to_bytes(model, dtype))


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


def to_bytes(model: Model, dtype: str) -> bytes:
    """The content of the file of `export_model`."""
    try:
        import flatbuffers  # noqa: F401  # jax.export needs it and does not bring it
    except ModuleNotFoundError:
        raise ValueError("export needs flatbuffers: type pip install flatbuffers") from None
    from jax import export

    with scope(dtype):
        [samples] = export.symbolic_shape("samples")
        rows = jax.ShapeDtypeStruct((samples, len(model.encoding.columns)), dtype)
        predict = jax.jit(lambda codes: _predicted(model, codes))
        return bytes(export.export(predict, platforms=PLATFORMS)(rows).serialize())


def _predicted(model: Model, codes: Any) -> Any:
    X = encoded(model.encoding, codes, jnp).astype(codes.dtype)
    A = sum(
        jnp.tensordot(
            jnp.asarray(model.weights[list(stack.places)], codes.dtype),
            _outputs(model, stack, X),
            axes=1,
        )
        for stack in model.stacks
    )
    return A if model.is_classifier else A * model.scale + model.mean


def _outputs(model: Model, stack: Stack, X: Any) -> Any:
    """A[L] of the networks of a stack, (networks, samples, K)."""
    network = as_network(stack.activations, model.loss, model.precision)
    params = tuple(Layer(*(jnp.asarray(leaf, X.dtype) for leaf in pair)) for pair in stack.layers)

    def A(params: Any) -> Any:
        return forward(params, X.T, network=network).T

    return A(params)[None] if len(stack.places) == 1 else jax.vmap(A)(params)
