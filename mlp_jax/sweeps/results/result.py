"""What a sweep found: every member, every configuration in order of its score, the best network."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from mlp_jax.labels import class_weights
from mlp_jax.parameters import Layer, init
from mlp_jax.sweeps.members import Member, Outcome
from mlp_jax.sweeps.planning.plan import SweepPlan
from mlp_jax.sweeps.ranking import Ranked, SweepMember, best_loss, order_of, status_of
from mlp_jax.sweeps.results.ensemble import Ensemble, Fitted
from mlp_jax.sweeps.results.selection import (
    CANDIDATES,
    check_averaged,
    chosen_of_folds,
    outputs_held_out,
)
from mlp_jax.sweeps.space import Configuration
from mlp_jax.sweeps.task import Task
from mlp_jax.training.checks import check_count
from mlp_jax.training.descent import Info
from mlp_jax.training.training import fit

UNFINISHED = ("diverged", "interrupted")


@dataclass(frozen=True)
class SweepResult:
    """All members of a sweep.

    plan: what was planned. seconds: what it took, since it last went on from a checkpoint.
    compilations: programs compiled in it. interrupted: Ctrl-C ended it. bucket_seconds: by the
    number of a bucket of the plan, the seconds that a thread spent to compile it and to train its
    members; not what was done before that checkpoint, or in other processes.
    """

    task: Task = field(repr=False)
    plan: SweepPlan = field(repr=False)
    outcomes: dict[Member, Outcome] = field(repr=False)
    seconds: float
    compilations: int
    interrupted: bool
    bucket_seconds: dict[int, tuple[float, float]] = field(repr=False)

    @cached_property
    def members(self) -> tuple[SweepMember, ...]:
        """Every member: configurations in the order of the space, seeds, folds."""
        never = Outcome(None, np.empty((0, 4), self.task.X.dtype), 0, float("nan"), "interrupted")
        members = []
        for number in range(len(self.task.configurations)):
            for seed in self.task.seeds[number]:
                for fold in range(len(self.task.splits)):
                    found = self.outcomes.get(Member(number, seed, fold), never)
                    own = self.task.of_fold(number, fold)
                    members.append(
                        SweepMember(
                            *(own, seed, fold, found.status, found.score),
                            *(found.best_epoch, found.params, Info(*found.history.T), self.task),
                        )
                    )
        return tuple(members)

    @cached_property
    def ranking(self) -> tuple[Ranked, ...]:
        """Every configuration, the best first.

        First those that went to the end, then those that Ctrl-C interrupted, by their scores so
        far; once halving has chosen, those that it went on with are among the former. Then those
        that were halved away, those with a member without a score, and those with one that
        diverged. Of equal scores, the one of the lower validation loss.
        """
        rows, losses, at = [], [], 0
        for number, configuration in enumerate(self.task.configurations):
            count = len(self.task.seeds[number]) * len(self.task.splits)
            members = self.members[at : at + count]
            at += count
            scores = np.array([member.score for member in members])
            status = status_of(members)
            epoch = float(np.mean([member.best_epoch for member in members]))
            losses.append(float(np.mean([best_loss(member) for member in members])))
            rows.append((configuration, scores.mean(), scores.std(), epoch, status, members))
        chosen = any(row[4] == "halved away" for row in rows)

        def order(i: int) -> tuple[int, float, float]:
            _, score, _, _, status, _ = rows[i]
            return order_of(status, score, chosen), -_or_worst(score), losses[i]

        return tuple(
            Ranked(rank, rows[i][0], float(rows[i][1]), float(rows[i][2]), *rows[i][3:])
            for rank, i in enumerate(sorted(range(len(rows)), key=order), start=1)
        )

    @property
    def scores(self) -> np.ndarray:
        """The mean score of every configuration, in the order of the space.

        NaN if it failed or was interrupted. What an optimizer that asks for a batch of
        configurations is told.
        """
        by_configuration = np.array([member.score for member in self.members], float)
        failed = np.array([m.status in UNFINISHED for m in self.members])
        by_configuration[failed] = np.nan
        counts = [len(seeds) * len(self.task.splits) for seeds in self.task.seeds]
        parts = np.split(by_configuration, np.cumsum(counts)[:-1])
        return np.array([part.mean() for part in parts])

    @property
    def best(self) -> Ranked:
        """The first of `ranking`: the configuration of the highest mean score.

        After Ctrl-C it may be one that was interrupted, with its best epochs so far: where none
        went to the end, or halving had chosen it.

        Raises:
          ValueError: none has a score on all its folds.
        """
        first = self.ranking[0]
        if first.status == "diverged" or np.isnan(first.score):
            cure = "type smaller learning rates, or clip_norm"
            if self.interrupted:
                cure = "let the sweep go on for longer, or type a smaller n"
            raise ValueError(f"no configuration has a score on all its folds: {cure}")
        return first

    def varied(self) -> tuple[str, ...]:
        """The names of the choices that are not the same in all configurations."""
        names = dict.fromkeys(name for c in self.task.configurations for name in c)
        return tuple(
            name for name in names if len({repr(c.get(name)) for c in self.task.configurations}) > 1
        )

    def refit(
        self, configuration: Configuration | None = None, *, seed: int | None = None
    ) -> Fitted:
        """The best configuration, or another, trained on all samples.

        For as many epochs as were the best on the folds, on average.

        Args:
          configuration: one of this sweep; the best by default.
          seed: of its initial weights; by default its own, or 0 if it names none.

        Raises:
          ValueError: it is none of this sweep, or was not trained on all folds.
        """
        if configuration is None:
            ranked = self.best
        else:
            same = [row for row in self.ranking if row.configuration == configuration]
            if not same:
                raise ValueError("configuration is none of this sweep; see result.ranking")
            ranked = same[0]
        if _untrained(ranked):
            raise _without("epochs to train it for", ranked)
        if seed is None:
            seed = ranked.configuration.get("seed", 0)
        # As on all samples, not as on the first fold.
        whole = replace(ranked.members[0], configuration=ranked.configuration)
        arguments = whole.arguments_of_fit()
        task = self.task
        Y = task.labels[arguments["network"].loss]
        given = ranked.configuration.get("class_weight")
        arguments |= {
            "params": init(
                task.key_of_weights(seed), task.sizes(ranked.configuration), dtype=task.X.dtype
            ),
            "X": task.X,
            "Y": Y,
            "weights": None if given is None else class_weights(Y, given),
            "validation": None,
            "best_by": None,
            "patience": None,
            "epochs": max(1, round(ranked.best_epoch)),
        }
        state, _ = fit(**arguments)
        return Fitted(_owned(state.params), arguments["network"], _classes_of(task))

    def ensemble(self, size: int = 8, *, greedy: bool = True) -> Ensemble:
        """The average of some configurations' networks of all folds; nothing is trained again.

        A configuration counts as it was chosen, however many seeds it has. Those that were halved
        away are left out; after Ctrl-C those that were interrupted are not, if they have a score.

        Args:
          size: how many configurations.
          greedy: chosen one after the other, each the one that most lowers the loss of the average
            on the rows held out, as often as that helps; otherwise those of the highest scores.

        Raises:
          ValueError: nothing has a score, or outputs that mean nothing when averaged.

        Example:
          >>> import numpy as np, mlp_jax
          >>> X = np.random.default_rng(0).normal(size=(200, 2))
          >>> y = X[:, 0] * X[:, 1] > 0
          >>> space = {"width": [8, 16], "learning_rate": [0.01, 0.03]}
          >>> result = mlp_jax.sweep(X, y, space, folds=2, epochs=60, progress=False)
          >>> together = result.ensemble(3)
          >>> len(together.chosen), bool((together.predict(X) == y).mean() > 0.9)
          (3, True)
        """
        check_count("size", size)
        task, best = self.task, self.best
        loss = best.members[0].network.loss
        if best.status == "halved away":
            raise ValueError(
                "none that halving went on with has a score, so there is nothing to average: take "
                "result.refit()"
            )
        check_averaged(loss, "take result.refit()")
        candidates = [
            row
            for row in self.ranking
            if order_of(row.status, row.score) < 2 and row.members[0].network.loss == loss
        ][: CANDIDATES if greedy else size]
        picks = list(range(len(candidates)))
        losses: list[float] = []
        if greedy:
            networks = [self._networks_of_folds(row.members) for row in candidates]
            labels = [task.exact_labels(loss)[:, rows].T for _, rows in task.splits]
            held = list(zip(self._held_out(), labels, strict=True))
            picks, losses = chosen_of_folds(networks, held, int(size), loss)
        chosen = [candidates[i].members for i in sorted(set(picks))]
        shares = [picks.count(i) / len(candidates[i].members) for i in sorted(set(picks))]
        weights = np.repeat(shares, [len(members) for members in chosen])
        return Ensemble(
            networks=tuple(
                (_owned(params), network)
                for members in chosen
                for params, network in (member.trained for member in members)
            ),
            weights=weights / weights.sum(),
            classes=_classes_of(task),
            chosen=tuple(candidates[i].rank for i in picks),
            losses=tuple(losses),
        )

    def held_out_outputs(self, row: Ranked | None = None) -> tuple[np.ndarray, np.ndarray]:
        """What a configuration's networks say of the rows that they were not trained on.

        Of every fold the network of the first seed, in its best epoch.

        Args:
          row: one of `ranking`; the best by default.

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
        row = self.best if row is None else row
        if row.status == "diverged" or _untrained(row):
            raise _without("outputs", row)
        first = [member for member in row.members if member.seed == row.members[0].seed]
        A = outputs_held_out([self._networks_of_folds(first)], self._held_out())[0]
        return np.concatenate([rows for _, rows in self.task.splits]), A

    def _networks_of_folds(self, members: Sequence[SweepMember]) -> list[list[Any]]:
        """(params, network) of the members, those of every fold apart."""
        folds = range(len(self.task.splits))
        return [[m.trained for m in members if m.fold == fold] for fold in folds]

    def _held_out(self) -> list[np.ndarray]:
        """X held out of every fold, (samples, features)."""
        return [
            np.ascontiguousarray(self.task.X[: self.task.columns(fold), rows].T)
            for fold, (_, rows) in enumerate(self.task.splits)
        ]

    def table(self) -> list[dict[str, Any]]:
        """A row a configuration, the best first, ready for a data frame."""
        return [
            {
                "rank": row.rank,
                "score": row.score,
                "spread": row.spread,
                "best_epoch": row.best_epoch,
                "status": row.status,
                **row.configuration,
            }
            for row in self.ranking
        ]

    def to_pandas(self) -> Any:
        """`table` as a `pandas.DataFrame`."""
        try:
            import pandas as pd
        except ModuleNotFoundError:
            raise ValueError(
                "to_pandas needs pandas: type pip install pandas, or use result.table()"
            ) from None
        return pd.DataFrame(self.table())


def _owned(params: Any) -> tuple[Layer, ...]:
    """Copies in NumPy, which a user may write to without changing what the sweep has."""
    return tuple(Layer(np.array(W), np.array(b)) for W, b in params)


def _classes_of(task: Task) -> np.ndarray | None:
    """Likewise, what y was made of."""
    return None if task.classes is None else task.classes.copy()


def _untrained(row: Ranked) -> bool:
    """Whether it has no best epoch on some fold."""
    return any(member.best_epoch == 0 for member in row.members)


def _without(what: str, row: Ranked) -> ValueError:
    return ValueError(
        f"the configuration of rank {row.rank} is {row.status!r}: it has no {what}; take one that "
        "finished, such as result.best"
    )


def _or_worst(score: float) -> float:
    return -float("inf") if np.isnan(score) else float(score)
