"""A model as a program of StableHLO, for whoever has JAX and not this library."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import export

from mlp_jax.dtypes import scope
from mlp_jax.forward_propagation import forward
from mlp_jax.models.encoding import encoded
from mlp_jax.models.model import Model
from mlp_jax.models.networks import as_network
from mlp_jax.models.stacked import Stack
from mlp_jax.parameters import Layer

PLATFORMS = ("cpu", "cuda", "rocm", "tpu")


def to_bytes(model: Model, dtype: str) -> bytes:
    """The content of the file of `export_model`."""
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
