"""A sweep on one, two and eight devices: the same table, within what a member alone allows."""

import json
import subprocess
import sys

import numpy as np
import pytest

SCRIPT = """
import json, sys, jax, numpy as np
jax.config.update("jax_num_cpu_devices", 8)
jax.config.update("jax_enable_x64", True)
import mlp_jax

rng = np.random.default_rng(0)
X = rng.normal(size=(90, 4))
y = X[:, 0] * X[:, 1] > 0
space = {
    "widths": mlp_jax.int_uniform(3, 9), "depth": [1, 2], "activation": ["tanh", "sigmoid"],
    "learning_rate": mlp_jax.log_uniform(1e-3, 1e-1),
}
for halving in (None, 3):
    for count in (1, 2, 8):
        result = mlp_jax.sweep(
            X, y, space, n=13, folds=3, epochs=12, key=1, halving=halving, progress=False,
            devices=jax.devices()[:count])
        assert len(result.members) == 39  # none of those that only fill a chunk
        print(json.dumps([
            [m.configuration["learning_rate"], m.fold, m.status, m.score, m.best_epoch,
             float(sum(np.abs(leaf).sum() for layer in m.params for leaf in layer))]
            for m in result.members]))
"""


@pytest.fixture(scope="module")
def tables():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("halving", [0, 1], ids=["to the end", "halving"])
@pytest.mark.parametrize("which", [1, 2], ids=["two devices", "eight devices"])
def test_more_devices_give_the_same_table(tables, halving, which):
    one, other = tables[3 * halving], tables[3 * halving + which]
    assert [row[:3] for row in one] == [row[:3] for row in other]
    np.testing.assert_allclose(
        [row[3:] for row in one], [row[3:] for row in other], rtol=1e-10, atol=1e-12
    )


def test_another_sweep_would_be_seen(tables):
    scores = [[row[3] for row in table] for table in tables]
    assert scores[0] != scores[3]  # to the end, and halving
