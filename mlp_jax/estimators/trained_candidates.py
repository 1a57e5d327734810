"""The networks of a search, trained side by side, as fitted estimators."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import ClassifierMixin, clone
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state

from mlp_jax.estimators.mlp import MLP
from mlp_jax.estimators.search_input import Tables, configurations_of, inner_splits
from mlp_jax.estimators.together import ClassifiersTogether, OfFold, RegressorsTogether
from mlp_jax.forward_propagation import Network
from mlp_jax.parameters import Layer
from mlp_jax.prediction import outputs_of_all
from mlp_jax.sweeps.result import CANDIDATES, SweepResult
from mlp_jax.sweeps.run import sweep
from mlp_jax.sweeps.selection import chosen_greedily
from mlp_jax.sweeps.trainings import SweepMember


class Trained(NamedTuple):
    """members: of every candidate, one a fold. sweeps: the results they come from."""

    members: list[list[SweepMember]]
    sweeps: list[SweepResult]

    @property
    def seconds(self) -> float:
        """Of all sweeps."""
        return sum(result.seconds for result in self.sweeps)

    def halved_away(self) -> np.ndarray:
        """Which candidates did not go to the end."""
        return np.array([any(m.status == "halved away" for m in row) for row in self.members])


def trained(
    tables: Tables,
    settings: Sequence[Mapping[str, Any]],
    *,
    random_state: Any,
    **how: Any,
) -> Trained:
    """Every candidate trained on every fold.

    Candidates that stop early by a validation set keep a share of the training rows for it, and are
    a sweep of their own for every share; their scores are of the test rows all the same.

    Args:
      tables: rows and folds.
      settings: checked, of every candidate.
      random_state: of initial weights, batch order and validation sets.
      **how: halving, memory and progress of `mlp_jax.sweep`.
    """
    random = check_random_state(random_state)
    key = int(random.randint(np.iinfo(np.int32).max))
    share_of = [
        found["validation_fraction"] if found["early_stopping"] else None for found in settings
    ]
    members: list[list[SweepMember]] = [[] for _ in settings]
    sweeps = []
    folds = len(tables.splits)
    for share in dict.fromkeys(share_of):
        numbers = [i for i, one in enumerate(share_of) if one == share]
        splits = tables.splits if share is None else inner_splits(tables, share, random)
        chosen = [settings[i] for i in numbers]
        result = sweep(
            *(tables.X, tables.y, configurations_of(tables, chosen, splits)),
            folds=splits,
            best_by="cost" if share is None else "metric",
            key=key,
            **how,
        )
        sweeps.append(result)
        for at, i in enumerate(numbers):
            members[i] = list(result.members[at * folds : (at + 1) * folds])
    return Trained(members, sweeps)


def together(
    tables: Tables, found: Trained, order: Sequence[int], size: int
) -> ClassifiersTogether | RegressorsTogether:
    """An average of the networks of some candidates, chosen by their outputs for the test rows.

    order: candidates that went to the end, the best first. size: how many choices.
    """
    loss = tables.fitted._network().loss
    if loss.outputs_of_label > 1 or not loss.by_hand:
        raise ValueError(
            f"outputs of the loss {loss} mean nothing when averaged: leave ensemble out"
        )
    candidates = list(order[:CANDIDATES])
    held: list[np.ndarray] = []
    rows_of_Y: list[np.ndarray] = []
    for fold, (_, rows) in enumerate(tables.splits):
        X = tables.X[rows].astype(np.float32)
        networks = [_network_of(found.members[number][fold]) for number in candidates]
        held.append(outputs_of_all(networks, X))
        rows_of_Y.append(_as_outputs(tables.y[rows], held[-1].shape[-1]))
    picks, _ = chosen_greedily(
        np.concatenate(held, axis=1), np.concatenate(rows_of_Y), size, loss.name
    )
    numbers, counts = np.unique(picks, return_counts=True)
    weights = counts / (counts.sum() * len(tables.splits))
    folds = [
        OfFold(
            tables.steps[fold],
            [_network_of(found.members[candidates[i]][fold]) for i in numbers],
            weights,
        )
        for fold in range(len(tables.splits))
    ]
    kind = ClassifiersTogether if isinstance(tables.fitted, ClassifierMixin) else RegressorsTogether
    return kind(folds, tables.fitted)


def _network_of(member: SweepMember) -> tuple[tuple[Layer, ...], Network]:
    assert member.params is not None, "every member that finished has parameters"
    return member.params, member.network


def _as_outputs(labels: np.ndarray, count: int) -> np.ndarray:
    """Labels as the outputs of a network would be, (samples, K)."""
    if labels.ndim == 2:
        return labels
    return labels[:, None] if count == 1 else np.eye(count)[labels]


def as_estimator(
    tables: Tables, settings: Mapping[str, Any], member: SweepMember, *, whole: bool
) -> Any:
    """The estimator that `fit` would have made of a member; None if it has no finite parameters.

    whole: with the steps before the network, for rows as the user gave them.
    """
    if member.params is None or member.status in ("diverged", "interrupted"):
        return None
    mlp: MLP = clone(tables.fitted)
    own = mlp.get_params(deep=False)
    mlp.set_params(**{name: settings[name] for name in own})
    for name, value in vars(tables.fitted).items():
        if name not in own:
            setattr(mlp, name, value)
    mlp._take(
        member.params,
        costs=np.asarray(member.curves.cost),
        validation_losses=np.asarray(member.curves.validation_loss),
        best_epoch=member.best_epoch,
    )
    steps = tables.steps[member.fold]
    if whole and steps is not None:
        return Pipeline([*steps.steps, ("mlp", mlp)])
    if not whole and hasattr(mlp, "feature_names_in_"):
        del mlp.feature_names_in_  # the rows of the tables have none
    return mlp
