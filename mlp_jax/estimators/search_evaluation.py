"""The candidates of a search, trained and scored on every fold, one setting of the steps at a time.

The rows that steps have made are let go before the next steps are fitted.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mlp_jax.estimators.search_input import Variant
from mlp_jax.estimators.search_samples import Samples
from mlp_jax.estimators.search_scores import Scores
from mlp_jax.estimators.search_tables import Tables, tables_of
from mlp_jax.estimators.settings import Settings
from mlp_jax.estimators.together import ClassifiersTogether, RegressorsTogether
from mlp_jax.estimators.trained_alone import fit_alone
from mlp_jax.estimators.trained_candidates import TrainedCandidates, average_candidates
from mlp_jax.sweeps.folds import Split


class Evaluation:
    """What a search trains and scores, and what of it an ensemble needs.

    trained: what became of the candidates.
    scores: of the candidates.
    """

    def __init__(
        self,
        candidates: Sequence[Mapping[str, Any]],
        samples: Samples,
        target: Any,
        splits: Sequence[Split],
        scorer: Callable[..., Any],
        *,
        whole: bool,
        train: bool,
        error_score: Any,
        keeps: bool,
    ) -> None:
        """Of no candidate yet.

        Args:
          candidates: of the search.
          samples: as the user gave them.
          target: of the samples, see `checked_target`.
          splits: the folds.
          scorer: see `Scores`.
          whole: the scorer is shown the whole estimator and the rows as they were given.
          train: rows that were trained on are scored too.
          error_score: of a network that has no score, or "raise".
          keeps: the rows that steps have made are kept, for an ensemble.
        """
        self._samples, self._target, self._splits = samples, target, splits
        self._whole, self._train, self._keeps = whole, train, keeps
        self._raises = isinstance(error_score, str) and error_score == "raise"
        self._kept: list[tuple[Variant, Tables]] = []
        self._failed: list[Exception] = []
        self.trained = TrainedCandidates(len(candidates), len(splits))
        self.scores = Scores(candidates, len(splits), scorer, train=train, error_score=error_score)

    def beside(
        self, variant: Variant, settings: Mapping[int, Settings], random_state: Any, **how: Any
    ) -> None:
        """Trains and scores those candidates of a variant that train side by side.

        Args:
          variant: the steps.
          settings: of candidates that train side by side, by number.
          random_state: of their networks.
          **how: halving, memory and progress of `mlp_jax.sweep`.

        Raises:
          Exception: the steps could not be fitted, if error_score is "raise".
        """
        own = {number: settings[number] for number in variant.candidates if number in settings}
        if self.trained.interrupted:
            self.trained.interrupt(own, range(len(self._splits)))
            for number in own:
                self.scores.of_those_alone(number, self._splits, self.trained, self._samples)
            return
        if variant.parts is None or not (own or self._keeps):
            return
        tables = tables_of(
            *(variant.parts, self._samples, self._target, self._splits), shown=self._train
        )
        self._failed += tables.failed.values()
        if self._failed and self._raises:
            raise self._failed[0]
        if self._keeps:
            self._kept.append((variant, tables))
        if own and tables.folds:
            self.trained.train_beside(tables, own, random_state, **how)
        arguments = variant, tables, own, self.trained, self._samples
        self.scores.of_variant(*arguments, whole=self._whole)

    def alone(self, number: int, estimator: Callable[[], Any]) -> None:
        """Fits and scores a candidate by itself; estimator: makes the one to fit."""
        self.trained.train_alone(
            number,
            [train for train, _ in self._splits],
            lambda train: fit_alone(estimator(), self._samples, train, raises=self._raises),
        )
        self.scores.of_those_alone(number, self._splits, self.trained, self._samples)

    def end(self) -> None:
        """Gives scores to those that have none.

        Raises:
          Exception: what kept the steps from being fitted, if none were, on no fold.
        """
        if self._failed and not any(any(row) for row in self.trained.members):
            raise self._failed[0]
        self.scores.fill()

    def average(self, order: Sequence[int], size: int) -> ClassifiersTogether | RegressorsTogether:
        """The average of the best of the candidates that have the steps of the very best.

        Args:
          order: candidates that went to the end, the best first.
          size: how many choices at most.

        Raises:
          ValueError: there is none, or outputs cannot be averaged.
        """
        for best in order:
            for variant, tables in self._kept:
                if best in variant.candidates:
                    alike = [number for number in order if number in variant.candidates]
                    return average_candidates(tables, self.trained, alike, size)
        raise ValueError(
            f"ensemble is {size}, but no candidate went to the end on all folds; type a smaller "
            "learning_rate_init"
        )
