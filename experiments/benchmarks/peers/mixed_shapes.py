"""A search over networks of many shapes, done as one would without this library.

For `mixed_shapes.py`: each function takes `Searched` and returns a `Measured`. Rows are examples.
"""

import time
import warnings
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from measuring import cores
from training_vs_plain import as_anyone, plain

import mlp_jax

ACTIVATIONS = {
    "relu": jax.nn.relu,
    "tanh": jnp.tanh,
    "gelu": partial(jax.nn.gelu, approximate=False),
}


class Searched(NamedTuple):
    """Configurations, as `sweep` takes them, and what they are trained and scored on.

    X: (m, features), float32. y: 0 or 1, (m,). splits: (train, held out), indices, a pair a fold.
    """

    configurations: list[dict]
    X: np.ndarray
    y: np.ndarray
    splits: list[tuple[np.ndarray, np.ndarray]]
    epochs: int


class Measured(NamedTuple):
    """Of every configuration: seconds that grow with their number, and the mean held-out accuracy.

    compiling: seconds that grow with the number of different programs.
    """

    seconds: np.ndarray
    scores: np.ndarray
    compiling: np.ndarray


def scikit_learn_search(searched):
    """`RandomizedSearchCV` of `MLPClassifier` on all cores. There is no gelu: tanh is in its place.

    Its weight decay is an L2 penalty; `sweep`'s here is decoupled. Seconds are those of the fits
    over the processes, as if none of them ever waited for work.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.model_selection import RandomizedSearchCV
    from sklearn.neural_network import MLPClassifier

    # A dict of single values each, and as many draws: every one of them once.
    space = [
        {
            "hidden_layer_sizes": [tuple(c["hidden"])],
            "activation": ["relu" if c["activation"] == "relu" else "tanh"],
            "learning_rate_init": [c["learning_rate"]],
            "alpha": [c["weight_decay"]],
            "batch_size": [c["batch_size"]],
        }
        for c in searched.configurations
    ]
    model = MLPClassifier(
        solver="adam",
        max_iter=searched.epochs,
        n_iter_no_change=searched.epochs + 1,
        tol=0.0,
        early_stopping=False,
        random_state=0,
    )
    search = RandomizedSearchCV(
        model, space, n_iter=len(space), cv=searched.splits, n_jobs=-1, refit=False, random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        search.fit(searched.X, searched.y)
    found = search.cv_results_
    busy = (found["mean_fit_time"] + found["mean_score_time"]) * len(searched.splits)
    # It may draw them in another order.
    sizes = [tuple(params["hidden_layer_sizes"]) for params in found["params"]]
    rates = [params["learning_rate_init"] for params in found["params"]]
    drawn = {key: i for i, key in enumerate(zip(sizes, rates, strict=True))}
    order = [drawn[tuple(c["hidden"]), c["learning_rate"]] for c in searched.configurations]
    seconds = busy[order] / cores()
    return Measured(seconds, found["mean_test_score"][order], np.zeros(len(order)))


def _program(configuration, m, epochs):
    """The training of a shape, to be jitted: (params, rate, decay, key, X, Y) -> params."""
    activation = ACTIVATIONS[configuration["activation"]]
    batch = configuration["batch_size"]

    def train(params, rate, decay, key, X, Y):
        mask = [(True, False)] * len(params)  # biases do not decay
        optimizer = optax.adamw(rate, weight_decay=decay, mask=mask)
        run = plain("rows", m, batch, epochs, optimizer, as_anyone, activation)
        return run(params, key, X, Y)[0]

    return train


def program_of(configuration):
    """What a configuration shares with those that it can share a program with."""
    return tuple(configuration["hidden"]), configuration["activation"], configuration["batch_size"]


def _accuracy(configuration):
    activation = ACTIVATIONS[configuration["activation"]]

    def accuracy(params, X, y):
        A = X
        for W, b in params[:-1]:
            A = activation(A @ W + b)
        W, b = params[-1]
        return jnp.mean((A @ W + b > 0)[:, 0] == y)

    return accuracy


def jitted_loop(searched):
    """A jitted training a shape, with its accuracy at the end, one network after the other.

    All folds share a program, and with them all numbers of a configuration; validated once, at the
    end, while `sweep` does so every epoch.
    """
    X, y = jnp.asarray(searched.X), jnp.asarray(searched.y)
    m = min(len(train) for train, _ in searched.splits)
    held = min(len(part) for _, part in searched.splits)
    folds = [
        (X[train[:m]], y[train[:m], None].astype(jnp.float32), X[part[:held]], y[part[:held]])
        for train, part in searched.splits
    ]
    rows = []
    for c in searched.configurations:
        layers = mlp_jax.init(0, (X.shape[1], *c["hidden"], 1))
        params = [(W, b[:, 0]) for W, b in layers]
        numbers = jnp.float32(c["learning_rate"]), jnp.float32(c["weight_decay"])
        key = jax.random.key(0)
        start = time.perf_counter()
        train = jax.jit(_program(c, m, searched.epochs))
        train = train.lower(params, *numbers, key, *folds[0][:2]).compile()
        accuracy = jax.jit(_accuracy(c)).lower(params, *folds[0][2:]).compile()
        compiled = time.perf_counter()
        scores = [
            float(accuracy(train(params, *numbers, key, X, Y), Xv, yv)) for X, Y, Xv, yv in folds
        ]
        rows.append((time.perf_counter() - compiled, np.mean(scores), compiled - start))
    seconds, scores, compiling = np.array(rows).T
    return Measured(seconds, scores, compiling)


PEERS = {"scikit-learn": scikit_learn_search, "jitted loop": jitted_loop}
IN_PROCESSES = ("scikit-learn",)
