"""How an estimator is trained by scipy's L-BFGS-B, on all samples at once.

The gradient is the one by hand, in the dtype of the samples; scipy sums in float64.
"""

from typing import Any

import jax
import numpy as np

from mlp_jax.back_propagation import cost_and_gradient
from mlp_jax.cost_function import J_of_mean
from mlp_jax.estimators.data import Data
from mlp_jax.estimators.settings import Settings, mean_over_of
from mlp_jax.estimators.solvers import Solution, constant_of, print_cost
from mlp_jax.network import Network
from mlp_jax.parameters import Layer
from mlp_jax.training.checks import as_batch


def solve_by_lbfgs(
    settings: Settings, network: Network, params: tuple[Layer, ...], data: Data
) -> Solution:
    """Trains from params; an iteration counts as an epoch."""
    import scipy.optimize

    params = tuple(Layer(W.astype(data.X.dtype), b.astype(data.X.dtype)) for W, b in params)
    batch = as_batch("", params, network, *data.columns())
    X, Y, weights = (None if a is None else jax.numpy.asarray(a) for a in batch[:3])
    l2 = settings.l2_for(len(data.X), data.mean_weight)
    given = {"network": network, "l2": np.asarray(l2, data.X.dtype)}
    if weights is not None:
        given["weights"] = weights
    costs: list[float] = []
    targets = mean_over_of(network.loss, data.Y.shape[1])
    constant = constant_of(network.loss, data.Y, data.weights)

    def cost_and_slope(flat: np.ndarray) -> tuple[float, np.ndarray]:
        J, grads = cost_and_gradient(_layers_of(flat, params), X, Y, **given)
        return float(J), _flat(grads)

    def cost_to_tell(J: float, flat: np.ndarray) -> float:
        """The cost at these parameters as scikit-learn tells it."""
        penalty = l2 / 2 * sum(float(np.sum(W * W)) for W, _ in _layers_of(flat, params))
        return float(J_of_mean(J, penalty, targets)) + constant

    def note_cost(intermediate_result: Any) -> None:  # scipy looks for this name
        costs.append(cost_to_tell(intermediate_result.fun, intermediate_result.x))
        if settings.verbose:
            print_cost(0.0, len(costs), settings.epochs, costs[-1], None)

    result = scipy.optimize.minimize(
        cost_and_slope,
        _flat(params),
        method="L-BFGS-B",
        jac=True,
        callback=note_cost,
        options={
            "maxfun": settings.evaluations,
            "maxiter": settings.epochs,
            "gtol": settings.tolerance,
        },
    )
    finite = np.isfinite(result.x).all() and np.isfinite(result.fun)
    done = min(int(result.nit), settings.epochs)
    curve = np.array([*costs[: done - 1], cost_to_tell(result.fun, result.x)])
    return Solution(
        params=_layers_of(result.x, params),
        costs=curve,
        validation_losses=np.empty(0),
        scores=np.empty(0),
        best_epoch=len(curve),
        chosen=False,
        ended=_end_of_lbfgs(result, settings) if finite else "diverged",
        resumed=None,
    )


def _flat(layers: Any) -> np.ndarray:
    """All weights and biases in one float64 vector."""
    flat = np.concatenate([np.ravel(leaf) for layer in layers for leaf in layer])
    return flat.astype(np.float64)


def _layers_of(flat: np.ndarray, like: tuple[Layer, ...]) -> tuple[Layer, ...]:
    """The layers that are in a vector, with the shapes and the dtype of the layers `like`."""
    leaves = [leaf for layer in like for leaf in layer]
    ends = np.cumsum([np.size(leaf) for leaf in leaves])[:-1]
    parts = np.split(flat.astype(leaves[0].dtype), ends)
    shaped = [part.reshape(leaf.shape) for part, leaf in zip(parts, leaves, strict=True)]
    return tuple(Layer(W, b) for W, b in zip(shaped[::2], shaped[1::2], strict=True))


def _end_of_lbfgs(result: Any, settings: Settings) -> str:
    """What ended the search, as of `Solution`."""
    if result.status == 0:
        return "converged"
    if result.nit >= settings.epochs:
        return f"Maximum iterations ({settings.epochs}) reached"
    if result.status == 1:
        return f"Maximum evaluations of the loss ({settings.evaluations}) reached"
    return f"scipy's search stopped ({result.message.strip(': ')})"
