"""`cv_results_`: scikit-learn's table of a search, from the scores of its networks."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import rankdata

from mlp_jax.estimators.trained_candidates import Trained
from mlp_jax.sweeps.trainings import status_of


class Scores:
    """Scores by name: (candidates, folds), of the test rows and perhaps of those trained on.

    seconds: that scoring took. several: the scorer returns more than one. failures: what scorers
    raised.
    """

    def __init__(self, candidates: int, folds: int, *, train: bool, error_score: Any) -> None:
        """error_score: of a network that has none; "raise" if there can be no such."""
        self._shape, self._error_score = (candidates, folds), error_score
        self._sets = ("test", "train") if train else ("test",)
        self.seconds = np.zeros(self._shape)
        self.several = False
        self.failures: list[str] = []
        self.tables: dict[tuple[str, str], np.ndarray] = {}
        self._scored = {which: np.zeros(self._shape, bool) for which in self._sets}

    def take(self, which: str, candidate: int, fold: int, scorer: Callable[[], Any]) -> None:
        """What the scorer returns: a number, or several by name.

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
            if isinstance(value, str):  # of several scorers this one raised, and that is its trace
                self.failures.append(value.strip().splitlines()[-1])
                value = self._error_score
            table[candidate, fold] = value
        self._scored[which][candidate, fold] = True

    def fill(self) -> None:
        """The score of those that have none."""
        if not self.tables:
            self.tables = {(which, "score"): np.full(self._shape, np.nan) for which in self._sets}
        for (which, _), table in self.tables.items():
            missing = ~self._scored[which]
            if missing.any():
                table[missing] = self._error_score

    def names(self, which: str) -> list[str]:
        """Of the scores of a set of rows."""
        return [name for of, name in self.tables if of == which]


def as_cv_results(
    candidates: Sequence[Mapping[str, Any]], scores: Scores, found: Trained
) -> dict[str, Any]:
    """The dict of arrays that scikit-learn's searches have, and the status of every candidate."""
    halved = found.halved_away()
    members = scores.seconds.size
    results: dict[str, Any] = {
        # They train side by side, so each has its share of the whole.
        "mean_fit_time": np.full(len(candidates), found.seconds / members),
        "std_fit_time": np.zeros(len(candidates)),
        "mean_score_time": scores.seconds.mean(axis=1),
        "std_score_time": scores.seconds.std(axis=1),
    }
    for name in dict.fromkeys(name for candidate in candidates for name in candidate):
        column = np.ma.masked_all(len(candidates), dtype=object)
        for number, candidate in enumerate(candidates):
            if name in candidate:
                column[number] = candidate[name]
        results[f"param_{name}"] = column
    results["params"] = list(candidates)
    # Test scores first, as they are put first.
    for (which, name), table in sorted(scores.tables.items(), key=lambda item: item[0][0]):
        for fold in range(table.shape[1]):
            results[f"split{fold}_{which}_{name}"] = table[:, fold]
        mean = table.mean(axis=1)
        results[f"mean_{which}_{name}"] = mean
        results[f"std_{which}_{name}"] = table.std(axis=1)
        if which == "test":
            results[f"rank_test_{name}"] = _ranks(mean, halved)
    of_members = ([m for m in row if m is not None] for row in found.members)
    results["status"] = np.array([status_of(members) for members in of_members])
    return results


def _ranks(mean: np.ndarray, halved: np.ndarray) -> np.ndarray:
    """1 for the best; then those that halving took out, and those without a score are last."""
    ranks, before = np.zeros(len(mean), np.int32), 0
    for group in (~halved & ~np.isnan(mean), halved & ~np.isnan(mean), np.isnan(mean)):
        ranks[group] = before + rankdata(-np.nan_to_num(mean[group]), method="min").astype(np.int32)
        before += int(group.sum())
    return ranks
