"""Section 3 as a loop: `run` is a whole training in one compiled program.

Everything here is pure. `fit` has found a user's mistakes before.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from mlp_jax.processes.compiled_programs import when_crowded
from mlp_jax.training.batches import Batch, Examples
from mlp_jax.training.divergence import goes_on
from mlp_jax.training.epoch import draw_epoch, train_epoch
from mlp_jax.training.recipe import Numbers, Recipe
from mlp_jax.training.state import Info, State


@partial(jax.jit, static_argnames="recipe")
def run(
    state: State,
    examples: Examples | Batch,
    validation: Batch | None,
    numbers: Numbers,
    until: Array,
    *,
    recipe: Recipe,
) -> tuple[State, Array]:
    """Trains until `until` epochs are done, patience is lost, the run diverged or history is full.

    examples: rows to make batches of; or all as one batch, where the recipe has no batch size.

    Returns:
      The state, and the history, (recipe.capacity, 4): the lines of `Info`, NaN beyond the last
      epoch run.
    """
    dtype = examples.X.dtype
    state = state._replace(diverged=jnp.zeros_like(state.diverged))
    first = state.epoch
    draw = partial(draw_epoch, dropout=numbers.dropout is not None, shuffle=recipe.shuffle)

    def one_more_is_to_come(carry: tuple[State, Array]) -> Any:
        state, _ = carry
        return goes_on(state, until, numbers.patience) & (state.epoch - first < recipe.capacity)

    def one_more(carry: tuple[State, Array]) -> tuple[State, Array]:
        state, history = carry
        at = state.epoch - first
        drawn = draw(state.key, state.epoch, examples.m, recipe.batch_size)
        state, info = train_epoch(state, drawn, examples, validation, numbers, recipe=recipe)
        row = jnp.stack([value.astype(dtype) for value in info])
        return state, jax.lax.dynamic_update_index_in_dim(history, row, at, axis=0)

    empty = jnp.full((recipe.capacity, len(Info._fields)), jnp.nan, dtype)
    return jax.lax.while_loop(one_more_is_to_come, one_more, (state, empty))


when_crowded(run.clear_cache)  # type: ignore[attr-defined]  # the stubs of jax.jit leave it out
