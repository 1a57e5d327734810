"""The scores of a search: every candidate on the rows of every fold."""

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from sklearn.exceptions import FitFailedWarning

from mlp_jax.estimators.search_input import Variant
from mlp_jax.estimators.search_samples import Samples
from mlp_jax.estimators.search_tables import Tables
from mlp_jax.estimators.settings import Settings
from mlp_jax.estimators.trained_alone import FittedAlone
from mlp_jax.estimators.trained_candidates import TrainedCandidates, as_estimator
from mlp_jax.sweeps.folds import Split
from mlp_jax.sweeps.results.member import SweepMember
from mlp_jax.wording import as_typed

Shown = Mapping[str, tuple[Any, Any, Mapping[str, Any]]]  # (rows, target, parameters) by set


class Scores:
    """Scores of the test rows, and perhaps of the rows that were trained on.

    tables: by ("test" or "train", name of the score), (candidates, folds).
    seconds: that scoring took, (candidates, folds).
    several: whether the scorer returns more than one score.
    failures: what scorers raised.
    """

    def __init__(
        self,
        candidates: Sequence[Mapping[str, Any]],
        folds: int,
        scorer: Callable[..., Any],
        *,
        train: bool,
        error_score: Any,
    ) -> None:
        """Of no candidate yet.

        Args:
          candidates: of the search.
          folds: how many there are.
          scorer: (estimator, rows, target, **parameters) -> a number, or several by name.
          train: rows that were trained on are scored too.
          error_score: what a network without a score gets; "raise" where each must have one.
        """
        self._candidates, self._scorer = candidates, scorer
        self._shape, self._error_score = (len(candidates), folds), error_score
        self._sets = ("test", "train") if train else ("test",)
        self._lost: list[FittedAlone | SweepMember] = []
        self._unfitted: list[tuple[Mapping[str, Any], int, Exception]] = []
        self.seconds = np.zeros(self._shape)
        self.several = False
        self.failures: list[str] = []
        self.tables: dict[tuple[str, str], np.ndarray] = {}
        self._scored = {which: np.zeros(self._shape, bool) for which in self._sets}

    def of_variant(
        self,
        variant: Variant,
        tables: Tables,
        settings: Mapping[int, Settings],
        trained: TrainedCandidates,
        samples: Samples,
        *,
        whole: bool,
    ) -> None:
        """Scores what was trained side by side behind the same steps.

        Scikit-learn's scorers look at predictions alone, so they are shown the network and the rows
        that the steps before it have made, once.

        Args:
          variant: the steps.
          tables: of the folds.
          settings: of the candidates, by number.
          trained: what became of them.
          samples: as the user gave them.
          whole: a scorer is a user's own, and is shown the rows as they were given.

        Raises:
          Exception: a candidate has no score, if error_score is "raise".
        """
        self._unfitted += [(variant.chosen, fold, e) for fold, e in tables.failed.items()]
        for fold, own in tables.folds.items():
            shown = _shown(samples, own.original, self._sets)
            if not whole:
                moved = {"test": own.test, "train": own.shown}
                shown = {
                    name: (tables.rows(fold, moved[name]), *rest)
                    for name, (_, *rest) in shown.items()
                }
            for number, setting in settings.items():
                member = trained.members[number][fold]
                assert member is not None
                fitted = as_estimator(tables, setting, member, fold, whole=whole)
                self._take_all(number, fold, member, fitted, shown, own.unscored)

    def of_those_alone(
        self, number: int, splits: Sequence[Split], trained: TrainedCandidates, samples: Samples
    ) -> None:
        """Scores a candidate that was fitted alone; see `of_variant`."""
        for fold, (split, member) in enumerate(zip(splits, trained.members[number], strict=True)):
            assert isinstance(member, FittedAlone)
            shown = _shown(samples, split, self._sets)
            self._take_all(number, fold, member, member.fitted, shown, None)

    def _take_all(
        self,
        number: int,
        fold: int,
        member: SweepMember | FittedAlone,
        fitted: Any,
        shown: Shown,
        unscored: Exception | None,
    ) -> None:
        """Takes the scores of one network, of every set of rows."""
        if fitted is None:
            self._lost.append(member)
            if self._error_score == "raise":
                raise ValueError(
                    f"candidate {number} diverged in fold {fold}: "
                    f"{as_typed(dict(self._candidates[number]))}; type a smaller "
                    "learning_rate_init, or error_score=numpy.nan"
                )
            return
        for which, (X, y, params) in shown.items():
            began = time.perf_counter()
            score = partial(self._scorer, fitted, X, y, **params)
            if unscored is not None and which == "test":
                score = partial(_raise, unscored)
            self._take(which, number, fold, score)
            if which == "test":
                self.seconds[number, fold] = time.perf_counter() - began

    def _take(self, which: str, candidate: int, fold: int, scorer: Callable[[], Any]) -> None:
        """Takes what the scorer returns: a number, or several by name.

        Raises:
          Exception: the scorer's own, if error_score is "raise".
        """
        try:
            score = scorer()
        except Exception as error:  # a scorer may be the user's own
            if self._error_score == "raise":
                raise
            self.failures.append(f"{type(error).__name__}: {error}")
            return
        self.several = isinstance(score, Mapping)
        named = score if isinstance(score, Mapping) else {"score": score}
        for name, value in named.items():
            table = self.tables.setdefault((which, name), np.full(self._shape, np.nan))
            if isinstance(value, str):  # the trace of a scorer that raised, one of several
                self.failures.append(value.strip().splitlines()[-1])
                value = self._error_score
            table[candidate, fold] = value
        self._scored[which][candidate, fold] = True

    def fill(self) -> None:
        """Gives the networks without a score theirs; a warning says how many there are."""
        if not self.tables:
            self.tables = {(which, "score"): np.full(self._shape, np.nan) for which in self._sets}
        for (which, _), table in self.tables.items():
            missing = ~self._scored[which]
            if missing.any():
                table[missing] = self._error_score
        self._warn()

    def names(self, which: str) -> list[str]:
        """The names of the scores of a set of rows, "test" or "train"."""
        return [name for of, name in self.tables if of == which]

    def _warn(self) -> None:
        """Warns of scorers that raised, steps without a fit, networks without parameters."""
        there = f"the score there is {self._error_score}"
        if self.failures:
            said = f"Scoring failed {len(self.failures)} times; {there}. The first:"
            warnings.warn(f"{said} {self.failures[0]}", stacklevel=6)
        for chosen, fold, error in self._unfitted[:1]:
            steps = f" with {as_typed(dict(chosen))}" if chosen else ""
            others = f" (and {len(self._unfitted) - 1} times more)" * (len(self._unfitted) > 1)
            warnings.warn(
                f"Nothing could be fitted{steps} on fold {fold} ({type(error).__name__}: {error})"
                f"{others}; {there}",
                FitFailedWarning,
                stacklevel=6,
            )
        if self._lost:
            alone = [one for one in self._lost if isinstance(one, FittedAlone)]
            errors = [one.error for one in alone if one.status == "failed"]
            more = f". {len(errors)} failed, the first by {errors[0]!r}" if errors else ""
            warnings.warn(
                f"{len(self._lost)} of {self._shape[0] * self._shape[1]} networks diverged or were "
                f"interrupted; their score is {self._error_score}{more}",
                FitFailedWarning,
                stacklevel=6,
            )


def _shown(samples: Samples, split: Split, sets: Sequence[str]) -> Shown:
    """What a scorer is shown of a fold, as the user gave it, by the name of the set."""
    train, test = split
    return {name: samples.to_score({"test": test, "train": train}[name]) for name in sets}


def _raise(error: Exception) -> None:
    raise error


def accuracy(fitted: Any, X: Any, y: Any, sample_weight: Any = None) -> float:
    """What the `score` of a classifier is, without a check of y for every network."""
    if np.ndim(y) != 1:
        return float(fitted.score(X, y, sample_weight))
    return float(np.average(fitted.predict(X) == np.asarray(y), weights=sample_weight))
