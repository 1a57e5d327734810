"""`fit`: the door to `training_loop.run`. Checks, the validation set, segments and progress."""

import time
import warnings as python_warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from mlp_jax.back_propagation import cost_and_gradient
from mlp_jax.cost_function import given
from mlp_jax.forward_propagation import PAPER, Network
from mlp_jax.optimizers import Optimizer, as_optimizer, transformation
from mlp_jax.parameters import as_examples, as_key, as_labels, as_layers, as_weights
from mlp_jax.progress import as_progress
from mlp_jax.training_loop import (
    Examples,
    Info,
    Numbers,
    Plan,
    State,
    initial_optimizer_state,
    run,
    start,
)

HISTORY = 1024  # epochs a call of the compiled program has room to report: one program for all
SEGMENT_SECONDS = 0.25  # between two looks at the progress; a look takes about a millisecond


class DivergenceWarning(UserWarning):
    """A training was stopped because its cost or gradient was no longer finite."""


def fit(
    params: Any,
    X: Any,
    Y: Any,
    *,
    optimizer: Any,
    epochs: Any,
    batch_size: int | None = None,
    key: Any = None,
    network: Network = PAPER,
    gradient: Callable[..., Any] = cost_and_gradient,
    weights: Any = None,
    l2: Any = 0.0,
    dropout: Any = 0.0,
    label_smoothing: Any = 0.0,
    validation: Any = None,
    patience: Any = None,
    tolerance: Any = 0.0,
    metric: Callable[..., Array] | None = None,
    max_epochs: int | None = None,
    progress: bool | Callable[..., None] = False,
) -> tuple[State, Info]:
    """Trains for `epochs` epochs, in one compiled program. Section 3.

    A pure function: it runs under `jax.jit` and `jax.vmap`, over params, keys and any number. A new
    value of a number compiles nothing; a new optax optimizer does, and so do new shapes.

    Args:
      params: a sequence of (W, b) pairs to start from, or the `State` of an earlier run, to go on
        exactly as if it had not stopped.
      X: features, shape (n[0], m): columns are examples.
      Y: labels, shape (n[L], m).
      optimizer: a name such as "adam", `mlp_jax.optimizer(...)`, or any optax transformation;
        `optax.sgd(alpha)` is section 3's gradient descent.
      epochs: passes over the data in this call; may be traced, with max_epochs.
      batch_size: examples a step; None for all of them, in order. Every epoch uses every example
        once, in a new order; the last batch of an epoch has what is left and counts as what it is.
      key: from `jax.random.key`, or a seed; of the batch order, dropout and the validation split,
        and needed for them.
      network: the activation and the loss.
      gradient: what to descend by: `mlp_jax.cost_and_gradient` by hand, or any function of
        (params, X, Y) that returns the gradient or (cost, gradient), such as
        `jax.grad(mlp_jax.cost)`. It is given network, weights, l2 and masks if it has such
        arguments.
      weights: example weights, shape (1, m), or None for all ones; see `mlp_jax.class_weights`.
      l2: strength of the L2 penalty; biases are free.
      dropout: share of the hidden units dropped in every step.
      label_smoothing: ε of the two cross-entropies: labels drawn towards even odds in training.
      validation: (X, Y) or (X, Y, weights) to validate by; or the share of the examples, drawn at
        random, that is kept for it. `state.best` then has the parameters of the best epoch.
      patience: stop after so many epochs in which the validation loss (the cost, if nothing
        validates) fell by no more than `tolerance` below the best one. None for never.
      tolerance: see patience.
      metric: (A, Y, weights or None) -> scalar, of the validation set; None for the loss's own.
      max_epochs: room for the history where `epochs` is traced.
      progress: True for a progress bar, or a function called as progress(epoch, epochs, cost,
        validation_loss) a few times a second. Not under `jit` or `vmap`.

    Returns:
      The final `State` and an `Info` with an entry an epoch; under `jit` and `vmap`, NaN for epochs
      that were not run. A run whose cost or gradient is no longer finite stops, keeps its last
      finite parameters, and has `state.diverged`; outside of `jit` a `DivergenceWarning` says when.

    Raises:
      ValueError: shapes that do not fit; labels outside of the loss's range, or values that are not
        finite, where they are concrete; a number out of range; a missing key.

    Example:
      >>> import jax, mlp_jax
      >>> X = jax.random.normal(jax.random.key(0), (2, 100))
      >>> Y = X[:1] * X[1:] > 0  # exclusive or
      >>> params = mlp_jax.init(jax.random.key(1), (2, 16, 16, 1))
      >>> adam = mlp_jax.optimizer("adam", learning_rate=0.01)
      >>> state, info = mlp_jax.fit(params, X, Y, optimizer=adam, epochs=300)
      >>> bool(info.cost[-1] < 0.1 < info.cost[0])
      True
    """
    optimizer = as_optimizer(optimizer)
    state = params if isinstance(params, State) else start(params, optimizer)
    if key is not None:
        state = state._replace(key=as_key(key))
    layers = as_layers(state.params)
    network.hidden(layers)
    examples = _examples("", layers, network, X, Y, weights)
    examples, held_out = _with_validation(examples, validation, layers, network, state.key)
    state = _ready(state, held_out, optimizer)
    dtype = layers[0].W.dtype
    numbers = _numbers(dtype, optimizer, l2, dropout, label_smoothing, patience, tolerance, network)
    m = examples.X.shape[1]
    plan = Plan(
        network,
        gradient,
        None if isinstance(optimizer, Optimizer) else optimizer,
        _batch_size(batch_size, m, optimizer),
        network.loss.metric if metric is None else metric,
        capacity=HISTORY,
    )
    _check_key(state.key, plan.batch_size, m, numbers.dropout)
    traced = any(
        isinstance(leaf, jax.core.Tracer)
        for leaf in jax.tree.leaves((state, examples, held_out, numbers, epochs))
    )
    epochs, capacity = _epochs(epochs, max_epochs, traced)
    arguments = examples, held_out, numbers
    if traced:
        if progress:
            raise ValueError("progress cannot be shown under jit or vmap: leave it out there")
        plan = plan._replace(capacity=capacity)
        state, info = run(_restarted(state, optimizer), *arguments, state.epoch + epochs, plan=plan)
        return _flagged(state), info
    return _in_segments(state, arguments, int(epochs), plan, as_progress(progress))


def _in_segments(
    state: State,
    arguments: tuple[Any, ...],
    epochs: int,
    plan: Plan,
    progress: Callable[..., Any] | None,
) -> tuple[State, Info]:
    """`run` until all is done, from one look at the progress to the next.

    The end of a segment is a traced number, so however long they are it is one program.
    """
    first = int(state.epoch)
    if state.diverged:
        state = _restarted(state, plan.optimizer or arguments[2].optimizer)
    segment = HISTORY if progress is None else 1
    lines: list[list[np.ndarray]] = []
    while True:
        done = int(state.epoch)
        until = min(first + epochs, done + min(segment, HISTORY))
        began = time.perf_counter()
        state, info = run(state, *arguments, np.int32(until), plan=plan)
        state = _flagged(state)
        now, diverged = int(state.epoch), bool(state.diverged)
        # In NumPy: JAX would compile a slice for every length.
        lines.append([np.asarray(line)[: now + diverged - done] for line in info])
        if progress is not None and now > done:
            cost, _, validation_loss, _ = lines[-1]
            progress(now - first, epochs, float(cost[-1]), float(validation_loss[-1]))
            took = time.perf_counter() - began
            share = SEGMENT_SECONDS / max(took, 1e-6)
            # The first took the time to compile: grow from it step by step.
            segment = int(np.clip(segment * share, 1, 4 * segment))
        if diverged or now < until or now >= first + epochs:
            break
    if progress is not None and hasattr(progress, "close"):
        progress.close()
    history = Info(*(jnp.asarray(np.concatenate(parts)) for parts in zip(*lines, strict=True)))
    if diverged:
        _warn_of_divergence(now, history)
    return state, history


def _restarted(state: State, optimizer: Any) -> State:
    """The state with an optimizer that starts afresh, if its run diverged."""
    fresh = initial_optimizer_state(optimizer, state.params)
    kept = jax.tree.map(partial(jnp.where, state.diverged), fresh, state.optimizer_state)
    return state._replace(optimizer_state=kept)


def _flagged(state: State) -> State:
    """The state, diverged too if its optimizer holds what is not finite.

    A gradient that was not, in the midst of an epoch and with a finite cost, is seen by that.
    """
    traced = isinstance(state.diverged, jax.core.Tracer)
    numpy: Any = jnp if traced else np
    leaves = [
        leaf if traced else np.asarray(leaf) for leaf in jax.tree.leaves(state.optimizer_state)
    ]
    floats = [leaf for leaf in leaves if jnp.issubdtype(leaf.dtype, jnp.floating)]
    if not floats:
        return state
    finite = numpy.all(numpy.array([numpy.all(numpy.isfinite(leaf)) for leaf in floats]))
    return state._replace(diverged=jnp.asarray(state.diverged | ~finite))


def _warn_of_divergence(epoch: int, history: Info) -> None:
    J, norm = float(history.cost[-1]), float(history.gradient_norm[-1])
    what = "the state of the optimizer is not finite"
    if not np.isfinite(norm):
        what = f"the norm of the gradient is {norm:g}"
    if not np.isfinite(J):
        what = f"the cost is {J:g}"
    python_warnings.warn(
        f"training diverged in epoch {epoch + 1}: {what}. The parameters are the last finite ones. "
        "Type a smaller learning rate, or clip_norm=1.0 in mlp_jax.optimizer",
        DivergenceWarning,
        stacklevel=4,
    )


def _examples(which: str, layers: Any, network: Network, X: Any, Y: Any, weights: Any) -> Examples:
    X = as_examples(layers, X)
    Y = as_labels(layers, X, Y, one=network.loss.one_label)
    weights = as_weights(X, weights)
    _check_values(which, X, Y, weights, network)
    return Examples(X, Y, weights)


def _with_validation(
    examples: Examples, validation: Any, layers: Any, network: Network, key: Any
) -> tuple[Examples, Examples | None]:
    """The examples to train on, and those to validate by or None."""
    if validation is None:
        return examples, None
    if isinstance(validation, tuple | list):
        if len(validation) not in (2, 3):
            raise ValueError(
                f"validation has {len(validation)} parts; expected (X, Y) or (X, Y, weights)"
            )
        X, Y, weights = (*validation, None)[:3]
        return examples, _examples("validation ", layers, network, X, Y, weights)
    m = examples.X.shape[1]
    if not isinstance(validation, float) or not 0 < validation < 1 or m < 2:
        raise ValueError(
            f"validation is {validation!r}; expected (X, Y), or a share between 0 and 1 of at "
            "least 2 examples"
        )
    if key is None:
        raise ValueError(
            f"validation is a share, {validation:g}, but there is no key to draw it by: type key=0"
        )
    count = min(max(1, round(validation * m)), m - 1)
    # No epoch has this number: the split is the same in every call that goes on from the state.
    order = jax.random.permutation(jax.random.fold_in(key, np.uint32(2**32 - 1)), m)
    parts = order[count:], order[:count]
    inside, outside = (
        jax.tree.map(lambda leaf: leaf[:, part], examples)  # noqa: B023
        for part in parts
    )
    return inside, outside


def _ready(state: State, validation: Examples | None, optimizer: Any) -> State:
    """The state with a `Best` of what it will be judged by; its optimizer's state is checked."""
    keeps_best = state.best.params is not None
    if keeps_best != (validation is not None):
        fresh = start(state.params, optimizer, validates=validation is not None).best
        state = state._replace(best=fresh._replace(epoch=state.epoch))
    initial = jax.eval_shape(transformation(optimizer, state.params).init, state.params)
    expected: Any = jax.tree.structure(initial)
    if expected != jax.tree.structure(state.optimizer_state):
        raise ValueError(
            "the State handed to fit was trained by another kind of optimizer; expected the same "
            "one. To go on with another, hand state.params"
        )
    return state


def _numbers(
    dtype: Any,
    optimizer: Any,
    l2: Any,
    dropout: Any,
    label_smoothing: Any,
    patience: Any,
    tolerance: Any,
    network: Network,
) -> Numbers:
    _check_range("l2", l2, 0, np.inf)
    _check_range("dropout", dropout, 0, 1)
    _check_range("label_smoothing", label_smoothing, 0, 1)
    _check_range("tolerance", tolerance, 0, np.inf)
    if patience is not None:
        _check_range("patience", patience, 1, np.inf)
    on = given(l2=l2, dropout=dropout, label_smoothing=label_smoothing)
    if "label_smoothing" in on and not network.loss.classes:
        raise ValueError(f"label_smoothing is for the cross-entropies; the loss is {network.loss}")

    def as_number(value: Any) -> Array:
        return jnp.asarray(value, dtype)

    is_traced = isinstance(optimizer, Optimizer)
    return Numbers(
        optimizer=jax.tree.map(as_number, optimizer) if is_traced else None,
        l2=jax.tree.map(as_number, on.get("l2")),
        dropout=jax.tree.map(as_number, on.get("dropout")),
        label_smoothing=jax.tree.map(as_number, on.get("label_smoothing")),
        patience=None if patience is None else jnp.asarray(patience, jnp.int32),
        tolerance=as_number(tolerance),
    )


def _check_range(name: str, value: Any, lowest: float, below: float) -> None:
    if isinstance(value, jax.core.Tracer):
        return
    number = np.asarray(value)
    is_number = number.shape == () and number.dtype.kind in "fiu"
    if not is_number or not lowest <= number < below:
        what = f"{lowest} or more" + (f" and less than {below}" if below < np.inf else "")
        hint = "; for several values at once use jax.vmap" if number.shape else ""
        raise ValueError(f"{name} is {value!r}; expected a number, {what}{hint}")


def _batch_size(batch_size: Any, m: int, optimizer: Any) -> int | None:
    if batch_size is None:
        return None
    if not isinstance(batch_size, int | np.integer) or batch_size < 1:
        raise ValueError(f"batch_size is {batch_size!r}; expected an integer from 1 up, or None")
    if batch_size >= m:
        return None
    if isinstance(optimizer, Optimizer) and optimizer.name == "lbfgs":
        raise ValueError(
            f"lbfgs compares costs of all examples and cannot use a batch_size of {batch_size} out "
            f"of {m}: leave batch_size out"
        )
    return int(batch_size)


def _check_key(key: Any, batch_size: int | None, m: int, dropout: Any) -> None:
    if key is None and batch_size is not None:
        raise ValueError(
            f"batch_size is {batch_size}, of {m} examples, but there is no key for their order: "
            "type key=0, or key=jax.random.key(0)"
        )
    if key is None and dropout is not None:
        raise ValueError("dropout is given, but there is no key to draw units by: type key=0")


def _epochs(epochs: Any, max_epochs: int | None, traced: bool) -> tuple[Any, int]:
    """(epochs, room for the history under jit)."""
    if isinstance(epochs, jax.core.Tracer):
        if max_epochs is None:
            raise ValueError(
                "epochs is traced, so the length of the history is not known: type max_epochs=..."
            )
        return epochs, int(max_epochs)
    if not isinstance(epochs, int | np.integer) or isinstance(epochs, bool) or epochs < 0:
        raise ValueError(f"epochs is {epochs!r}; expected an integer, 0 or more")
    return epochs, int(epochs if max_epochs is None else max_epochs)


def _check_values(which: str, X: Array, Y: Array, weights: Array | None, network: Network) -> None:
    """Raises ValueError for values no training can make sense of; traced ones go unseen."""
    lowest, highest = network.loss.labels
    for name, value in (("X", X), ("Y", Y), ("weights", weights)):
        if value is None or isinstance(value, jax.core.Tracer):
            continue
        name, array = which + name, np.asarray(value)
        if not np.isfinite(array).all():
            at = [int(i) for i in np.argwhere(~np.isfinite(array))[0]]
            raise ValueError(f"{name}{at} is {array[tuple(at)]}; expected finite numbers")
        if value is Y and (array.min() < lowest or array.max() > highest):
            raise ValueError(
                f"{name} has labels from {array.min()} to {array.max()}; {network.loss.name} "
                f"expects {lowest:g} to {highest:g}"
            )
        if value is weights and (array.min() < 0 or array.sum() <= 0):
            raise ValueError(
                f"{name} has numbers from {array.min()} to {array.max()}, of sum {array.sum()}; "
                "expected 0 or more, and a positive sum"
            )
