"""The compiled program of a sweep: many networks of one shape trained side by side on one fold.

All members step on the same batch, so the first layer of all of them is one wide matrix product.
What is random is drawn once for all of them, by a small program that all shapes share, because in
each of theirs it would be a third of what there is to compile. The examples are held once.
"""

from functools import lru_cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from mlp_jax.activations import one_of
from mlp_jax.network import Network
from mlp_jax.parameters import Layer
from mlp_jax.sweeps.folds import Fold, Lengths
from mlp_jax.training.descent import Examples, Info, State, initial_optimizer_state, start
from mlp_jax.training.epoch import EpochDraw, Numbers, Recipe, draw_epoch, one_epoch


class Members(NamedTuple):
    """What is to become of a chunk of networks; every leaf has the members on its first axis.

    epochs: int32; 0 for a member that only fills the chunk. weights: example weights,
    (members, 1, m), or None. held_weights: likewise of the fold's rows to validate by,
    (members, 1, as many as the longest fold has).
    """

    numbers: Numbers
    epochs: Any
    weights: Any
    held_weights: Any = None


def train_chunk(
    X: Array,
    Y: Array,
    members: Members,
    state: State,
    done: Array,
    until: Array,
    fold: Fold,
    draws: EpochDraw,
    which: Array,
    rest: Array | None = None,
    *,
    recipe: Recipe,
    lengths: Lengths,
    networks: tuple[Network, ...],
) -> tuple[State, Array]:
    """Every member trained on `fold` from epoch `done` on, as `mlp_jax.fit` would train it.

    Args:
      X: all examples, (m, n[0]): as rows, for contiguous memory is the faster to gather.
      Y: their labels, (m, K).
      members: numbers of the networks.
      state: where they stand, parameters padded to one shape; at first from `started`. A member
        whose epoch is not `done`, or that diverged or lost patience, stays as it is, but for the
        state of its optimizer.
      done: int32, how many epochs those that go on have behind them.
      until: int32, the epoch to stop at, at most `recipe.capacity` further on.
      fold: what to train on and what to validate by.
      draws: of the epochs from `done` on, from `draws_of_epochs`.
      which: int32, the number of the network that all members are, (); or that each is,
        (members,): then all activations are computed, and one chosen an entry.
      rest: what is left of labels that were rounded to Y, (m, K), or None; see `labels.rest_of`.
      recipe: static choices, but for the network. Its gradient must not be jitted.
      lengths: of the folds.
      networks: which differ in their activation alone.

    Returns:
      The new state and the history, (members, recipe.capacity, 4): the lines of `Info`, NaN after a
      member's end.
    """
    real = None if lengths.even else _real(fold.validation, fold.sizes[1], X.dtype)
    held = members.held_weights
    if held is not None:
        real = held * (1.0 if real is None else real[None])
    validation = Examples(
        X[fold.validation].T,
        Y[fold.validation].T,
        real,
        None if rest is None else rest[fold.validation].T,
    )
    examples = _training_examples(X, Y, members.weights, fold, recipe, lengths)

    def axes(weights: Any) -> Any:
        return Examples(None, None, None if weights is None else 0)  # type: ignore[arg-type]

    def of_member(
        state: State,
        now: EpochDraw,
        examples: Examples,
        validation: Examples,
        numbers: Numbers,
        which: Array,
    ) -> tuple[State, Info]:
        own = recipe._replace(network=_network(networks, which, state))
        return one_epoch(state, now, examples, validation, numbers, recipe=own)

    train = jax.vmap(
        of_member,
        in_axes=(0, None, axes(members.weights), axes(held), 0, 0 if which.ndim else None),
    )

    def active(state: State, epoch: Array) -> Array:
        on = (state.epoch == epoch) & (epoch < members.epochs) & ~state.diverged
        if members.numbers.patience is not None:
            on &= state.epoch - state.best.improved < members.numbers.patience
        return on

    def goes_on(carry: tuple[Array, State, Array]) -> Array:
        epoch, state, _ = carry
        room = (epoch < until) & (epoch - done < recipe.capacity)
        return room & jnp.any(active(state, epoch))

    def one_more(carry: tuple[Array, State, Array]) -> tuple[Array, State, Array]:
        epoch, state, history = carry
        on = active(state, epoch)
        now = jax.tree.map(lambda leaf: leaf[epoch - done], draws)
        # A step leaves the parameters of a diverged network alone, at no cost.
        ready = state._replace(diverged=~on)
        stepped, info = train(ready, now, examples, validation, members.numbers, which)
        diverged = jnp.where(on, stepped.diverged, state.diverged)
        row = jnp.where(on[:, None], jnp.stack(info, axis=1).astype(X.dtype), jnp.nan)
        history = jax.lax.dynamic_update_index_in_dim(history, row, epoch - done, axis=1)
        return epoch + 1, stepped._replace(diverged=diverged), history

    empty = jnp.full((*members.epochs.shape, recipe.capacity, len(Info._fields)), jnp.nan, X.dtype)
    _, state, history = jax.lax.while_loop(goes_on, one_more, (done, state, empty))
    return state, history


def _network(networks: tuple[Network, ...], which: Array, state: State) -> Network:
    """The network of that number, its activations chosen when the program runs."""
    if len(networks) == 1:
        return networks[0]
    layers = zip(*(network.hidden(state.params) for network in networks), strict=True)
    hidden = tuple(one_of(choices, which) for choices in layers)
    return Network(hidden, networks[0].loss, networks[0].products)


def started(params: Any, optimizer: Any, *, validates: bool = True) -> State:
    """The `State` of the members before the first epoch, in NumPy, as `start` makes it.

    Most optimizers know nothing at first: their state is zeros, for which nothing is compiled.

    Args:
      params: of the members, NumPy arrays.
      optimizer: of the members; their numbers are arrays.
      validates: the best parameters are kept.
    """
    leaves, structure = jax.tree.flatten((params, optimizer))
    shapes, knows = _shapes_at_first(
        structure, tuple((leaf.shape, leaf.dtype) for leaf in leaves), validates
    )
    state = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes)
    if knows:
        known = jax.jit(jax.vmap(initial_optimizer_state))(optimizer, params)
        state = state._replace(optimizer_state=jax.tree.map(np.array, known))
    # Where nothing is trained, these are the best.
    copies = jax.tree.map(np.array, params) if validates else None
    best = state.best._replace(loss=np.full_like(state.best.loss, np.inf), params=copies)
    return state._replace(params=params, best=best)


@lru_cache(maxsize=1024)  # a chunk has the shapes of the one before, and JAX takes 3 ms to trace
def _shapes_at_first(
    structure: Any, leaves: tuple[tuple[Any, Any], ...], validates: bool
) -> tuple[Any, bool]:
    """(shapes and dtypes of the state of such members, whether their optimizers know anything)."""
    abstract = [jax.ShapeDtypeStruct(*leaf) for leaf in leaves]
    params, optimizer = jax.tree.unflatten(structure, abstract)
    begin = partial(start, validates=validates)
    shapes = jax.eval_shape(jax.vmap(begin), params, optimizer)
    smallest = (Layer(*(np.zeros((1, 1), params[0].W.dtype),) * 2),)
    # Of numbers that are all 1, so that what is 0 is so for all numbers.
    ones = jax.tree.map(lambda leaf: np.ones(leaf.shape[1:], leaf.dtype), optimizer)
    first = begin(smallest, ones)
    return shapes, any(np.any(leaf) for leaf in jax.tree.leaves(first.optimizer_state))


def _real(indices: Array | np.ndarray, size: Any, dtype: Any) -> Array:
    """(1, length): 1 for the examples of a fold, 0 for what it was filled up with."""
    return (jnp.arange(indices.shape[0]) < size).astype(dtype)[None]


def _training_examples(
    X: Array, Y: Array, weights: Array | None, fold: Fold, recipe: Recipe, lengths: Lengths
) -> Examples:
    """What `one_epoch` indexes: all examples with batches; the fold's own without."""
    if recipe.batch_size is not None:
        if weights is None and len(_batch_counts(lengths, recipe.batch_size)) > 1:
            weights = jnp.ones((1, X.shape[0]), X.dtype)  # so that an empty batch is no step
        return Examples(X, Y, weights)
    inside = None if lengths.even else _real(fold.train, fold.sizes[0], X.dtype)
    if weights is not None:
        weights = weights[:, :, fold.train] * (1.0 if inside is None else inside[None])
    return Examples(X[fold.train].T, Y[fold.train].T, inside if weights is None else weights)


def _batch_counts(lengths: Lengths, batch_size: int) -> set[int]:
    return {-(-m // batch_size) for m in lengths.train}


@partial(jax.jit, static_argnames=("epochs", "batch_size", "lengths", "dropout"))
def draws_of_epochs(
    key: Array,
    done: Array,
    fold: Fold,
    *,
    epochs: int,
    batch_size: int | None,
    lengths: Lengths,
    dropout: bool,
) -> EpochDraw:
    """What the epochs from `done` on draw, in indices of all examples; every leaf (epochs, ...).

    Args:
      key: of the batch order and dropout.
      done: int32, how many epochs went before.
      fold: the examples to train on.
      epochs: how many.
      batch_size: None for full batches.
      lengths: of the folds.
      dropout: whether masks will be draw.
    """

    def of_epoch(epoch: Array) -> EpochDraw:
        return _draw_epoch(key, epoch, fold, batch_size, lengths, dropout)

    return jax.vmap(of_epoch)(done + jnp.arange(epochs))


def _draw_epoch(
    key: Array, epoch: Array, fold: Fold, batch_size: int | None, lengths: Lengths, dropout: bool
) -> EpochDraw:
    """The epoch's draw of a training on this fold."""
    if batch_size is None:
        return draw_epoch(key, epoch, lengths.train[0], None, dropout=dropout)
    batches = max(_batch_counts(lengths, batch_size))

    def of_size(m: int) -> EpochDraw:
        now = draw_epoch(key, epoch, m, batch_size, dropout=dropout)
        assert now.order is not None
        real = now.real
        if real is None and len(lengths.train) > 1:
            real = jnp.ones((now.order.shape[0], 1, now.order.shape[1]), bool)
        fill = ((0, batches - now.order.shape[0]), (0, 0))
        return EpochDraw(
            jnp.pad(now.order, fill),
            None if real is None else jnp.pad(real, (fill[0], (0, 0), (0, 0))),
            jnp.float32(now.batches),
            now.key_dropout,
        )

    # Not a branch a member: the fold is that of all of them, so one is taken.
    now = jax.lax.switch(fold.which, [partial(of_size, m) for m in lengths.train])
    return now._replace(order=fold.train[now.order])
