"""The candidates of a search, trained and scored on every fold, one setting of the steps at a time.

Rows that steps have made wait for those that the next steps make, while there is room, and all are
widened to few widths: a sweep of other columns would compile programs of its own. Then they are let
go.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from mlp_jax.estimators.search_input import Variant
from mlp_jax.estimators.search_parts import Parts
from mlp_jax.estimators.search_samples import Samples
from mlp_jax.estimators.search_scores import Scores
from mlp_jax.estimators.search_tables import Tables, tables_of
from mlp_jax.estimators.settings import Settings
from mlp_jax.estimators.together import ClassifiersTogether, RegressorsTogether
from mlp_jax.estimators.trained_alone import fit_alone
from mlp_jax.estimators.trained_candidates import TrainedCandidates, average_candidates
from mlp_jax.sweeps.folds import Split

AT_ONCE = 1 << 28  # bytes of rows that steps have made, at which their networks are trained
SPARE = 32  # columns of zeros that any table may have, beside as many as it has of its own


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
        self._whole, self._train_too, self._keeps = whole, train, keeps
        self._raises = isinstance(error_score, str) and error_score == "raise"
        self._kept: list[tuple[Variant, Tables]] = []
        self._failed: list[Exception] = []
        self.trained = TrainedCandidates(len(candidates), len(splits))
        self.scores = Scores(candidates, len(splits), scorer, train=train, error_score=error_score)

    def beside(
        self,
        variants: Sequence[Variant],
        settings: Mapping[int, Settings],
        random_state_of: Callable[[Parts], Any],
        *,
        memory: int | None,
        **how: Any,
    ) -> None:
        """Trains and scores those candidates that train side by side, a sweep for each variant.

        Args:
          variants: all settings of the steps.
          settings: of candidates that train side by side, by number.
          random_state_of: (parts of a variant) -> the random_state of its networks.
          memory: bytes that a sweep may take, or None; then some variants wait beside it.
          **how: halving and progress of `mlp_jax.sweep`.

        Raises:
          Exception: steps could not be fitted, if error_score is "raise".
        """
        how |= {"memory": memory}
        waiting: list[tuple[Variant, dict[int, Settings], Any, Tables]] = []
        for variant in variants:
            own = {number: settings[number] for number in variant.candidates if number in settings}
            if self.trained.interrupted:
                self._interrupt(own)
            elif variant.parts is not None and (own or self._keeps):
                tables = self._tables_of(variant, variant.parts)
                waiting.append((variant, own, random_state_of(variant.parts), tables))
            held = sum(tables.X.nbytes for *_, tables in waiting)
            if held > (AT_ONCE if memory is None else 0):
                self._train(waiting, how)
                waiting = []
        self._train(waiting, how)

    def _tables_of(self, variant: Variant, parts: Parts) -> Tables:
        tables = tables_of(parts, self._samples, self._target, self._splits, shown=self._train_too)
        self._failed += tables.failed.values()
        if self._failed and self._raises:
            raise self._failed[0]
        if self._keeps:
            self._kept.append((variant, tables))
        return tables

    def _train(
        self,
        waiting: Sequence[tuple[Variant, Mapping[int, Settings], Any, Tables]],
        how: Mapping[str, Any],
    ) -> None:
        """Trains and scores candidates of some variants, which share programs."""
        widths = levels_of([tables.X.shape[1] for *_, tables in waiting])
        for variant, own, random_state, tables in waiting:
            if self.trained.interrupted:
                self._interrupt(own)
                continue
            wide = tables.widened(widths[tables.X.shape[1]])
            if own and tables.folds:
                self.trained.train_beside(wide, own, random_state, **how)
            arguments = variant, wide, own, self.trained, self._samples
            self.scores.of_variant(*arguments, whole=self._whole)

    def _interrupt(self, numbers: Iterable[int]) -> None:
        self.trained.interrupt(numbers, range(len(self._splits)))
        for number in numbers:
            self.scores.of_those_alone(number, self._splits, self.trained, self._samples)

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
          ValueError: what kept the steps from being fitted, if none were, on no fold.
        """
        if self._failed and not any(any(row) for row in self.trained.members):
            first = self._failed[0]
            if isinstance(first, ValueError):
                raise first
            said = f"nothing could be fitted on any fold: {type(first).__name__}: {first}"
            raise ValueError(said) from first
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


def levels_of(widths: Iterable[int]) -> dict[int, int]:
    """The width that a table of each of these widths is filled up to, with columns of zeros.

    Example:
      >>> levels_of([2, 30, 40, 100])
      {100: 100, 40: 100, 30: 30, 2: 30}
    """
    found: dict[int, int] = {}
    for width in sorted(set(widths), reverse=True):
        last = min(found.values(), default=0)
        found[width] = last if width < last <= 2 * width + SPARE else width
    return found
