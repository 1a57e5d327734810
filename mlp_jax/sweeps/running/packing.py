"""How members are packed: who trains side by side, how they begin, and where they go on."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mlp_jax.sweeps.members import Snapshot
from mlp_jax.sweeps.planning.buckets import Bucket
from mlp_jax.sweeps.running.chunk_program import Members
from mlp_jax.sweeps.running.cohort_members import CohortMembers
from mlp_jax.sweeps.running.packs import Pack
from mlp_jax.sweeps.running.stacking import InitialWeights, weights_of
from mlp_jax.sweeps.running.start import Zeros, start_members
from mlp_jax.sweeps.task import Task
from mlp_jax.sweeps.transfers import lies_here
from mlp_jax.training.state import State


class Packing:
    """The packs of a bucket's members on one fold."""

    def __init__(self, task: Task, bucket: Bucket, fold: int, weights: InitialWeights) -> None:
        self._task, self._bucket, self._fold, self._weights = task, bucket, fold, weights

    def chunks(self, members: CohortMembers, places: np.ndarray) -> Iterator[np.ndarray]:
        """Some places of members, for every chunk."""
        which = members.which[places] if self._bucket.alike else np.zeros(len(places))
        for network in np.unique(which):
            rows = places[which == network]
            for first in range(0, len(rows), self._bucket.chunk):
                yield rows[first : first + self._bucket.chunk]

    def pack(self, members: CohortMembers, places: np.ndarray) -> Pack:
        """Members of a chunk before they begin."""
        rows = filled(places, self._bucket.chunk)
        numbers = jax.tree.map(lambda leaf: leaf[rows], members.numbers)
        epochs = members.epochs[rows]
        epochs[len(places) :] = 0
        weights, held_weights = self._example_weights(members.names[rows, 0])
        which = members.which[rows].astype(np.int32)
        which = which[0] if self._bucket.alike else which
        return Pack(places, Members(numbers, epochs, weights, held_weights), which)

    def _example_weights(self, numbers: np.ndarray) -> tuple[Any, Any]:
        """(weights, held_weights) of `Members`, for configurations of these numbers."""
        if not self._bucket.kind.weighted:
            return None, None
        task = self._task
        configurations = [task.of_fold(number, self._fold) for number in numbers.tolist()]
        train, held = task.splits[self._fold]
        weights = weights_of(task, configurations, train)
        by_class = task.validates_by_class
        if not by_class and task.weights is None:
            return weights, None
        longest = max(len(held) for _, held in task.splits)
        own = weights_of(task, configurations, held, by_class=by_class)
        return weights, own[:, :, np.resize(held, longest)]

    def start(self, pack: Pack, names: np.ndarray, zeros: Zeros | None = None) -> State:
        """The state of a pack before the first epoch, not to be written to.

        Args:
          pack: of the cohort.
          names: configuration, seed and fold of all members of the cohort, (members, 3).
          zeros: of the device that it is to lie on; None for NumPy.
        """
        params = self._weights.stack(
            names[filled(pack.places, self._bucket.chunk)], self._bucket.hidden
        )
        validates = self._task.best_by != "cost"
        optimizer = pack.members.numbers.optimizer
        return start_members(params, optimizer, validates=validates, zeros=zeros)


def restore_row(state: State, row: int, snapshot: Snapshot, index: int) -> None:
    """Writes a member of a snapshot into a row of a state in NumPy."""
    leaves: list[Any] = jax.tree.leaves(state)
    old: tuple[Any, ...] = snapshot.leaves[:-1]
    for leaf, saved in zip(leaves, old, strict=True):
        shapes = zip(leaf.shape[1:], saved.shape[1:], strict=True)
        corner = tuple(slice(min(ours, theirs)) for ours, theirs in shapes)
        leaf[row] = 0  # as all that is padded
        leaf[(row, *corner)] = saved[(index, *corner)]


def filled(places: np.ndarray, chunk: int) -> np.ndarray:
    """The places with the first again and again, as many as a chunk has."""
    return np.concatenate([places, np.repeat(places[:1], chunk - len(places))])


def gathered(states: Sequence[State], owners: np.ndarray, rows: np.ndarray, device: Any) -> State:
    """The state of a chunk whose members come from several.

    Args:
      states: of chunks.
      owners: of every member of the new chunk, in which of `states` it is.
      rows: its place there.
      device: where the states are.

    Returns:
      A state, perhaps one of `states` itself.
    """
    # A cohort that trains one by one has a chunk a member: most of them give none of these, and one
    # that gives all is the new one.
    used, owners = np.unique(owners, return_inverse=True)
    states = [states[number] for number in used]
    if len(states) == 1 and np.array_equal(rows, np.arange(len(rows))):
        return states[0]
    if lies_here(device):
        return jax.tree.map(partial(_picked, owners, rows), *states)
    chunk, at = len(rows), rows
    found = states[0]
    for one in range(min(1, len(states) - 1), len(states)):
        index = np.where(owners == one, chunk + rows, at)
        found = _merged(found, states[one], jax.device_put(index.astype(np.int32), device))
        at = np.arange(chunk)
    return found


def _picked(owners: np.ndarray, rows: np.ndarray, *leaves: Any) -> np.ndarray:
    """The members' entries of a leaf, of which every chunk has one."""
    picked = np.empty((len(rows), *leaves[0].shape[1:]), leaves[0].dtype)
    for number, leaf in enumerate(leaves):
        own = owners == number
        picked[own] = np.asarray(leaf)[rows[own]]
    return picked


@jax.jit
def _merged(first: State, second: State, index: Any) -> State:
    """Some members of two chunks. index: of the members of both, end to end."""
    return jax.tree.map(lambda a, b: jnp.concatenate([a, b])[index], first, second)
