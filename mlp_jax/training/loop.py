"""Section 3 as a loop: `run` is a whole training in one compiled program.

Everything here is pure; what is a user's mistake was caught by `training.fit`, at the door.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from mlp_jax.processes.compiled_programs import when_crowded
from mlp_jax.training.descent import Examples, Info, State
from mlp_jax.training.epoch import Numbers, Recipe, draw_epoch, one_epoch


@partial(jax.jit, static_argnames="recipe")
def run(
    state: State,
    examples: Examples,
    validation: Examples | None,
    numbers: Numbers,
    until: Array,
    *,
    recipe: Recipe,
) -> tuple[State, Array]:
    """Trains until `until` epochs are done, patience is lost, the run diverged or history is full.

    examples: from `epoch.laid_out`.

    Returns:
      The state, and the history, (recipe.capacity, 4): the lines of `Info`, NaN beyond the last
      epoch run.
    """
    m = examples.X.shape[1 if recipe.batch_size is None else 0]
    dtype = examples.X.dtype
    state = state._replace(diverged=jnp.zeros_like(state.diverged))
    first = state.epoch
    draw = partial(draw_epoch, dropout=numbers.dropout is not None, shuffle=recipe.shuffle)

    def goes_on(carry: tuple[State, Array]) -> Any:
        state, _ = carry
        on = (state.epoch < until) & (state.epoch - first < recipe.capacity) & ~state.diverged
        if numbers.patience is not None:
            on &= state.epoch - state.best.improved < numbers.patience
        return on

    def one_more(carry: tuple[State, Array]) -> tuple[State, Array]:
        state, history = carry
        at = state.epoch - first
        now = draw(state.key, state.epoch, m, recipe.batch_size)
        state, info = one_epoch(state, now, examples, validation, numbers, recipe=recipe)
        row = jnp.stack([value.astype(dtype) for value in info])
        return state, jax.lax.dynamic_update_index_in_dim(history, row, at, axis=0)

    empty = jnp.full((recipe.capacity, len(Info._fields)), jnp.nan, dtype)
    return jax.lax.while_loop(goes_on, one_more, (state, empty))


when_crowded(run.clear_cache)  # type: ignore[attr-defined]  # the stubs of jax.jit leave it out
