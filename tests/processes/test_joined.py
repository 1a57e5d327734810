"""Processes that divide a sweep: who dies, and what the others do then."""

import json
import signal
import time

import numpy as np
import pytest

from tests.processes.started import ROLL, ended, free_address, started

LONG = """
import json, sys
how = json.loads(sys.argv[1])
import numpy as np, jax, mlp_jax
mlp_jax.distributed(how["at"], 2, how["process"])
X = np.random.default_rng(0).normal(size=(300, 3)).astype("float32")
if how["process"] == how.get("other"):
    X += 1
print("begun", flush=True)
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


@pytest.mark.parametrize("halving", [None, 2])
def test_a_lost_peer_is_said_and_a_restart_goes_on(halving, tmp_path):
    how = {"folder": str(tmp_path), "epochs": 20_000, "halving": halving}
    survivor, lost = pair(**how)
    lost.stdout.readline()
    survivor.stdout.readline()
    while len(list(tmp_path.glob("states-*"))) < 2:
        assert survivor.poll() is None
        time.sleep(0.1)
    lost.kill()
    code, _, said = ended(survivor)
    assert code == 1
    assert "LostPeerError: process 1 has ended before the others" in said
    assert "with the same checkpoint folder they go on from there" in " ".join(said.split())
    lost.communicate()
    assert list(tmp_path.glob("states-1of2-*"))


def test_a_coordinator_that_is_lost_is_said(tmp_path):
    lost, survivor = pair(epochs=10**6)
    lost.stdout.readline()
    survivor.stdout.readline()
    time.sleep(1)
    lost.kill()
    code, _, said = ended(survivor)
    assert code != 0
    assert "mlp_jax: process 0 has ended before the others" in said
    lost.communicate()


def test_what_was_saved_before_is_gone_on_with(tmp_path):
    how = {"folder": str(tmp_path / "saves"), "epochs": 3000}
    processes = pair(**how)
    processes[0].stdout.readline()
    while not list(tmp_path.glob("saves/states-*")):
        time.sleep(0.05)
    processes[1].kill()
    assert ended(processes[0])[0] == 1
    processes[1].communicate()
    again = [ended(process) for process in pair(**how)]
    fresh = [ended(process) for process in pair(epochs=3000)]
    assert [code for code, _, _ in again + fresh] == [0] * 4, again
    scores = [json.loads(printed.splitlines()[-1]) for _, printed, _ in again + fresh]
    assert scores[0] == scores[1] == scores[2] == scores[3]


def interrupted(processes, who):
    """What all of them print after Ctrl-C in one, line by line."""
    processes[who].send_signal(signal.SIGINT)
    found = [ended(process, 100) for process in processes]
    assert [code for code, _, _ in found] == [0, 0], found
    first, second = (printed.splitlines() for _, printed, _ in found)
    assert first == second
    return first


@pytest.mark.parametrize("halving", [None, 2])
@pytest.mark.parametrize("who", [0, 1])
def test_ctrl_c_in_one_process_ends_all_with_what_they_have(who, halving, tmp_path):
    processes = pair(epochs=10**6, halving=halving, folder=str(tmp_path))
    while len({path.name[:11] for path in tmp_path.glob("states-*")}) < 2:
        assert all(process.poll() is None for process in processes)
        time.sleep(0.1)
    assert interrupted(processes, who)[:2] == ["begun", "True 16"]


@pytest.mark.parametrize("who", [0, 1])
def test_ctrl_c_while_one_waits_for_the_other_loses_nothing(who, tmp_path):
    space = {"width": [4], "epochs": [3, 10**6]}  # each has one of the two
    processes = pair(space=space, epochs=3, folder=str(tmp_path))
    while not list(tmp_path.glob("outcomes-1of2-*")):
        assert all(process.poll() is None for process in processes)
        time.sleep(0.1)
    time.sleep(1)  # now the first waits
    begun, statuses, scores = interrupted(processes, who)
    assert [begun, statuses] == ["begun", "True 2"]
    assert np.isfinite(json.loads(scores)[:2]).all()


def test_an_error_in_the_coordinator_is_said_by_the_others():
    address = free_address()
    fails = "if jax.process_index() == 0:\n    raise ValueError('mine')\n"
    code = ROLL + fails + "import time\ntime.sleep(99)"
    processes = [started(code, address, 2, i, 60) for i in (0, 1)]
    found = [ended(process) for process in processes]
    assert found[0][0] == 1
    assert "ValueError: mine" in found[0][2]
    assert found[1][0] != 0
    assert "mlp_jax: process 0 has ended before the others" in found[1][2]


def test_processes_of_different_sweeps_are_told_so():
    for code, _, said in [ended(process) for process in pair(epochs=3, other=1)]:
        assert code == 1
        assert "has another sweep than process" in said
        assert "other table, labels" in said
