"""The networks of a search, trained side by side, as fitted estimators."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import ClassifierMixin, clone
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state

from mlp_jax.estimators.mlp import MLP
from mlp_jax.estimators.search_input import (
    Split,
    Tables,
    configurations_of,
    inner_splits,
    scoring_of,
)
from mlp_jax.estimators.solvers import constant_of
from mlp_jax.estimators.together import ClassifiersTogether, OfFold, RegressorsTogether
from mlp_jax.estimators.trained_alone import INTERRUPTED, FittedAlone
from mlp_jax.forward_propagation import Network
from mlp_jax.sweeps.result import SweepResult
from mlp_jax.sweeps.run import sweep
from mlp_jax.sweeps.selection import CANDIDATES, check_averaged, chosen_of_folds
from mlp_jax.sweeps.trainings import SweepMember, status_of


class Trained(NamedTuple):
    """members: of every candidate, one a fold. sweeps: the results that most of them come from."""

    members: list[list[SweepMember | FittedAlone]]
    sweeps: list[SweepResult]

    def seconds(self) -> np.ndarray:
        """Of every candidate and fold; who trains beside others has a share of the whole."""
        together = sum(len(result.members) for result in self.sweeps)
        share = sum(result.seconds for result in self.sweeps) / max(1, together)
        return np.array(
            [
                [m.seconds if isinstance(m, FittedAlone) else share for m in row]
                for row in self.members
            ]
        )

    def statuses(self) -> np.ndarray:
        """Of every candidate; that of its worst fold."""
        return np.array(
            [
                "failed" if any(m.status == "failed" for m in row) else status_of(row)
                for row in self.members
            ]
        )

    def halved_away(self) -> np.ndarray:
        """Which candidates did not go to the end."""
        return np.array([any(m.status == "halved away" for m in row) for row in self.members])


def trained(
    tables: Tables,
    settings: Sequence[Mapping[str, Any]],
    alone: Callable[[int, np.ndarray], FittedAlone],
    *,
    those_alone: Sequence[int],
    random_state: Any,
    **how: Any,
) -> Trained:
    """Every candidate trained on every fold.

    Candidates that stop early by a validation set keep a share of the training rows for it, and are
    a sweep of their own for every share; their scores are of the test rows all the same. So are
    those of losses whose metrics differ.

    Args:
      tables: rows and folds.
      settings: checked, of every candidate.
      alone: (the number of a candidate, rows to train on) -> what became of it.
      those_alone: the numbers of candidates that no sweep can train.
      random_state: of initial weights, batch order and validation sets.
      **how: halving, memory and progress of `mlp_jax.sweep`.
    """
    random = check_random_state(random_state)
    key = int(random.randint(np.iinfo(np.int32).max))

    def kind_of(found: Mapping[str, Any]) -> tuple[Any, Any]:
        stops = found["early_stopping"] and found["solver"] != "lbfgs"
        loss = found.get("loss")
        metric = None if loss is None else Network(loss=loss).loss.metric
        return found["validation_fraction"] if stops else None, metric

    kinds = {i: kind_of(found) for i, found in enumerate(settings) if i not in those_alone}
    members: list[list[SweepMember | FittedAlone]] = [[] for _ in settings]
    sweeps: list[SweepResult] = []
    inner: dict[float, list[Split]] = {}
    folds = len(tables.splits)
    for kind in dict.fromkeys(kinds.values()):
        share, _ = kind
        numbers = [i for i, one in kinds.items() if one == kind]
        if share is not None and share not in inner:
            inner[share] = inner_splits(tables, share, random)
        splits = tables.splits if share is None else inner[share]
        configurations = configurations_of(tables, [settings[i] for i in numbers], splits)
        result = sweep(
            *(tables.X, tables.labels(), configurations),
            folds=splits,
            scoring=scoring_of(tables, configurations),
            best_by="cost" if share is None else "metric",
            key=key,
            **how,
        )
        sweeps.append(result)
        for at, i in enumerate(numbers):
            members[i] = list(result.members[at * folds : (at + 1) * folds])
    goes_on = not any(result.interrupted for result in sweeps)
    for i in those_alone:
        for train, _ in tables.original:
            one = INTERRUPTED
            if goes_on:
                try:
                    one = alone(i, train)
                except KeyboardInterrupt:
                    goes_on = False
            members[i].append(one)
    return Trained(members, sweeps)


def together(
    tables: Tables, found: Trained, order: Sequence[int], size: int
) -> ClassifiersTogether | RegressorsTogether:
    """An average of the networks of some candidates, chosen by their outputs for the test rows.

    order: candidates that went to the end, the best first. size: how many choices.
    """
    loss = tables.fitted._network().loss
    check_averaged(loss, "leave ensemble out")
    candidates = [found.members[number] for number in order[:CANDIDATES]]
    held = [(tables.X[rows].astype(np.float32), tables.Y[:, rows].T) for _, rows in tables.splits]
    networks = [[[member.trained] for member in members] for members in candidates]
    picks, _ = chosen_of_folds(networks, held, size, loss)
    numbers, counts = np.unique(picks, return_counts=True)
    weights = counts / (counts.sum() * len(tables.splits))
    folds = [
        OfFold(steps, [candidates[i][fold].trained for i in numbers], weights)
        for fold, steps in enumerate(tables.steps)
    ]
    kind = ClassifiersTogether if isinstance(tables.fitted, ClassifierMixin) else RegressorsTogether
    return kind(folds, tables.fitted)


def as_estimator(
    tables: Tables, settings: Mapping[str, Any], member: SweepMember | FittedAlone, *, whole: bool
) -> Any:
    """The estimator that `fit` would have made of a member; None if it has no finite parameters.

    whole: with the steps before the network, for rows as the user gave them; who was trained alone
    always has them.
    """
    if isinstance(member, FittedAlone):
        return member.fitted
    if member.params is None or member.status in ("diverged", "interrupted"):
        return None
    mlp: MLP = clone(tables.fitted)
    own = mlp.get_params(deep=False)
    mlp.set_params(**{name: settings[name] for name in own})
    for name, value in vars(tables.fitted).items():
        if name not in own:
            setattr(mlp, name, value)
    train, held = (constant_of(member.network.loss, Y) for Y in member.labels)
    mlp._take(
        member.params,
        costs=np.asarray(member.curves.cost) + train,
        validation_losses=np.asarray(member.curves.validation_loss) + held,
        best_epoch=member.best_epoch,
    )
    steps = tables.steps[member.fold]
    if whole and steps is not None:
        return Pipeline([*steps.steps, ("mlp", mlp)])
    if not whole and hasattr(mlp, "feature_names_in_"):
        del mlp.feature_names_in_  # the rows of the tables have none
    return mlp
