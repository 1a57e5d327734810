"""The scores of a search: every candidate on the rows of every fold."""

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from sklearn.exceptions import FitFailedWarning
from sklearn.utils import _safe_indexing

from mlp_jax.estimators.search_tables import Tables
from mlp_jax.estimators.settings import Settings
from mlp_jax.estimators.trained_alone import FittedAlone
from mlp_jax.estimators.trained_candidates import TrainedCandidates, as_estimator
from mlp_jax.sweeps.results.member import SweepMember
from mlp_jax.wording import as_typed


class Scores:
    """Scores of the test rows, and perhaps of the rows that were trained on.

    tables: by ("test" or "train", name of the score), (candidates, folds).
    seconds: that scoring took, (candidates, folds).
    several: whether the scorer returns more than one score.
    failures: what scorers raised.
    """

    def __init__(self, candidates: int, folds: int, *, train: bool, error_score: Any) -> None:
        """error_score: what a network without a score gets; "raise" where each must have one."""
        self._shape, self._error_score = (candidates, folds), error_score
        self._sets = ("test", "train") if train else ("test",)
        self.seconds = np.zeros(self._shape)
        self.several = False
        self.failures: list[str] = []
        self.tables: dict[tuple[str, str], np.ndarray] = {}
        self._scored = {which: np.zeros(self._shape, bool) for which in self._sets}

    def take(self, which: str, candidate: int, fold: int, scorer: Callable[[], Any]) -> None:
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
        """Gives the networks without a score theirs."""
        if not self.tables:
            self.tables = {(which, "score"): np.full(self._shape, np.nan) for which in self._sets}
        for (which, _), table in self.tables.items():
            missing = ~self._scored[which]
            if missing.any():
                table[missing] = self._error_score

    def names(self, which: str) -> list[str]:
        """The names of the scores of a set of rows, "test" or "train"."""
        return [name for of, name in self.tables if of == which]


def score_candidates(
    tables: Tables,
    settings: Sequence[Settings],
    trained: TrainedCandidates,
    scorer: Callable[..., Any],
    X: Any,
    y: Any,
    *,
    whole: bool,
    train: bool,
    error_score: Any,
) -> Scores:
    """The scores of every candidate on every fold; a warning says how many have none.

    Scikit-learn's scorers look at predictions alone, so they are shown the network and the rows
    that the steps before it have made, once.

    Args:
      tables: of the folds.
      settings: of every candidate.
      trained: what became of them.
      scorer: (estimator, rows, target) -> a number, or several by name.
      X: the samples, as the user gave them.
      y: their target, likewise.
      whole: a scorer is a user's own, and is shown the rows as they were given.
      train: rows that were trained on are scored too.
      error_score: of a network that has no score, or "raise".

    Raises:
      ValueError: a candidate diverged, if error_score is "raise".
    """
    scores = Scores(len(settings), tables.total, train=train, error_score=error_score)
    failed = list[FittedAlone | SweepMember]()
    for fold, own in tables.folds.items():
        shown = {
            given: _rows_shown(tables, fold, X, y, given=given, train=train)
            for given in {whole or isinstance(row[fold], FittedAlone) for row in trained.members}
        }
        for number, setting in enumerate(settings):
            member = trained.members[number][fold]
            assert member is not None
            parts = shown[whole or isinstance(member, FittedAlone)]
            fitted = as_estimator(tables, setting, member, fold, whole=whole)
            if fitted is None:
                failed.append(member)
                if error_score == "raise":
                    typed = as_typed(setting.parameters)
                    raise ValueError(
                        f"candidate {number} diverged in fold {fold}: {typed}; type a "
                        "smaller learning_rate_init, or error_score=numpy.nan"
                    )
                continue
            began = time.perf_counter()
            score = partial(scorer, fitted, *parts["test"])
            if own.unscored is not None and not isinstance(member, FittedAlone):
                score = partial(_raise, own.unscored)
            scores.take("test", number, fold, score)
            scores.seconds[number, fold] = time.perf_counter() - began
            if train:
                scores.take("train", number, fold, partial(scorer, fitted, *parts["train"]))
    scores.fill()
    _warn_of_scores(scores, error_score)
    _warn_of_networks(tables, failed, len(settings) * len(tables.folds), error_score)
    return scores


def _rows_shown(
    tables: Tables, fold: int, X: Any, y: Any, *, given: bool, train: bool
) -> dict[str, tuple[Any, Any]]:
    """(rows, target) of "test", and perhaps of "train", for the scorer.

    given: as the user gave them, and not as the steps before the network have made them.
    """
    own = tables.folds[fold]
    trained_on, tested = own.original
    parts = {"test": (own.test, tested)}
    if train:
        parts["train"] = own.shown, trained_on
    return {
        name: (
            _safe_indexing(X, original) if given else tables.rows(fold, moved),
            _safe_indexing(y, original),
        )
        for name, (moved, original) in parts.items()
    }


def _warn_of_scores(scores: Scores, error_score: Any) -> None:
    if scores.failures:
        warnings.warn(
            f"Scoring failed {len(scores.failures)} times; the score there is {error_score}. The "
            f"first: {scores.failures[0]}",
            stacklevel=4,
        )


def _warn_of_networks(
    tables: Tables, failed: Sequence[FittedAlone | SweepMember], count: int, error_score: Any
) -> None:
    """Warns of folds without a fit, and of networks without finite parameters."""
    for fold, error in tables.failed.items():
        warnings.warn(
            f"Nothing could be fitted on fold {fold} ({type(error).__name__}: {error}); the score "
            f"there is {error_score}",
            FitFailedWarning,
            stacklevel=4,
        )
    if not failed:
        return
    alone = [one for one in failed if isinstance(one, FittedAlone)]
    errors = [one.error for one in alone if one.status == "failed"]
    more = f". {len(errors)} failed, the first by {errors[0]!r}" if errors else ""
    warnings.warn(
        f"{len(failed)} of {count} networks diverged or were interrupted; their score is "
        f"{error_score}{more}",
        FitFailedWarning,
        stacklevel=4,
    )


def _raise(error: Exception) -> None:
    raise error


def accuracy(fitted: Any, X: Any, y: Any) -> float:
    """What the `score` of a classifier is, without a check of y for every network."""
    if np.ndim(y) != 1:
        return float(fitted.score(X, y))
    return float((fitted.predict(X) == np.asarray(y)).mean())
