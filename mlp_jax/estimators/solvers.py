"""How an estimator is trained in steps, by `mlp_jax.fit`: every solver but lbfgs.

Rows are samples here.
"""

import warnings
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
from scipy.special import xlogy

from mlp_jax.estimators.data import Data
from mlp_jax.estimators.settings import Settings, mean_over_of
from mlp_jax.losses import Loss
from mlp_jax.metrics import Metric
from mlp_jax.network import Network
from mlp_jax.parameters import Layer
from mlp_jax.training.divergence import DivergenceWarning
from mlp_jax.training.optimizers import Optimizer
from mlp_jax.training.state import Info, State, start
from mlp_jax.training.training import fit

SLOWEST = 1e-6  # learning rate, at which "adaptive" gives up


class Resumed(NamedTuple):
    """What goes on from one `partial_fit` to the next, in NumPy so that it can be pickled.

    optimizer_state: a pytree of arrays.
    epoch: how many are done, ().
    seed: of the batch order and dropout.
    """

    optimizer_state: Any
    epoch: np.ndarray
    seed: int


class Solution(NamedTuple):
    """What a solver has found.

    params: of the best epoch if the validation set chose one, else of the last.
    costs: (epochs,).
    validation_losses: (epochs,), or (0,) where nothing validates.
    scores: (epochs,), or (0,) where nothing validates; NaN of an epoch that diverged.
    best_epoch: the epoch of params, counted from 1.
    chosen: whether the validation set chose that epoch.
    ended: "converged", "diverged", or what else ended the training, in words.
    resumed: what the next `partial_fit` goes on from, or None.
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
    """By how much scikit-learn's loss of these labels is larger than ours, whatever the outputs.

    Of counts, half the deviance: the terms y log y - y, which no parameter changes. Y: (m, K).
    """
    if not loss.counts:
        return 0.0
    Y = Y.astype(np.float64)
    return float(np.average((xlogy(Y, Y) - Y).sum(axis=1), weights=weights))


def solve_in_steps(
    settings: Settings,
    network: Network,
    params: tuple[Layer, ...],
    data: Data,
    validation: Data | None,
    *,
    metric: Metric | None,
    seed: int,
    resumed: Resumed | None = None,
    epochs: int | None = None,
) -> Solution:
    """Trains in steps, by the gradient by hand.

    Args:
      settings: of the estimator.
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
    optimizer = settings.optimizer_for(m)
    state = _state_to_start_from(params, optimizer, seed, resumed)
    chooses = settings.early_stopping and validation is not None
    by_validation = "metric" if metric is not None else "validation_loss"
    arguments: dict[str, Any] = {
        "network": network,
        "batch_size": settings.batch_size_for(m),
        "l2": settings.l2_for(m, data.mean_weight),
        "dropout": settings.dropout,
        "label_smoothing": settings.label_smoothing,
        "validation": None if validation is None else validation.columns(),
        "best_by": by_validation if chooses else "cost",
        "metric": metric,
        "patience": settings.patience if epochs is None else None,
        "tolerance": settings.tolerance,
        "ties": True,  # as scikit-learn counts them
        "mean_over": mean_over_of(network.loss, data.Y.shape[1]),
        "shuffle": settings.shuffle,
        "progress": partial(print_cost, constant) if settings.verbose else False,
    }
    before, most = int(state.epoch), epochs or settings.epochs
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DivergenceWarning)  # the estimator says it in its own words
        state, lines = _train_all_epochs(settings, optimizer, state, data, arguments, most)
    done, diverged = int(state.epoch) - before, bool(state.diverged)
    chosen = chooses and int(state.best.epoch) > 0
    params = state.best.params if chosen else state.params
    ended = f"Maximum iterations ({most}) reached" if done >= most else "converged"
    kept = jax.tree.map(np.asarray, state.optimizer_state)
    losses, scores = _curves_of_validation(network, validation, lines, metric, done)
    return Solution(
        params=tuple(Layer(np.asarray(W), np.asarray(b)) for W, b in params),
        costs=np.asarray(lines.cost + constant),
        validation_losses=losses,
        scores=scores,
        best_epoch=int(state.best.epoch) if chosen else done,
        chosen=chosen,
        ended="diverged" if diverged else ended,
        # What a divergence has left in the optimizer would break the next step too.
        resumed=None if diverged else Resumed(kept, np.asarray(state.epoch), seed),
    )


def _state_to_start_from(
    params: tuple[Layer, ...], optimizer: Optimizer, seed: int, resumed: Resumed | None
) -> State:
    """The state to train from; an optimizer of another kind or shape than before starts afresh."""
    state = start(params, optimizer, seed)
    if resumed is None:
        return state
    fresh, before = (jax.tree.map(np.shape, of.optimizer_state) for of in (state, resumed))
    if fresh == before:
        state = state._replace(optimizer_state=resumed.optimizer_state)
    return state._replace(epoch=resumed.epoch)


def _train_all_epochs(
    settings: Settings,
    optimizer: Optimizer,
    state: State,
    data: Data,
    arguments: dict[str, Any],
    epochs: int,
) -> tuple[State, Info]:
    """Trains; an "adaptive" learning rate becomes a fifth whenever the training would stop."""
    X, Y, weights = data.columns()
    numbers = optimizer.numbers
    rate = float(numbers["learning_rate"])
    parts: list[Info] = []
    first = int(state.epoch)
    while True:
        left = epochs - (int(state.epoch) - first)
        now = replace(optimizer, numbers=numbers | {"learning_rate": rate})
        state, info = fit(state, X, Y, weights=weights, optimizer=now, epochs=left, **arguments)
        parts.append(info)
        stopped = int(state.epoch) - first < epochs and not state.diverged
        if not settings.adaptive or not stopped or rate <= SLOWEST:
            break
        rate /= 5.0
        state = state._replace(best=state.best._replace(improved=state.epoch))
    lines: Any = [np.concatenate(columns) for columns in zip(*parts, strict=True)]
    return state, Info(*lines)


def _curves_of_validation(
    network: Network, validation: Data | None, lines: Info, metric: Metric | None, done: int
) -> tuple[np.ndarray, np.ndarray]:
    """(losses, scores) of every epoch; an epoch after the `done` ones was broken off."""
    if validation is None:
        return np.empty(0), np.empty(0)
    losses = np.asarray(lines.validation_loss)
    scores = -losses
    if metric is not None:
        losses = losses + constant_of(network.loss, validation.Y, validation.weights)
        scores = metric.score(np.asarray(lines.metric))
    return losses, np.where(np.arange(len(scores)) < done, scores, np.nan)


def print_cost(
    constant: float, epoch: int, epochs: int, cost: float, validation_loss: float | None
) -> None:
    """Prints a line of progress, in scikit-learn's words. constant: see `constant_of`."""
    print(f"Iteration {epoch}, loss = {cost + constant:.8f}")
