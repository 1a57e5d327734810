"""Section 3: one update of all parameters."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import Array

from mlp_jax.back_propagation import cost_and_gradient
from mlp_jax.dtypes import check_wide
from mlp_jax.gradient_call import switched_on
from mlp_jax.network import PAPER, Network
from mlp_jax.parameters import as_layers
from mlp_jax.training.batches import Batch
from mlp_jax.training.cost_and_gradient import cost_and_gradient_by, differentiable_cost
from mlp_jax.training.divergence import finite_leaves, mark_divergence
from mlp_jax.training.optimizers import as_optimizer, root, transformation
from mlp_jax.training.state import Info, State


def step(
    state: State,
    X: Array,
    Y: Array,
    *,
    optimizer: Any,
    network: Network = PAPER,
    gradient: Callable[..., Any] = cost_and_gradient,
    weights: Any = None,
    l2: Any = 0.0,
    masks: Any = None,
    batches_per_epoch: int = 1,
) -> tuple[State, Info]:
    """One update from one batch: section 3 for `optax.sgd(alpha)`.

    All gradients are taken before any parameter changes (errata 20). An entry whose update is not
    finite stays as it is; if the cost is not finite, or the state diverged before, they all do.
    Arguments as for `fit`, with X, Y, weights and dropout masks of the batch.

    Returns:
      The new state, its epoch unchanged, and an `Info` of scalars.

    Raises:
      ValueError: params of 16 bits.
    """
    check_wide(as_layers(state.params)[0].W.dtype)
    finite = finite_leaves(optimizer, state.optimizer_state)
    state, J, grads = descend(
        state,
        Batch(X, Y, weights),
        optimizer=transformation(as_optimizer(optimizer), state.params, batches_per_epoch),
        network=network,
        gradient=gradient,
        l2=l2,
        masks=masks,
    )
    none = jnp.asarray(jnp.nan, J.dtype)
    length = norm(grads)
    return mark_divergence(state, length, finite), Info(J, length, none, none)


def descend(
    state: State,
    batch: Batch,
    *,
    optimizer: optax.GradientTransformationExtraArgs,
    network: Network,
    gradient: Callable[..., Any],
    l2: Any,
    masks: Any,
) -> tuple[State, Array, Any]:
    """(state, J, gradients) after one update: plain descent, with a guard.

    The guard is where the update is added, and so costs no pass over memory: a parameter never
    takes a value that is not finite, and no parameter changes once J was not finite.
    """
    X, Y, weights, _ = batch
    choices = switched_on(weights=weights, l2=l2, masks=masks) | {"network": network}
    J, grads = cost_and_gradient_by(gradient, state.params, X, Y, choices)
    updates, optimizer_state = optimizer.update(
        grads,
        state.optimizer_state,
        state.params,
        # What a line search asks for.
        value=J,
        grad=grads,
        value_fn=partial(differentiable_cost(gradient, network), batch=(X, Y, weights, l2, masks)),
    )
    diverged = state.diverged | ~jnp.isfinite(J)

    def updated(parameter: Array, update: Array) -> Array:
        update = update.astype(parameter.dtype)
        safe = ~diverged & jnp.isfinite(parameter + update)
        # Not a choice of the sum or the parameter: where both are one memory, that is a branch for
        # every entry, and three times as slow. p + -0.0 is p to the last bit, of p = -0.0 too.
        return parameter + jnp.where(safe, update, -0.0)

    params = jax.tree.map(updated, state.params, updates)
    state = state._replace(params=params, optimizer_state=optimizer_state, diverged=diverged)
    return state, J, grads


def norm(params: Any) -> Array:
    """The Euclidean norm of all parameters of a network, or of their gradients."""
    layers = as_layers(params)
    # A product for every W, and one for all biases: to put leaves together takes XLA 25 ns an
    # entry, and every product more some milliseconds to compile.
    leaves = [W.ravel() for W, _ in layers] + [jnp.concatenate([b.ravel() for _, b in layers])]
    return root(sum(jnp.vdot(leaf, leaf, precision="highest") for leaf in leaves))
