"""Section 3 as a loop: `run` is a whole training in one compiled program.

Everything here is pure; what is a user's mistake was caught by `training.fit`, at the door.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
from jax import Array

from mlp_jax.cost_function import J_of_losses
from mlp_jax.descent import Best, Examples, Info, State, descended, norm
from mlp_jax.dropout import dropout_masks
from mlp_jax.forward_propagation import Network, forward_trace
from mlp_jax.labels import smoothed
from mlp_jax.optimizers import transformation
from mlp_jax.parameters import as_layers


class Numbers(NamedTuple):
    """What is traced: changing it compiles nothing. None where it is switched off."""

    optimizer: Any
    l2: Any
    dropout: Any
    label_smoothing: Any
    patience: Any
    tolerance: Any


class Plan(NamedTuple):
    """What is static. optimizer: optax's, where `Numbers` has none. capacity: of the history."""

    network: Network
    gradient: Callable[..., Any]
    optimizer: Any
    batch_size: int | None
    metric: Callable[..., Any] | None
    capacity: int


@partial(jax.jit, static_argnames="plan")
def run(
    state: State,
    examples: Examples,
    validation: Examples | None,
    numbers: Numbers,
    until: Array,
    *,
    plan: Plan,
) -> tuple[State, Info]:
    """Trains until `until` epochs are done, patience is lost, the run diverged or history is full.

    Returns:
      The state, and an `Info` of arrays of shape (plan.capacity,), NaN beyond the last epoch run.
    """
    X, Y, weights = examples
    if numbers.label_smoothing is not None:
        Y = smoothed(Y, numbers.label_smoothing, plan.network.loss)
    examples = Examples(X, Y, weights)
    state = state._replace(diverged=jnp.zeros_like(state.diverged))
    first = state.epoch
    epoch = partial(_epoch, examples=examples, validation=validation, numbers=numbers, plan=plan)

    def goes_on(carry: tuple[State, Array]) -> Array:
        state, _ = carry
        on = (state.epoch < until) & (state.epoch - first < plan.capacity) & ~state.diverged
        if numbers.patience is not None:
            on &= state.epoch - state.best.epoch < numbers.patience
        return on

    def one_more(carry: tuple[State, Array]) -> tuple[State, Array]:
        state, history = carry
        at = state.epoch - first
        state, info = epoch(state)
        row = jnp.stack([value.astype(X.dtype) for value in info])
        return state, jax.lax.dynamic_update_index_in_dim(history, row, at, axis=0)

    empty = jnp.full((plan.capacity, len(Info._fields)), jnp.nan, X.dtype)
    state, history = jax.lax.while_loop(goes_on, one_more, (state, empty))
    return state, Info(*history.T)


def _optimizer(numbers: Numbers, plan: Plan) -> Any:
    return plan.optimizer if numbers.optimizer is None else numbers.optimizer


def _epoch(
    state: State,
    *,
    examples: Examples,
    validation: Examples | None,
    numbers: Numbers,
    plan: Plan,
) -> tuple[State, Info]:
    """Every example once, then the validation set."""
    m = examples.X.shape[1]
    batches = 1 if plan.batch_size is None else -(-m // plan.batch_size)
    key_order = key_dropout = cast(Any, None)
    if state.key is not None:
        key_order = jax.random.fold_in(state.key, state.epoch)
    if numbers.dropout is not None:
        key_order, key_dropout = jax.random.split(key_order)

    def update(state: State, batch: Examples, index: Any) -> tuple[State, Array, Any]:
        masks = None
        if numbers.dropout is not None:
            key = jax.random.fold_in(key_dropout, index)
            masks = dropout_masks(key, state.params, batch.X.shape[1], numbers.dropout)
        return descended(
            state,
            batch,
            optimizer=transformation(_optimizer(numbers, plan), state.params, batches),
            network=plan.network,
            gradient=plan.gradient,
            l2=0.0 if numbers.l2 is None else numbers.l2,
            masks=masks,
        )

    if plan.batch_size is None:
        state, J, grads = update(state, examples, 0)
    else:
        order, real = _shuffled(key_order, m, plan.batch_size)
        (state, grads), (costs, sizes) = jax.lax.scan(
            partial(_step_on, examples=examples, update=update),
            (state, state.params),  # of the gradient's shape; no array is made to be thrown away
            (jnp.arange(batches), order, real),
        )
        J = jnp.sum(sizes / jnp.sum(sizes) * costs)
    length = norm(grads)
    state = state._replace(diverged=state.diverged | ~jnp.isfinite(length))
    state = state._replace(epoch=state.epoch + ~state.diverged)
    none = jnp.asarray(jnp.nan, J.dtype)
    info = Info(J, length, none, none)
    return _judged(state, info, validation, tolerance=numbers.tolerance, plan=plan)


def _judged(
    state: State, info: Info, validation: Examples | None, *, tolerance: Any, plan: Plan
) -> tuple[State, Info]:
    """The state and info after the epoch, with the validation set seen and the best epoch kept."""
    best, loss, params = state.best, info.cost, None
    if validation is not None:
        network = plan.network
        X, Y, weights = validation
        Z = forward_trace(as_layers(state.params), X, network).Z[-1]
        loss = J_of_losses(network.loss.L(Z, Y), weights)
        info = info._replace(validation_loss=loss)
        if plan.metric is not None:
            info = info._replace(metric=plan.metric(network.loss.output(Z), Y, weights))
    better = ~state.diverged & (loss < best.loss - tolerance)
    if validation is not None:
        params = jax.tree.map(partial(jnp.where, better), state.params, best.params)
    best = Best(
        jnp.where(better, loss, best.loss), jnp.where(better, state.epoch, best.epoch), params
    )
    return state._replace(best=best), info


def _shuffled(key: Any, m: int, batch_size: int) -> tuple[Array, Array | None]:
    """This epoch's batches as indices, (batches, batch_size), and which of them are examples.

    A last batch that is short is filled up with example 0 at weight 0. None if no batch is short.
    """
    batches = -(-m // batch_size)
    filling = batches * batch_size - m
    order = jnp.pad(jax.random.permutation(key, m), (0, filling)).reshape(batches, batch_size)
    if filling == 0:
        return order, None
    real = jnp.arange(batches * batch_size) < m
    return order, real.reshape(batches, 1, batch_size)


def _step_on(
    carry: tuple[State, Any],
    batch: tuple[Array, Array, Array | None],
    *,
    examples: Examples,
    update: Callable[..., tuple[State, Array, Any]],
) -> tuple[tuple[State, Any], tuple[Array, Array]]:
    """One step on the examples of `batch`; its cost and the sum of its weights.

    The gradient is carried to the end of the epoch, where its norm is taken: in every step that
    would be a pass over memory, and a `lax.cond` for the last step costs more than the step.
    """
    state, _ = carry
    (index, chosen, real), (X, Y, weights) = batch, examples
    w = None if weights is None else weights[:, chosen]
    if real is not None:
        w = real.astype(X.dtype) if w is None else w * real
    # A gather of rows is a copy of contiguous memory; of columns it is not.
    new, J, grads = update(state, Examples(X.T[chosen].T, Y.T[chosen].T, w), index)
    size = jnp.asarray(chosen.shape[0], X.dtype) if w is None else jnp.sum(w)
    if weights is not None:
        # A batch may consist of examples of weight 0, where J is 0 / 0: no step is taken on it.
        some = partial(jnp.where, size > 0)
        new, J, grads = jax.tree.map(some, (new, J, grads), (state, 0.0 * size, carry[1]))
    return (new, grads), (J, size)
