"""A sweep of several programs, divided and alone."""

import numpy as np

import mlp_jax

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
Y = X[:, 0] * X[:, 1] > 0
SPACE = {
    "width": [3, 6],
    "activation": ["relu", "tanh"],
    "learning_rate": [0.01, 0.1, 1e300],
    "patience": [None, 3],
}


def swept(**how):
    space = how.pop("space", SPACE)
    return mlp_jax.sweep(X, Y, space, **({"folds": 2, "epochs": 20, "progress": False} | how))


def check_same(found, alone):
    """Every member, whoever trained it, is what it is alone."""
    assert [m.status for m in found.members] == [m.status for m in alone.members]
    np.testing.assert_allclose(found.scores, alone.scores, rtol=1e-10)
    for mine, theirs in zip(found.members, alone.members, strict=True):
        assert mine.best_epoch == theirs.best_epoch
        for ours, other in zip(mine.params or (), theirs.params or (), strict=True):
            np.testing.assert_allclose(ours.W, other.W, rtol=1e-10, atol=1e-12)
            np.testing.assert_allclose(ours.b, other.b, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(mine.curves.cost, theirs.curves.cost, rtol=1e-10)
    rows = [[row.configuration for row in result.ranking] for result in (found, alone)]
    assert rows[0] == rows[1]
