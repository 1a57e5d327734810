"""Where a training stands: `State` is what the next step needs, `Info` what a person reads."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from mlp_jax.keys import as_key
from mlp_jax.parameters import as_layers
from mlp_jax.training.optimizers import Optimizer, as_optimizer, transformation


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
        # One program for 4 and 4.5, which Python has as two types.
        dtype = jax.tree.leaves(params)[0].dtype
        optimizer = jax.tree.map(partial(_in_dtype, dtype), optimizer)
        empty = jax.eval_shape(_initial_of_name, optimizer, params)
        return _initial_of_name(optimizer, params) if jax.tree.leaves(empty) else empty
    return _initial_of_optax(params, optimizer)


def _in_dtype(dtype: Any, number: Any) -> Any:
    numpy = jnp if isinstance(number, jax.core.Tracer) else np
    return numpy.asarray(number, dtype)


@jax.jit
def _initial_of_name(optimizer: Optimizer, params: Any) -> Any:
    return transformation(optimizer, params).init(params)


@partial(jax.jit, static_argnames="optimizer")
def _initial_of_optax(params: Any, optimizer: Any) -> Any:
    return optimizer.init(params)
