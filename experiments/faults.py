"""A student's gradient, and what a fault does to an array of it: for `planted_faults.py`."""

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

import mlp_jax

# f and f', of Z.
RELU = (lambda Z: np.maximum(Z, 0), lambda Z: (Z > 0).astype(Z.dtype))
TANH = (np.tanh, lambda Z: 1 - np.tanh(Z) ** 2)


class Setting(NamedTuple):
    """A network, its examples and a student's gradient, with the faults to plant in it.

    hidden: the student's f and f'. error: the student's dL/dZ of (Z[L], Y). dtype: in which the
    student computes; what is narrower than float32 is rounded to at the end. faults: name: (what,
    layer, change), with `what` one of dZ, dW, db.
    """

    network: mlp_jax.Network
    params: list[Any]
    X: np.ndarray
    Y: np.ndarray
    hidden: tuple[Any, Any]
    error: Any
    faults: dict[str, tuple[str, int, Any]]
    dtype: Any = np.float64


def gradient_of(setting, fault=None):
    """The student's gradient, with one fault in it or none."""
    f, f_prime = setting.hidden
    work = setting.dtype if setting.dtype in (np.float32, np.float64) else np.float32

    def spoilt(what, layer, array):
        return fault[2](array) if fault and fault[:2] == (what, layer) else array

    def gradient(params, X, Y):
        params = [(np.asarray(W, work), np.asarray(b, work)) for W, b in params]
        X, Y = np.asarray(X, work), np.asarray(Y, work)
        A, Z = [X], []
        for W, b in params:
            Z.append(W.T @ A[-1] + b)
            A.append(f(Z[-1]))
        dZ, grads = setting.error(Z[-1], Y) / work(X.shape[1]), []
        for layer in range(len(params), 0, -1):
            dZ = spoilt("dZ", layer, dZ)
            dW, db = A[layer - 1] @ dZ.T, dZ.sum(1, keepdims=True)
            grads.append((spoilt("dW", layer, dW), spoilt("db", layer, db)))
            if layer > 1:
                dZ = (params[layer - 1][0] @ dZ) * f_prime(Z[layer - 2])
        return [(dW.astype(setting.dtype), db.astype(setting.dtype)) for dW, db in grads[::-1]]

    return gradient


# --- What a fault does to an array.


def times(factor, where=...):
    """Those entries times the factor."""

    def change(array):
        array = array.copy()
        array[where] *= array.dtype.type(factor)
        return array

    return change


def zero(where=...):
    return times(0, where)


def exchanged(one, other):
    def change(array):
        array = array.copy()
        array[[one, other]] = array[[other, one]]
        return array

    return change


def more(by):
    return lambda array: array + array.dtype.type(by)


def sigmoid(Z):
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-Z))


def of_classes(Z, Y):
    return sigmoid(Z) - Y


def of_regression(Z, Y):
    return Z - Y


def net(rng, sizes, weight=1.0, bias=0.3):
    return [
        (weight * rng.normal(size=(a, b)) / np.sqrt(a), bias * rng.normal(size=(b, 1)))
        for a, b in pairwise(sizes)
    ]
