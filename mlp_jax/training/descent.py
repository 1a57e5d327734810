"""Section 3: `step` is one update of all parameters, `start` the state before the first.

`State` is what the next step needs, `Info` what a person reads.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

from mlp_jax.back_propagation import cost_and_gradient
from mlp_jax.dtypes import check_wide
from mlp_jax.gradient_call import switched_on
from mlp_jax.keys import as_key
from mlp_jax.network import PAPER, Network
from mlp_jax.parameters import as_layers
from mlp_jax.training.batches import Batch
from mlp_jax.training.cost_and_gradient import cost_and_gradient_by, differentiable_cost
from mlp_jax.training.optimizers import Optimizer, as_optimizer, root, transformation


class Best(NamedTuple):
    """The best epoch so far, by validation loss, or by cost where nothing validates.

    loss: the loss of that epoch, a scalar; of a metric, minus its score (see `Metric`).
    epoch: how many epochs were done after that epoch, int32.
    improved: the last epoch that was better than all before it by more than the tolerance, int32;
      patience counts from there.
    params: the parameters after `epoch`; None where epochs are judged by the cost, and the last
      parameters are as good a choice.
    """

    loss: Array | np.ndarray
    epoch: Array | np.ndarray
    improved: Array | np.ndarray
    params: Any


class State(NamedTuple):
    """Where a training stands; handed to `fit` again, it goes on from there.

    params: a pytree of (W, b) pairs, always finite. An entry whose update was not finite stayed as
      it was, and no entry changed once J was not finite.
    optimizer_state: optax's.
    epoch: epochs done, int32.
    key: of the batch order and dropout, never consumed: what an epoch draws depends on the key and
      the number of the epoch alone. None where nothing is random.
    best: the best epoch.
    diverged: whether, in the epoch after `epoch`, the cost or the gradient of the last step was not
      finite, or at its end what the optimizer keeps.
    """

    params: Any
    optimizer_state: Any
    epoch: Array | np.ndarray
    key: Any
    best: Best
    diverged: Array | np.ndarray


class Info(NamedTuple):
    """The history of a training, one entry an epoch; of `step`, scalars of the one step.

    Every field is (epochs,), and NaN where there is nothing to tell.

    cost: J at the parameters before each step, averaged over the epoch's examples by weight, so
      that for full batches it is J before the step.
    gradient_norm: Euclidean norm of the whole gradient in the epoch's last step.
    validation_loss: J of the validation set after the epoch, without the L2 penalty, dropout or
      smoothing.
    metric: of the validation set, the loss's or your own.
    """

    cost: Array
    gradient_norm: Array
    validation_loss: Array
    metric: Array


def start(params: Any, optimizer: Any, key: Any = None, *, validates: bool = False) -> State:
    """The `State` before the first epoch.

    Args:
      params: a sequence of (W, b) pairs.
      optimizer: as for `fit`.
      key: a key from `jax.random.key`, a seed, or None.
      validates: epochs are judged by a validation set, and the best parameters are kept.

    Raises:
      ValueError: params do not fit.
    """
    as_layers(params)
    params = jax.tree.map(jnp.asarray, params)
    dtype = jax.tree.leaves(params)[0].dtype
    # In NumPy: JAX would compile a program for each.
    none = np.asarray(0, np.int32)
    best = Best(np.asarray(np.inf, dtype), none, none, params if validates else None)
    optimizer_state = initial_optimizer_state(as_optimizer(optimizer), params)
    key = None if key is None else as_key(key)
    return State(params, optimizer_state, np.asarray(0, np.int32), key, best, np.asarray(False))


def initial_optimizer_state(optimizer: Any, params: Any) -> Any:
    """What the optimizer knows before the first step, from one small program."""
    if isinstance(optimizer, Optimizer):
        empty = jax.eval_shape(_initial_of_name, optimizer, params)
        return _initial_of_name(optimizer, params) if jax.tree.leaves(empty) else empty
    return _initial_of_optax(params, optimizer)


@jax.jit
def _initial_of_name(optimizer: Optimizer, params: Any) -> Any:
    return transformation(optimizer, params).init(params)


@partial(jax.jit, static_argnames="optimizer")
def _initial_of_optax(params: Any, optimizer: Any) -> Any:
    return optimizer.init(params)


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


def finite_leaves(optimizer: Any, optimizer_state: Any) -> list[Array] | None:
    """For every leaf of floats of an optimizer's state, whether it is finite.

    None says that all are: most optimizers by name begin with finite numbers, and an epoch that
    leaves other numbers is the last epoch.
    """
    if isinstance(optimizer, Optimizer) and optimizer.name != "lbfgs":
        return None
    return [_are_finite([leaf]) for leaf in _floats(optimizer_state)]


def mark_divergence(state: State, length: Array, finite: Sequence[Array] | None) -> State:
    """The state, marked as diverged if the gradient or what the optimizer keeps is not finite.

    This and `descend`'s rule about the cost are the only rules of divergence: after every epoch
    `fit` and sweeps end a training by them. A gradient that was not finite in the midst of an
    epoch, at a finite cost, shows in what the optimizer has kept of it.

    Args:
      state: after the epoch.
      length: Euclidean norm of the gradient in its last step.
      finite: `finite_leaves` before the epoch. A leaf that was not finite then may stay infinite:
        some optimizers have a best cost so far, and start with infinity.
    """
    diverged = state.diverged | ~jnp.isfinite(length)
    leaves = _floats(state.optimizer_state)
    if finite is None:
        return state._replace(diverged=diverged | ~_are_finite(leaves))
    for was_finite, leaf in zip(finite, leaves, strict=True):
        broken = ~_are_finite([leaf]) & (was_finite | jnp.any(jnp.isnan(leaf)))
        diverged = diverged | broken
    return state._replace(diverged=diverged)


def _are_finite(leaves: Sequence[Array]) -> Array:
    """Whether all entries are finite: the least normal number times a finite number is at most 4.

    A product of vectors is the fastest pass over memory that XLA has on a CPU, but takes a while to
    compile: all biases share one product.
    """
    large = [leaf.ravel() for leaf in leaves if 1 not in leaf.shape[-2:]]
    small = [leaf.ravel() for leaf in leaves if 1 in leaf.shape[-2:]]
    vectors = [*large, *([jnp.concatenate(small)] if small else [])]
    products = [
        jnp.vdot(v, jnp.full_like(v, jnp.finfo(v.dtype).tiny), precision="highest") for v in vectors
    ]
    return jnp.all(jnp.array([jnp.isfinite(product) for product in products], bool))


def _floats(optimizer_state: Any) -> list[Any]:
    leaves = jax.tree.leaves(optimizer_state)
    return [leaf for leaf in leaves if jnp.issubdtype(jnp.result_type(leaf), jnp.floating)]


def norm(params: Any) -> Array:
    """The Euclidean norm of all parameters of a network, or of their gradients."""
    layers = as_layers(params)
    # A product for every W, and one for all biases: to put leaves together takes XLA 25 ns an
    # entry, and every product more some milliseconds to compile.
    leaves = [W.ravel() for W, _ in layers] + [jnp.concatenate([b.ravel() for _, b in layers])]
    return root(sum(jnp.vdot(leaf, leaf, precision="highest") for leaf in leaves))
