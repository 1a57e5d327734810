"""Random networks and a reference written in NumPy from the paper alone."""

from itertools import pairwise

import jax.numpy as jnp
import numpy as np


def random_net(seed, sizes, m, scale=1.0, zeros=False):
    """(params, X, Y) in float64; with `zeros`, entries of X are 0 and biases too."""
    rng = np.random.default_rng(seed)
    params = [
        (
            rng.normal(size=(n_prev, n)) * np.sqrt(2 / n_prev) * scale,
            rng.normal(size=(n, 1)) * (not zeros),
        )
        for n_prev, n in pairwise(sizes)
    ]
    X = rng.normal(size=(sizes[0], m))
    if zeros:
        X = X * (rng.random(X.shape) < 0.5)
        X[:, :1] = 0
    return params, X, (rng.random((sizes[-1], m)) < 0.5) * 1.0


# Pairs (f, f') of one's own that are not finite at 0: f' is, f' is and f(0) is 1, f is not.
STEEP = {
    "root": (
        lambda Z: jnp.sign(Z) * jnp.sqrt(jnp.abs(Z)),
        lambda Z: 0.5 / jnp.sqrt(jnp.abs(Z)),
    ),
    "root and 1": (
        lambda Z: 1.0 + jnp.sign(Z) * jnp.sqrt(jnp.abs(Z)),
        lambda Z: 0.5 / jnp.sqrt(jnp.abs(Z)),
    ),
    "logarithm": (
        lambda Z: Z * jnp.log(jnp.abs(Z)),
        lambda Z: 1.0 + jnp.log(jnp.abs(Z)),
    ),
}


def sigmoid(z):
    return np.where(z >= 0, 1 / (1 + np.exp(-abs(z))), np.exp(-abs(z)) / (1 + np.exp(-abs(z))))


def backward(params, X, Y, fault=None):
    """The paper's gradients in NumPy; `fault` names one planted mistake, or None."""
    A, Z = [X], []
    for W, b in params:
        Z.append(W.T @ A[-1] + b)
        A.append(np.maximum(Z[-1], 0))
    m, L, grads = X.shape[1], len(params), []
    a = sigmoid(Z[-1])
    params = [(W.copy(), b.copy()) for W, b in params]
    if fault == "labels and outputs exchanged":
        a, Y = Y, a
    dZ = (a - Y) / m
    if fault == "1/m missing":
        dZ = dZ * m
    if fault == "1/m twice":
        dZ = dZ / m
    if fault == "sigmoid' counted twice":
        dZ = dZ * a * (1 - a)
    if fault == "squared error's gradient":
        dZ = dZ * 2 * a * (1 - a)
    if fault == "dL/da alone":
        dZ = dZ / (a * (1 - a))
    for l in range(L, 0, -1):
        W, _ = params[l - 1]
        A_prev, here = A[l - 1], l == 2
        dW, db = A_prev @ dZ.T, dZ.sum(1, keepdims=True)
        if fault == "Jacobian in place of the gradient" and here:
            dW = dW.T
        if fault == "activations of the wrong layer" and here:
            dW = A[l] @ dZ.T
        if fault == "bias summed over the wrong axis" and here:
            db = dZ.sum(0, keepdims=True).T[: db.shape[0]]
        if fault == "bias averaged again" and here:
            db = db / m
        if fault == "bias gradient forgotten" and here:
            db = np.zeros_like(db)
        if fault == "one entry off by 1 %" and here:
            dW[1, 2] *= 1.01
        if fault == "one example left out" and here:
            dW = A_prev[:, 1:] @ dZ[:, 1:].T
        if fault == "pre-activations in place of activations" and here:
            dW = Z[l - 2] @ dZ.T
        grads.append((dW, db))
        if l == 1:
            break
        if fault == "W after the update" and l == 3:
            W = W - 0.1 * dW
        dA = W @ dZ
        if fault == "W not transposed" and l == 3:
            dA = W.T @ dZ
        mask = (Z[l - 2] > 0) * 1.0
        if fault == "mask forgotten" and l == 3:
            mask = 1.0
        if fault == "stale mask" and l == 3:
            mask = np.roll(mask, 1, axis=1)
        if fault == "derivative of the wrong layer" and l == 3:
            mask = (Z[l - 1] > 0) * 1.0
        if fault == "mask of the gradient" and l == 3:
            mask = (dA > 0) * 1.0
        if fault == "leaky slope" and l == 3:
            mask = np.where(Z[l - 2] > 0, 1.0, 0.01)
        dZ = dA * mask
        if fault == "sign turned" and l == 3:
            dZ = -dZ
        if fault == "float16 in between" and l == 3:
            dZ = dZ.astype(np.float16).astype(float)
    return grads[::-1]


# fault: the layer that the certificate must name, in a square network of four layers.
FAULTS = {
    "1/m missing": 4,
    "1/m twice": 4,
    "labels and outputs exchanged": 4,
    "sigmoid' counted twice": 4,
    "squared error's gradient": 4,
    "dL/da alone": 4,
    "Jacobian in place of the gradient": 2,
    "activations of the wrong layer": 2,
    "bias summed over the wrong axis": 2,
    "bias averaged again": 2,
    "bias gradient forgotten": 2,
    "one entry off by 1 %": 2,
    "one example left out": 2,
    "pre-activations in place of activations": 2,
    "W after the update": 2,
    "W not transposed": 2,
    "mask forgotten": 2,
    "stale mask": 2,
    "derivative of the wrong layer": 2,
    "mask of the gradient": 2,
    "leaky slope": 2,
    "sign turned": 2,
    "float16 in between": 2,
}


# loss: (outputs, labels of m examples drawn by rng)
LABELS = {
    "binary_cross_entropy": (2, lambda rng, m: rng.integers(0, 2, (2, m)) * 1.0),
    "softmax_cross_entropy": (3, lambda rng, m: np.eye(3)[:, rng.integers(0, 3, m)]),
    "squared_error": (3, lambda rng, m: rng.normal(size=(3, m))),
    "absolute_error": (2, lambda rng, m: rng.normal(size=(2, m))),
    "huber": (2, lambda rng, m: rng.normal(size=(2, m))),
    "huber(0.3)": (1, lambda rng, m: rng.normal(size=(1, m))),
    "poisson": (2, lambda rng, m: rng.poisson(2.0, (2, m)) * 1.0),
    "pinball(0.1, 0.5, 0.9)": (3, lambda rng, m: rng.normal(size=(1, m))),
}


def net_of_loss(loss, hidden, m, seed=0):
    """(params, X, Y) for a network of that loss, with an example of zeros among them."""
    outputs, labels = LABELS[loss]
    rng = np.random.default_rng(seed)
    params = [
        (rng.normal(size=(n_prev, n)) / np.sqrt(n_prev), 0.3 * rng.normal(size=(n, 1)))
        for n_prev, n in pairwise((4, *hidden, outputs))
    ]
    X = rng.normal(size=(4, m))
    X[:, 0] = 0
    return params, X, labels(rng, m)
