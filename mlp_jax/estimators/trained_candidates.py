"""The networks of a search, trained side by side, as fitted estimators."""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.utils import check_random_state

from mlp_jax.estimators.mlp import MLP
from mlp_jax.estimators.search_input import configurations_of, scoring_of
from mlp_jax.estimators.search_parts import with_network
from mlp_jax.estimators.search_tables import Tables, inner_splits
from mlp_jax.estimators.settings import Settings
from mlp_jax.estimators.solvers import constant_of
from mlp_jax.estimators.together import ClassifiersTogether, OfFold, RegressorsTogether
from mlp_jax.estimators.trained_alone import INTERRUPTED, FittedAlone
from mlp_jax.keys import as_key
from mlp_jax.network import Network
from mlp_jax.sweeps.folds import Split
from mlp_jax.sweeps.results.ensemble_selection import CANDIDATES, check_averaged, chosen_of_folds
from mlp_jax.sweeps.results.member import SweepMember
from mlp_jax.sweeps.results.ranking import status_of
from mlp_jax.sweeps.results.result import SweepResult
from mlp_jax.sweeps.run import plan_of, run
from mlp_jax.sweeps.task import Task, as_task


class TrainedCandidates:
    """What became of the candidates, so far.

    members: of every candidate, one a fold; None of a fold that nothing can be trained on.
    sweeps: the results that the members come from, but for those that were trained alone.
    interrupted: whether Ctrl-C ended it.
    """

    def __init__(self, candidates: int, folds: int) -> None:
        self.members: list[list[SweepMember | FittedAlone | None]] = [
            [None] * folds for _ in range(candidates)
        ]
        self.sweeps: list[SweepResult] = []
        self.interrupted = False

    def seconds(self) -> np.ndarray:
        """Of every candidate and fold, (candidates, folds).

        A member that trained beside others took a share of the time of all.
        """
        together = sum(len(result.members) for result in self.sweeps)
        share = sum(result.seconds for result in self.sweeps) / max(1, together)

        def of(member: SweepMember | FittedAlone | None) -> float:
            if member is None:
                return 0.0
            return member.seconds if isinstance(member, FittedAlone) else share

        return np.array([list(map(of, row)) for row in self.members])

    def statuses(self) -> np.ndarray:
        """Of every candidate, the status of its worst fold, (candidates,)."""
        of_members = [[member for member in row if member is not None] for row in self.members]
        return np.array(
            [
                "failed" if not r or any(m.status == "failed" for m in r) else status_of(r)
                for r in of_members
            ]
        )

    def halved_away(self) -> np.ndarray:
        """Whether halving took a candidate out before the end, (candidates,)."""
        return np.array(
            [any(m is not None and m.status == "halved away" for m in row) for row in self.members]
        )

    def train_beside(
        self, tables: Tables, settings: Mapping[int, Settings], random_state: Any, **how: Any
    ) -> None:
        """Trains candidates whose steps before the network are alike, side by side on every fold.

        Weights, batch order and validation sets are those that `fit` draws from the same
        random_state. A sweep has one metric, one kind of outputs and one validation set a fold. So
        these are sweeps of their own: candidates with early stopping, one for each
        validation_fraction; candidates whose losses have another metric; folds that train on other
        classes. All candidates are scored on the test rows.

        Args:
          tables: rows and folds.
          settings: of these candidates, by number.
          random_state: of initial weights, batch order and validation sets.
          **how: halving, memory, progress and executor of `mlp_jax.sweep`.
        """
        random = check_random_state(random_state)
        seed = int(random.randint(np.iinfo(np.int32).max))
        kinds = {number: _kind_of(found) for number, found in settings.items()}
        for kind in dict.fromkeys(kinds.values()):
            share, _ = kind
            numbers = [number for number, one in kinds.items() if one == kind]
            chosen = [settings[number] for number in numbers]
            if share is None:
                splits = {n: (fold.train, fold.test) for n, fold in tables.folds.items()}
            else:
                splits = inner_splits(tables, share, random)
            for folds in tables.alike():
                if self.interrupted:
                    self.interrupt(numbers, folds)
                    continue
                best_by = "cost" if share is None else "metric"
                task = _task(tables, chosen, folds, [splits[n] for n in folds], best_by, seed)
                result = _run_sweep(task, **how)
                self.sweeps.append(result)
                self.interrupted = result.interrupted
                found = iter(result.members)
                for number in numbers:
                    for fold in folds:
                        self.members[number][fold] = next(found)

    def train_alone(
        self, number: int, folds: Sequence[np.ndarray], fit: Callable[..., FittedAlone]
    ) -> None:
        """Fits a candidate on fold after fold.

        Args:
          number: of the candidate.
          folds: the samples to train on, of each.
          fit: (samples to train on) -> what became of it.
        """
        for fold, train in enumerate(folds):
            if not self.interrupted:
                try:
                    self.members[number][fold] = fit(train)
                except KeyboardInterrupt:
                    self.interrupted = True
            if self.interrupted:
                self.interrupt([number], [fold])

    def interrupt(self, numbers: Iterable[int], folds: Iterable[int]) -> None:
        """Says of candidates that they were not trained on these folds."""
        for number, fold in itertools.product(numbers, folds):
            self.members[number][fold] = INTERRUPTED


def _kind_of(found: Settings) -> tuple[Any, Any]:
    """(share of the rows that validates, metric) of a candidate, alike in a sweep."""
    metric = None if found.loss is None else Network(loss=found.loss).loss.metric
    return found.validation_fraction if found.keeps_validation else None, metric


def _task(
    tables: Tables,
    settings: Sequence[Settings],
    folds: Sequence[int],
    splits: Sequence[Split],
    best_by: str,
    seed: int,
) -> Task:
    """The sweep of candidates over folds that train on the same classes."""
    mlp = tables.folds[folds[0]].mlp
    configurations, of_folds = configurations_of(tables, settings, folds, splits, seed)
    task = as_task(
        *(tables.X, tables.labels(mlp), configurations),
        folds=[(train, _rows_to_look_at(tables, mlp, train, held)) for train, held in splits],
        scoring=scoring_of(mlp, configurations),
        best_by=best_by,
        weights=tables.weights,
    )
    return task._replace(
        of_folds=tuple(
            task.configurations.with_choices(choices) for choices in zip(*of_folds, strict=True)
        ),
        features=tuple(tables.folds[number].mlp.n_features_in_ for number in folds),
        key_order=as_key(seed),
        as_fit=True,
    )


def _rows_to_look_at(tables: Tables, mlp: MLP, train: np.ndarray, held: np.ndarray) -> np.ndarray:
    """The rows that a sweep validates by, of which the network knows what they are.

    A row to train on stands for them where there are none, or none of any weight.
    """
    if not is_classifier(mlp) or (len(mlp.classes_) > 1 and tables.y.ndim == 1):
        held = held[tables.known(mlp)[held]]
    if tables.weights_of(held).any():
        return held
    return train[np.flatnonzero(tables.weights_of(train))[:1]]


def _run_sweep(
    task: Task, *, memory: Any, halving: Any, progress: Any, executor: Any
) -> SweepResult:
    plan = plan_of(task, memory=memory, halving=halving, executor=executor)
    return run(task, plan, progress=progress, executor=executor)


def average_candidates(
    tables: Tables, trained: TrainedCandidates, order: Sequence[int], size: int
) -> ClassifiersTogether | RegressorsTogether:
    """An average of the networks of some candidates, chosen by their outputs for the test rows.

    order: candidates that went to the end behind the same steps, the best first. size: how many
    choices.
    """
    if len(tables.alike()) > 1:
        raise ValueError(
            "folds train on different classes, so their networks cannot be averaged: leave "
            "ensemble out, or type cv=StratifiedKFold(5)"
        )
    folds = tables.folds
    mlp = next(iter(folds.values())).mlp
    loss = mlp._network().loss
    check_averaged(loss, "leave ensemble out")
    candidates = [trained.members[number] for number in order[:CANDIDATES]]
    held = [
        (
            tables.rows(number, fold.test).astype(np.float32),
            mlp._as_Y(tables.y[fold.test], known=True),
        )
        for number, fold in folds.items()
    ]
    rows = np.concatenate([fold.test for fold in folds.values()])
    weights = None if tables.weights is None else tables.weights[rows]
    networks = [[[_network_of(members, number)] for number in folds] for members in candidates]
    picks, _ = chosen_of_folds(networks, held, size, loss, weights)
    numbers, counts = np.unique(picks, return_counts=True)
    weights = counts / (counts.sum() * len(folds))
    averaged = [
        OfFold(fold.steps, [_network_of(candidates[i], number) for i in numbers], weights, fold.mlp)
        for number, fold in folds.items()
    ]
    kind = ClassifiersTogether if is_classifier(mlp) else RegressorsTogether
    return kind(averaged, mlp)


def _network_of(members: Sequence[SweepMember | FittedAlone | None], fold: int) -> Any:
    """(params, network) of the member on this fold, on which there is one."""
    member = members[fold]
    assert member is not None
    return member.trained


def as_estimator(
    tables: Tables,
    settings: Settings,
    member: SweepMember | FittedAlone,
    fold: int,
    *,
    whole: bool,
) -> Any:
    """The estimator that `fit` would have made of a member; None if it has no finite parameters.

    whole: with the steps before the network, for rows as the user gave them; what was fitted alone
      always has them. The target is transformed back in any case.
    """
    if isinstance(member, FittedAlone):
        return member.fitted
    if member.params is None or member.status in ("diverged", "interrupted"):
        return None
    like = tables.folds[fold].mlp
    mlp: MLP = clone(like)
    own = mlp.get_params(deep=False)
    mlp.set_params(**{name: settings.parameters[name] for name in own})
    for name, value in vars(like).items():
        if name not in own:
            setattr(mlp, name, value)
    train, held = (
        constant_of(member.network.loss, Y.T, weights)
        for Y, weights in zip(member.labels, member.weights, strict=True)
    )
    mlp._take_params(
        member.params,
        costs=np.asarray(member.curves.cost) + train,
        validation_losses=np.asarray(member.curves.validation_loss) + held,
        best_epoch=member.best_epoch,
    )
    if not whole and hasattr(mlp, "feature_names_in_"):
        del mlp.feature_names_in_  # the rows of the tables have none
    return with_network(tables.folds[fold].fitted, mlp, steps=whole)
