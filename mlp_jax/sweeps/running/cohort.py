"""A cohort: members that are trained chunk by chunk, for a segment of epochs at a time.

After every segment those that have ended leave as soon as the others fit into fewer chunks. States
stay on the device from the first segment to the last: the host sees epochs, histories and flags.
Only a checkpoint has whole states come, after every segment.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import numpy as np

from mlp_jax.back_propagation import one_pass
from mlp_jax.sweeps.folds import Fold
from mlp_jax.sweeps.members import RungScore, Snapshot
from mlp_jax.sweeps.outcomes import Outcomes
from mlp_jax.sweeps.planning.buckets import Bucket
from mlp_jax.sweeps.planning.costs import longest_fold
from mlp_jax.sweeps.planning.segments import epochs_of_segment
from mlp_jax.sweeps.running.cohort_members import CohortMembers
from mlp_jax.sweeps.running.packing import Packing, filled, gathered, restore_row
from mlp_jax.sweeps.running.packs import Flags, Pack
from mlp_jax.sweeps.running.stacking import InitialWeights
from mlp_jax.sweeps.running.standing import Judge, Standing
from mlp_jax.sweeps.running.start import Zeros, zeros_on
from mlp_jax.sweeps.task import Task
from mlp_jax.sweeps.transfers import fetched, lies_here, sent
from mlp_jax.training.batches import Examples
from mlp_jax.training.epoch import EpochDraw
from mlp_jax.training.recipe import Recipe
from mlp_jax.training.state import Info, State

Leave = Callable[[Outcomes], None]  # takes members that have ended


class Cohort:
    """Members of a bucket on one fold, where they stand, and what they have left behind."""

    def __init__(
        self,
        task: Task,
        bucket: Bucket,
        members: CohortMembers,
        weights: InitialWeights,
        *,
        device: Any = None,
        resident: bool = True,
        saved: bool = False,
    ) -> None:
        """A cohort before its first epoch.

        Args:
          task: of the sweep.
          bucket: that the members are of.
          members: one or more, of one fold.
          weights: their initial ones.
          device: that they will train on; the first of all by default.
          resident: states stay on the device; where there is no room, they wait in the process's
            memory and pass with every chunk.
          saved: a `snapshot` is kept after every segment, for another thread to look at.
        """
        self.task, self.bucket = task, bucket
        self.fold = int(members.names[0, 2])
        self.segment = epochs_of_segment(longest_fold(task))
        self._judge = Judge(task.metric[bucket.kind.loss], task.best_by == "cost")
        self._packing = Packing(task, bucket, self.fold, weights)
        self._resident, self._saved = resident, saved
        self._device = jax.devices()[0] if device is None else device
        count = len(members.names)
        chunks = self._packing.chunks(members, np.arange(count))
        self._at = Standing(
            members=members,
            done=0,
            flags=Flags.before(count),
            history=np.empty((count, 0, len(Info._fields)), task.X.dtype),
            recorded=0,
            packs=tuple(self._packing.pack(members, places) for places in chunks),
        )
        self.snapshot: Snapshot | None = None

    @property
    def names(self) -> np.ndarray:
        """Configuration, seed and fold of each, (members, 3)."""
        return self._at.names

    @property
    def done(self) -> int:
        """Epochs that those that go on have behind them."""
        return self._at.done

    @property
    def goes_on(self) -> bool:
        """Whether any member has epochs left."""
        return bool(self._at.goes_on().any())

    def _state(self, pack: Pack, zeros: Zeros | None = None) -> State:
        """Of a pack; the one at the start if it has none yet, in NumPy or with these zeros."""
        return self._packing.start(pack, self.names, zeros) if pack.state is None else pack.state

    def restore(self, snapshots: Sequence[tuple[Snapshot, int]]) -> None:
        """Goes on from where every member stood.

        snapshots: (a snapshot, the member's place in it) of every member, all after as many epochs.
          The cohort of the snapshot may have been padded to other widths.
        """
        packs, at = [], self._at
        for pack in at.packs:
            state = jax.tree.map(np.array, self._state(pack))
            for row, place in enumerate(filled(pack.places, self.bucket.chunk)):
                restore_row(state, row, *snapshots[place])
            packs.append(pack._replace(state=state))
        flags = Flags(*map(np.empty_like, at.flags))
        for pack in packs:
            for whole, own in zip(flags, Flags.of(self._state(pack)), strict=True):
                whole[pack.places] = own[: len(pack.places)]
        history = np.stack([snapshot.leaves[-1][index] for snapshot, index in snapshots])
        self._at = Standing(
            *(at.members, snapshots[0][0].done, flags, history, history.shape[1], tuple(packs))
        )
        self._keep_snapshot()

    def _keep_snapshot(self) -> None:
        """A checkpoint has the states come from the device; nothing else has."""
        if self._saved:
            self.snapshot = self.standing()

    def standing(self) -> Snapshot | None:
        """Where all members stand, as long as any of them goes on; None if there are none."""
        if not len(self.names):
            return None
        packs = self._at.packs
        states = [jax.tree.leaves(fetched(self._state(pack), self._device)) for pack in packs]
        leaves = [np.empty((len(self.names), *one.shape[1:]), one.dtype) for one in states[0]]
        for pack, state in zip(packs, states, strict=True):
            for whole, own in zip(leaves, state, strict=True):
                whole[pack.places] = own[: len(pack.places)]
        return Snapshot(self.names, self._at.done, (*leaves, self._at.lines.copy()))

    def recipe(self) -> Recipe:
        """The static side of its program."""
        kind = self.bucket.kind
        return Recipe(
            *(kind.networks[0], one_pass, None, kind.batch_size, self._judge.metric, self.segment),
            best_by=self.task.best_by,
            shuffle=True,
        )

    def arguments_of_program(self, examples: Examples, fold: Fold, draws: EpochDraw) -> Any:
        """What `train_chunk` is compiled for, also if none of a restored cohort goes on."""
        pack, zero = self._at.packs[0], np.int32(0)
        state = self._packing.start(pack, self.names)
        return examples, pack.members, state, zero, zero, fold, draws, pack.which

    def move(self, device: Any) -> None:
        """Goes on on this device."""
        if device == self._device:
            return
        packs = self._at.packs
        moved = [
            pack if pack.state is None else pack._replace(state=jax.device_put(pack.state, device))
            for pack in packs
        ]
        self._device, self._at = device, self._at._replace(packs=tuple(moved))

    def segments(
        self,
        until: int,
        draw: Callable[[int], EpochDraw],
        call: Callable[..., tuple[State, Any]],
        leave: Leave,
        pace: Callable[[int], int] | None = None,
    ) -> Iterator[int]:
        """Trains all that go on to epoch `until`; yields member-epochs done after every chunk.

        Args:
          until: the epoch to stop at.
          draw: (epochs done) -> what the next draw.
          call: (members, state, epochs done, epoch to stop at, draws, number of their network or
            of each one's) -> (state, history) of a chunk.
          leave: called with members that have ended and leave the cohort.
          pace: (epochs of the next segment) -> how many of these to train; 0 to stop before it.
        """
        while self._at.done < until and self.goes_on:
            done, most = self._at.done, int(self._at.members.epochs[self._at.goes_on()].max())
            epochs = min(until, done + self.segment, most) - done
            epochs = epochs if pace is None else pace(epochs)
            if not epochs:
                return
            yield from self._segment(done + epochs, draw(done), call)
            self._let_leave(leave)
            self._keep_snapshot()

    def _segment(self, stop: int, draws: EpochDraw, call: Any) -> Iterator[int]:
        """Trains all packs to epoch `stop`.

        Whoever stops amid the segment finds the states, flags and history before it.
        """
        at, epochs, on = self._at, stop - self._at.done, self._at.goes_on()
        clock = sent((np.int32(at.done), np.int32(stop)), self._device)
        flags = Flags(*(flag.copy() for flag in at.flags))
        lines = np.full((len(self.names), epochs, 4), np.nan, self.task.X.dtype)
        packs, zeros = list[Pack](), zeros_on(self._device) if self._resident else None
        waiting: list[tuple[np.ndarray, Any]] = []
        for pack in at.packs:
            count = int(on[pack.places].sum())
            if count:
                if pack.state is None or not self._resident:
                    begun = pack._replace(state=self._state(pack, zeros))
                    pack = begun._replace(**sent(begun.given(), self._device))
                state, history = call(pack.members, pack.state, *clock, draws, pack.which)
                waiting.append((pack.places, (history, *Flags.of(state))))
                pack = pack._replace(state=self._kept(state))
                if len(waiting) > (not lies_here(self._device)):
                    self._settle(waiting.pop(0), flags, lines)
            packs.append(pack)
            yield count * epochs
        while waiting:
            self._settle(waiting.pop(0), flags, lines)
        after = at.with_lines(lines)._replace(done=stop, flags=flags)
        on = after.goes_on()
        self._at = after._replace(
            packs=tuple(
                pack if self._saved or on[pack.places].any() else pack.ended() for pack in packs
            )
        )

    def _kept(self, state: State) -> State:
        """A state that waits: where the program has left it, if there is room."""
        return state if self._resident else fetched(state, self._device)

    def _settle(self, called: tuple[np.ndarray, Any], flags: Flags, lines: np.ndarray) -> None:
        """Reads what a call has to tell of its members. called: (their places, what it told)."""
        places, told = called
        history, *columns = fetched(told, self._device)
        lines[places] = history[: len(places), : lines.shape[1]]
        for whole, own in zip(flags, columns, strict=True):
            whole[places] = own[: len(places)]

    def _let_leave(self, leave: Leave) -> None:
        """Has those that have ended leave if the others then fit into fewer packs."""
        at, on = self._at, self._at.goes_on()
        needed = len(list(self._packing.chunks(at.members, np.flatnonzero(on))))
        if 0 < needed < len(at.packs):
            for outcomes in self._outcomes(~on):
                leave(outcomes)
            self._at = self._of_those(on)

    def _of_those(self, stay: np.ndarray) -> Standing:
        """The standing of those marked alone, in as few packs as they need."""
        at, chunk = self._at, self.bucket.chunk
        owners, rows = at.homes()
        stayed = np.flatnonzero(stay)
        members = at.members.take(stayed)
        used, owners[stayed] = np.unique(owners[stayed], return_inverse=True)
        states = [self._state(at.packs[number]) for number in used]
        packs = []
        for places in self._packing.chunks(members, np.arange(len(stayed))):
            old = stayed[filled(places, chunk)]
            state = gathered(states, owners[old], rows[old], self._device)
            pack = self._packing.pack(members, places)._replace(state=state)
            pack = pack._replace(**sent(pack.given(), self._device))
            packs.append(pack._replace(state=self._kept(self._state(pack))))
        return at._replace(
            members=members,
            flags=at.flags.take(stayed),
            history=at.history[stayed],
            packs=tuple(packs),
        )

    def rung_scores(self) -> list[RungScore]:
        """How every member is judged so far."""
        return self._judge.rung_scores(self._at)

    def _stays(self, configurations: set[int]) -> np.ndarray:
        """Which members have epochs left and are of these configurations."""
        return np.isin(self.names[:, 0], list(configurations)) & self._at.goes_on()

    def outcomes_of_others(self, configurations: set[int]) -> list[Outcomes]:
        """What becomes of all but those that go on; see `keep`."""
        others = self._outcomes(~self._stays(configurations))
        return [part.with_status("interrupted", "halved away") for part in others]

    def keep(self, configurations: set[int]) -> None:
        """Goes on with the members of these configurations alone that have epochs left."""
        # All at once: Ctrl-C amid the copies leaves names and states of the same members.
        self._at = self._of_those(self._stays(configurations))
        self._keep_snapshot()

    def outcomes(self) -> list[Outcomes]:
        """What became of all members, those of a pack in each."""
        return self._outcomes(np.ones(len(self.names), bool))

    def _outcomes(self, which: np.ndarray) -> list[Outcomes]:
        """What became of those marked."""
        loss = self.bucket.kind.loss
        outputs = self.task.labels[loss].shape[1] * loss.outputs_of_label
        ends = self.task.columns(self.fold), outputs
        states = [self._state(pack) for pack in self._at.packs]
        return self._judge.outcomes(self._at, states, self._device, ends, which)
