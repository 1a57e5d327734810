"""What a sweep found: every member, every configuration in order of its score, the best network."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from mlp_jax.sweeps.member_order import MemberOrder
from mlp_jax.sweeps.members import STATUSES
from mlp_jax.sweeps.outcomes import CODES, Outcomes
from mlp_jax.sweeps.planning.plan import SweepPlan
from mlp_jax.sweeps.results import columns
from mlp_jax.sweeps.results.ensemble import Ensemble, Fitted
from mlp_jax.sweeps.results.ensemble_selection import average_held_out, ensemble_of
from mlp_jax.sweeps.results.member import SweepMember
from mlp_jax.sweeps.results.ranking import Ranked
from mlp_jax.sweeps.results.refit import refit
from mlp_jax.sweeps.results.views import Views
from mlp_jax.sweeps.task import Task
from mlp_jax.training.checks import check_count

UNFINISHED = ("diverged", "interrupted")


@dataclass(frozen=True)
class SweepResult:
    """All members of a sweep.

    task: the examples, configurations, seeds and folds.
    plan: of the sweep.
    outcomes: of every member that was trained, some in each.
    seconds: that the sweep took, since it last went on from a checkpoint.
    compilations: programs that were compiled.
    interrupted: whether Ctrl-C ended the sweep.
    bucket_seconds: by the number of a bucket of the plan, the seconds in which threads compiled its
      program and trained its members; without those before the checkpoint and in other processes.
    brackets: with halving and a limit of time, how many configurations there were in every bracket
      that halving chose in by itself; () for one bracket of all.
    """

    task: Task = field(repr=False)
    plan: SweepPlan = field(repr=False)
    outcomes: Sequence[Outcomes] = field(repr=False)
    seconds: float
    compilations: int
    interrupted: bool
    bucket_seconds: dict[int, tuple[float, float]] = field(repr=False)
    brackets: tuple[int, ...] = field(default=(), repr=False)

    @cached_property
    def members(self) -> Sequence[SweepMember]:
        """Every member: configurations in the order of the space, seeds, folds.

        Each is made when it is asked for, and then kept.
        """
        return Views(range(len(self._order)), self._member)

    @cached_property
    def ranking(self) -> Sequence[Ranked]:
        """Every configuration, the best first; each is made when it is asked for.

        The order: configurations that went to the end; those that Ctrl-C, or the limit of time,
        interrupted, by their scores so far; those that were halved away; those with a member
        without a score; those with a member that diverged. Once halving has chosen, an interrupted
        configuration that halving went on with counts as one that went to the end. Of equal scores,
        the lower validation loss comes first.
        """
        return Views(range(len(self._ranks)), self._ranked)

    def _member(self, place: int) -> SweepMember:
        """The member at a place in the order."""
        if place not in self._made:
            columns, (number, seed, fold) = self._of_members, self._order.member(place)
            own, part = self.task.of_fold(number, fold), int(columns.part[place])
            self._made[place] = SweepMember(
                *(dict(own.named), seed, fold, STATUSES[columns.statuses[place]]),
                *(float(columns.scores[place]), int(columns.best_epochs[place]), self.task, own),
                None if part < 0 else (self.outcomes[part], int(columns.place[place])),
            )
        return self._made[place]

    def _ranked(self, place: int) -> Ranked:
        """The configuration at a place in the ranking."""
        number, columns = int(self._ranks[place]), self._of_configurations
        counts, firsts = self._members_of_each
        return Ranked(
            rank=place + 1,
            configuration=dict(self.task.configurations[number].named),
            score=float(columns.scores[number]),
            spread=float(columns.spreads[number]),
            best_epoch=float(columns.best_epochs[number]),
            status=STATUSES[columns.statuses[number]],
            members=self.members[firsts[number] : firsts[number] + counts[number]],
        )

    # --- Columns, which everything about many members is made of.

    @cached_property
    def _made(self) -> dict[int, SweepMember]:
        return {}

    @cached_property
    def _order(self) -> MemberOrder:
        return MemberOrder(self.task)

    @cached_property
    def _members_of_each(self) -> tuple[np.ndarray, np.ndarray]:
        return columns.members_of_each(self._order)

    @cached_property
    def _of_members(self) -> columns.MemberColumns:
        return columns.of_members(self._order, self.outcomes)

    @cached_property
    def _of_configurations(self) -> columns.ConfigurationColumns:
        return columns.of_configurations(self._order, self._of_members)

    @cached_property
    def _ranks(self) -> np.ndarray:
        """The numbers of the configurations, the best first."""
        return columns.ranked(self._of_configurations, self.brackets)

    @property
    def scores(self) -> np.ndarray:
        """The mean score of every configuration, in the order of the space.

        NaN of a configuration with a member that diverged or was interrupted. An optimizer that
        asks for a batch of configurations is told these scores.
        """
        unfinished = np.isin(self._of_members.statuses, [CODES[status] for status in UNFINISHED])
        scores = np.where(unfinished, np.nan, self._of_members.scores)
        return columns.of_each(self._order, scores, "mean")

    def counts(self) -> dict[str, int]:
        """How many members have each status."""
        return dict(
            zip(
                STATUSES,
                np.bincount(self._of_members.statuses, minlength=len(STATUSES)).tolist(),
                strict=True,
            )
        )

    @property
    def best(self) -> Ranked:
        """The first of `ranking`: the configuration of the highest mean score.

        After Ctrl-C, or the limit of time, it may be one that was interrupted, with its best epochs
        so far: where none went to the end, or halving had chosen it.

        Raises:
          ValueError: none has a score on all its folds.
        """
        first = self.ranking[0]
        if first.status == "diverged" or np.isnan(first.score):
            cure = "type smaller learning rates, or clip_norm"
            if self.interrupted or self.counts()["interrupted"]:
                cure = "let the sweep go on for longer, or of fewer configurations"
            raise ValueError(f"no configuration has a score on all its folds: {cure}")
        return first

    def varied(self) -> tuple[str, ...]:
        """The names of the choices that are not the same in all configurations."""
        return columns.varied(self.task.configurations)

    def refit(
        self, configuration: dict[str, Any] | None = None, *, seed: int | None = None
    ) -> Fitted:
        """The best configuration, or another, trained on all samples.

        For as many epochs as were the best on the folds, on average.

        Args:
          configuration: one of this sweep; the best by default.
          seed: of the initial weights; by default the configuration's own, or 0 if it has none.

        Raises:
          ValueError: the configuration is none of this sweep, or was not trained on all folds.
        """
        if configuration is None:
            ranked = self.best
        else:
            named = self.task.configurations.all_choices()
            same = [i for i, number in enumerate(self._ranks) if named[number] == configuration]
            if not same:
                raise ValueError("configuration is none of this sweep; see result.ranking")
            ranked = self.ranking[same[0]]
        if _has_no_best_epoch(ranked):
            raise _without("epochs to train it for", ranked)
        return refit(self.task, ranked, seed)

    def ensemble(self, size: int = 8, *, greedy: bool = True) -> Ensemble:
        """The average of some configurations' networks of all folds; nothing is trained again.

        A configuration counts as it was chosen, however many seeds it has. Those that were halved
        away are left out; those that were interrupted are not, if they have a score.

        Args:
          size: how many choices at most.
          greedy: chosen one after the other, each the one that most lowers the loss of the average
            on the rows held out: log loss, squared error, whatever the networks descended by,
            although the scores may be accuracies. A configuration may be chosen again. The first
            choices are kept, as many as make the best average: its loss on these rows is never
            above the best configuration's. Otherwise those of the highest scores.

        Raises:
          ValueError: nothing has a score, or outputs that mean nothing when averaged.

        Example:
          >>> import numpy as np, mlp_jax
          >>> X = np.random.default_rng(0).normal(size=(200, 2))
          >>> y = X[:, 0] * X[:, 1] > 0
          >>> space = {"width": [8, 16], "learning_rate": [0.01, 0.03]}
          >>> result = mlp_jax.sweep(X, y, space, folds=2, epochs=60, progress=False)
          >>> together = result.ensemble(3)
          >>> len(together.chosen) <= 3, bool((together.predict(X) == y).mean() > 0.9)
          (True, True)
        """
        check_count("size", size)
        if self.best.status == "halved away":
            raise ValueError(
                "none that halving went on with has a score, so there is nothing to average: take "
                "result.refit()"
            )
        return ensemble_of(self.task, self.ranking, int(size), greedy=greedy)

    def held_out_outputs(
        self, row: Ranked | Ensemble | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """The outputs of a configuration's networks for the rows that they were not trained on.

        On every fold, of the network of the first seed, in its best epoch. Of an ensemble the
        average of the fold's networks, of all seeds of the configurations that were chosen.

        Args:
          row: one of `ranking`, the best by default; or an ensemble of this sweep.

        Returns:
          (rows, A): the numbers of the rows, those of the first fold first, and their outputs A[L],
          (rows, K): probabilities, or the predicted numbers. Rows of a validation set of your own
          are numbered on after those of X.

        Raises:
          ValueError: the configuration diverged, or was not trained on all folds.

        Example:
          >>> import numpy as np, mlp_jax
          >>> X = np.random.default_rng(0).normal(size=(90, 2))
          >>> result = mlp_jax.sweep(X, X[:, 0] > 0, {"width": [4, 8]}, folds=3, progress=False)
          >>> rows, A = result.held_out_outputs()
          >>> A.shape, sorted(rows.tolist()) == list(range(90))
          ((90, 1), True)
        """
        held = np.concatenate([rows for _, rows in self.task.splits])
        if isinstance(row, Ensemble):
            ranks, counts = np.unique(row.chosen, return_counts=True)
            chosen = [self.ranking[rank - 1].members for rank in ranks]
            return held, average_held_out(self.task, chosen, counts / counts.sum())
        row = self.best if row is None else row
        if row.status == "diverged" or _has_no_best_epoch(row):
            raise _without("outputs", row)
        first = [member for member in row.members if member.seed == row.members[0].seed]
        return held, average_held_out(self.task, [first], np.ones(1))

    def table(self) -> list[dict[str, Any]]:
        """A row for each configuration, the best first, ready for a data frame."""
        return columns.rows(self.task.configurations, self._of_configurations, self._ranks)

    def to_pandas(self) -> Any:
        """`table` as a `pandas.DataFrame`."""
        try:
            import pandas as pd
        except ModuleNotFoundError:
            raise ValueError(
                "to_pandas needs pandas: type pip install pandas, or use result.table()"
            ) from None
        first = columns.of_table(self._of_configurations, self._ranks)
        choices = columns.choices_of(self.task.configurations, self._ranks, missing=np.nan)
        return pd.DataFrame(first | choices)


def _has_no_best_epoch(row: Ranked) -> bool:
    """Whether a member of the configuration has no best epoch."""
    return any(member.best_epoch == 0 for member in row.members)


def _without(what: str, row: Ranked) -> ValueError:
    return ValueError(
        f"the configuration of rank {row.rank} is {row.status!r}: it has no {what}; take one that "
        "finished, such as result.best"
    )
