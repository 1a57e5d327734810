"""The compiled program of a sweep: many networks of one shape trained side by side on one fold.

All members step on the same batch, so the first layer of all of them is one wide matrix product,
and what is drawn for the batch order is drawn once. The examples are held once.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from mlp_jax.descent import Examples, Info, State, start
from mlp_jax.epochs import Drawn, Numbers, Plan, drawn, one_epoch


class Members(NamedTuple):
    """A chunk of networks; every leaf has the members on its first axis.

    params: padded to one shape. epochs: int32; 0 for a member that only fills the chunk. weights:
    example weights, (members, 1, m), or None.
    """

    params: Any
    numbers: Numbers
    epochs: Array
    weights: Array | None


class Fold(NamedTuple):
    """One split of the examples, as indices into all of them.

    train, validation: int32, filled up to the length of the longest fold. sizes: how many of each
    are examples, int32. which: of the static training sizes, this one's number.
    """

    train: Array
    validation: Array
    sizes: Array
    which: Array


class Lengths(NamedTuple):
    """What of the folds is static.

    train: the different numbers of examples to train on. even: whether training and validation sets
    are of one length each in all folds.
    """

    train: tuple[int, ...]
    even: bool


class Trained(NamedTuple):
    """What became of every member.

    params: after the last epoch. best: the `Best` of each. epoch: how many were done. diverged: as
    in `State`. history: (members, epochs, 4), the lines of `Info`, NaN after a member's end.
    """

    params: Any
    best: Any
    epoch: Array
    diverged: Array
    history: Array


def train_chunk(
    X: Array,
    Y: Array,
    members: Members,
    fold: Fold,
    key: Array,
    *,
    plan: Plan,
    lengths: Lengths,
) -> Trained:
    """Every member trained on `fold` for its own number of epochs, as `mlp_jax.fit` would.

    Args:
      X: all examples, (n[0], m).
      Y: their labels, (K, m).
      members: the networks; of which those that are done, or diverged, stay as they are.
      fold: what to train on and what to validate by.
      key: of the batch order and dropout, one for all members.
      plan: its capacity is the largest number of epochs.
      lengths: of the folds.
    """
    validation = Examples(
        X[:, fold.validation],
        Y[:, fold.validation],
        None if lengths.even else _real(fold.validation, fold.sizes[1], X.dtype),
    )
    examples = _training_examples(X, Y, members.weights, fold, plan, lengths)
    of_members: Any = (None, None, None if members.weights is None else 0)
    state = jax.vmap(partial(start, validates=True))(members.params, members.numbers.optimizer)
    train = jax.vmap(
        lambda state, now, examples, numbers: one_epoch(
            state, now, examples, validation, numbers, plan=plan
        ),
        in_axes=(0, None, Examples(*of_members), 0),
    )

    def active(state: State) -> Array:
        on = (state.epoch < members.epochs) & ~state.diverged
        if members.numbers.patience is not None:
            on &= state.epoch - state.best.epoch < members.numbers.patience
        return on

    def goes_on(carry: tuple[Array, State, Array]) -> Array:
        epoch, state, _ = carry
        return (epoch < plan.capacity) & jnp.any(active(state))

    def one_more(carry: tuple[Array, State, Array]) -> tuple[Array, State, Array]:
        epoch, state, history = carry
        on = active(state)
        now = _drawn(key, epoch, fold, members.numbers, plan, lengths)
        # A step leaves the parameters of a diverged network alone, at no cost.
        stepped, info = train(state._replace(diverged=~on), now, examples, members.numbers)
        diverged = jnp.where(on, stepped.diverged, state.diverged)
        row = jnp.where(on[:, None], jnp.stack(info, axis=1).astype(X.dtype), jnp.nan)
        history = jax.lax.dynamic_update_index_in_dim(history, row, epoch, axis=1)
        return epoch + 1, stepped._replace(diverged=diverged), history

    empty = jnp.full((*members.epochs.shape, plan.capacity, len(Info._fields)), jnp.nan, X.dtype)
    _, state, history = jax.lax.while_loop(goes_on, one_more, (jnp.int32(0), state, empty))
    return Trained(state.params, state.best, state.epoch, state.diverged, history)


def _real(indices: Array, size: Array, dtype: Any) -> Array:
    """(1, length): 1 for the examples of a fold, 0 for what it was filled up with."""
    return (jnp.arange(indices.shape[0]) < size).astype(dtype)[None]


def _training_examples(
    X: Array, Y: Array, weights: Array | None, fold: Fold, plan: Plan, lengths: Lengths
) -> Examples:
    """What `one_epoch` indexes: all examples with batches; the fold's own without."""
    if plan.batch_size is not None:
        if weights is None and len(_batch_counts(lengths, plan)) > 1:
            weights = jnp.ones((1, X.shape[1]), X.dtype)  # so that an empty batch is no step
        return Examples(X, Y, weights)
    inside = None if lengths.even else _real(fold.train, fold.sizes[0], X.dtype)
    if weights is not None:
        weights = weights[:, :, fold.train] * (1.0 if inside is None else inside[None])
    return Examples(X[:, fold.train], Y[:, fold.train], inside if weights is None else weights)


def _batch_counts(lengths: Lengths, plan: Plan) -> set[int]:
    assert plan.batch_size is not None
    return {-(-m // plan.batch_size) for m in lengths.train}


def _drawn(
    key: Array, epoch: Array, fold: Fold, numbers: Numbers, plan: Plan, lengths: Lengths
) -> Drawn:
    """The epoch's draw of a training on this fold, in indices of all examples."""
    dropout = numbers.dropout is not None
    if plan.batch_size is None:
        return drawn(key, epoch, lengths.train[0], None, dropout=dropout)
    batches = max(_batch_counts(lengths, plan))

    def of_size(m: int) -> Drawn:
        now = drawn(key, epoch, m, plan.batch_size, dropout=dropout)
        assert now.order is not None
        real = now.real
        if real is None and len(lengths.train) > 1:
            real = jnp.ones((now.order.shape[0], 1, now.order.shape[1]), bool)
        fill = ((0, batches - now.order.shape[0]), (0, 0))
        return Drawn(
            jnp.pad(now.order, fill),
            None if real is None else jnp.pad(real, (fill[0], (0, 0), (0, 0))),
            jnp.float32(now.batches),
            now.key_dropout,
        )

    # Not a branch a member: the fold is that of all of them, so one is taken.
    now = jax.lax.switch(fold.which, [partial(of_size, m) for m in lengths.train])
    return now._replace(order=fold.train[now.order])
