"""How an estimator is trained: in steps, by `mlp_jax.fit`, or by scipy's L-BFGS-B.

Both descend by the gradient by hand. Rows of X are samples here; Y has a column a sample.
"""

import warnings
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
from scipy.special import xlogy

from mlp_jax.back_propagation import cost_and_gradient
from mlp_jax.cost_function import J_of_mean
from mlp_jax.estimators.settings import (
    batch_size_of,
    l2_of,
    mean_over_of,
    optimizer_of,
    patience_of,
)
from mlp_jax.losses import Loss
from mlp_jax.metrics import Metric
from mlp_jax.network import Network
from mlp_jax.parameters import Layer
from mlp_jax.training.checks import as_batch
from mlp_jax.training.descent import Info, State, start
from mlp_jax.training.optimizers import Optimizer
from mlp_jax.training.segments import DivergenceWarning
from mlp_jax.training.training import fit

SLOWEST = 1e-6  # learning rate, at which "adaptive" gives up


class Data(NamedTuple):
    """X: (samples, features). Y: (K, samples). weights: (samples,) or None."""

    X: np.ndarray
    Y: np.ndarray
    weights: np.ndarray | None

    @property
    def mean_weight(self) -> float:
        """1 where there are no weights."""
        return 1.0 if self.weights is None else float(np.mean(self.weights))

    def columns(self) -> tuple[Any, Any, Any]:
        """As `mlp_jax.fit` takes them: an example a column."""
        weights = None if self.weights is None else self.weights[None].astype(self.X.dtype)
        return self.X.T, self.Y, weights


class Resumed(NamedTuple):
    """What goes on from one `partial_fit` to the next, in NumPy so that it can be pickled."""

    optimizer_state: Any
    epoch: np.ndarray
    seed: int


class Trained(NamedTuple):
    """What became of a training.

    params: of the best epoch if the validation set chose one, which `chosen` says, else of the
    last. costs: of every epoch. validation_losses, scores: likewise, empty where nothing validates;
    the score of an epoch that diverged is NaN. best_epoch: counted from 1. ended: "converged",
    "diverged", or what else ended it, in words.
    """

    params: tuple[Layer, ...]
    costs: np.ndarray
    validation_losses: np.ndarray
    scores: np.ndarray
    best_epoch: int
    chosen: bool
    ended: str
    resumed: Resumed | None


def constant_of(loss: Loss, Y: np.ndarray, weights: np.ndarray | None = None) -> float:
    """What scikit-learn's loss of these labels is more than ours, whatever the outputs are.

    Of Poisson, half the deviance: the terms y log y - y, which no parameter changes.
    """
    if not loss.counts:
        return 0.0
    Y = Y.astype(np.float64)
    return float(np.average((xlogy(Y, Y) - Y).sum(axis=0), weights=weights))


def by_steps(
    found: Mapping[str, Any],
    network: Network,
    params: tuple[Layer, ...],
    data: Data,
    validation: Data | None,
    *,
    metric: Metric | None,
    seed: int,
    resumed: Resumed | None = None,
    epochs: int | None = None,
) -> Trained:
    """Trained in steps: every solver but lbfgs.

    Args:
      found: checked settings.
      network: the static choices.
      params: where to start.
      data: to train on.
      validation: to validate by, or None.
      metric: what is scored; None for the loss.
      seed: of the batch order and dropout.
      resumed: of the last `partial_fit`, to go on from.
      epochs: for `partial_fit`, which never stops early; None for what the settings say.
    """
    m = len(data.X)
    constant = constant_of(network.loss, data.Y, data.weights)
    choice = optimizer_of(found, m)
    state = _begun(params, choice, seed, resumed)
    judged = "metric" if metric is not None else "validation_loss"
    arguments: dict[str, Any] = {
        "network": network,
        "batch_size": batch_size_of(found, m),
        "l2": l2_of(found, m, data.mean_weight),
        "dropout": found["dropout"],
        "label_smoothing": found.get("label_smoothing", 0.0),
        "validation": None if validation is None else validation.columns(),
        "best_by": judged if found["early_stopping"] and validation is not None else "cost",
        "metric": metric,
        "patience": patience_of(found) if epochs is None else None,
        "tolerance": found["tol"],
        "ties": True,  # as scikit-learn counts them
        "mean_over": mean_over_of(network.loss, len(data.Y)),
        "shuffle": bool(found["shuffle"]),
        "progress": partial(_said, constant) if found["verbose"] else False,
    }
    before = int(state.epoch)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DivergenceWarning)  # the estimator says it in its own words
        state, lines = _all_epochs(
            found, choice, state, data, arguments, epochs or found["max_iter"]
        )
    done = int(state.epoch) - before
    lines = lines._replace(cost=lines.cost + constant)
    if validation is not None and metric is not None:  # without one, minus the loss is the score
        more = constant_of(network.loss, validation.Y, validation.weights)
        lines = lines._replace(validation_loss=lines.validation_loss + more)
    return _trained(state, lines, arguments, done, epochs or found["max_iter"], seed)


def _begun(
    params: tuple[Layer, ...], choice: Optimizer, seed: int, resumed: Resumed | None
) -> State:
    """The state to train from; the optimizer starts afresh where it is of another kind or shape."""
    state = start(params, choice, seed)
    if resumed is None:
        return state
    fresh, before = (jax.tree.map(np.shape, of.optimizer_state) for of in (state, resumed))
    if fresh == before:
        state = state._replace(optimizer_state=resumed.optimizer_state)
    return state._replace(epoch=resumed.epoch)


def _all_epochs(
    found: Mapping[str, Any],
    choice: Optimizer,
    state: State,
    data: Data,
    arguments: dict[str, Any],
    epochs: int,
) -> tuple[State, Info]:
    """All epochs; "adaptive" goes on with a fifth of the rate when patience is lost."""
    X, Y, weights = data.columns()
    rate = float(found["learning_rate_init"])
    parts: list[Info] = []
    adaptive = found["solver"] == "sgd" and found["learning_rate"] == "adaptive"
    first = int(state.epoch)
    while True:
        left = epochs - (int(state.epoch) - first)
        now = replace(choice, numbers=choice.numbers | {"learning_rate": rate})
        state, info = fit(state, X, Y, weights=weights, optimizer=now, epochs=left, **arguments)
        parts.append(info)
        stopped = int(state.epoch) - first < epochs and not state.diverged
        if not adaptive or not stopped or rate <= SLOWEST:
            break
        rate /= 5.0
        state = state._replace(best=state.best._replace(improved=state.epoch))
    lines: Any = [np.concatenate(columns) for columns in zip(*parts, strict=True)]
    return state, Info(*lines)


def _trained(
    state: State, lines: Info, arguments: dict[str, Any], done: int, epochs: int, seed: int
) -> Trained:
    """done: epochs, of `epochs` that were allowed; one that was broken off is not."""
    diverged = bool(state.diverged)
    chosen = arguments["best_by"] != "cost" and int(state.best.epoch) > 0
    params = state.best.params if chosen else state.params
    validates = arguments["validation"] is not None
    costs, _, losses, metrics = (np.asarray(line) for line in lines)
    metric: Metric | None = arguments["metric"]
    scores = -losses if metric is None else metric.score(metrics)
    scores = np.where(np.arange(len(scores)) < done, scores, np.nan)
    ended = f"Maximum iterations ({epochs}) reached" if done >= epochs else "converged"
    kept = jax.tree.map(np.asarray, state.optimizer_state)
    return Trained(
        params=tuple(Layer(np.asarray(W), np.asarray(b)) for W, b in params),
        costs=costs,
        validation_losses=losses if validates else np.empty(0),
        scores=scores if validates else np.empty(0),
        best_epoch=int(state.best.epoch) if chosen else done,
        chosen=chosen,
        ended="diverged" if diverged else ended,
        # What a divergence has left in the optimizer would break the next step too.
        resumed=None if diverged else Resumed(kept, np.asarray(state.epoch), seed),
    )


def _said(
    constant: float, epoch: int, epochs: int, cost: float, validation_loss: float | None
) -> None:
    """A line of progress, in scikit-learn's words. constant: see `constant_of`."""
    print(f"Iteration {epoch}, loss = {cost + constant:.8f}")


def by_lbfgs(
    found: Mapping[str, Any], network: Network, params: tuple[Layer, ...], data: Data
) -> Trained:
    """Trained by scipy's L-BFGS-B on all samples at once, which sums in float64."""
    import scipy.optimize

    shapes = [leaf.shape for layer in params for leaf in layer]
    ends = np.cumsum([np.prod(shape) for shape in shapes])[:-1]
    params = tuple(Layer(W.astype(data.X.dtype), b.astype(data.X.dtype)) for W, b in params)
    batch = as_batch("", params, network, *data.columns())
    X, Y, weights = (None if a is None else jax.numpy.asarray(a) for a in batch[:3])
    l2 = l2_of(found, len(data.X), data.mean_weight)
    given = {"network": network, "l2": np.asarray(l2, data.X.dtype)}
    if weights is not None:
        given["weights"] = weights
    costs: list[float] = []
    targets = mean_over_of(network.loss, len(data.Y))
    constant = constant_of(network.loss, data.Y, data.weights)

    def layers_of(flat: np.ndarray) -> tuple[Layer, ...]:
        parts = np.split(flat.astype(data.X.dtype), ends)
        leaves = [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
        return tuple(Layer(W, b) for W, b in zip(leaves[::2], leaves[1::2], strict=True))

    def cost_and_slope(flat: np.ndarray) -> tuple[float, np.ndarray]:
        J, grads = cost_and_gradient(layers_of(flat), X, Y, **given)
        slope = np.concatenate([np.ravel(leaf) for layer in grads for leaf in layer])
        return float(J), slope.astype(np.float64)

    def told(J: float, flat: np.ndarray) -> float:
        """The cost at these parameters, as scikit-learn has it."""
        penalty = l2 / 2 * sum(float(np.sum(W * W)) for W, _ in layers_of(flat))
        return float(J_of_mean(J, penalty, targets)) + constant

    def noted(intermediate_result: Any) -> None:  # scipy looks for this name
        costs.append(told(intermediate_result.fun, intermediate_result.x))
        if found["verbose"]:
            _said(0.0, len(costs), found["max_iter"], costs[-1], None)

    flat = np.concatenate([np.ravel(leaf) for layer in params for leaf in layer])
    result = scipy.optimize.minimize(
        cost_and_slope,
        flat.astype(np.float64),
        method="L-BFGS-B",
        jac=True,
        callback=noted,
        options={
            "maxfun": found["max_fun"],
            "maxiter": found["max_iter"],
            "gtol": found["tol"],
        },
    )
    finite = np.isfinite(result.x).all() and np.isfinite(result.fun)
    done = min(int(result.nit), found["max_iter"])
    curve = np.array([*costs[: done - 1], told(result.fun, result.x)])
    empty = np.empty(0)
    return Trained(
        *(layers_of(result.x), curve, empty, empty),
        best_epoch=len(curve),
        chosen=False,
        ended=_end_of_lbfgs(result, found) if finite else "diverged",
        resumed=None,
    )


def _end_of_lbfgs(result: Any, found: Mapping[str, Any]) -> str:
    """What ended it, as of `Trained`."""
    if result.status == 0:
        return "converged"
    if result.nit >= found["max_iter"]:
        return f"Maximum iterations ({found['max_iter']}) reached"
    if result.status == 1:
        return f"Maximum evaluations of the loss ({found['max_fun']}) reached"
    return f"scipy's search stopped ({result.message.strip(': ')})"
