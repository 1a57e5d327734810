"""Examples divided among devices, for one training on more of them than one device can hold."""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax import Array
from jax.sharding import Mesh, NamedSharding, PartitionSpec


def shard_examples(
    X: Any, Y: Any, weights: Any = None, *, devices: Sequence[Any] | None = None
) -> tuple[Array, Array, Array | None]:
    """X, Y and weights, each device with as many examples as any other; to be handed to `fit`.

    `fit` and `cost_and_gradient` then return the same as for all examples together: the mean is
    over all weights, however the examples are divided. Where the examples cannot be divided evenly,
    some are there twice, the second time with weight 0. In full batches that changes nothing, and
    smaller batches (`batch_size`) have a few examples less.

    In processes that `mlp_jax.distributed` has joined, each process hands in examples of its own,
    however many, and gets arrays of all examples.

    Args:
      X: features, shape (n[0], m): columns are examples.
      Y: labels, shape (n[L], m).
      weights: example weights, shape (1, m), or None for all ones.
      devices: of `jax.devices()`; None for all.

    Raises:
      ValueError: X, Y and weights are not of as many examples, one or more.

    Example:
      >>> import numpy as np, mlp_jax
      >>> X, Y, weights = mlp_jax.shard_examples(np.zeros((3, 10)), np.ones((1, 10)))
      >>> X.shape, weights  # on one device
      ((3, 10), None)
    """
    chosen = list(jax.devices() if devices is None else devices)
    arrays = [np.asarray(array) for array in (X, Y) if array is not None]
    given = None if weights is None else np.asarray(weights)
    m = arrays[0].shape[-1]
    shapes = [array.shape for array in (*arrays, *(() if given is None else (given,)))]
    if m < 1 or any(len(shape) != 2 or shape[1] != m for shape in shapes):
        said = ", ".join(map(str, shapes))
        raise ValueError(f"X, Y and weights have shapes {said}; expected as many columns in all")
    here = sum(device.process_index == jax.process_index() for device in chosen)
    counts, weighted = _of_all_processes(m, given is not None)
    columns = here * max(-(-int(count) // here) for count in counts)
    if given is None and (weighted or columns * len(counts) != counts.sum()):
        given = np.ones((1, m), arrays[0].dtype)
    divided = NamedSharding(Mesh(np.array(chosen), ("examples",)), PartitionSpec(None, "examples"))

    def put(array: np.ndarray, filling: np.ndarray) -> Array:
        filled = np.concatenate([array, np.repeat(filling, columns - m, axis=1)], axis=1)
        filled = filled.astype(jax.dtypes.canonicalize_dtype(filled.dtype))
        return jax.make_array_from_process_local_data(divided, filled)

    placed = [put(array, array[:, :1]) for array in arrays]
    return (
        placed[0],
        placed[1],
        None if given is None else put(given, np.zeros((1, 1), given.dtype)),
    )


def is_divided(array: Any) -> bool:
    """Whether parts of the array are on different devices."""
    if not isinstance(array, jax.Array) or isinstance(array, jax.core.Tracer):
        return False
    return len(array.sharding.device_set) > 1 and not array.is_fully_replicated


def _of_all_processes(m: int, weighted: bool) -> tuple[np.ndarray, bool]:
    """(examples of every process, whether one of them has weights)."""
    if jax.process_count() == 1:
        return np.array([m]), weighted
    from jax.experimental import multihost_utils

    found = np.asarray(multihost_utils.process_allgather(np.array([m, weighted], np.int32)))
    return found[:, 0], bool(found[:, 1].any())
