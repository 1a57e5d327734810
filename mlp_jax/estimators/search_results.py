"""`cv_results_`: scikit-learn's table of a search, from the scores of its networks."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import rankdata

from mlp_jax.estimators.trained_candidates import Trained
from mlp_jax.sweeps.trainings import status_of


class Scores:
    """Scores by name: (candidates, folds), of the test rows and perhaps of those trained on.

    seconds: that scoring took. several: the scorer returns more than one.
    """

    def __init__(self, candidates: int, folds: int, *, train: bool) -> None:
        self._shape = candidates, folds
        self._sets = ("test", "train") if train else ("test",)
        self.seconds = np.zeros(self._shape)
        self.several = False
        self.tables: dict[tuple[str, str], np.ndarray] = {}
        self._scored = np.zeros(self._shape, bool)

    def put(self, which: str, candidate: int, fold: int, score: Any) -> None:
        """What the scorer returned: a number, or several by name."""
        self.several = isinstance(score, Mapping)
        named = score if isinstance(score, Mapping) else {"score": score}
        for name, value in named.items():
            table = self.tables.setdefault((which, name), np.full(self._shape, np.nan))
            table[candidate, fold] = value
        self._scored[candidate, fold] = True

    def fill(self, error_score: Any) -> None:
        """The score of those that have none."""
        if not self.tables:
            self.tables = {(which, "score"): np.full(self._shape, np.nan) for which in self._sets}
        for table in self.tables.values():
            table[~self._scored] = error_score

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
    results["status"] = np.array([status_of(row) for row in found.members])
    return results


def _ranks(mean: np.ndarray, halved: np.ndarray) -> np.ndarray:
    """1 for the best; those that halving took out come after those that went to the end."""
    worst = np.nanmin(mean) - 1 if np.isfinite(mean).any() else -1.0
    filled = np.where(np.isnan(mean), worst, mean)
    last = rankdata(-filled[~halved], method="min").astype(np.int32)
    ranks = np.zeros(len(mean), np.int32)
    ranks[~halved] = last
    ranks[halved] = len(last) + rankdata(-filled[halved], method="min").astype(np.int32)
    return ranks
