"""The draws of the epochs of a sweep: a small program, which all shapes of networks share.

The batch orders are drawn once for all members. Within the program of each shape the draw would be
a third of what there is to compile.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax import Array

from mlp_jax.sweeps.folds import Fold, Lengths
from mlp_jax.training.epoch import EpochDraw, draw_epoch


def batch_counts(lengths: Lengths, batch_size: int) -> set[int]:
    """How many batches an epoch has, of every fold."""
    return {-(-m // batch_size) for m in lengths.train}


@partial(jax.jit, static_argnames=("epochs", "batch_size", "lengths", "dropout"))
def draw_epochs(
    key: Array,
    done: Array,
    fold: Fold,
    *,
    epochs: int,
    batch_size: int | None,
    lengths: Lengths,
    dropout: bool,
) -> EpochDraw:
    """The draws of the epochs from `done` on, in indices of all examples; every leaf (epochs, ...).

    Args:
      key: of the batch order and dropout.
      done: int32, how many epochs went before.
      fold: the examples to train on.
      epochs: how many.
      batch_size: None for full batches.
      lengths: of the folds.
      dropout: whether masks are drawn.
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
    batches = max(batch_counts(lengths, batch_size))

    def of_size(m: int) -> EpochDraw:
        draw = draw_epoch(key, epoch, m, batch_size, dropout=dropout)
        assert draw.order is not None
        is_example = draw.is_example
        if is_example is None and len(lengths.train) > 1:
            is_example = jnp.ones((draw.order.shape[0], 1, draw.order.shape[1]), bool)
        fill = ((0, batches - draw.order.shape[0]), (0, 0))
        return EpochDraw(
            jnp.pad(draw.order, fill),
            None if is_example is None else jnp.pad(is_example, (fill[0], (0, 0), (0, 0))),
            jnp.float32(draw.batches),
            draw.key_dropout,
        )

    # Not a branch a member: the fold is that of all of them, so one is taken.
    draw = jax.lax.switch(fold.which, [partial(of_size, m) for m in lengths.train])
    return draw._replace(order=fold.train[draw.order])
