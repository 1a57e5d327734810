"""Checks of all that a user hands to `fit`: every error says what came and what to type."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from mlp_jax.dropout import FallingRate
from mlp_jax.dtypes import check_wide
from mlp_jax.examples import as_weights, check_examples, check_labels
from mlp_jax.gradient_call import switched_on
from mlp_jax.labels import rest_of
from mlp_jax.network import Network
from mlp_jax.parameters import Layer, as_layers
from mlp_jax.processes.sharded_examples import is_divided
from mlp_jax.training.batches import Batch
from mlp_jax.training.optimizers import Optimizer
from mlp_jax.training.recipe import JUDGES, Numbers
from mlp_jax.wording import as_typed


def as_batch(
    which: str, layers: tuple[Layer, ...], network: Network, X: Any, Y: Any, weights: Any
) -> Batch:
    """X, Y and weights checked, in the dtype of params, and the rest of labels that are rounded.

    which: "" or "validation ".
    """
    labels, dtype = Y, layers[0].W.dtype
    check_examples(layers, X)
    check_labels(layers, X, Y, one=network.loss.outputs_of_label > 1)
    X, Y = _as_array(X, dtype), _as_array(Y, dtype)
    weights = as_weights(X, weights)
    _check_values(which, X, Y, weights, network)
    return Batch(X, Y, weights, rest_of(labels, Y))


def checked_layers(params: Any, network: Network) -> tuple[Layer, ...]:
    """The layers of params that the network can be trained from.

    Raises:
      ValueError: another depth than that of its activations, 16 bits, or numbers that are not
        finite; of traced params the numbers go unseen.
    """
    layers = as_layers(params)
    network.hidden(layers)
    check_wide(layers[0].W.dtype)
    for number, layer in enumerate(layers, start=1):
        for name, leaf in zip(layer._fields, layer, strict=True):
            if not isinstance(leaf, jax.core.Tracer):
                _finite(f"params {name}[{number}]", leaf)
    return layers


def _as_array(array: Any, dtype: Any) -> Any:
    """The array in this dtype; in NumPy if it is not in JAX yet.

    NumPy turns the transpose of a table in memory on its way to the device, and `batches.as_rows`
    may want the table as it was. Under `jit` an array that is no argument is traced too, because an
    optimizer may hide one that is.
    """
    under_jit = isinstance(jnp.zeros(()), jax.core.Tracer)
    if under_jit or isinstance(array, jax.Array):
        return jnp.asarray(array, dtype)
    return np.asarray(array, dtype)


def split_validation(
    batch: Batch, validation: Any, layers: tuple[Layer, ...], network: Network, key: Any
) -> tuple[Batch, Batch | None]:
    """The examples to train on, and the examples to validate by or None."""
    if validation is None:
        return batch, None
    if isinstance(validation, tuple | list):
        if len(validation) not in (2, 3):
            raise ValueError(
                f"validation has {len(validation)} parts; expected (X, Y) or (X, Y, weights)"
            )
        X, Y, weights = (*validation, None)[:3]
        return batch, as_batch("validation ", layers, network, X, Y, weights)
    m = batch.m
    if not isinstance(validation, float | np.floating) or not 0 < validation < 1 or m < 2:
        raise ValueError(
            f"validation is {as_typed(validation)}; expected (X, Y), or a share between 0 and 1 "
            "of at least 2 examples"
        )
    if key is None:
        raise ValueError(
            f"validation is a share, {validation:g}, but there is no key to draw it by: type key=0"
        )
    count = min(max(1, round(validation * m)), m - 1)
    # No epoch has this number: the split is the same in every call that goes on from the state.
    order: Any = jax.random.permutation(jax.random.fold_in(key, np.uint32(2**32 - 1)), m)
    order = order if isinstance(order, jax.core.Tracer) else np.asarray(order)
    parts = order[count:], order[:count]
    inside, outside = (
        jax.tree.map(lambda leaf: leaf[:, part], batch)  # noqa: B023
        for part in parts
    )
    _check_split(float(validation), inside, outside)
    return inside, outside


def _check_split(validation: float, inside: Batch, outside: Batch) -> None:
    """Raises ValueError where all weight is on one side of a split; traced weights go unseen."""
    for weights, what in ((inside.weights, "train on"), (outside.weights, "validate by")):
        if weights is None or isinstance(weights, jax.core.Tracer):
            continue
        total = weights.sum() if is_divided(weights) else np.asarray(weights).sum()
        if not total > 0:
            raise ValueError(
                f"validation is {validation:g}, and all {weights.shape[1]} examples to {what} have "
                "weight 0; type another key, or validation=(X, Y, weights)"
            )


def as_numbers(
    dtype: Any,
    optimizer: Any,
    l2: Any,
    dropout: Any,
    dropout_epochs: Any,
    label_smoothing: Any,
    patience: Any,
    tolerance: Any,
    ties: Any,
    mean_over: Any,
    network: Network,
) -> Numbers:
    """The traced numbers of a training, each in its range, in the dtype of the parameters."""
    check_range("l2", l2, 0, np.inf)
    check_range("dropout", dropout, 0, 1)
    check_range("label_smoothing", label_smoothing, 0, 1)
    check_range("tolerance", tolerance, 0, np.inf)
    check_range("mean_over", mean_over, 1, np.inf)
    for name, epochs in (("patience", patience), ("dropout_epochs", dropout_epochs)):
        if epochs is not None:
            check_range(name, epochs, 1, np.inf)
    on = switched_on(l2=l2, dropout=dropout, label_smoothing=label_smoothing)
    if "label_smoothing" in on and not network.loss.classes:
        raise ValueError(f"label_smoothing is for the cross-entropies; the loss is {network.loss}")

    def as_number(value: Any) -> Any:
        numpy = jnp if isinstance(value, jax.core.Tracer) else np
        return numpy.asarray(value, dtype)

    rate = on.get("dropout")
    if rate is not None and dropout_epochs is not None:
        rate = FallingRate(rate, dropout_epochs)
    is_traced = isinstance(optimizer, Optimizer)
    return Numbers(
        optimizer=jax.tree.map(as_number, optimizer) if is_traced else None,
        l2=jax.tree.map(as_number, on.get("l2")),
        dropout=jax.tree.map(as_number, rate),
        label_smoothing=jax.tree.map(as_number, on.get("label_smoothing")),
        patience=None if patience is None else as_number(patience),
        tolerance=as_number(tolerance),
        ties=as_number(1.0) if ties else None,
        mean_over=None if isinstance(mean_over, int) and mean_over == 1 else as_number(mean_over),
    )


def check_not_watched(progress: Any, checkpoint: Any) -> None:
    """Raises ValueError for what cannot be done inside of a jitted function."""
    if progress or checkpoint is not None:
        what = "progress cannot be shown" if progress else "no checkpoint can be written"
        raise ValueError(f"{what} under jit or vmap: leave it out there")


def check_range(name: str, value: Any, lowest: float, below: float) -> None:
    """Raises ValueError for no number, or one out of lowest <= number < below; unseen if traced."""
    if isinstance(value, jax.core.Tracer):
        return
    number = np.asarray(value)
    is_number = number.shape == () and number.dtype.kind in "fiu"
    if not is_number or not lowest <= number < below:
        what = f"{lowest} or more" + (f" and less than {below}" if below < np.inf else "")
        hint = "; for several values at once use jax.vmap" if number.shape else ""
        raise ValueError(f"{name} is {as_typed(value)}; expected a number, {what}{hint}")


def check_count(name: str, value: Any, otherwise: str = "") -> None:
    """Raises ValueError unless `value` is an integer from 1 up. otherwise: what else is allowed."""
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} is {as_typed(value)}; expected an integer from 1 up{otherwise}")


def as_batch_size(batch_size: Any, m: int, optimizer: Any) -> int | None:
    """A batch size less than m, or None for all examples in every step."""
    if batch_size is None:
        return None
    if not isinstance(batch_size, int | np.integer) or batch_size < 1:
        raise ValueError(
            f"batch_size is {as_typed(batch_size)}; expected an integer from 1 up, or None"
        )
    if batch_size >= m:
        return None
    if isinstance(optimizer, Optimizer) and optimizer.name == "lbfgs":
        raise ValueError(
            f"lbfgs compares costs of all examples and cannot use a batch_size of {batch_size} out "
            f"of {m}: leave batch_size out"
        )
    return int(batch_size)


def check_key(key: Any, batch_size: int | None, m: int, dropout: Any) -> None:
    """Raises ValueError if something random was asked for without a key."""
    if key is None and batch_size is not None:
        raise ValueError(
            f"batch_size is {batch_size}, of {m} examples, but there is no key for their order: "
            "type key=0, or key=jax.random.key(0)"
        )
    if key is None and dropout is not None:
        raise ValueError("dropout is given, but there is no key to draw units by: type key=0")


def as_best_by(best_by: Any, validation: Any, network: Network, metric: Any) -> str:
    """What epochs are judged by, one of `JUDGES`."""
    if best_by is None:
        return "cost" if validation is None else "validation_loss"
    if best_by not in JUDGES:
        raise ValueError(f"best_by is {best_by!r}; expected one of {', '.join(JUDGES)}, or None")
    if best_by != "cost" and validation is None:
        raise ValueError(
            f"best_by is {best_by!r}, but nothing validates: type validation=0.2, or best_by='cost'"
        )
    if best_by == "metric" and metric is None and network.loss.metric is None:
        raise ValueError(f"best_by is 'metric', and {network.loss} has none: type metric=...")
    return str(best_by)


def as_epochs(epochs: Any, max_epochs: int | None, traced: bool) -> tuple[Any, int]:
    """(epochs, room for the history under jit)."""
    if isinstance(epochs, jax.core.Tracer):
        if max_epochs is None:
            raise ValueError(
                "epochs is traced, so the length of the history is not known: type max_epochs=..."
            )
        return epochs, int(max_epochs)
    if not isinstance(epochs, int | np.integer) or isinstance(epochs, bool) or epochs < 0:
        raise ValueError(f"epochs is {as_typed(epochs)}; expected an integer, 0 or more")
    return epochs, int(epochs if max_epochs is None else max_epochs)


def _check_values(which: str, X: Array, Y: Array, weights: Array | None, network: Network) -> None:
    """Raises ValueError for values that no training makes sense of; traced values go unseen."""
    lowest, highest = network.loss.labels
    for name, value in (("X", X), ("Y", Y), ("weights", weights)):
        if value is None or isinstance(value, jax.core.Tracer):
            continue
        name = which + name
        array = _finite(name, value)
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


def _finite(name: str, value: Any) -> Any:
    """The array, in NumPy; as it is if it is divided among devices, which it may fill.

    Raises:
      ValueError: a number is not finite.
    """
    divided = is_divided(value)
    array = value if divided else np.asarray(value)
    if divided and not jnp.isfinite(array).all():
        raise ValueError(f"{name} has numbers that are not finite; expected finite numbers")
    if not divided and not np.isfinite(array).all():
        at = [int(i) for i in np.argwhere(~np.isfinite(array))[0]]
        raise ValueError(f"{name}{at} is {array[tuple(at)]}; expected finite numbers")
    return array
