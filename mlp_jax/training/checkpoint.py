"""A folder that `fit` saves to as it goes, and goes on from.

`state-N` is the whole of it: the state and the history so far. The last two are kept: if one is
damaged, the one before it is used.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mlp_jax.storage.checkpoint_folder import Folder, content_of, digest_of, said
from mlp_jax.training.batches import Examples
from mlp_jax.training.descent import State
from mlp_jax.training.epoch import Recipe

FORM = "mlp_jax.training/1"
STATES = "state-*.safetensors"


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
        """The arguments are those of `training_segments.in_segments`."""
        examples, validation, numbers = arguments
        parts = {
            "parameters or key": _digest(state),
            # By one type, whatever it is: folders written before know them so.
            "examples": _digest(Examples(*examples)),
            "validation": _digest(validation and Examples(*validation)),
            "numbers (such as of the optimizer, l2, patience)": _digest(numbers),
            "epochs": digest_of(str(epochs).encode()),
            "choices (such as network, batch_size, best_by)": digest_of(
                repr([said(choice) for choice in recipe]).encode()
            ),
        }
        self._folder = Folder(folder, seconds, "training", parts)
        self._folder.hold("lock")
        self.wait_seconds = self._folder.wait_seconds
        self._number = self._folder.last(STATES)

    def found(self, like: State) -> tuple[State, np.ndarray] | None:
        """(state, lines of the history) of the last save; None if there is none.

        like: a state of the same structure.

        Raises:
          ValueError: the folder is of another training.
        """
        for path in sorted(self._folder.path.glob(STATES), reverse=True):
            content = self._folder.found(path, FORM, "the save before it is used")
            if content is None:
                continue
            arrays = content[1]
            leaves = [arrays[str(place)] for place in range(len(jax.tree.leaves(like)))]
            return _with_leaves(like, leaves), arrays["lines"]
        return None

    def save(self, state: State, lines: Sequence[np.ndarray]) -> None:
        """Saves in the background.

        Raises:
          OSError: the save before cannot be written; those before it are whole.
        """
        self._number += 1
        self._folder.save(self._write, self._number, state, np.concatenate(lines or [_NONE]))

    def close(self, state: State, lines: Sequence[np.ndarray]) -> None:
        """Saves a last time, and lets another process have the folder, also if that fails.

        Raises:
          OSError: it cannot be written.
        """
        try:
            self.save(state, lines)
            self._folder.finish()
        finally:
            self._folder.close()

    def _write(self, number: int, state: State, lines: np.ndarray) -> None:
        arrays = {str(place): leaf for place, leaf in enumerate(_leaves(state))}
        path = self._folder.path / f"state-{number:06d}.safetensors"
        self._folder.put(path, FORM, {}, arrays | {"lines": lines})
        self._folder.forget_old(STATES)


def check_alone() -> None:
    """Raises ValueError in processes that are joined: which save they go on from is not agreed."""
    if jax.process_count() > 1:
        raise ValueError(
            f"fit's checkpoint is for one process, and {jax.process_count()} are joined: leave it "
            "out, and train few epochs a call, each from the State before, which you save"
        )


_NONE = np.empty((0, 4), np.float32)


def _leaves(tree: Any) -> list[np.ndarray]:
    """As NumPy arrays, keys by what they hold."""
    return [
        np.asarray(jax.random.key_data(leaf) if _is_key(leaf) else leaf)
        for leaf in jax.tree.leaves(tree)
    ]


def _with_leaves(like: Any, leaves: list[np.ndarray]) -> Any:
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
