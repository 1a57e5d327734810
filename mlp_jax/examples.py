"""X, Y and example weights of the paper's layout, checked: columns are examples."""

from typing import Any

import jax.numpy as jnp
from jax import Array

from mlp_jax.parameters import Layer
from mlp_jax.wording import describe


def as_examples(layers: tuple[Layer, ...], X: Any) -> Array:
    """X checked against the first layer and cast to the dtype of the parameters, (n[0], m).

    Raises:
      ValueError: X is not (n[0], m) with at least one example.
    """
    check_examples(layers, X)
    return jnp.asarray(X, layers[0].W.dtype)


def as_labels(layers: tuple[Layer, ...], X: Array, Y: Any, *, one: bool = False) -> Array:
    """Y checked against the last layer and X, in the dtype of the parameters, (n[L], m).

    one: all outputs are compared with one row of labels, (1, m).

    Raises:
      ValueError: Y is not (n[L], m).
    """
    check_labels(layers, X, Y, one=one)
    return jnp.asarray(Y, layers[0].W.dtype)


def check_examples(layers: tuple[Layer, ...], X: Any) -> None:
    """Raises ValueError unless X is (n[0], m) with at least one example."""
    n_0 = layers[0].W.shape[0]
    shape = _shape("X", X)
    if len(shape) == 2 and shape[0] != n_0 and shape[1] == n_0:
        raise ValueError(
            f"X has shape {shape}; expected ({n_0}, m): columns are examples here. "
            "If the rows of your X are examples, type X.T"
        )
    if len(shape) == 1 and shape[0] == n_0:
        raise ValueError(
            f"X has shape {shape}; expected ({n_0}, m). For one example type X.reshape(-1, 1)"
        )
    if len(shape) != 2 or shape[0] != n_0:
        raise ValueError(f"X has shape {shape}; expected ({n_0}, m), features by examples")
    if shape[1] == 0:
        raise ValueError(f"X has shape {shape}: no example")


def check_labels(layers: tuple[Layer, ...], X: Any, Y: Any, *, one: bool = False) -> None:
    """Raises ValueError unless Y is (n[L], m), or (1, m) with `one`, for X of m columns."""
    n_L, m = 1 if one else layers[-1].W.shape[1], X.shape[1]
    shape = _shape("Y", Y)
    if shape != (n_L, m):
        hint = ""
        if shape == (m,) and n_L == 1:
            hint = ": type Y.reshape(1, -1)"
        elif shape == (m, n_L):
            hint = ": columns are examples here; type Y.T"
        elif shape in ((m,), (1, m)):
            hint = f": for class numbers from 0 to {n_L - 1} type mlp_jax.one_hot(Y, {n_L})"
        raise ValueError(f"Y has shape {shape}; expected {(n_L, m)}, (outputs, examples){hint}")


def as_weights(X: Array, weights: Any) -> Array | None:
    """Example weights w checked against X, in the dtype of X, (1, m); None stands for all ones.

    Raises:
      ValueError: weights is not (1, m).
    """
    if weights is None:
        return None
    m = X.shape[1]
    shape = _shape("weights", weights)
    if shape != (1, m):
        hint = ": type weights.reshape(1, -1)" if shape in ((m,), (m, 1)) else ""
        raise ValueError(f"weights has shape {shape}; expected (1, {m}), one an example{hint}")
    return jnp.asarray(weights, X.dtype)


def _shape(name: str, value: Any) -> tuple[int, ...]:
    if not hasattr(value, "shape"):
        raise ValueError(
            f"{name} is {describe(value)}; expected an array: type jnp.asarray({name})"
        )
    return tuple(value.shape)
