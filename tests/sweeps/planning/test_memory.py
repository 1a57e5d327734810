"""A long sweep holds no more than its results: 1,000 members in 50 chunks."""

import subprocess
import sys

import pytest

SCRIPT = """
import gc, numpy as np, mlp_jax
from pathlib import Path
from mlp_jax.sweeps.running import packs, record

MEMBERS, CHUNK = 1000, 20
X = np.random.default_rng(0).normal(size=(64, 20)).astype("float32")
rates = np.geomspace(1e-4, 1e-1, MEMBERS).tolist()

def resident():
    gc.collect()
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith("VmRSS")).split()[1])

def swept():
    seen = []
    def progress(done, members, best):
        if done % CHUNK == 0:
            seen.append(resident())
    space = {"hidden": [(128, 64)], "learning_rate": rates}
    result = mlp_jax.sweep(
        X, X[:, 0] > 0, space, folds=[(np.arange(48), np.arange(48, 64))], epochs=2, chunk=CHUNK,
        progress=progress)
    results = sum(
        leaf.nbytes for member in result.members for layer in member.params for leaf in layer)
    assert len(seen) == 50
    print(max(seen[10:]) - seen[9], results)
    return result

first = swept()  # which stays, or the second would grow into its room
kept, end = [], record.Record.end
def leaking(self, name):
    kept.append(self.cohort(name))
    end(self, name)
record.Record.end = leaking
packs.Pack.ended = lambda pack: pack  # else little would be left of a cohort
second = swept()
assert len(kept) > 5  # of several chunks each
"""


@pytest.fixture(scope="module")
def growth():
    """As it is, and leaking: (bytes by which the process grew after the tenth chunk, bytes of the
    members' results).
    """
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [tuple(map(int, line.split())) for line in done.stdout.splitlines()]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_sweep_of_many_chunks_grows_by_its_results_alone(growth):
    (grown, results), _ = growth
    assert results > 30 << 20
    assert grown < 1.5 * results + (24 << 20)  # of a member's results also Python's own objects


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_states_that_are_kept_would_be_seen(growth):
    _, (grown, results) = growth
    assert grown > 1.5 * results + (24 << 20)
