"""Packs: members that train side by side, whose states stay where the program has left them."""

from typing import Any, NamedTuple

import numpy as np

from mlp_jax.sweeps.running.chunk_program import Members
from mlp_jax.training.state import Best, State


class Pack(NamedTuple):
    """A chunk of members of a cohort.

    places: theirs in the cohort, ascending, (members,); others that do nothing fill the chunk.
    members: what is to become of the chunk.
    which: the number of their network, (), or of each one's, (chunk,); see `train_chunk`.
    state: of the chunk; None before the members begin.
    """

    places: np.ndarray
    members: Members
    which: Any
    state: State | None = None

    def ended(self) -> "Pack":
        """The pack once no member goes on: with the parameters of its best epochs alone."""
        state = self.state
        if state is None:
            return self
        params = state.params if state.best.params is None else None
        return self._replace(state=state._replace(params=params, optimizer_state=None))

    def given(self) -> dict[str, Any]:
        """What its program is called with."""
        return {"members": self.members, "state": self.state, "which": self.which}


class Flags(NamedTuple):
    """What the host knows of members' states, as `State` has it; each (members,)."""

    epoch: np.ndarray
    best_epoch: np.ndarray
    improved: np.ndarray
    diverged: np.ndarray

    @classmethod
    def before(cls, members: int) -> "Flags":
        """Of members that have not begun."""
        none = np.zeros(members, np.int32)
        return cls(none, none, none, np.zeros(members, bool))

    @classmethod
    def of(cls, state: Any) -> "Flags":
        """Of a `State`, where it lies."""
        return cls(state.epoch, state.best.epoch, state.best.improved, state.diverged)

    def as_state(self) -> State:
        """A `State` of these alone."""
        best = Best(None, self.best_epoch, self.improved, None)  # type: ignore[arg-type]
        return State(None, None, self.epoch, None, best, self.diverged)

    def take(self, which: np.ndarray) -> "Flags":
        """Those of some members."""
        return Flags(*(flag[which] for flag in self))
