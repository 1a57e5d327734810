"""Examples that are divided among devices, or processes: the same training."""

import json
import socket
import subprocess
import sys

import numpy as np
import pytest

import mlp_jax

SCRIPT = """
import json, sys, jax, numpy as np
how = json.loads(sys.argv[1])
jax.config.update("jax_num_cpu_devices", how["devices"])
jax.config.update("jax_enable_x64", True)
import mlp_jax

n, at = how.get("processes", 1), how.get("process", 0)
if n > 1:
    mlp_jax.distributed(f"127.0.0.1:{how['port']}", n, at)
rng = np.random.default_rng(0)
m = how["m"]
X, weights = rng.normal(size=(3, m)), rng.uniform(size=(1, m)) * (np.arange(m) < m // 3)
Y = (X[:1] * X[1:2] > 0).astype(float)
given = {"weights": weights if how["weighted"] else None}
params = mlp_jax.init(jax.random.key(0), (3, 8, 4, 1), dtype=np.float64)
if how["devices"] * n > 1:
    # Processes bring examples of their own, and not as many each.
    cuts = np.linspace(0, m, n + 1).astype(int) + ([0, 3, 0] if n == 2 else 0)
    own = slice(cuts[at], cuts[at + 1])
    X, Y, given["weights"] = mlp_jax.shard_examples(
        *(X[:, own], Y[:, own]),
        None if given["weights"] is None else given["weights"][:, own])
    assert len(X.sharding.device_set) == how["devices"] * n
J, gradient = mlp_jax.cost_and_gradient(params, X, Y, **given)
found = [np.asarray(leaf).tolist() for leaf in jax.tree.leaves((J, gradient))]
state, info = mlp_jax.fit(
    params, X, Y, optimizer="adam", epochs=5, batch_size=how.get("batch_size"), key=0, **given)
found += [np.asarray(leaf).tolist() for leaf in jax.tree.leaves((state.params, info.cost))]
if at == 0:
    print(json.dumps(found))
"""


def found_by(**how):
    about = {"devices": 1, "m": 100, "weighted": False} | how
    command = [sys.executable, "-c", SCRIPT]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    children = [
        subprocess.Popen(
            [*command, json.dumps(about | {"port": port, "process": process})],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for process in range(about.get("processes", 1))
    ]
    ended = [child.communicate() for child in children]
    assert not any(child.returncode for child in children), ended
    return [np.array(leaf) for leaf in json.loads(ended[0][0])]


CASES = {
    "even": {"m": 96},
    "uneven": {"m": 101},  # three of which are there twice, with no weight
    "weights that differ between the shards": {"m": 101, "weighted": True},
    "batches": {"m": 96, "batch_size": 20},
}


@pytest.mark.parametrize("case", CASES)
def test_on_eight_devices_it_is_the_same(case):
    one, eight = found_by(**CASES[case]), found_by(devices=8, **CASES[case])
    for ours, theirs in zip(eight, one, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
def test_two_processes_with_examples_of_their_own(weighted):
    one = found_by(m=101, weighted=weighted)
    two = found_by(devices=2, processes=2, m=101, weighted=weighted)
    for ours, theirs in zip(two, one, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)


def test_a_mean_of_means_would_be_seen():
    even, uneven = found_by(m=96), found_by(m=96, weighted=True)
    assert not np.allclose(even[0], uneven[0])


@pytest.mark.parametrize(
    "arguments",
    [
        (np.zeros((3, 0)), np.zeros((1, 0))),
        (np.zeros((3, 4)), np.zeros((1, 5))),
        (np.zeros((3, 4)), np.zeros(4)),
        (np.zeros((3, 4)), np.zeros((1, 4)), np.ones((1, 3))),
    ],
)
def test_shapes_that_do_not_fit_are_refused(arguments):
    with pytest.raises(ValueError, match="expected as many columns in all"):
        mlp_jax.shard_examples(*arguments)
