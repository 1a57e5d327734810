"""Outputs of a model where a few inputs of its rows are moved, of very many: NumPy alone.

The first layer's products with all other inputs are computed once, in float64, so that taking a few
off and adding them again loses nothing.
"""

from collections.abc import Callable

import numpy as np

from mlp_jax.models import numpy_forward
from mlp_jax.models.model import Model, ModelNetwork

Moved = Callable[[np.ndarray, np.ndarray], np.ndarray]  # (places of inputs, their cells) to A[L]
MANY = 512  # inputs from which on this is quicker than to compute all products anew


def outputs_of_moved(model: Model, X: np.ndarray) -> Moved:
    """A function that returns A[L], (samples, K), of X with other cells in some of its inputs.

    Args:
      model: of which the outputs are.
      X: (samples, n[0]), encoded. It is not written to.

    Returns:
      from places of inputs, (k,), and the cells there, (samples, k), to the outputs.
    """
    if X.shape[1] < MANY:
        return lambda inputs, cells: model.outputs_of_inputs(_with_cells(X, inputs, cells))
    X = X.astype(model.networks[0].layers[0][0].dtype).astype(np.float64)  # as networks see it
    first = [X @ network.layers[0][0] for network in model.networks]

    def moved(inputs: np.ndarray, cells: np.ndarray) -> np.ndarray:
        by = cells.astype(np.float64) - X[:, inputs]
        with np.errstate(over="ignore"):
            every = [
                _outputs(network, Z + by @ network.layers[0][0][inputs], model.loss)
                for network, Z in zip(model.networks, first, strict=True)
            ]
        return np.tensordot(model.weights, every, axes=1)

    return moved


def _with_cells(X: np.ndarray, inputs: np.ndarray, cells: np.ndarray) -> np.ndarray:
    X = X.copy()
    X[:, inputs] = cells
    return X


def _outputs(network: ModelNetwork, products: np.ndarray, loss: str) -> np.ndarray:
    """A[L] from the products of the inputs with W[1], (samples, n[1])."""
    (W, b), *rest = network.layers
    Z = (products + b.reshape(1, -1)).astype(W.dtype)
    if not rest:
        return numpy_forward.output_of(loss)(Z)
    A = numpy_forward.ACTIVATIONS[network.activations[0]](Z)
    return numpy_forward.forward(rest, A, network.activations[1:], loss)
