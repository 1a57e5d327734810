"""One epoch: every example once, in batches, then the validation set.

The batch order is drawn apart, so that networks trained side by side can share one. Pure.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from mlp_jax.cost_function import J_of_losses, J_of_mean, l2_penalty
from mlp_jax.dropout import FallingRate, dropout_masks, unit_masks
from mlp_jax.forward_propagation import forward_trace
from mlp_jax.labels import smoothed
from mlp_jax.parameters import as_layers
from mlp_jax.products import Products
from mlp_jax.training.batch_order import permutation
from mlp_jax.training.batches import Batch, Examples
from mlp_jax.training.cost_and_gradient import of_turned
from mlp_jax.training.descent import descend, norm
from mlp_jax.training.divergence import finite_leaves, mark_divergence
from mlp_jax.training.optimizers import transformation
from mlp_jax.training.recipe import Numbers, Recipe
from mlp_jax.training.state import Best, Info, State


class EpochDraw(NamedTuple):
    """The random part of an epoch.

    order: indices of the examples, (batches, batch size); None for all of them in order.
    is_example: (batches, 1, batch size), False where an index only fills up a batch; None if all
      are examples.
    batches: steps in the epoch.
    key_dropout: None without dropout.
    """

    order: Array | None
    is_example: Array | None
    batches: Any
    key_dropout: Any


def draw_epoch(
    key: Any, epoch: Any, m: int, batch_size: int | None, *, dropout: bool, shuffle: bool = True
) -> EpochDraw:
    """The draw of epoch number `epoch` from the training's key, for m examples."""
    key_dropout = jax.random.fold_in(key, epoch) if dropout else None
    if batch_size is None:
        return EpochDraw(None, None, 1, key_dropout)
    order = permutation(key, epoch, m) if shuffle else jnp.arange(m)
    batches, is_example = _in_batches(order, batch_size)
    return EpochDraw(batches, is_example, batches.shape[0], key_dropout)


def train_epoch(
    state: State,
    draw: EpochDraw,
    examples: Examples | Batch,
    validation: Batch | None,
    numbers: Numbers,
    *,
    recipe: Recipe,
) -> tuple[State, Info]:
    """The state after every example was seen once, and what the validation set says of it.

    state: as it is between steps, see `Products.turned`.
    examples: rows to make batches of; or all as one batch, on which the epoch is one step.
    """
    optimizer = recipe.optimizer if numbers.optimizer is None else numbers.optimizer
    turned = recipe.network.products.turned

    def update(state: State, batch: Batch, index: Any) -> tuple[State, Array, Any]:
        if numbers.label_smoothing is not None:
            Y = smoothed(batch.Y, numbers.label_smoothing, recipe.network.loss)
            batch = batch._replace(Y=Y)
        l2 = 0.0 if numbers.l2 is None else numbers.l2
        rate = numbers.dropout
        if isinstance(rate, FallingRate):
            # Both in the dtype of the rate; a quotient of integers is in a dtype of JAX's choice.
            part = jnp.asarray(index, rate.rate.dtype) / draw.batches
            rate = rate.after(jnp.asarray(state.epoch, rate.rate.dtype) + part)
        params = turned(state.params)
        new, J, grads = descend(
            state,
            batch,
            optimizer=transformation(optimizer, params, draw.batches),
            network=recipe.network,
            gradient=of_turned(recipe.gradient, turned),
            l2=l2,
            masks=_masks(params, batch.X, draw.key_dropout, index, rate, numbers, recipe),
        )
        if numbers.mean_over is not None:
            J = J_of_mean(J, l2_penalty(as_layers(params), l2), numbers.mean_over)
        return new, J, grads

    finite = finite_leaves(optimizer, state.optimizer_state)
    if isinstance(examples, Batch):
        state, J, grads = update(state, examples, 0)
    else:
        assert draw.order is not None
        products = recipe.network.products
        (state, grads), (costs, sizes) = jax.lax.scan(
            partial(_step_on_batch, examples=examples, update=update, products=products),
            (state, state.params),  # of the gradient's shape; no array is made to be thrown away
            (jnp.arange(draw.order.shape[0]), draw.order, draw.is_example),
        )
        J = jnp.mean(costs) if sizes is None else jnp.sum(sizes / jnp.sum(sizes) * costs)
    length = norm(turned(grads))
    state = mark_divergence(state, length, finite)
    state = state._replace(epoch=state.epoch + ~state.diverged)
    none = jnp.asarray(jnp.nan, J.dtype)
    info = Info(J, length, none, none)
    if validation is not None:
        info = _evaluate(state, info, validation, numbers, recipe)
    return _keep_best(state, info, numbers, recipe), info


def _masks(
    params: Any, X: Array, key: Any, index: Any, rate: Any, numbers: Numbers, recipe: Recipe
) -> tuple[Array, ...] | None:
    """The masks of one step: of dropout, unless its rate is None, and of units of the padding."""
    if rate is not None:
        key = jax.random.fold_in(key, index)
        return dropout_masks(key, params, X.shape[1], rate, widths=numbers.widths)
    hidden = recipe.network.hidden(as_layers(params))
    if numbers.widths is None or all(f.keeps_padding for f in hidden):
        return None
    return unit_masks(numbers.widths, params, X)


def _evaluate(
    state: State, info: Info, validation: Batch, numbers: Numbers, recipe: Recipe
) -> Info:
    """The info with what the validation set says of the parameters after the epoch."""
    network = recipe.network
    X, Y, weights, rest = validation
    params = network.products.turned(state.params)
    masks = _masks(params, X, None, 0, None, numbers, recipe)
    Z = forward_trace(as_layers(params), X, network, masks).Z[-1]
    J = J_of_losses(network.loss.of_parts(Z, Y, rest), weights)
    if numbers.mean_over is not None:
        J = J_of_mean(J, 0.0, numbers.mean_over)
    info = info._replace(validation_loss=J)
    if recipe.metric is None:
        return info
    A = network.loss.output(Z)
    return info._replace(metric=recipe.metric.of_parts(A, Y, rest, weights))


def _keep_best(state: State, info: Info, numbers: Numbers, recipe: Recipe) -> State:
    """The state with the best epoch so far, which may be the one just done."""
    best = state.best
    if recipe.best_by == "metric":
        assert recipe.metric is not None
        loss = -recipe.metric.score(info.metric)
    else:
        loss = getattr(info, recipe.best_by)
    better = ~state.diverged & (loss < best.loss)
    params = best.params
    if params is not None:
        params = jax.tree.map(partial(jnp.where, better), state.params, params)
    enough = best.loss - numbers.tolerance
    improved = loss < enough
    if numbers.ties is not None:
        improved |= (numbers.ties > 0) & (loss == enough)
    improved &= ~state.diverged
    best = Best(
        jnp.where(better, loss, best.loss),
        jnp.where(better, state.epoch, best.epoch),
        jnp.where(improved, state.epoch, best.improved),
        params,
    )
    return state._replace(best=best)


def _in_batches(order: Array, batch_size: int) -> tuple[Array, Array | None]:
    """An epoch's batches as indices, (batches, batch_size), and which of them are examples.

    A last batch that is short is filled up with example 0 at weight 0. None if no batch is short.
    """
    m = order.shape[0]
    batches = -(-m // batch_size)
    filling = batches * batch_size - m
    order = jnp.pad(order, (0, filling)).reshape(batches, batch_size)
    if filling == 0:
        return order, None
    is_example = jnp.arange(batches * batch_size) < m
    return order, is_example.reshape(batches, 1, batch_size)


def _step_on_batch(
    carry: tuple[State, Any],
    drawn: tuple[Array, Array, Array | None],
    *,
    examples: Examples,
    update: Callable[..., tuple[State, Array, Any]],
    products: Products,
) -> tuple[tuple[State, Any], tuple[Array, Array | None]]:
    """One step on the batch drawn; its cost, and the sum of its weights if they differ.

    The gradient is carried to the end of the epoch, where its norm is taken: in every step that
    would be a pass over memory, and a `lax.cond` for the last step costs more than the step.

    Args:
      carry: the state, and the gradient of the step before.
      drawn: the number of the batch, its rows, and which of them are examples.
      examples: all examples.
      update: of `train_epoch`.
      products: of the network.
    """
    state, _ = carry
    index, rows, is_example = drawn
    batch = examples.take_batch(rows, is_example, products)
    new, J, grads = update(state, batch, index)
    size = None if batch.weights is None else jnp.sum(batch.weights)
    if examples.weights is not None and size is not None:
        # A batch may consist of examples of weight 0, where J is 0 / 0: no step is taken on it.
        some = partial(jnp.where, size > 0)
        new, J, grads = jax.tree.map(some, (new, J, grads), (state, 0.0 * size, carry[1]))
    return (new, grads), (J, size)
