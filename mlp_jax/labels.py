"""Labels: class numbers as columns of Y, smoothed labels, and weights that balance classes."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from mlp_jax.losses import Loss
from mlp_jax.processes.sharded_examples import is_divided
from mlp_jax.wording import as_typed


def one_hot(classes: Any, count: int) -> Array:
    """Y of shape (count, m): column i is 1 in the row of example i's class.

    Args:
      classes: class numbers from 0 to count - 1, m of them, shape (m,) or (1, m).
      count: the number of classes, K.

    Raises:
      ValueError: a number outside, of which JAX would make a column of zeros or the last class.

    Example:
      >>> one_hot(jnp.array([2, 0]), 3)
      Array([[0., 1.],
             [0., 0.],
             [1., 0.]], dtype=float32)
    """
    shape = jnp.shape(classes)
    if len(shape) != 1 and not (len(shape) == 2 and shape[0] == 1):
        raise ValueError(f"classes has shape {shape}; expected (m,), one number an example")
    if not isinstance(classes, jax.core.Tracer):
        array = np.asarray(classes)
        if not (np.isfinite(array) & (array == np.floor(array))).all():
            raise ValueError(f"classes has {array.dtype} values that are no whole numbers")
        if array.size and (array.min() < 0 or array.max() >= count):
            raise ValueError(
                f"classes has numbers from {array.min()} to {array.max()}; expected 0 to "
                f"{count - 1}, for {count} classes"
            )
    return jax.nn.one_hot(jnp.asarray(classes).reshape(-1), count, axis=0)


def rest_of(given: Any, Y: Any) -> Any:
    """The rest that labels lost when they were rounded to Y, (K, m), or None where nothing counts.

    Far from zero a dtype has few digits for the differences between labels: float32 knows 1e8 to 8.
    Y and the rest together have twice as many digits, for scores (see `Metric`).

    Args:
      given: the labels as they came, (K, m).
      Y: the same labels in another dtype, (K, m).
    """
    if isinstance(Y, jax.core.Tracer) or is_divided(given) or is_divided(Y):
        return None
    exact, rounded = np.asarray(given, np.float64), np.asarray(Y).astype(np.float64)
    range_of_each = exact.max(axis=1) - exact.min(axis=1)
    if (abs(exact).max(axis=1) <= 2.0 * range_of_each).all():
        return None  # near zero: the rest is nothing beside the differences between labels
    rest = (exact - rounded).astype(Y.dtype)
    return rest if rest.any() else None


def smoothed(Y: Array, smoothing: Any, loss: Loss) -> Array:
    """Labels drawn towards even odds: (1 - ε) Y + ε / 2 for sigmoids, + ε / K for a softmax.

    Both cross-entropies take labels between 0 and 1, so their hand-derived error stands as it is.

    Args:
      Y: labels, shape (K, m).
      smoothing: ε, from 0 to 1; may be traced.
      loss: a cross-entropy.

    Raises:
      ValueError: a loss without classes.
    """
    if not loss.classes:
        raise ValueError(f"label_smoothing is for the cross-entropies; the loss is {loss}")
    options = Y.shape[0] if loss.exclusive else 2
    return (1.0 - smoothing) * Y + smoothing / options


def class_weights(Y: Any, given: str | Mapping[int, float] = "balanced") -> Array:
    """Example weights, shape (1, m), that depend on the class of an example alone.

    Args:
      Y: labels: (1, m) of 0 and 1, or one-hot (K, m).
      given: "balanced", so that every class that occurs has the same total weight (m / (K n_k) for
        each of its n_k examples), or the weight of every class number.

    Raises:
      ValueError: labels that name no single class, or a class without a weight.

    Example:
      >>> class_weights(jnp.array([[1, 0, 0, 0]]))
      Array([[2.       , 0.6666667, 0.6666667, 0.6666667]], dtype=float32)
      >>> class_weights(jnp.array([[1, 0, 0, 0]]), {0: 1.0, 1: 5.0})
      Array([[5., 1., 1., 1.]], dtype=float32)
    """
    Y = np.asarray(Y)
    single = Y.ndim == 2 and np.isin(Y, (0, 1)).all()
    if not single or (Y.shape[0] > 1 and not (Y.sum(axis=0) == 1).all()):
        raise ValueError(
            f"Y of shape {Y.shape} does not name one class an example; expected (1, m) of 0 and 1, "
            "or one-hot (K, m), as from mlp_jax.one_hot"
        )
    classes = Y[0].astype(int) if Y.shape[0] == 1 else Y.argmax(axis=0)
    count = max(2, Y.shape[0])
    if given == "balanced":
        counts = np.bincount(classes, minlength=count)
        occurring = np.count_nonzero(counts)
        by_class = len(classes) / (occurring * np.maximum(counts, 1))
    elif isinstance(given, Mapping):
        missing = sorted({int(k) for k in classes} - set(given))
        if missing or min(given.values()) < 0:
            wrong = f"none for class {missing[0]}" if missing else "one below 0"
            raise ValueError(
                f"class weights {as_typed(dict(given))} have {wrong}; expected 0 or more each"
            )
        by_class = np.array([given.get(k, 0.0) for k in range(count)])
    else:
        raise ValueError(
            f"class weights are {as_typed(given)}; expected 'balanced' or {{class: weight}}"
        )
    return jnp.asarray(by_class[classes][None], jnp.result_type(float))
