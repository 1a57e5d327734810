"""`fit`: the door to `loop.run`. Checks, the validation set, progress and checkpoint."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
from jax import Array

from mlp_jax.back_propagation import cost_and_gradient
from mlp_jax.keys import as_key
from mlp_jax.metrics import as_metric
from mlp_jax.network import PAPER, Network
from mlp_jax.parameters import Layer
from mlp_jax.training.batches import Batch, Examples, as_rows, on_device
from mlp_jax.training.checkpoint import FitCheckpoint, check_alone
from mlp_jax.training.checks import (
    as_batch,
    as_batch_size,
    as_best_by,
    as_epochs,
    as_numbers,
    check_key,
    check_not_watched,
    checked_layers,
    split_validation,
)
from mlp_jax.training.divergence import restarted
from mlp_jax.training.loop import run
from mlp_jax.training.optimizers import Optimizer, as_optimizer
from mlp_jax.training.progress import TRAINING, as_progress
from mlp_jax.training.recipe import Numbers, Recipe
from mlp_jax.training.segments import in_segments
from mlp_jax.training.state import Info, State, initial_optimizer_state, start

HISTORY = 1024  # epochs that a call of the compiled program can report: one program for all calls


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
    dropout_epochs: Any = None,
    label_smoothing: Any = 0.0,
    validation: Any = None,
    patience: Any = None,
    tolerance: Any = 0.0,
    ties: bool = False,
    mean_over: Any = 1,
    metric: Callable[..., Array] | None = None,
    best_by: str | None = None,
    shuffle: bool = True,
    max_epochs: int | None = None,
    progress: bool | Callable[..., None] = False,
    checkpoint: Any = None,
    checkpoint_seconds: float = 60.0,
) -> tuple[State, Info]:
    """Trains for `epochs` epochs, in one compiled program. Section 3.

    A pure function: it runs under `jax.jit` and `jax.vmap`, over params, keys and any number. A new
    value of a number compiles nothing; a new optax optimizer does, and so do new shapes. It can be
    differentiated by its numbers and arrays, forwards (`jax.jvp`, `jax.jacfwd`). An optimizer by
    name takes part where an entry of the gradient is always 0, as of a feature that is; optax's own
    Adam gives NaN there unless it has an eps_root.

    Args:
      params: a sequence of (W, b) pairs to start from, in float32 or float64; or the `State` of an
        earlier run, to go on exactly as if it had not stopped, if `best_by` is the same.
      X: features, shape (n[0], m): columns are examples.
      Y: labels, shape (n[L], m).
      optimizer: a name such as "adam", `mlp_jax.optimizer(...)`, or any optax transformation;
        `optax.sgd(alpha)` is section 3's gradient descent.
      epochs: passes over the data in this call; may be traced, with max_epochs.
      batch_size: examples a step; None for all of them, in order. Every epoch uses every example
        once, in a new order; the last batch of an epoch has the examples that are left, and counts
        as so many.
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
      dropout_epochs: epochs after which no unit is dropped any more: half of them have `dropout` as
        it is, and in the other half it falls to 0 along half a cosine, by the step, as RealMLP's
        does. None for a share that stays.
      label_smoothing: ε of the two cross-entropies: labels drawn towards even odds in training; the
        cost is of these labels, the validation loss and the metric are of the labels as they came.
      validation: (X, Y) or (X, Y, weights) to validate by; or the share of the examples, drawn at
        random, that is kept for it. `state.best` then has the parameters of the best epoch.
      patience: stop after so many epochs in a row of which none was better than all before it by
        more than `tolerance`. None for never.
      tolerance: see patience.
      ties: an epoch that is better by just the tolerance is an improvement too, as in scikit-learn;
        of tolerance 0, one that is as good as the best before it.
      mean_over: outputs of an example over which the cost and the validation loss are means, as
        scikit-learn's squared error is, where they are told and judged; the descent is by the sum.
      metric: (A, Y, weights or None) -> scalar, of the validation set, the better the higher;
        `mlp_jax.Metric(function, less_is_better=True)` of an error. None for the loss's own.
      best_by: what makes an epoch the best, and what patience looks at: "validation_loss",
        "metric" or "cost". None for the first if anything validates, else the cost.
      shuffle: False for batches of the examples as they are in order, the same in every epoch.
      max_epochs: room for the history where `epochs` is traced.
      progress: True for a progress bar, or a function called as progress(epoch, epochs, cost,
        validation_loss) a few times a second. Not under `jit` or `vmap`.
      checkpoint: a folder to save to; the same call again goes on from there, and ends as if it had
        not stopped, to the last bit. Not under `jit` or `vmap`.
      checkpoint_seconds: from one save to the next.

    Returns:
      The final `State` and an `Info` with an entry an epoch; under `jit` and `vmap`, NaN for epochs
      that were not run. A run whose cost, or gradient in the last step of an epoch, is not finite
      stops, keeps its last finite parameters, and has `state.diverged`; outside of `jit` a
      `DivergenceWarning` says when. Of an earlier gradient, at a finite cost, entries that are not
      finite move nothing; if the optimizer has kept them at the end of the epoch, that stops the
      run too, and they go unseen if it keeps nothing, as "sgd" without momentum.

    Raises:
      ValueError: shapes that do not fit; params of 16 bits; labels outside of the loss's range, or
        values that are not finite, params too, where they are concrete; a number out of range; a
        missing key; a share to validate by, or to train on, without weight.
      OSError: the checkpoint cannot be written; what was saved before is whole.

    Example:
      >>> import jax, mlp_jax
      >>> X = jax.random.normal(jax.random.key(0), (2, 100))
      >>> Y = X[:1] * X[1:] > 0  # are the signs alike?
      >>> params = mlp_jax.init(jax.random.key(1), (2, 16, 16, 1))
      >>> adam = mlp_jax.optimizer("adam", learning_rate=0.01)
      >>> state, info = mlp_jax.fit(params, X, Y, optimizer=adam, epochs=300)
      >>> bool(info.cost[-1] < 0.1 < info.cost[0])
      True
    """
    optimizer = as_optimizer(optimizer)
    state = _state_to_start_from(params, optimizer, key)
    layers = checked_layers(state.params, network)
    examples = as_batch("", layers, network, X, Y, weights)
    examples, held_out = split_validation(examples, validation, layers, network, state.key)
    best_by = as_best_by(best_by, held_out, network, metric)
    state = _prepare_best(state, best_by, optimizer)
    numbers = as_numbers(
        *(layers[0].W.dtype, optimizer, l2, dropout, dropout_epochs, label_smoothing, patience),
        *(tolerance, ties, mean_over, network),
    )
    traced = _are_traced(state, examples, held_out, numbers, epochs)
    batch_size = as_batch_size(batch_size, examples.m, optimizer)
    check_key(state.key, batch_size if shuffle else None, examples.m, numbers.dropout)
    epochs, capacity = as_epochs(epochs, max_epochs, traced)
    recipe = Recipe(
        _network_of_training(network, layers, batch_size, traced=traced),
        gradient,
        None if isinstance(optimizer, Optimizer) else optimizer,
        batch_size,
        as_metric(network.loss.metric if metric is None else metric),
        capacity=capacity if traced else HISTORY,
        best_by=best_by,
        shuffle=bool(shuffle),
    )
    arguments = (*_on_device(examples, held_out, batch_size), numbers)
    if traced:
        check_not_watched(progress, checkpoint)
        return _run_inside_jit(state, arguments, epochs, recipe, optimizer)
    saved_to = None if checkpoint is None else (checkpoint, checkpoint_seconds)
    return _run_with_progress(state, arguments, int(epochs), recipe, progress, saved_to)


def _state_to_start_from(params: Any, optimizer: Any, key: Any) -> State:
    """The `State` that `fit` was handed, or the state of params before the first epoch."""
    if isinstance(params, State):
        _check_optimizer(params, optimizer)
        state = params
    else:
        state = start(params, optimizer)
    return state if key is None else state._replace(key=as_key(key))


def _prepare_best(state: State, best_by: str, optimizer: Any) -> State:
    """The state, with a fresh `Best` where its epochs will be judged by another number."""
    keeps_best = state.best.params is not None
    if keeps_best != (best_by != "cost"):
        fresh = start(state.params, optimizer, validates=best_by != "cost").best
        state = state._replace(best=fresh._replace(epoch=state.epoch, improved=state.epoch))
    return state


def _are_traced(*values: Any) -> bool:
    """Whether one of the values is traced: `fit` is then inside of `jit` or `vmap`."""
    return any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(values))


def _network_of_training(
    network: Network, layers: Sequence[Layer], batch_size: int | None, *, traced: bool
) -> Network:
    """The network with the products that are the fastest for its training.

    Inside of `jit` it may be one of many networks side by side, and keeps its products. So it does
    in full batches, whose examples lie in memory as they came.
    """
    if batch_size is None or traced:
        return network
    return Network(network.activation, network.loss, network.products.of_batches(layers))


def _on_device(
    examples: Batch, held_out: Batch | None, batch_size: int | None
) -> tuple[Examples | Batch, Batch | None]:
    """(rows to make batches of, or all as one batch; what to validate by), as arrays of JAX."""
    examples = examples._replace(rest=None)  # it is for scores
    made = on_device(examples) if batch_size is None else as_rows(examples)
    return made, None if held_out is None else on_device(held_out)


def _run_inside_jit(
    state: State,
    arguments: tuple[Examples | Batch, Batch | None, Numbers],
    epochs: Any,
    recipe: Recipe,
    optimizer: Any,
) -> tuple[State, Info]:
    """The training as a part of another program."""
    state = restarted(state, optimizer)
    after, history = run(state, *arguments, state.epoch + epochs, recipe=recipe)
    return after, Info(*history.T)


def _run_with_progress(
    state: State,
    arguments: tuple[Examples | Batch, Batch | None, Numbers],
    epochs: int,
    recipe: Recipe,
    progress: bool | Callable[..., None],
    saved_to: tuple[Any, float] | None,
) -> tuple[State, Info]:
    """The training, its progress shown and its state saved. saved_to: (folder, every so many s)."""
    with as_progress(progress, TRAINING) as shown:
        saves = None
        if saved_to is not None:
            check_alone()
            saves = FitCheckpoint(*saved_to, state, arguments, epochs, recipe)
        return in_segments(state, arguments, epochs, recipe, shown, saves)


def _check_optimizer(state: State, optimizer: Any) -> None:
    initial = initial_optimizer_state(optimizer, state.params)
    expected: Any = jax.tree.structure(initial)
    if expected != jax.tree.structure(state.optimizer_state):
        raise ValueError(
            "the State handed to fit was trained by another kind of optimizer; expected the same "
            "one. To go on with another, hand state.params"
        )
