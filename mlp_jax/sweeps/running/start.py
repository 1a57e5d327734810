"""How members begin: the state of a chunk before the first epoch, for which nothing is compiled."""

from functools import lru_cache, partial
from typing import Any

import jax
import numpy as np

from mlp_jax.parameters import Layer
from mlp_jax.sweeps.transfers import lies_here
from mlp_jax.training.input_scale import begun
from mlp_jax.training.state import State, initial_optimizer_state, start

KEPT = 32 << 20  # bytes of zeros that wait for the next cohort


class Zeros:
    """Zeros on a device, of every shape once: no program writes to what it is called with."""

    def __init__(self, device: Any) -> None:
        self._device, self._made = device, dict[Any, Any]()

    def __call__(self, shape: tuple[int, ...], dtype: Any) -> Any:
        """Of this shape, not to be written to."""
        found = self._made.get((shape, dtype))
        if found is None:
            found = jax.device_put(np.zeros(shape, dtype), self._device)
            self._made[shape, dtype] = found
        return found

    @property
    def nbytes(self) -> int:
        """Of all that are there."""
        return sum(made.nbytes for made in self._made.copy().values())


_kept: dict[Any, Zeros] = {}


def zeros_on(device: Any) -> Zeros:
    """Zeros for the chunks of a cohort.

    On a CPU, whose chunks are small and many, they are those of the cohorts before: to put an array
    on a device takes as long as to train a small network for a step or two.
    """
    if not lies_here(device):
        return Zeros(device)
    found = _kept.get(device)
    if found is None or found.nbytes > KEPT:
        found = _kept[device] = Zeros(device)
    return found


def start_members(
    params: Any, optimizer: Any, *, validates: bool = True, zeros: Zeros | None = None
) -> State:
    """The `State` of members before the first epoch, equal to what `start` makes.

    Most optimizers know nothing at first: their state is zeros, but for scales of the inputs and
    what these multiply, and for that nothing is compiled.

    Args:
      params: of the members, NumPy arrays.
      optimizer: of the members; their numbers are arrays.
      validates: the best parameters are kept.
      zeros: of the device that the state is to lie on, not to be written to; None for NumPy.
    """
    leaves, structure = jax.tree.flatten((params, optimizer))
    shapes, state_of, scales, knows = _shapes_at_start(
        structure, tuple((leaf.shape, leaf.dtype) for leaf in leaves), validates
    )
    state: State = jax.tree.unflatten(state_of, [(zeros or np.zeros)(*shape) for shape in shapes])
    if scales:
        state = state._replace(optimizer_state=begun(state.optimizer_state, params))
    if knows:
        known = jax.jit(jax.vmap(initial_optimizer_state))(optimizer, params)
        state = state._replace(optimizer_state=jax.tree.map(np.array, known))
    # Where nothing is trained, these are the best.
    loss = np.full(state.best.loss.shape, np.inf, state.best.loss.dtype)
    best = state.best._replace(loss=loss, params=params if validates else None)
    return state._replace(params=params, best=best)


@lru_cache(maxsize=1024)  # a chunk has the shapes of the one before, and JAX takes 3 ms to trace
def _shapes_at_start(
    structure: Any, leaves: tuple[tuple[Any, Any], ...], validates: bool
) -> tuple[list[tuple[Any, Any]], Any, bool, bool]:
    """What a state of such members has beside parameters.

    Returns:
      (the shape and dtype of every leaf, the tree, whether some are scales of the inputs, whether
      others are not zeros).
    """
    abstract = [jax.ShapeDtypeStruct(*leaf) for leaf in leaves]
    params, optimizer = jax.tree.unflatten(structure, abstract)
    begin = partial(start, validates=validates)
    shapes = jax.eval_shape(jax.vmap(begin), params, optimizer)
    smallest = (Layer(*(np.zeros((1, 1), params[0].W.dtype),) * 2),)
    # Of numbers that are all 1, so that what is 0 is so for all numbers.
    ones = jax.tree.map(lambda leaf: np.ones(leaf.shape[1:], leaf.dtype), optimizer)
    first = begin(smallest, ones).optimizer_state
    zeros = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), first)
    differ = jax.tree.map(lambda a, b: bool(np.any(a != b)), first, begun(zeros, smallest))
    others = shapes._replace(params=None, best=shapes.best._replace(params=None))
    forms = [(leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(others)]
    scales = jax.tree.map(lambda a, b: a is not b, zeros, begun(zeros, smallest))
    return (
        *(forms, jax.tree.structure(others)),
        *(any(jax.tree.leaves(scales)), any(jax.tree.leaves(differ))),
    )
