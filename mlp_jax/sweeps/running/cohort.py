"""A cohort: members that are trained chunk by chunk, for a segment of epochs at a time.

After every segment the members that have ended leave, and the others fill the chunks anew.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import numpy as np

from mlp_jax.back_propagation import one_pass
from mlp_jax.sweeps.folds import Fold
from mlp_jax.sweeps.members import RungScore, Snapshot
from mlp_jax.sweeps.outcomes import CODES, Outcomes, PaddedParams
from mlp_jax.sweeps.planning.buckets import Bucket
from mlp_jax.sweeps.planning.costs import longest_fold
from mlp_jax.sweeps.planning.kinds import numbers_of
from mlp_jax.sweeps.planning.segments import epochs_of_segment
from mlp_jax.sweeps.running.chunk_program import Members, start_members
from mlp_jax.sweeps.running.cohort_members import CohortMembers, epochs_of
from mlp_jax.sweeps.running.stacking import InitialWeights, weights_of
from mlp_jax.sweeps.task import Task
from mlp_jax.training.batches import Examples
from mlp_jax.training.divergence import goes_on, lost_patience
from mlp_jax.training.epoch import EpochDraw
from mlp_jax.training.recipe import Recipe
from mlp_jax.training.state import State


class Cohort:
    """Members of a bucket on one fold, where they stand, and what they have left behind."""

    def __init__(
        self,
        task: Task,
        bucket: Bucket,
        members: CohortMembers,
        weights: InitialWeights,
        *,
        saved: bool = False,
    ) -> None:
        """A cohort before its first epoch.

        Args:
          task: of the sweep.
          bucket: that the members are of.
          members: one or more, of one fold.
          weights: their initial ones.
          saved: a `snapshot` is kept after every segment, for another thread to look at.
        """
        self.task, self.bucket, self.names = task, bucket, members.names
        self.fold = int(members.names[0, 2])
        self.done = 0
        self.segment = epochs_of_segment(longest_fold(task))
        numbers_of_members = members.names[:, 0]
        self._epochs = epochs_of(task, numbers_of_members, self.fold)
        self._metric = task.metric[bucket.kind.loss]
        self._which = members.which
        params = weights.stack(members.names, bucket.hidden)
        numbers = numbers_of(task, numbers_of_members, self.fold, bucket.on)
        self._chunk = Members(numbers, self._epochs, None)
        if bucket.kind.weighted:
            configurations = [task.of_fold(int(n), self.fold) for n in numbers_of_members]
            train, held = task.splits[self.fold]
            own = weights_of(task, configurations, train)
            self._chunk = self._chunk._replace(weights=own)
            by_class = task.validates_by_class
            if by_class or task.weights is not None:
                longest = max(len(held) for _, held in task.splits)
                own = weights_of(task, configurations, held, by_class=by_class)
                own = own[:, :, np.resize(held, longest)]
                self._chunk = self._chunk._replace(held_weights=own)
        self.state: State = start_members(
            params, numbers.optimizer, validates=task.best_by != "cost"
        )
        self._history = np.empty((len(self.names), 0, 4), task.X.dtype)  # and room for more epochs
        self._recorded = 0
        self.going_on = np.arange(len(self.names))
        self._saved = saved
        self.snapshot: Snapshot | None = None

    def restore(self, snapshots: Sequence[tuple[Snapshot, int]]) -> None:
        """Goes on from where every member stood.

        snapshots: (a snapshot, the member's place in it) of every member, all after as many epochs.
          The cohort of the snapshot may have been padded to other widths.
        """
        leaves: list[Any] = jax.tree.leaves(self.state)
        for place, (snapshot, index) in enumerate(snapshots):
            old: tuple[Any, ...] = snapshot.leaves[:-1]
            for leaf, saved in zip(leaves, old, strict=True):
                shapes = zip(leaf.shape[1:], saved.shape[1:], strict=True)
                corner = tuple(slice(min(ours, theirs)) for ours, theirs in shapes)
                leaf[place] = 0  # as all that is padded
                leaf[(place, *corner)] = saved[(index, *corner)]
        self.done = snapshots[0][0].done
        self._history = np.stack([snapshot.leaves[-1][index] for snapshot, index in snapshots])
        self._recorded = self._history.shape[1]
        self.going_on = np.flatnonzero(self._goes_on())
        self._keep_snapshot()

    def _keep_snapshot(self) -> None:
        if self._saved and not len(self.names):
            self.snapshot = None  # nobody stands anywhere
        elif self._saved:
            leaves = (*jax.tree.leaves(self.state), self._lines())
            self.snapshot = Snapshot(self.names, self.done, leaves)

    def recipe(self) -> Recipe:
        """The static side of its program."""
        kind = self.bucket.kind
        return Recipe(
            *(kind.networks[0], one_pass, None, kind.batch_size, self._metric, self.segment),
            best_by=self.task.best_by,
            shuffle=True,
        )

    def arguments(self, rows: np.ndarray) -> tuple[Members, State]:
        """Some members and their states, filled up to a chunk with others that do nothing.

        rows: their places in the cohort, ascending.
        """
        filling = self.bucket.chunk - len(rows)
        some: Any = np.concatenate([rows, np.repeat(rows[:1], filling)])
        if not filling and rows[-1] - rows[0] + 1 == len(rows):
            some = slice(rows[0], rows[-1] + 1)  # nothing is copied
        members, state = jax.tree.map(lambda leaf: leaf[some], (self._chunk, self.state))
        members.epochs[len(rows) :] = 0
        return members, state

    def segments(
        self,
        until: int,
        draw: Callable[[int], EpochDraw],
        call: Callable[..., tuple[State, np.ndarray]],
    ) -> Iterator[int]:
        """Trains all that go on to epoch `until`; yields member-epochs done after every chunk.

        Args:
          until: the epoch to stop at.
          draw: (epochs done) -> what the next draw.
          call: (members, state, epochs done, epoch to stop at, draws, number of their network or
            of each one's) -> (state, history) of a chunk.
        """
        while self.done < until and len(self.going_on):
            stop = min(until, self.done + self.segment, int(self._epochs[self.going_on].max()))
            draws = draw(self.done)
            # Whoever stops amid a segment, or looks from another thread, finds the state before it.
            after = jax.tree.map(np.copy, self.state)
            history = np.full((len(self.names), stop - self.done, 4), np.nan, self.task.X.dtype)
            for rows in self._chunks():
                which = self._network(rows)
                state, lines = call(*self.arguments(rows), self.done, stop, draws, which)
                _write(after, rows, state)
                history[rows] = np.asarray(lines)[: len(rows), : stop - self.done]
                yield len(rows) * (stop - self.done)
            self._record(history)
            self.state, self.done = after, stop
            self.going_on = self.going_on[self._goes_on()[self.going_on]]
            self._keep_snapshot()

    def _chunks(self) -> Iterator[np.ndarray]:
        """The places of members that go on, for every chunk."""
        which = self._which[self.going_on] if self.bucket.alike else np.zeros(len(self.going_on))
        for network in np.unique(which):
            rows = self.going_on[which == network]
            for first in range(0, len(rows), self.bucket.chunk):
                yield rows[first : first + self.bucket.chunk]

    def _network(self, rows: np.ndarray) -> np.ndarray:
        """The number of a chunk's network, (), or of each member's, (chunk,)."""
        if self.bucket.alike:
            return np.asarray(self._which[rows[0]], np.int32)
        return np.resize(self._which[rows], self.bucket.chunk).astype(np.int32)

    def rung_scores(self) -> list[RungScore]:
        """How every member is judged so far."""
        best = np.where(self.state.diverged, 0, self._best_epochs())
        losses = np.where(best > 0, self._at(best, 2), np.nan)
        columns = self.names[:, 0].tolist(), self._scores(best).tolist(), losses.tolist()
        return [RungScore(*row) for row in zip(*columns, strict=True)]

    def outcomes_of_others(self, configurations: set[int]) -> Outcomes:
        """What becomes of members of none of these configurations once others go on; see `keep`."""
        others = ~self._of(configurations)
        return self.outcomes().take(others).with_status("interrupted", "halved away")

    def _of(self, configurations: set[int]) -> np.ndarray:
        return np.isin(self.names[:, 0], list(configurations))

    def keep(self, configurations: set[int]) -> None:
        """Goes on with the members of these configurations alone."""
        kept = self._of(configurations)
        everything = self.names, self._chunk, self.state, self._epochs, self._which, self._history
        names, chunk, state, epochs, which, history = jax.tree.map(
            lambda leaf: leaf[kept], everything
        )
        # All at once: Ctrl-C amid the copies leaves names and states of the same members.
        self.names, self._chunk, self.state = names, chunk, state
        self._epochs, self._which, self._history = epochs, which, history
        self.going_on = np.flatnonzero(self._goes_on())
        self._keep_snapshot()

    def _record(self, lines: np.ndarray) -> None:
        """Adds to the history; what was there is copied only when its room has doubled."""
        done = self._recorded + lines.shape[1]
        if done > self._history.shape[1]:
            room = max(done, min(2 * done, int(self._epochs.max())))
            wider = np.full((len(self.names), room, 4), np.nan, lines.dtype)
            wider[:, : self._recorded] = self._lines()
            self._history = wider
        self._history[:, self._recorded : done] = lines
        self._recorded = done

    def _lines(self) -> np.ndarray:
        return self._history[:, : self._recorded]

    def _goes_on(self) -> np.ndarray:
        state = self.state
        on = goes_on(state, self._epochs, self._chunk.numbers.patience)
        return np.asarray((state.epoch == self.done) & on)

    def _best_epochs(self) -> np.ndarray:
        """Of every member; the last one where the cost is what epochs are judged by."""
        best = self.state.best
        return np.asarray(self.state.epoch if best.params is None else best.epoch).astype(np.int64)

    def _at(self, epochs: np.ndarray, column: int) -> np.ndarray:
        """A column of the history at an epoch of every member; of epoch 0 anything."""
        if not self._recorded:
            return np.full(len(epochs), np.nan)
        return self._history[np.arange(len(epochs)), epochs - 1, column].astype(np.float64)

    def _scores(self, epochs: np.ndarray) -> np.ndarray:
        """Of an epoch of every member, the better the higher; NaN of epoch 0.

        Of the metric, or minus the loss if there is none.
        """
        metric = self._metric
        scores = -self._at(epochs, 2) if metric is None else metric.score(self._at(epochs, 3))
        return np.where(epochs > 0, scores, np.nan)

    def _lost_patience(self) -> np.ndarray:
        patience = self._chunk.numbers.patience
        if patience is None:
            return np.zeros(len(self.names), bool)
        return np.asarray(lost_patience(self.state, patience))

    def outcomes(self) -> Outcomes:
        """What became of all members."""
        epochs, best = np.asarray(self.state.epoch), self._best_epochs()
        diverged = np.asarray(self.state.diverged)
        statuses = np.where(self._lost_patience(), CODES["stopped"], CODES["interrupted"])
        statuses[epochs >= self._epochs] = CODES["finished"]
        statuses[diverged] = CODES["diverged"]
        n = self.task.columns(self.fold), *(W.shape[2] for W, _ in self.state.params[-1:])
        widths = np.asarray(self._chunk.numbers.widths)
        sizes = np.column_stack([np.full(len(widths), n[0]), widths, np.full(len(widths), n[1])])
        kept = self.state.best.params or self.state.params
        return Outcomes(
            members=self.names,
            statuses=statuses,
            best_epochs=best,
            scores=self._scores(best),
            params=PaddedParams(kept, np.arange(len(self.names)), sizes),
            histories=self._lines().copy(),
            lengths=epochs.astype(np.int64) + diverged,
        )


def _write(stack: Any, rows: np.ndarray, part: Any) -> None:
    """Writes the first members of `part` into their rows of `stack`."""

    def write(whole: np.ndarray, some: Any) -> None:
        whole[rows] = np.asarray(some)[: len(rows)]

    jax.tree.map(write, stack, part)


def arguments_of_program(
    cohort: Cohort, examples: Examples, fold: Fold, draws: EpochDraw
) -> tuple[Any, ...]:
    """What `train_chunk` is compiled for, also if none of a restored cohort goes on."""
    chunk = cohort.bucket.chunk
    members, state = cohort.arguments(np.arange(len(cohort.names))[:chunk])
    zero = np.int32(0)
    which = zero if cohort.bucket.alike else np.zeros(chunk, np.int32)
    return examples, members, state, zero, zero, fold, draws, which
