"""The compiled program of a sweep: many networks of one shape trained side by side on one fold.

All members step on the same batch, so that the first layers of all members are one wide matrix
product. The batch orders come from `epoch_draws`. The examples are held once.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from mlp_jax.activations import one_of
from mlp_jax.network import Network
from mlp_jax.sweeps.folds import Fold, Lengths
from mlp_jax.sweeps.running.epoch_draws import batch_counts
from mlp_jax.sweeps.running.used_units import ProductsAsUsed
from mlp_jax.training.batches import Batch, Examples
from mlp_jax.training.divergence import goes_on
from mlp_jax.training.epoch import EpochDraw, train_epoch
from mlp_jax.training.recipe import Numbers, Recipe
from mlp_jax.training.state import Info, State


class Members(NamedTuple):
    """What is to become of a chunk of networks; every leaf has the members on its first axis.

    numbers: of their trainings, each (members,).
    epochs: (members,), int32; 0 for a member that only fills the chunk.
    weights: example weights, (members, 1, m), or None.
    held_weights: likewise of the fold's rows to validate by, (members, 1, as many rows as the
      longest fold has), or None.
    """

    numbers: Numbers
    epochs: Any
    weights: Any
    held_weights: Any = None


def train_chunk(
    examples: Examples,
    members: Members,
    state: State,
    done: Array,
    until: Array,
    fold: Fold,
    draws: EpochDraw,
    which: Array,
    *,
    recipe: Recipe,
    lengths: Lengths,
    networks: tuple[Network, ...],
) -> tuple[State, Array]:
    """Every member trained on `fold` from epoch `done` on, as `mlp_jax.fit` would train it.

    Args:
      examples: all examples of the task, without weights.
      members: numbers of the networks.
      state: where the members stand, parameters padded to one shape; at first from
        `start_members`. A member whose epoch is not `done`, or that diverged or lost patience,
        stays as it is, but for the state of its optimizer.
      done: int32, how many epochs the members that go on have behind them.
      until: int32, the epoch to stop at, at most `recipe.capacity` further on.
      fold: what to train on and what to validate by.
      draws: of the epochs from `done` on, from `draw_epochs`.
      which: int32, the number of the network that all members are, (); or that each is,
        (members,): then all activations are computed, and one chosen an entry.
      recipe: static choices, but for the network. Its gradient must not be jitted.
      lengths: of the folds.
      networks: which differ in their activation alone.

    Returns:
      The new state and the history, (members, recipe.capacity, 4): the lines of `Info`, NaN after a
      member's end.
    """
    validation = _validation(examples, members.held_weights, fold, lengths)
    training = _training_examples(examples, members.weights, fold, recipe, lengths)
    networks = _as_used(networks, state, members.numbers.widths)
    train = _side_by_side(training, validation, members, which, recipe, networks)
    dtype = examples.X.dtype
    turned = jax.vmap(networks[0].products.turned)

    def active(state: State, epoch: Array) -> Array:
        on = goes_on(state, members.epochs, members.numbers.patience)
        return (state.epoch == epoch) & on

    def one_more_is_to_come(carry: tuple[Array, State, Array]) -> Array:
        epoch, state, _ = carry
        room = (epoch < until) & (epoch - done < recipe.capacity)
        return room & jnp.any(active(state, epoch))

    def one_more(carry: tuple[Array, State, Array]) -> tuple[Array, State, Array]:
        epoch, state, history = carry
        on = active(state, epoch)
        draw = jax.tree.map(lambda leaf: leaf[epoch - done], draws)
        # A step changes no network that has diverged, and that costs nothing. So for this epoch all
        # members that are not to train are marked so.
        ready = state._replace(diverged=~on)
        stepped, info = train(ready, draw, training, validation, members.numbers, which)
        diverged = jnp.where(on, stepped.diverged, state.diverged)
        row = jnp.where(on[:, None], jnp.stack(info, axis=1).astype(dtype), jnp.nan)
        history = jax.lax.dynamic_update_index_in_dim(history, row, epoch - done, axis=1)
        return epoch + 1, stepped._replace(diverged=diverged), history

    empty = jnp.full((*members.epochs.shape, recipe.capacity, len(Info._fields)), jnp.nan, dtype)
    first = done, turned(state), empty
    _, state, history = jax.lax.while_loop(one_more_is_to_come, one_more, first)
    return turned(state), history


def _side_by_side(
    training: Examples | Batch,
    validation: Batch,
    members: Members,
    which: Array,
    recipe: Recipe,
    networks: tuple[Network, ...],
) -> Callable[..., tuple[State, Info]]:
    """`train_epoch` of all members at once, which share the draw and the examples."""

    def of_member(
        state: State,
        draw: EpochDraw,
        training: Examples | Batch,
        validation: Batch,
        numbers: Numbers,
        which: Array,
    ) -> tuple[State, Info]:
        own = recipe._replace(network=_network(networks, which, state))
        return train_epoch(state, draw, training, validation, numbers, recipe=own)

    def axes(examples: Any, weights: Any) -> Any:
        return type(examples)(None, None, None if weights is None else 0)

    weights = axes(training, members.weights), axes(validation, members.held_weights)
    return jax.vmap(of_member, in_axes=(0, None, *weights, 0, 0 if which.ndim else None))


def _network(networks: tuple[Network, ...], which: Array, state: State) -> Network:
    """The network number `which`, its activations chosen when the program runs."""
    if len(networks) == 1:
        return networks[0]
    layers = zip(*(network.hidden(state.params) for network in networks), strict=True)
    hidden = tuple(one_of(choices, which) for choices in layers)
    return Network(hidden, networks[0].loss, networks[0].products)


def _as_used(networks: tuple[Network, ...], state: State, widths: Array) -> tuple[Network, ...]:
    """The networks, with products for this trace alone if they go by the units that are used.

    widths: of the members, (members, hidden layers).
    """
    products = networks[0].products  # those of all
    if not isinstance(products, ProductsAsUsed):
        return networks
    sizes = (state.params[0].W.shape[1], *(W.shape[2] for W, _ in state.params))
    of_trace = products.of_widths(sizes, jnp.max(widths, axis=0))
    return tuple(Network(one.activation, one.loss, of_trace) for one in networks)


def on_platform(
    networks: tuple[Network, ...], platform: str, *, by_entry: bool, narrow: bool = False
) -> tuple[Network, ...]:
    """The networks with their products as many networks on the platform have them.

    by_entry: see `Products.side_by_side`.
    narrow: no wider than the units that a chunk uses.
    """
    made = []
    for network in networks:
        products = network.products.side_by_side(platform, by_entry=by_entry)
        if narrow:
            products = ProductsAsUsed(products.precision, as_they_lie=True)
        made.append(Network(network.activation, network.loss, products))
    return tuple(made)


def _is_example(rows: Array | np.ndarray, size: Any, dtype: Any) -> Array:
    """(1, length): 1 for the rows of a fold, 0 for rows that fill it up."""
    return (jnp.arange(rows.shape[0]) < size).astype(dtype)[None]


def _validation(examples: Examples, weights: Array | None, fold: Fold, lengths: Lengths) -> Batch:
    """The fold's rows to validate by. weights: of `Members`."""
    if not lengths.even:
        inside = _is_example(fold.validation, fold.sizes[1], examples.X.dtype)
        weights = inside if weights is None else weights * inside[None]
    return examples.take(fold.validation)._replace(weights=weights)


def _training_examples(
    examples: Examples, weights: Array | None, fold: Fold, recipe: Recipe, lengths: Lengths
) -> Examples | Batch:
    """The examples for `train_epoch`: all rows to make batches of, or the fold's rows as one batch.

    weights: of `Members`; they keep the axis of the members.
    """
    X, Y, *_ = examples
    if recipe.batch_size is not None:
        if weights is None and len(batch_counts(lengths, recipe.batch_size)) > 1:
            weights = jnp.ones((1, X.shape[0]), X.dtype)  # so that an empty batch is no step
        return Examples(X, Y, weights)
    inside = None if lengths.even else _is_example(fold.train, fold.sizes[0], X.dtype)
    if weights is not None:
        weights = weights[:, :, fold.train] * (1.0 if inside is None else inside[None])
    whole = Examples(X, Y).take(fold.train)
    return whole._replace(weights=inside if weights is None else weights)
