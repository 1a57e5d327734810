"""A small table, sweeps of it, and a member beside `fit`."""

import numpy as np

import mlp_jax

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 4))
Y = X[:, 0] * X[:, 1] > 0
BASE = {"batch_size": 8, "learning_rate": 0.02}
EVERY_KIND = [
    BASE | {"hidden": (3,)},
    BASE | {"hidden": (7,), "l2": 0.01, "ties": True, "mean_over": 2},
    BASE | {"hidden": (5, 2), "activation": "sigmoid", "init": "glorot_sigmoid"},
    BASE | {"hidden": (2, 6), "activation": "sigmoid", "epochs": 3},
    BASE | {"hidden": (4,), "activation": "gelu", "dropout": 0.3, "dropout_epochs": 20},
    BASE | {"hidden": (6,), "activation": "gelu", "dropout": 0.1, "patience": 2},
    BASE | {"hidden": (3,), "label_smoothing": 0.1, "class_weight": "balanced"},
    BASE | {"hidden": (5,), "class_weight": {0: 1.0, 1: 3.0}, "seed": 7, "init": "glorot"},
    {"hidden": (4, 4, 4), "optimizer": "sgd", "momentum": 0.9, "batch_size": None},
    {"hidden": (), "optimizer": "sgd", "schedule": "cosine", "decay_epochs": 5.0},
    {
        "hidden": (5,),
        "optimizer": "adamw",
        "schedule": "log_cosine",
        "decay_epochs": 5.0,
        "bias_rate": 0.1,
        "warm_up_epochs": 0.5,
    },
    {"hidden": (4,), "loss": "softmax_cross_entropy", "tolerance": 0.05, "patience": 1},
]
EVERY_KIND = [{"loss": "binary_cross_entropy"} | config for config in EVERY_KIND]


def swept(space, **choices):
    return mlp_jax.sweep(X, Y, space, **({"progress": False, "epochs": 5, "folds": 3} | choices))


def equal(member, rtol=1e-10, atol=1e-13, arguments=None):
    state, info = mlp_jax.fit(**(arguments or member.arguments_of_fit()))
    by_cost = state.best.params is None
    assert member.best_epoch == int(state.epoch if by_cost else state.best.epoch)
    assert len(member.curves.cost) == len(info.cost)
    kept = state.params if by_cost else state.best.params
    for mine, theirs in zip(member.params, kept, strict=True):
        np.testing.assert_allclose(mine.W, theirs.W, rtol=rtol, atol=atol)
        np.testing.assert_allclose(mine.b, theirs.b, rtol=rtol, atol=atol)
    np.testing.assert_allclose(member.curves.cost, info.cost, rtol=max(rtol, 1e-9))
