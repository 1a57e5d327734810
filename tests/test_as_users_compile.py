"""The flags of `conftest.py` change how fast a program is and no number: a user's are the same."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np

import mlp_jax

CODE = """
import json, jax
jax.config.update("jax_enable_x64", True)
from tests.test_as_users_compile import found
print(json.dumps(found()))
"""


def numbers(params):
    return [leaf.ravel().tolist() for leaf in map(np.asarray, jax.tree.leaves(params))]


def found():
    """{what: numbers}: of a certificate, of `fit` and of two members of a sweep."""
    rng = np.random.default_rng(0)
    X, classes = rng.normal(size=(50, 4)), rng.integers(0, 3, 50)
    network = mlp_jax.Network("gelu", "softmax_cross_entropy")
    params, Y = mlp_jax.init(0, (4, 6, 5, 3), dtype=np.float64), mlp_jax.one_hot(classes, 3)
    certificate = mlp_jax.certify(params, X.T, Y, network=network)
    state, info = mlp_jax.fit(
        *(params, X.T, Y),
        network=network,
        optimizer="adam",
        epochs=20,
        batch_size=8,
        key=1,
        dropout=0.2,
        l2=0.01,
        validation=0.2,
    )
    space = {"hidden": [(3,), (5, 4)], "activation": "tanh", "batch_size": 8}
    choices = {"folds": 2, "epochs": 20, "progress": False}
    result = mlp_jax.sweep(X, classes, space, **choices)  # by programs that are compiled quickly
    best_compiled = mlp_jax.sweep(X, classes, space, chunk=2, **choices)
    quick = [bucket.quick for one in (result, best_compiled) for bucket in one.plan.buckets]
    assert quick == [True, True, False, False]
    member = result.members[-1]
    alone, _ = mlp_jax.fit(**member.arguments_of_fit())
    return {
        "certified": [[float(certificate.passed)]],
        "fit": numbers(state.params),
        "curves": numbers((info.cost, info.validation_loss, info.metric)),
        "members": numbers([member.params for member in result.members]),
        "the same, chunk by chunk": numbers([one.params for one in best_compiled.members]),
        "the last member": numbers(member.params),
        "the same alone": numbers(alone.best.params or alone.params),
    }


def test_programs_as_users_compile_them_find_the_same_numbers():
    here = found()
    user = subprocess.run(
        [sys.executable, "-c", CODE],
        cwd=Path(__file__).parents[1],
        env=os.environ | {"XLA_FLAGS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert user.returncode == 0, user.stderr
    theirs = json.loads(user.stdout)
    assert theirs.keys() == here.keys()
    assert theirs["certified"] == here["certified"] == [[1.0]]
    for what, arrays in here.items():
        for mine, other in zip(arrays, theirs[what], strict=True):
            np.testing.assert_allclose(mine, other, rtol=1e-10, atol=1e-13, err_msg=what)
    for some in (here, theirs):
        for one, alone in zip(some["the last member"], some["the same alone"], strict=True):
            np.testing.assert_allclose(one, alone, rtol=1e-10, atol=1e-13)
    # Two ways were compared, where the run itself is not compiled as a user's.
    assert (theirs["fit"] == here["fit"]) == (os.environ["XLA_FLAGS"] == "")
