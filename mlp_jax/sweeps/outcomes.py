"""What became of members: arrays with the members on their first axis, and their parameters."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from mlp_jax.parameters import Layer
from mlp_jax.sweeps.members import STATUSES
from mlp_jax.sweeps.transfers import fetched, lies_here

CODES = {status: code for code, status in enumerate(STATUSES)}


class Stack:
    """Parameters side by side as a program has left them, perhaps on a device.

    They come from there when somebody first asks for them.
    """

    def __init__(self, layers: Any, device: Any) -> None:
        """layers: W (rows, n_prev, n) and b (rows, n, 1), in NumPy or on the device."""
        self._layers, self._device = layers, device

    @cached_property
    def here(self) -> tuple[Layer, ...]:
        """The layers in NumPy; those on the device are let go of."""
        found = fetched(tuple(Layer(*layer) for layer in self._layers), self._device)
        self._layers = self._device = None
        return found

    def fetch(self) -> None:
        """Has the layers come, if they are in other memory than the process's."""
        if self._device is not None and not lies_here(self._device):
            _ = self.here

    def __getstate__(self) -> dict[str, Any]:
        return {"here": self.here, "_device": None}  # a device cannot be pickled


class PaddedParams:
    """Parameters of members, padded to one shape."""

    def __init__(self, stack: Stack, rows: np.ndarray, sizes: np.ndarray) -> None:
        """The members in some rows of a stack.

        Args:
          stack: of as many networks or more.
          rows: of every member, (members,).
          sizes: units of every layer of every member, features first, (members, L + 1).
        """
        self.stack, self._rows, self._sizes = stack, rows, sizes

    @property
    def lengths(self) -> np.ndarray:
        """How many parameters every member has, (members,)."""
        n_prev, n = self._sizes[:, :-1], self._sizes[:, 1:]
        return np.sum((n_prev + 1) * n, axis=1)

    def of(self, place: int, sizes: Sequence[int]) -> tuple[Layer, ...]:
        """One member's own, copied; sizes: of its network."""
        row = self._rows[place]
        return tuple(
            Layer(W[row, :n_prev, :n].copy(), b[row, :n].copy())
            for (W, b), (n_prev, n) in zip(self.stack.here, pairwise(sizes), strict=True)
        )

    def fetch(self) -> None:
        """Has the stack come from a device with memory of its own."""
        self.stack.fetch()

    def take(self, which: np.ndarray) -> "PaddedParams":
        """Those of some members; nothing is copied."""
        return PaddedParams(self.stack, self._rows[which], self._sizes[which])

    def entries(self, dtype: Any) -> np.ndarray:
        """All of every member end to end: of every layer W, row by row, then b."""
        wide = [(W.shape[1], W.shape[2]) for W, _ in self.stack.here]
        alike = bool((self._sizes == (wide[0][0], *(n for _, n in wide))).all())
        length = sum((n_prev + 1) * n for n_prev, n in wide)
        whole = np.empty((len(self._rows), length), dtype)
        at, own = 0, np.ones(whole.shape, bool)
        for layer, (W, b) in enumerate(self.stack.here):
            (n_prev, n), (rows, columns) = wide[layer], self._sizes[:, layer : layer + 2].T
            for leaf, end in ((W, at + n_prev * n), (b, at + (n_prev + 1) * n)):
                whole[:, at:end] = leaf[_as_slice(self._rows)].reshape(-1, end - at)
                if not alike:
                    down = rows if leaf is W else columns
                    own[:, at:end] = _corners(down, columns if leaf is W else None, leaf.shape[1:])
                at = end
        return whole.ravel() if alike else whole[own]


class FlatParams:
    """Parameters of members end to end, as a file has them."""

    def __init__(self, entries: np.ndarray, lengths: np.ndarray) -> None:
        """Of members of whom each has so many of the entries; none of a member without any."""
        self._entries, self.lengths = entries, lengths
        self._ends = np.cumsum(lengths)

    def of(self, place: int, sizes: Sequence[int]) -> tuple[Layer, ...] | None:
        """One member's own; None if it has none. sizes: of its network."""
        if not self.lengths[place]:
            return None
        layers, at = [], int(self._ends[place] - self.lengths[place])
        for n_prev, n in pairwise(sizes):
            W, b = np.split(self._entries[at : at + (n_prev + 1) * n], [n_prev * n])
            layers.append(Layer(W.reshape(n_prev, n), b.reshape(n, 1)))
            at += (n_prev + 1) * n
        return tuple(layers)

    def fetch(self) -> None:
        """They are here."""

    def take(self, which: np.ndarray) -> "FlatParams":
        """Those of some members, copied."""
        places = np.arange(len(self.lengths))[which]
        if len(places) == len(self.lengths):
            return self
        firsts = self._ends - self.lengths
        parts = [self._entries[firsts[place] : self._ends[place]] for place in places]
        entries = np.concatenate([self._entries[:0], *parts])
        return FlatParams(entries, self.lengths[places])

    def entries(self, dtype: Any) -> np.ndarray:
        """See `PaddedParams.entries`."""
        return self._entries.astype(dtype, copy=False)


def _as_slice(rows: np.ndarray) -> Any:
    """The rows as a slice if they are neighbours in order, so that nothing is copied by them."""
    if len(rows) and (np.diff(rows) == 1).all():
        return slice(int(rows[0]), int(rows[-1]) + 1)
    return rows


def _corners(down: np.ndarray, across: np.ndarray | None, shape: tuple[int, ...]) -> np.ndarray:
    """Which entries of padded matrices are of the networks, (members, entries)."""
    inside = np.arange(shape[0]) < down[:, None]
    if across is None:
        return inside
    inside = inside[:, :, None] & (np.arange(shape[1]) < across[:, None])[:, None]
    return inside.reshape(len(down), -1)


@dataclass(frozen=True, eq=False)
class Outcomes:
    """What became of some members.

    members: (members, 3): configuration, seed and fold of each.
    statuses: (members,), each a place in `STATUSES`.
    best_epochs: (members,), counted from 1; 0 of a member that has none.
    scores: of the best epochs, (members,), the better the higher; NaN of a member that has none.
    params: those of the best epochs, see `Task.best_by`.
    histories: (members, epochs, 4), a row an epoch: the fields of `Info`.
    lengths: how many of these epochs every member has trained, (members,).
    """

    members: np.ndarray
    statuses: np.ndarray
    best_epochs: np.ndarray
    scores: np.ndarray
    params: PaddedParams | FlatParams
    histories: np.ndarray
    lengths: np.ndarray

    def __len__(self) -> int:
        return len(self.members)

    def take(self, which: np.ndarray) -> "Outcomes":
        """Those of some members, by their places or marked."""
        columns = ("members", "statuses", "best_epochs", "scores", "histories", "lengths")
        taken = {name: getattr(self, name)[which] for name in columns}
        return replace(self, params=self.params.take(which), **taken)

    def with_status(self, old: str, new: str) -> "Outcomes":
        """These members, of whom those of one status have another."""
        changed = np.where(self.statuses == CODES[old], CODES[new], self.statuses)
        return replace(self, statuses=changed)

    @property
    def losses(self) -> np.ndarray:
        """The validation loss of every best epoch, (members,); infinite of a member without one."""
        losses = np.full(len(self), np.inf)
        some = np.flatnonzero(self.best_epochs)
        losses[some] = self.histories[some, self.best_epochs[some] - 1, 2]
        return losses

    def history(self, place: int) -> np.ndarray:
        """A member's own, (epochs, 4), copied."""
        return self.histories[place, : self.lengths[place]].copy()


def joined(parts: Sequence[Any], empty: Any) -> np.ndarray:
    """Arrays end to end; `empty` gives the dtype and the shape of an entry if there are none."""
    return np.concatenate([empty, *parts])


def padded(lines: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """(members, epochs, 4), NaN after a member's end, of the lines of all members end to end."""
    most = int(lengths.max(initial=0))
    if (lengths == most).all():
        return lines.reshape(len(lengths), most, lines.shape[1])
    histories = np.full((len(lengths), most, lines.shape[1]), np.nan, lines.dtype)
    histories[np.arange(most) < lengths[:, None]] = lines
    return histories
