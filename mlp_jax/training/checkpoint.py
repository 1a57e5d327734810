"""A folder that `fit` saves to as it goes, and goes on from.

Save N is the file `state-N`, with the state and the history so far. The last two saves are kept: if
one is damaged, the save before it is used.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mlp_jax.storage.array_codec import by_place, in_order
from mlp_jax.storage.checkpoint_folder import CheckpointFolder
from mlp_jax.storage.fingerprints import content_of, digest_of, fingerprint
from mlp_jax.training.batches import Examples
from mlp_jax.training.recipe import Recipe
from mlp_jax.training.state import State

FORM, STEM = "mlp_jax.training/1", "state"


class FitCheckpoint:
    """The folder of one call of `fit`."""

    def __init__(
        self,
        folder: Any,
        seconds: Any,
        state: State,
        arguments: tuple[Any, ...],
        epochs: int,
        recipe: Recipe,
    ) -> None:
        """Holds the folder.

        Args:
          folder: a path.
          seconds: from one save to the next.
          state: to start from.
          arguments: of `loop.run`: examples, validation and numbers.
          epochs: to train.
          recipe: of `loop.run`.

        Raises:
          ValueError: another process holds the folder, or the path or the seconds are none.
        """
        examples, validation, numbers = arguments
        parts = {
            "parameters or key": _digest(state),
            # A digest has the name of the type, and folders written before have this one.
            "examples": _digest(Examples(*examples)),
            "validation": _digest(validation and Examples(*validation)),
            "numbers (such as of the optimizer, l2, patience)": _digest(numbers),
            "epochs": digest_of(str(epochs).encode()),
            "choices (such as network, batch_size, best_by)": digest_of(
                repr([fingerprint(choice) for choice in recipe]).encode()
            ),
        }
        self._folder = CheckpointFolder(folder, seconds, "training", parts)
        self._folder.hold()
        self.wait_seconds = self._folder.wait_seconds
        self._number = self._folder.last(STEM)

    def saved(self, like: State) -> tuple[State, np.ndarray] | None:
        """The state and the history, (epochs, 4), of the last whole save; None if there is none.

        like: a state of the same structure.

        Raises:
          ValueError: the folder is of another training.
        """
        content = self._folder.newest(STEM, FORM)
        if content is None:
            return None
        arrays = content[1]
        leaves = in_order(arrays, len(jax.tree.leaves(like)))
        return _with_leaves(like, leaves), arrays["lines"]

    def save(self, state: State, lines: Sequence[np.ndarray]) -> None:
        """Saves the state and the parts of the history, each (epochs, 4), in the background.

        Raises:
          OSError: the save before cannot be written; those before it are whole.
        """
        self._number += 1
        self._folder.save(self._write, self._number, state, np.concatenate(lines or [_NONE]))

    def close(self, state: State, lines: Sequence[np.ndarray]) -> None:
        """Saves a last time, and lets another process have the folder, also if that fails.

        Raises:
          OSError: the save cannot be written.
        """
        try:
            self.save(state, lines)
            self._folder.finish()
        finally:
            self._folder.close()

    def _write(self, number: int, state: State, lines: np.ndarray) -> None:
        arrays = by_place(_leaves(state)) | {"lines": lines}
        self._folder.put(self._folder.path_of(STEM, number), FORM, {}, arrays)
        self._folder.remove_old(STEM)


def check_alone() -> None:
    """Raises ValueError in joined processes: they do not agree on the save to go on from."""
    if jax.process_count() > 1:
        raise ValueError(
            f"fit's checkpoint is for one process, and {jax.process_count()} are joined: leave it "
            "out, and train few epochs a call, each from the State before, which you save"
        )


_NONE = np.empty((0, 4), np.float32)


def _leaves(tree: Any) -> list[np.ndarray]:
    """The leaves as NumPy arrays; a key of JAX as its data."""
    return [
        np.asarray(jax.random.key_data(leaf) if _is_key(leaf) else leaf)
        for leaf in jax.tree.leaves(tree)
    ]


def _with_leaves(like: Any, leaves: list[np.ndarray]) -> Any:
    """A tree of the structure of `like` with the leaves that `_leaves` made."""
    old, structure = jax.tree.flatten(like)
    made = [
        jax.random.wrap_key_data(jnp.asarray(new), impl=jax.random.key_impl(leaf))
        if _is_key(leaf)
        else jnp.asarray(new)
        for leaf, new in zip(old, leaves, strict=True)
    ]
    return jax.tree.unflatten(structure, made)


def _is_key(leaf: Any) -> bool:
    return jnp.issubdtype(jnp.result_type(leaf), jax.dtypes.prng_key)


def _digest(tree: Any) -> str:
    structure = repr(jax.tree.structure(tree)).encode()
    return digest_of(structure, *(content_of(leaf) for leaf in _leaves(tree)))
