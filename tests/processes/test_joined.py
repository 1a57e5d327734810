"""Processes that JAX joins for a sweep: Ctrl-C, a restart, and what is no way to join."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import mlp_jax
from mlp_jax.processes import joined
from tests.processes.started import ended, free_address, started

LONG = """
import json, sys
how = json.loads(sys.argv[1])
import numpy as np, jax, mlp_jax
mlp_jax.distributed(how["at"], 2, how["process"])
X = np.random.default_rng(0).normal(size=(300, 3)).astype("float32")
if how["process"] == how.get("other"):
    X += 1
print("begun", jax.process_index(), jax.process_count(), flush=True)
result = mlp_jax.sweep(
    X, X[:, 0] > 0, how["space"], folds=2,
    epochs=how["epochs"], progress=False, checkpoint=how.get("folder"), checkpoint_seconds=0.5,
    halving=how.get("halving"))
print(result.interrupted, [member.status for member in result.members].count("interrupted"))
print(json.dumps([member.score for member in result.members]))
"""


def pair(**how):
    how = {"space": {"width": [4, 5, 6, 7], "learning_rate": [0.01, 0.02]}} | how
    address = free_address()
    return [started(LONG, json.dumps({"at": address, "process": i} | how)) for i in (0, 1)]


def saved(folder, processes, stem, count):
    """Waits for so many writers that have saved."""
    while len({path.name[: len(stem) + 2] for path in folder.glob(f"{stem}-*")}) < count:
        assert all(process.poll() is None for process in processes)
        time.sleep(0.1)


def test_what_was_saved_before_both_were_killed_is_gone_on_with(tmp_path):
    how = {"folder": str(tmp_path / "saves"), "epochs": 1000}
    processes = pair(**how)
    saved(tmp_path / "saves", processes, "states", 1)
    for process in processes:
        process.kill()
        process.communicate()
    again = [ended(process) for process in pair(**how)]
    assert [code for code, _, _ in again] == [0, 0], again
    first, second = (printed.splitlines() for _, printed, _ in again)
    # And nothing of what lies below.
    assert [first[0], second[0]] == ["begun 0 2", "begun 1 2"]
    assert first[1:] == second[1:]
    X = np.random.default_rng(0).normal(size=(300, 3)).astype("float32")
    space = {"width": [4, 5, 6, 7], "learning_rate": [0.01, 0.02]}
    alone = mlp_jax.sweep(X, X[:, 0] > 0, space, folds=2, epochs=1000, progress=False)
    # Of 150 rows, in float32 and in other chunks.
    np.testing.assert_allclose(
        json.loads(first[2]), [member.score for member in alone.members], atol=0.03
    )


def interrupted(processes, who):
    """What all of them print after Ctrl-C in one, line by line."""
    processes[who].send_signal(signal.SIGINT)
    found = [ended(process, 100) for process in processes]
    assert [code for code, _, _ in found] == [0, 0], found
    first, second = (printed.splitlines()[1:] for _, printed, _ in found)
    assert first == second
    return first


@pytest.mark.parametrize(("who", "halving"), [(0, None), (1, 2)])
def test_ctrl_c_in_one_process_ends_all_with_what_they_have(who, halving, tmp_path):
    processes = pair(epochs=10**6, halving=halving, folder=str(tmp_path))
    saved(tmp_path, processes, "states", 2)
    assert interrupted(processes, who)[0] == "True 16"


def test_ctrl_c_while_one_waits_for_the_other_loses_nothing(tmp_path):
    space = {"width": [4], "epochs": [3, 10**6]}  # each has one of the two
    processes = pair(space=space, epochs=3, folder=str(tmp_path))
    saved(tmp_path, processes, "outcomes", 1)
    time.sleep(1)  # now the first waits
    statuses, scores = interrupted(processes, 0)
    assert statuses == "True 2"
    assert np.isfinite(json.loads(scores)[:2]).all()


def test_processes_of_different_sweeps_are_told_so():
    for code, _, said in [ended(process) for process in pair(epochs=3, other=1)]:
        assert code == 1
        assert "has another sweep than process" in said
        assert "other table, labels" in said


def test_a_connection_that_is_closed_is_a_lost_peer(monkeypatch):
    def closed(array):
        raise ValueError("UNKNOWN: Gloo all-reduce failed: Connection closed by peer")

    monkeypatch.setattr("jax.experimental.multihost_utils.process_allgather", closed)
    with pytest.raises(mlp_jax.LostPeerError, match="with the same checkpoint folder they go on"):
        joined._gathered(np.zeros(3))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("127.0.0.1:1",), "was not given processes and process; type all three"),
        (("127.0.0.1", 2, 0), "coordinator is '127.0.0.1'; expected 'host:port'"),
        (("127.0.0.1:x", 2, 0), "coordinator is '127.0.0.1:x'; expected"),
        (("127.0.0.1:1", 2, 2), "process is 2 of processes 2; expected numbers, from 0 to"),
        (("127.0.0.1:1", "2", 0), "process is 0 of processes '2'; expected numbers"),
    ],
)
def test_what_cannot_be_joined_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        mlp_jax.distributed(*arguments)


def test_a_process_of_no_cluster_is_told_what_to_type():
    clusters = ("SLURM", "OMPI", "KUBERNETES", "JAX_COORDINATOR")
    alone = {name: value for name, value in os.environ.items() if not name.startswith(clusters)}
    words = [sys.executable, "-m", "mlp_jax", "sweep", "--distributed"]
    done = subprocess.run(words, env=alone, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    said = done.stderr.splitlines()[-1]
    assert said.startswith("mlp-jax: this process is in no cluster that JAX knows: start it with")
    assert "--processes N or --scheduler ADDRESS" in said
