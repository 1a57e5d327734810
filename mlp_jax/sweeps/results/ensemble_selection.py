"""Which configurations belong to an ensemble, by predictions of rows that were held out.

The networks of a fold have not seen the rows held out from the fold. So their predictions of these
rows are as good as predictions of new rows, and a sweep has the networks already. Caruana et al.
(2004): choose, again and again, the configuration that makes the average of all chosen the best.
Then keep the first choices, as many as made the best average: the first alone is the best
configuration by the loss, so that no average is worse on these rows than the best network.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mlp_jax.loss_rules import SMALLEST, can_be_averaged, rules_of
from mlp_jax.losses import Loss, is_named_loss, of_name
from mlp_jax.models.prediction import outputs_of_all
from mlp_jax.sweeps.outcomes import CODES
from mlp_jax.sweeps.results.ensemble import Ensemble, classes_of, copied
from mlp_jax.sweeps.results.member import SweepMember, best_loss
from mlp_jax.sweeps.results.ranking import Ranked, order_of
from mlp_jax.sweeps.task import Task

CANDIDATES = 50  # configurations that may be chosen, those of the lowest loss


def ensemble_of(task: Task, ranking: Sequence[Ranked], size: int, *, greedy: bool) -> Ensemble:
    """The average of the networks of some configurations that have the best one's loss.

    Args:
      task: of the sweep.
      ranking: all configurations, the best first, which has a score.
      size: how many choices at most.
      greedy: see `SweepResult.ensemble`.

    Raises:
      ValueError: outputs of the loss mean nothing when averaged.
    """
    loss = ranking[0].members[0].network.loss
    check_averaged(loss, "take result.refit()")
    statuses = np.array([CODES[row.status] for row in ranking])
    some = np.flatnonzero(order_of(statuses, np.array([row.score for row in ranking])) < 2)
    scored = (ranking[place] for place in some.tolist())
    candidates = [row for row in scored if row.members[0].network.loss == loss]
    if greedy:
        candidates = [candidates[i] for i in _of_the_lowest_loss(candidates)]
    else:
        candidates = candidates[:size]
    picks = list(range(len(candidates)))
    losses: list[float] = []
    if greedy:
        networks = [networks_of_folds(task, row.members) for row in candidates]
        labels = [task.exact_labels(loss)[rows] for _, rows in task.splits]
        held = list(zip(X_held_out(task), labels, strict=True))
        picks, losses = chosen_of_folds(networks, held, size, loss, weights_held_out(task))
    chosen = [candidates[i].members for i in sorted(set(picks))]
    shares = [picks.count(i) / len(candidates[i].members) for i in sorted(set(picks))]
    weights = np.repeat(shares, [len(members) for members in chosen])
    trained = [member.trained for members in chosen for member in members]
    return Ensemble(
        networks=tuple((copied(params), network) for params, network in trained),
        weights=weights / weights.sum(),
        classes=classes_of(task),
        chosen=tuple(candidates[i].rank for i in picks),
        losses=tuple(losses),
    )


def _of_the_lowest_loss(candidates: Sequence[Ranked]) -> list[int]:
    """The places of so many candidates of the lowest loss in their best epochs, in order.

    The best by score is always one: no average shall be worse than the best network.
    """
    losses = [np.mean([best_loss(member) for member in row.members]) for row in candidates]
    others = np.argsort(losses[1:], kind="stable")[: CANDIDATES - 1] + 1
    return [0, *sorted(others.tolist())]


def networks_of_folds(task: Task, members: Sequence[SweepMember]) -> list[list[Any]]:
    """For every fold, the (params, network) of its members."""
    folds = range(len(task.splits))
    return [[member.trained for member in members if member.fold == fold] for fold in folds]


def X_held_out(task: Task) -> list[np.ndarray]:
    """X held out of every fold, (samples, features)."""
    return [task.X[rows, : task.columns(fold)] for fold, (_, rows) in enumerate(task.splits)]


def weights_held_out(task: Task) -> np.ndarray | None:
    """Weights of the rows held out of every fold, (rows of all folds,); None for all ones."""
    if task.weights is None:
        return None
    return np.concatenate([task.weights[rows] for _, rows in task.splits])


def average_held_out(
    task: Task, chosen: Sequence[Sequence[SweepMember]], weights: np.ndarray
) -> np.ndarray:
    """The average A[L] of the rows of every fold, by its own networks: (rows of all folds, K).

    Args:
      task: of the sweep.
      chosen: the members of some configurations; several seeds are averaged.
      weights: of every configuration, of sum 1.
    """
    networks = [networks_of_folds(task, members) for members in chosen]
    outputs = outputs_held_out(networks, X_held_out(task))
    return np.tensordot(weights, outputs, axes=1).astype(outputs.dtype)


def check_averaged(loss: Loss, instead: str) -> None:
    """Raises ValueError for a loss whose outputs mean nothing when averaged."""
    if not (is_named_loss(loss) and can_be_averaged(loss.name)):
        raise ValueError(f"outputs of the loss {loss} mean nothing when averaged: {instead}")


def chosen_of_folds(
    candidates: Sequence[Sequence[Sequence[Any]]],
    folds: Sequence[tuple[np.ndarray, np.ndarray]],
    size: int,
    loss: Loss,
    weights: np.ndarray | None = None,
) -> tuple[list[int], list[float]]:
    """Which candidates to average, and the loss of the average after every choice.

    Args:
      candidates: for every candidate and fold the (params, network) pairs, one for each seed.
      folds: (X, Y) held out of every fold: (samples, features) and (samples, K).
      size: how many choices.
      loss: of all networks.
      weights: of the rows of all folds, (rows,); None for all ones.
    """
    outputs = outputs_held_out(candidates, [X for X, _ in folds])
    Y = np.concatenate([Y for _, Y in folds])
    return chosen_greedily(outputs, Y, size, loss.name, weights)


def outputs_held_out(
    candidates: Sequence[Sequence[Sequence[Any]]], folds: Sequence[np.ndarray]
) -> np.ndarray:
    """A[L] of the rows of every fold, by its own networks: (candidates, rows of all folds, K).

    Args:
      candidates: as of `chosen_of_folds`; several seeds are averaged.
      folds: X held out of every fold, (samples, features).
    """
    held = []
    for fold, X in enumerate(folds):
        of_fold = [candidate[fold] for candidate in candidates]
        A = outputs_of_all([network for networks in of_fold for network in networks], X)
        ends = np.cumsum([len(networks) for networks in of_fold])[:-1]
        held.append(np.stack([part.mean(axis=0) for part in np.split(A, ends)]))
    return np.concatenate(held, axis=1)


def chosen_greedily(
    outputs: np.ndarray, Y: np.ndarray, size: int, loss: str, weights: np.ndarray | None = None
) -> tuple[list[int], list[float]]:
    """Which of the outputs to average, and the loss of the average after every choice.

    The choices that come after the best average are left out.

    Args:
      outputs: A[L] of every candidate, (candidates, samples, K).
      Y: labels, (samples, K).
      size: how many choices at most, with replacement.
      loss: the name of the loss. A loss is smoother than accuracy, so few samples choose well.
      weights: of the samples, (samples,); None for all ones.
    """
    outputs, Y, loss = _in_short(outputs, Y, loss)
    total = np.zeros(outputs.shape[1:])
    picks: list[int] = []
    losses: list[float] = []
    for count in range(1, size + 1):
        of_all = [loss_of_outputs((total + one) / count, Y, loss, weights) for one in outputs]
        picks.append(int(np.argmin(of_all)))
        losses.append(of_all[picks[-1]])
        total += outputs[picks[-1]]
    kept = int(np.argmin(losses)) + 1
    return picks[:kept], losses[:kept]


def _in_short(outputs: np.ndarray, Y: np.ndarray, loss: str) -> tuple[np.ndarray, np.ndarray, str]:
    """(outputs, Y, loss) with the same losses of averages, and less to compute.

    Of classes, the probability of what is true, whose logarithm is the loss: an average of it is it
    of the average. Of classes that exclude one another there is one a row.
    """
    rules = rules_of(loss)
    if not rules.classes or not ((Y == 0) | (Y == 1)).all():
        return outputs, Y, loss
    if not rules.exclusive:
        return np.where(Y == 1, outputs, 1 - outputs), np.ones_like(Y), "softmax_cross_entropy"
    true = Y.argmax(axis=1)[:, None]
    if (Y.sum(axis=1) != 1).any():
        return outputs, Y, loss
    return np.take_along_axis(outputs, true[None], axis=2), np.ones((len(Y), 1)), loss


def loss_of_outputs(
    A: np.ndarray, Y: np.ndarray, loss: str, weights: np.ndarray | None = None
) -> float:
    """The mean loss of averaged outputs, (samples, K); weights of the samples, or None."""
    rules = rules_of(loss)
    if rules.of_averages is not None:
        return float(np.average(rules.of_averages(A, Y), weights=weights))
    known: Any = of_name(loss)
    Z = np.log(np.maximum(A, SMALLEST)) if rules.output == "exp" else A  # else A[L] is Z[L]
    return float(np.average(np.asarray(known.L(Z.T, Y.T))[0], weights=weights))
