"""`cv_results_`: scikit-learn's table of a search, from the scores of its networks."""

from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from scipy.stats import rankdata

from mlp_jax.estimators.search_scores import Scores
from mlp_jax.estimators.trained_candidates import TrainedCandidates
from mlp_jax.wording import as_typed


def as_cv_results(
    candidates: Sequence[Mapping[str, Any]], scores: Scores, trained: TrainedCandidates
) -> dict[str, Any]:
    """The dict of arrays that scikit-learn's searches have, and the status of every candidate."""
    halved = trained.halved_away()
    seconds = trained.seconds()
    results: dict[str, Any] = {
        "mean_fit_time": seconds.mean(axis=1),
        "std_fit_time": seconds.std(axis=1),
        "mean_score_time": scores.seconds.mean(axis=1),
        "std_score_time": scores.seconds.std(axis=1),
    }
    for name in dict.fromkeys(name for candidate in candidates for name in candidate):
        results[f"param_{name}"] = _column(name, candidates)
    results["params"] = list(candidates)
    # The scores of the test rows first, as scikit-learn has them.
    for (which, name), table in sorted(scores.tables.items(), key=lambda item: item[0][0]):
        for fold in range(table.shape[1]):
            results[f"split{fold}_{which}_{name}"] = table[:, fold]
        mean = table.mean(axis=1)
        results[f"mean_{which}_{name}"] = mean
        results[f"std_{which}_{name}"] = table.std(axis=1)
        if which == "test":
            results[f"rank_test_{name}"] = _ranks(mean, halved)
    results["status"] = trained.statuses()
    return results


def _column(name: str, candidates: Sequence[Mapping[str, Any]]) -> np.ma.MaskedArray:
    """The parameter of this name of every candidate; masked where it has none.

    Of numbers it is of their dtype, as scikit-learn's is, else of objects.
    """
    given = [candidate[name] for candidate in candidates if name in candidate]
    truth = {isinstance(value, bool | np.bool_) for value in given}
    plain = len(truth) == 1 and all(isinstance(value, Real | np.bool_) for value in given)
    dtype = np.array(given).dtype if plain else object
    column: np.ma.MaskedArray = np.ma.masked_all(len(candidates), dtype=dtype)
    for number, candidate in enumerate(candidates):
        if name in candidate:
            column[number] = candidate[name]
    return column


def _ranks(mean: np.ndarray, halved: np.ndarray) -> np.ndarray:
    """The rank of every candidate, 1 for the best.

    Candidates that halving took out are behind all that went to the end; last are those without a
    score.
    """
    ranks, before = np.zeros(len(mean), np.int32), 0
    for group in (~halved & ~np.isnan(mean), halved & ~np.isnan(mean), np.isnan(mean)):
        ranks[group] = before + rankdata(-np.nan_to_num(mean[group]), method="min").astype(np.int32)
        before += int(group.sum())
    return ranks


def index_chosen(refit: Callable[[Mapping[str, Any]], Any], results: Mapping[str, Any]) -> int:
    """The number of the candidate that a user's function of `cv_results_` returns.

    Raises:
      ValueError: it is no such number.
    """
    found, count = refit(results), len(results["params"])
    if not isinstance(found, Integral) or not 0 <= int(found) < count:
        raise ValueError(
            f"refit returned {as_typed(found)}; expected the number of a candidate, from 0 to "
            f"{count - 1}"
        )
    return int(found)


def order_of_ended(results: Mapping[str, Any], name: str) -> list[int]:
    """The candidates that went to the end on all folds, the best by this score first."""
    ended = np.isin(results["status"], ("finished", "stopped"))
    order = np.argsort(results[f"rank_test_{name}"], kind="stable")
    return [int(number) for number in order if ended[number]]
