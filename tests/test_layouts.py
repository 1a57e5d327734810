"""A sweep on one, two and eight devices, in two and four processes: the same table."""

import json
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

SCRIPT = """
import json, sys, jax, numpy as np
how = json.loads(sys.argv[1])
jax.config.update("jax_num_cpu_devices", max(how["devices"]))
jax.config.update("jax_enable_x64", True)
import mlp_jax
from mlp_jax.sweeps.running import program_cache, schedule

program_cache.OPTIONS.clear()  # as in conftest.py
schedule.Schedule._is_worth = lambda *_: True  # so that every device helps
if "port" in how:
    mlp_jax.distributed(f"127.0.0.1:{how['port']}", how["processes"], how["process"])
rng = np.random.default_rng(0)
X = rng.normal(size=(60, 4))
y = X[:, 0] * X[:, 1] > 0
space = {
    "widths": mlp_jax.int_uniform(3, 6), "depth": [1, 2], "activation": ["sigmoid"],
    "learning_rate": mlp_jax.log_uniform(1e-3, 1e-1),
}
for halving in (None, 3):
    for count in how["devices"]:
        result = mlp_jax.sweep(
            X, y, space, n=25, seeds=2, folds=3, epochs=9, key=1, halving=halving, progress=False,
            devices=jax.local_devices()[:count])
        assert len(result.members) == 150  # none of those that only fill a chunk
        rows = [
            [repr(m.configuration), m.fold, m.seed, m.status, m.score, m.best_epoch,
             sum(float(np.abs(leaf).sum()) for layer in m.params or () for leaf in layer)]
            for m in result.members]
        print(json.dumps([rows, result.best.configuration, result.best.score]))
"""


def started(**how):
    command = [sys.executable, "-c", SCRIPT, json.dumps({"devices": [1]} | how)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def tables_of(process):
    printed, said = process.communicate()
    assert process.returncode == 0, said
    return [json.loads(line) for line in printed.splitlines()]


def tables_of_all(processes):
    with ThreadPoolExecutor(len(processes)) as pool:  # or one waits for another that cannot print
        return list(pool.map(tables_of, processes))


def joined(count):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    processes = [started(processes=count, process=i, port=port) for i in range(count)]
    return tables_of_all(processes)


@pytest.fixture(scope="module")
def alone():
    """(to the end, halving) on one device."""
    return tables_of(started())


def check_same(table, other):
    (rows, best, score), (other_rows, other_best, other_score) = table, other
    assert [row[:4] for row in rows] == [row[:4] for row in other_rows]
    # As for a member and the same network alone, after so many steps in float64.
    numbers = [[row[4:] for row in some] for some in (rows, other_rows)]
    np.testing.assert_allclose(*numbers, rtol=1e-10, atol=1e-12)
    assert best == other_best
    assert score == pytest.approx(other_score, rel=1e-10)


def test_two_and_eight_devices(alone):
    tables = tables_of(started(devices=[2, 8]))
    for i, table in enumerate(tables):
        check_same(table, alone[i // 2])


@pytest.mark.parametrize("count", [2, 4])
def test_processes_that_are_joined_each_have_the_whole(alone, count):
    for tables in joined(count):
        for table, whole in zip(tables, alone, strict=True):
            check_same(table, whole)


def test_another_sweep_would_be_seen(alone):
    with pytest.raises(AssertionError):
        check_same(alone[0], alone[1])
