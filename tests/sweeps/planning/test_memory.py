"""A long sweep holds no more than its results: 10,000 members in 100 chunks."""

import subprocess
import sys

import pytest

SCRIPT = """
import gc, sys, numpy as np, mlp_jax
from pathlib import Path
from mlp_jax.sweeps.running import record

def resident():
    gc.collect()
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith("VmRSS")).split()[1])

kept = []
if sys.argv[1] == "leaks":
    end = record.Record.end
    def leaking(self, name):
        kept.append(self.cohort(name))
        end(self, name)
    record.Record.end = leaking
seen = []
def progress(done, members, best):
    if done % 100 == 0:
        seen.append(resident())
X = np.random.default_rng(0).normal(size=(64, 20)).astype("float32")
space = {"hidden": [(32, 16)], "learning_rate": np.geomspace(1e-4, 1e-1, 10_000).tolist()}
result = mlp_jax.sweep(
    X, X[:, 0] > 0, space, folds=[(np.arange(48), np.arange(48, 64))], epochs=2, chunk=100,
    progress=progress)
results = sum(
    leaf.nbytes for member in result.members for layer in member.params for leaf in layer)
assert len(seen) == 100
print(seen[9], max(seen[10:]), results)
"""


def growth(how):
    """Bytes by which the process grew after the tenth chunk, and bytes of the members' results."""
    command = [sys.executable, "-c", SCRIPT, how]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    tenth, most, results = map(int, done.stdout.split())
    return most - tenth, results


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_ten_thousand_members_grow_by_their_results_alone():
    grown, results = growth("as it is")
    assert grown < 1.5 * results + (24 << 20)  # of a member's results also Python's own objects


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_states_that_are_kept_would_be_seen():
    grown, results = growth("leaks")
    assert grown > 1.5 * results + (24 << 20)
