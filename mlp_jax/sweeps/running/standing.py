"""Where the members of a cohort stand, how they are judged, and what became of them."""

from typing import Any, NamedTuple

import numpy as np

from mlp_jax.metrics import Metric
from mlp_jax.sweeps.members import RungScore
from mlp_jax.sweeps.outcomes import CODES, Outcomes, PaddedParams, Stack
from mlp_jax.sweeps.running.cohort_members import CohortMembers
from mlp_jax.sweeps.running.packs import Flags, Pack
from mlp_jax.training.divergence import goes_on, lost_patience
from mlp_jax.training.state import State


class Standing(NamedTuple):
    """Where the members of a cohort stand.

    members: in the order in which they came.
    done: epochs that those that go on have behind them.
    flags: of each member.
    history: (members, epochs, 4), and room for more epochs.
    recorded: epochs that the history tells of.
    packs: each member is in one of them.
    """

    members: CohortMembers
    done: int
    flags: Flags
    history: np.ndarray
    recorded: int
    packs: tuple[Pack, ...]

    @property
    def names(self) -> np.ndarray:
        """Configuration, seed and fold of each, (members, 3)."""
        return self.members.names

    @property
    def lines(self) -> np.ndarray:
        """The history without the room, (members, epochs, 4)."""
        return self.history[:, : self.recorded]

    def with_lines(self, lines: np.ndarray) -> "Standing":
        """More epochs told; what was there is copied only when its room has doubled."""
        history, recorded = self.history, self.recorded + lines.shape[1]
        if recorded > history.shape[1]:
            room = max(recorded, min(2 * recorded, int(self.members.epochs.max())))
            history = np.full((len(lines), room, lines.shape[2]), np.nan, lines.dtype)
            history[:, : self.recorded] = self.lines
        history[:, self.recorded : recorded] = lines
        return self._replace(history=history, recorded=recorded)

    def goes_on(self) -> np.ndarray:
        """Which members have epochs left, (members,)."""
        members, state = self.members, self.flags.as_state()
        on = goes_on(state, members.epochs, members.numbers.patience)
        return np.asarray((self.flags.epoch == self.done) & on)

    def homes(self) -> tuple[np.ndarray, np.ndarray]:
        """(the number of every member's pack, the member's row there), each (members,)."""
        owners, rows = np.zeros((2, len(self.names)), np.int64)
        for number, pack in enumerate(self.packs):
            owners[pack.places], rows[pack.places] = number, np.arange(len(pack.places))
        return owners, rows


class Judge(NamedTuple):
    """What members are judged by.

    metric: None for the loss.
    by_cost: the cost is what epochs are judged by, and the last is the best.
    """

    metric: Metric | None
    by_cost: bool

    def best_epochs(self, at: Standing) -> np.ndarray:
        """Of every member; 0 of one that has none."""
        return (at.flags.epoch if self.by_cost else at.flags.best_epoch).astype(np.int64)

    def scores(self, at: Standing, epochs: np.ndarray) -> np.ndarray:
        """Of an epoch of every member, the better the higher; NaN of epoch 0."""
        metric = self.metric
        value = _told(at, epochs, 2 if metric is None else 3)
        scores = -value if metric is None else metric.score(value)
        return np.where(epochs > 0, scores, np.nan)

    def rung_scores(self, at: Standing) -> list[RungScore]:
        """How every member is judged so far."""
        best = np.where(at.flags.diverged, 0, self.best_epochs(at))
        losses = np.where(best > 0, _told(at, best, 2), np.nan)
        columns = at.names[:, 0].tolist(), self.scores(at, best).tolist(), losses.tolist()
        return [RungScore(*row) for row in zip(*columns, strict=True)]

    def outcomes(
        self,
        at: Standing,
        states: list[State],
        device: Any,
        ends: tuple[int, int],
        which: np.ndarray,
    ) -> list[Outcomes]:
        """What became of some members, those of a pack in each.

        Args:
          at: where all stand.
          states: of the packs.
          device: where the states are.
          ends: how many features and outputs the networks have.
          which: the members, marked.
        """
        best, flags = self.best_epochs(at), at.flags
        scores, lengths = self.scores(at, best), flags.epoch.astype(np.int64) + flags.diverged
        statuses = _statuses(at)
        found = []
        for pack, state in zip(at.packs, states, strict=True):
            rows = np.flatnonzero(which[pack.places])
            places = pack.places[rows]
            if not len(places):
                continue
            params: Any = state.params if self.by_cost else state.best.params
            first, last = (np.full(len(places), n) for n in ends)
            sizes = np.column_stack([first, at.members.widths[places], last])
            found.append(
                Outcomes(
                    members=at.names[places],
                    statuses=statuses[places],
                    best_epochs=best[places],
                    scores=scores[places],
                    params=PaddedParams(Stack(params, device), rows, sizes),
                    histories=at.lines[places],
                    lengths=lengths[places],
                )
            )
        return found


def _told(at: Standing, epochs: np.ndarray, column: int) -> np.ndarray:
    """A column of the history at an epoch of every member; of epoch 0 anything."""
    if not at.recorded:
        return np.full(len(epochs), np.nan)
    return at.history[np.arange(len(epochs)), epochs - 1, column].astype(np.float64)


def _statuses(at: Standing) -> np.ndarray:
    """Of all members, places in `STATUSES`."""
    patience, statuses = at.members.numbers.patience, np.full(len(at.names), CODES["interrupted"])
    if patience is not None:
        statuses[np.asarray(lost_patience(at.flags.as_state(), patience))] = CODES["stopped"]
    statuses[at.flags.epoch >= at.members.epochs] = CODES["finished"]
    statuses[at.flags.diverged] = CODES["diverged"]
    return statuses
