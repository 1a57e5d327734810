"""Section 3: a whole training as one pure function, handed its gradient.

`State` is what the next step needs, `Info` what a person reads.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

from mlp_jax.back_propagation import accepts, call_gradient, cost_and_gradient
from mlp_jax.cost_function import cost, given
from mlp_jax.forward_propagation import PAPER, Network
from mlp_jax.parameters import as_examples, as_labels, as_layers, as_weights, describe


class State(NamedTuple):
    """Where a training stands; handed to `fit` again, it goes on from there.

    params: a pytree of (W, b) pairs. optimizer_state: optax's. epoch: epochs done, int32. key: the
    key of the batch order, never consumed: epoch e shuffles with fold_in(key, e). None without
    mini-batches.
    """

    params: Any
    optimizer_state: Any
    epoch: Array
    key: Any


class Info(NamedTuple):
    """The history of a training, one entry an epoch.

    cost: J at the parameters before each step, averaged over the epoch's examples by weight, so
    that for full batches it is J before the step. gradient_norm: Euclidean norm of the whole
    gradient, averaged over the epoch's steps.
    """

    cost: Array
    gradient_norm: Array


def start(params: Any, optimizer: optax.GradientTransformation, key: Any = None) -> State:
    """The `State` before the first epoch. Raises ValueError if params do not fit."""
    as_layers(params)
    params = jax.tree.map(jnp.asarray, params)
    return State(params, optimizer.init(params), jnp.asarray(0, jnp.int32), key)


def step(
    state: State,
    X: Array,
    Y: Array,
    *,
    optimizer: optax.GradientTransformation,
    network: Network = PAPER,
    gradient: Callable[..., Any] = cost_and_gradient,
    weights: Any = None,
    l2: Any = 0.0,
) -> tuple[State, Info]:
    """One update from one batch: section 3 for `optax.sgd(alpha)`.

    All gradients are taken before any parameter changes (errata 20). Arguments as for `fit`, with
    X, Y and weights of the batch.

    Returns:
      The new state, its epoch unchanged, and an `Info` of scalars.
    """
    choices = {"network": network, "weights": weights, "l2": l2}
    J, grads = _cost_and_gradient(gradient, state.params, X, Y, choices)
    updates, optimizer_state = optimizer.update(grads, state.optimizer_state, state.params)
    params = optax.apply_updates(state.params, updates)
    return State(params, optimizer_state, state.epoch, state.key), Info(J, optax.tree.norm(grads))


def _cost_and_gradient(
    gradient: Callable[..., Any], params: Any, X: Array, Y: Array, choices: dict[str, Any]
) -> tuple[Array, Any]:
    """(J, grads) from a function that returns both, or the gradient alone.

    In the second case J is asked for separately; XLA then finds the two forward passes equal and
    keeps one.
    """
    choices = given(**choices)
    for name in choices.keys() & {"weights", "l2"}:
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


def fit(
    params: Any,
    X: Any,
    Y: Any,
    *,
    optimizer: optax.GradientTransformation,
    epochs: int,
    batch_size: int | None = None,
    key: Any = None,
    network: Network = PAPER,
    gradient: Callable[..., Any] = cost_and_gradient,
    weights: Any = None,
    l2: Any = 0.0,
) -> tuple[State, Info]:
    """Trains for `epochs` epochs, in one compiled program. Section 3.

    A pure function: it runs under `jax.jit` and `jax.vmap`, over params, keys, l2 or a learning
    rate inside `optimizer`. A new optimizer object compiles anew.

    Args:
      params: a sequence of (W, b) pairs to start from, or the `State` of an earlier run, to go on
        exactly as if it had not stopped.
      X: features, shape (n[0], m): columns are examples.
      Y: labels, shape (n[L], m).
      optimizer: any optax transformation; `optax.sgd(alpha)` is section 3's gradient descent.
      epochs: passes over the data.
      batch_size: examples a step; None for all of them, in order. Every epoch uses every example
        once, in a new order; the last batch of an epoch has what is left and counts as what it is.
      key: from `jax.random.key`, for the batch order; needed when batch_size is less than m.
      network: the activation and the loss.
      gradient: what to descend by: `mlp_jax.cost_and_gradient` by hand, or any function of
        (params, X, Y) that returns the gradient or (cost, gradient), such as
        `jax.grad(mlp_jax.cost)`. It is given network, weights and l2 if it has such arguments.
      weights: example weights, shape (1, m), or None for all ones.
      l2: strength of the L2 penalty; biases are free.

    Returns:
      The final `State` and an `Info` with arrays of shape (epochs,).

    Raises:
      ValueError: shapes that do not fit; labels outside of the loss's range, or X, Y or weights
        that are not finite, where they are concrete; a missing key.

    Example:
      >>> import jax, mlp_jax, optax
      >>> X = jax.random.normal(jax.random.key(0), (2, 100))
      >>> Y = X[:1] * X[1:] > 0  # exclusive or
      >>> params = mlp_jax.init(jax.random.key(1), (2, 16, 16, 1))
      >>> state, info = mlp_jax.fit(params, X, Y, optimizer=optax.sgd(0.5), epochs=300)
      >>> bool(info.cost[-1] < 0.1 < info.cost[0])
      True
    """
    state = params if isinstance(params, State) else start(params, optimizer)
    if key is not None:
        state = state._replace(key=key)
    layers = as_layers(state.params)
    X = as_examples(layers, X)
    Y = as_labels(layers, X, Y)
    weights = as_weights(X, weights)
    _check_values(X, Y, weights, network)
    m = X.shape[1]
    if not isinstance(epochs, int | np.integer) or epochs < 0:
        raise ValueError(f"epochs is {epochs!r}; expected an integer, 0 or more")
    if batch_size is not None and (not isinstance(batch_size, int | np.integer) or batch_size < 1):
        raise ValueError(f"batch_size is {batch_size!r}; expected an integer from 1 up, or None")
    if batch_size is not None and batch_size >= m:
        batch_size = None
    if batch_size is not None and state.key is None:
        raise ValueError(
            f"batch_size is {batch_size}, of {m} examples, but there is no key for their order: "
            "type key=jax.random.key(0)"
        )
    return _fit(
        state,
        X,
        Y,
        weights,
        given(l2=l2),
        optimizer=optimizer,
        epochs=int(epochs),
        batch_size=batch_size,
        network=network,
        gradient=gradient,
    )


@partial(jax.jit, static_argnames=("optimizer", "epochs", "batch_size", "network", "gradient"))
def _fit(
    state: State,
    X: Array,
    Y: Array,
    weights: Array | None,
    penalty: dict[str, Any],
    *,
    optimizer: optax.GradientTransformation,
    epochs: int,
    batch_size: int | None,
    network: Network,
    gradient: Callable[..., Any],
) -> tuple[State, Info]:
    choices = {"optimizer": optimizer, "network": network, "gradient": gradient, **penalty}

    def update(state: State, X: Array, Y: Array, *, weights: Array | None) -> tuple[State, Info]:
        return step(state, X, Y, weights=weights, **choices)

    def epoch_of_one_batch(state: State, _: None) -> tuple[State, Info]:
        state, info = update(state, X, Y, weights=weights)
        return state._replace(epoch=state.epoch + 1), info

    def epoch_of_batches(state: State, _: None) -> tuple[State, Info]:
        order, real = _shuffled(state, X.shape[1], batch_size or X.shape[1])
        state, (infos, sizes) = jax.lax.scan(
            partial(_step_on, data=(X, Y, weights), update=update), state, (order, real)
        )
        share = sizes / jnp.sum(sizes)
        info = Info(jnp.sum(share * infos.cost), jnp.mean(infos.gradient_norm))
        return state._replace(epoch=state.epoch + 1), info

    epoch = epoch_of_one_batch if batch_size is None else epoch_of_batches
    return jax.lax.scan(epoch, state, length=epochs)


def _shuffled(state: State, m: int, batch_size: int) -> tuple[Array, Array | None]:
    """This epoch's batches as indices, (batches, batch_size), and which of them are examples.

    A last batch that is short is filled up with example 0 at weight 0. None if no batch is short.
    """
    batches = -(-m // batch_size)
    filling = batches * batch_size - m
    order = jax.random.permutation(jax.random.fold_in(state.key, state.epoch), m)
    order = jnp.pad(order, (0, filling)).reshape(batches, batch_size)
    if filling == 0:
        return order, None
    real = jnp.arange(batches * batch_size) < m
    return order, real.reshape(batches, 1, batch_size)


def _step_on(
    state: State,
    batch: tuple[Array, Array | None],
    *,
    data: tuple[Array, Array, Array | None],
    update: Callable[..., tuple[State, Info]],
) -> tuple[State, tuple[Info, Array]]:
    """One step on the examples of `batch`, and the sum of their weights."""
    (chosen, real), (X, Y, weights) = batch, data
    w = None if weights is None else weights[:, chosen]
    if real is not None:
        w = real.astype(X.dtype) if w is None else w * real
    new, info = update(state, X[:, chosen], Y[:, chosen], weights=w)
    if w is None:
        return new, (info, jnp.asarray(chosen.shape[0], X.dtype))
    size = jnp.sum(w)
    if weights is None:
        return new, (info, size)
    # A batch may consist of examples of weight 0, where J is 0 / 0: no step is taken on it.
    none = Info(jnp.zeros_like(info.cost), jnp.zeros_like(info.gradient_norm))
    kept = jax.tree.map(partial(jnp.where, size > 0), (new, info), (state, none))
    return kept[0], (kept[1], size)


def _check_values(X: Array, Y: Array, weights: Array | None, network: Network) -> None:
    """Raises ValueError for values no training can make sense of; traced ones go unseen."""
    lowest, highest = network.loss.labels
    for name, value in (("X", X), ("Y", Y), ("weights", weights)):
        if value is None or isinstance(value, jax.core.Tracer):
            continue
        array = np.asarray(value)
        if not np.isfinite(array).all():
            at = [int(i) for i in np.argwhere(~np.isfinite(array))[0]]
            raise ValueError(f"{name}{at} is {array[tuple(at)]}; expected finite numbers")
        if name == "Y" and (array.min() < lowest or array.max() > highest):
            raise ValueError(
                f"Y has labels from {array.min()} to {array.max()}; {network.loss.name} expects "
                f"{lowest:g} to {highest:g}"
            )
        if name == "weights" and (array.min() < 0 or array.sum() <= 0):
            raise ValueError(
                f"weights has numbers from {array.min()} to {array.max()}, of sum {array.sum()}; "
                "expected 0 or more, and a positive sum"
            )
