"""Section 3 as a loop: `step` is one update, `run` a whole training in one compiled program.

`State` is what the next step needs, `Info` what a person reads. Everything here is pure; what is a
user's mistake was caught by `training.fit`, at the door.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import optax
from jax import Array

from mlp_jax.back_propagation import accepts, call_gradient, cost_and_gradient
from mlp_jax.cost_function import J_of_losses, cost, given
from mlp_jax.dropout import dropout_masks
from mlp_jax.forward_propagation import PAPER, Network, forward_trace
from mlp_jax.labels import smoothed
from mlp_jax.optimizers import Optimizer, as_optimizer, transformation
from mlp_jax.parameters import as_key, as_layers, describe


class Best(NamedTuple):
    """The best epoch so far, by validation loss, or by cost where nothing validates.

    loss: its loss. epoch: how many epochs were done after it. params: those after it; None without
    a validation set, where the last ones are as good a choice.
    """

    loss: Array
    epoch: Array
    params: Any


class State(NamedTuple):
    """Where a training stands; handed to `fit` again, it goes on from there.

    params: a pytree of (W, b) pairs, always finite. optimizer_state: optax's. epoch: epochs done,
    int32. key: of the batch order and dropout, never consumed: epoch e derives its keys from
    fold_in(key, e); None where nothing is random. best: the `Best` epoch. diverged: the cost or the
    gradient was not finite in the epoch after `epoch`; params are those before that step.
    """

    params: Any
    optimizer_state: Any
    epoch: Array
    key: Any
    best: Best
    diverged: Array


class Info(NamedTuple):
    """The history of a training, one entry an epoch; of `step`, scalars of the one step.

    cost: J at the parameters before each step, averaged over the epoch's examples by weight, so
    that for full batches it is J before the step. gradient_norm: Euclidean norm of the whole
    gradient in the epoch's last step. validation_loss: J of the validation set after the
    epoch, without the L2 penalty, dropout or smoothing. metric: of the validation set, the loss's
    or your own. NaN where there is none.
    """

    cost: Array
    gradient_norm: Array
    validation_loss: Array
    metric: Array


class Examples(NamedTuple):
    """X (n[0], m), Y (K, m), weights (1, m) or None."""

    X: Array
    Y: Array
    weights: Array | None


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


def start(params: Any, optimizer: Any, key: Any = None, *, validates: bool = False) -> State:
    """The `State` before the first epoch.

    Args:
      params: a sequence of (W, b) pairs.
      optimizer: as for `fit`.
      key: a key from `jax.random.key`, a seed, or None.
      validates: there is a validation set, by which the best parameters are kept.

    Raises:
      ValueError: params do not fit.
    """
    as_layers(params)
    params = jax.tree.map(jnp.asarray, params)
    dtype = jax.tree.leaves(params)[0].dtype
    best = Best(
        jnp.asarray(jnp.inf, dtype), jnp.asarray(0, jnp.int32), params if validates else None
    )
    optimizer_state = initial_optimizer_state(as_optimizer(optimizer), params)
    key = None if key is None else as_key(key)
    return State(params, optimizer_state, jnp.asarray(0, jnp.int32), key, best, jnp.asarray(False))


def initial_optimizer_state(optimizer: Any, params: Any) -> Any:
    """What the optimizer knows before the first step, from one small program."""
    if isinstance(optimizer, Optimizer):
        return _initial_of_name(optimizer, params)
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

    All gradients are taken before any parameter changes (errata 20). If the cost or the gradient is
    not finite, the parameters stay as they are, in this step and all that follow. Arguments as for
    `fit`, with X, Y, weights and dropout masks of the batch.

    Returns:
      The new state, its epoch unchanged, and an `Info` of scalars.
    """
    state, J, grads = _step(
        state,
        Examples(X, Y, weights),
        optimizer=transformation(as_optimizer(optimizer), state.params, batches_per_epoch),
        network=network,
        gradient=gradient,
        l2=l2,
        masks=masks,
    )
    none = jnp.asarray(jnp.nan, J.dtype)
    norm = _norm(grads)
    state = state._replace(diverged=state.diverged | ~jnp.isfinite(norm))
    return state, Info(J, norm, none, none)


def _norm(tree: Any) -> Array:
    """The Euclidean norm of all leaves: one product, where a sum a leaf compiles 0.1 s longer."""
    flat = jnp.concatenate([leaf.ravel() for leaf in jax.tree.leaves(tree)])
    return jnp.sqrt(jnp.vdot(flat, flat, precision="highest"))


def _step(
    state: State,
    examples: Examples,
    *,
    optimizer: optax.GradientTransformationExtraArgs,
    network: Network,
    gradient: Callable[..., Any],
    l2: Any,
    masks: Any,
) -> tuple[State, Array, Any]:
    """(state, J, gradients) after one update, with nothing in it that plain descent has not.

    But for the guard, which is where the update is added and so costs no pass over memory: a
    parameter never takes a value that is not finite, nor any once J was not.
    """
    X, Y, weights = examples
    choices = given(weights=weights, l2=l2, masks=masks) | {"network": network}
    J, grads = _cost_and_gradient(gradient, state.params, X, Y, choices)
    updates, optimizer_state = optimizer.update(
        grads,
        state.optimizer_state,
        state.params,
        # What a line search asks for.
        value=J,
        grad=grads,
        value_fn=partial(_cost_by_hand(gradient, network), batch=(X, Y, weights, l2, masks)),
    )
    diverged = state.diverged | ~jnp.isfinite(J)

    def updated(parameter: Array, update: Array) -> Array:
        new = parameter + update.astype(parameter.dtype)
        return jnp.where(~diverged & jnp.isfinite(new), new, parameter)

    params = jax.tree.map(updated, state.params, updates)
    state = state._replace(params=params, optimizer_state=optimizer_state, diverged=diverged)
    return state, J, grads


def _cost_and_gradient(
    gradient: Callable[..., Any], params: Any, X: Array, Y: Array, choices: dict[str, Any]
) -> tuple[Array, Any]:
    """(J, grads) from a function that returns both, or the gradient alone.

    In the second case J is asked for separately; XLA then finds the two forward passes equal and
    keeps one.
    """
    for name in choices.keys() & {"weights", "l2", "masks"}:
        if not accepts(gradient, name):
            reason = ", which a last batch that is short needs as well" if name == "weights" else ""
            raise ValueError(
                f"gradient has no argument {name}, but {name} is given{reason}; expected a "
                f"function of (params, X, Y, {name}=...), such as mlp_jax.gradient"
            )
    returned = call_gradient(gradient, params, X, Y, **choices)
    like: Any = jax.tree.structure(params)
    if like == jax.tree.structure(returned):
        return cost(params, X, Y, **choices), returned
    if isinstance(returned, tuple) and len(returned) == 2:
        J, grads = returned
        if like == jax.tree.structure(grads) and jnp.shape(J) == ():
            return J, grads
    raise ValueError(
        f"gradient returned {describe(returned)}; expected a pytree like params, as from "
        "jax.grad(mlp_jax.cost), or the pair (cost, pytree), as from mlp_jax.cost_and_gradient"
    )


def _cost_by_hand(gradient: Callable[..., Any], network: Network) -> Callable[..., Array]:
    """(params, batch) -> J, whose derivative is `gradient`: a line search descends by it too."""

    def choices(batch: Any) -> dict[str, Any]:
        _, _, weights, l2, masks = batch
        return given(weights=weights, l2=l2, masks=masks) | {"network": network}

    @jax.custom_vjp
    def value(params: Any, batch: Any) -> Array:
        return cost(params, batch[0], batch[1], **choices(batch))

    def forwards(params: Any, batch: Any) -> tuple[Array, Any]:
        return _cost_and_gradient(gradient, params, batch[0], batch[1], choices(batch))

    def backwards(grads: Any, bar: Array) -> tuple[Any, None]:
        return jax.tree.map(lambda g: bar * g, grads), None

    value.defvjp(forwards, backwards)
    return value


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
        return _step(
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
    norm = _norm(grads)
    state = state._replace(diverged=state.diverged | ~jnp.isfinite(norm))
    state = state._replace(epoch=state.epoch + ~state.diverged)
    none = jnp.asarray(jnp.nan, J.dtype)
    info = Info(J, norm, none, none)
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
