"""Processes that divide a sweep: who does not come, who dies, and what the others do then."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import mlp_jax
from mlp_jax.cli import division as shard_options
from mlp_jax.cli.division import Division
from mlp_jax.cli.main import commands
from mlp_jax.sweeps.shards import Shard, as_shard, configurations_of_shard
from mlp_jax.sweeps.task import as_task

X = np.random.default_rng(0).normal(size=(60, 3))
Y = X[:, 0] * X[:, 1] > 0
SPACE = {"width": [3, 4, 5, 6], "learning_rate": [0.01, 0.03], "activation": ["relu", "tanh"]}
ABOUT = {"folds": 2, "epochs": 5, "progress": False}
HANGS = 60  # seconds after which a process is held to hang
_started: list[subprocess.Popen] = []

# Also where the tests run in the background of a shell, which has its processes ignore it.
HEEDS_CTRL_C = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"

ROLL = """
import sys, mlp_jax
mlp_jax.distributed(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), timeout=float(sys.argv[4]))
import jax
print("joined", jax.process_index(), jax.process_count())
"""

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


def free_address():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"127.0.0.1:{free.getsockname()[1]}"


def started(code, *words):
    _started.append(
        subprocess.Popen(
            [sys.executable, "-c", HEEDS_CTRL_C + code, *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    )
    return _started[-1]


@pytest.fixture(autouse=True)
def none_is_left():
    """A test that fails leaves no process to the next one, which would find the machine busy."""
    yield
    while _started:
        process = _started.pop()
        process.kill()
        process.communicate()


def ended(process, seconds=HANGS):
    """(exit code, standard output, standard error)."""
    printed, said = process.communicate(timeout=seconds)
    return process.returncode, printed, said


# --- The roll.


def test_those_who_come_are_joined_and_strangers_are_not():
    address = free_address()
    first = started(ROLL, address, 2, 0, 60)
    host, port = address.split(":")
    for words in (b"GET / HTTP/1.1\n", b""):  # whoever scans ports
        while True:
            try:
                with socket.create_connection((host, int(port))) as stranger:
                    stranger.sendall(words)
                break
            except ConnectionRefusedError:
                time.sleep(0.1)
    second = started(ROLL, address, 2, 1, 60)
    for i, process in enumerate((first, second)):
        code, printed, said = ended(process)
        assert code == 0, said
        assert printed == f"joined {i} 2\n"  # and nothing of what lies below


@pytest.mark.parametrize("who", [0, 1])
def test_a_peer_that_never_starts_is_named(who):
    address = free_address()
    code, _, said = ended(started(ROLL, address, 2, who, 1))
    assert code == 1  # an error of Python's, and no abort
    expected = {
        0: "TimeoutError: after 1 s process 1 of 2 is missing; start it with "
        f"mlp_jax.distributed('{address}', 2, 1)",
        1: f"TimeoutError: after 1 s process 0 has not answered at {address}",
    }
    assert expected[who] in said


def test_other_counts_are_refused_on_both_sides():
    address = free_address()
    processes = [started(ROLL, address, 2, 0, 30), started(ROLL, address, 3, 1, 30)]
    said = [ended(process)[::2] for process in processes]
    assert [code for code, _ in said] == [1, 1]
    assert "this is process 0 of 2" in said[0][1]
    assert "there came another, process 1 of 3" in " ".join(said[0][1].split())
    assert "another count of processes" in said[1][1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("127.0.0.1:1",), "was not given processes and process; type all three"),
        (("127.0.0.1", 2, 0), "coordinator is '127.0.0.1'; expected 'host:port'"),
        (("127.0.0.1:x", 2, 0), "coordinator is '127.0.0.1:x'; expected"),
        (("127.0.0.1:1", 2, 2), "process is 2 of processes 2; expected 0 to 1"),
        (("127.0.0.1:1", "2", 0), "processes is '2'; expected an integer"),
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
    assert "--processes N or --shard I/N" in said


# --- Peers that are lost.


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


@pytest.mark.parametrize(("who", "halving"), [(0, None), (1, None), (1, 2)])
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


# --- Shards.


def test_every_configuration_is_of_one_shard():
    task = as_task(X, Y, SPACE, folds=2)
    for halving in (None, 3):
        shards = [configurations_of_shard(task, Shard(number, 3), halving) for number in range(3)]
        assert sorted(number for numbers in shards for number in numbers) == list(range(16))
        assert all(4 <= len(numbers) <= 7 for numbers in shards)


def test_shards_without_halving_have_what_is_alike():
    space = {"width": [8] * 1, "optimizer": ["adam", "sgd"], "learning_rate": [0.1, 0.2, 0.3]}
    plans = [
        mlp_jax.plan_sweep(X, Y, space, shard=(number, 2), **ABOUT).compilations
        for number in (0, 1)
    ]
    assert plans == [1, 1]
    assert mlp_jax.plan_sweep(X, Y, space, **ABOUT).compilations == 2


def test_more_shards_than_configurations(tmp_path):
    for number in range(3):
        result = mlp_jax.sweep(
            *(X, Y, {"width": [3, 4]}), shard=(number, 3), checkpoint=tmp_path, **ABOUT
        )
        assert str(result.plan).startswith("0 members") == (result.plan.members == 0)
    whole = mlp_jax.sweep(X, Y, {"width": [3, 4]}, checkpoint=tmp_path, **ABOUT)
    assert whole.compilations == 0
    assert all(member.status == "finished" for member in whole.members)


def test_a_shard_counts_and_returns_its_own_members_alone(tmp_path):
    for number in range(2):
        seen = []

        def progress(done, members, best, seen=seen):
            seen.append((done, members))

        how = {"folds": 2, "epochs": 5, "shard": (number, 2), "checkpoint": tmp_path}
        result = mlp_jax.sweep(X, Y, SPACE, progress=progress, **how)
        assert 0 < result.plan.members < 32
        assert seen[-1] == (result.plan.members, result.plan.members)
        statuses = [member.status for member in result.members]
        assert statuses.count("finished") == result.plan.members


@pytest.mark.parametrize("shard", [(2, 2), (-1, 2), 1, (0.5, 2), "ab", (0, 1, 2)])
def test_what_is_no_shard_is_refused(shard):
    with pytest.raises(ValueError, match=r"shard is .*; expected \(number, count\)"):
        as_shard(shard)


def test_halving_shards_meet_in_a_folder():
    with pytest.raises(ValueError, match="they meet in a folder: type checkpoint="):
        mlp_jax.sweep(X, Y, SPACE, shard=(0, 2), halving=2, **ABOUT)


def test_another_thread_can_cancel():
    cancel = threading.Event()
    seen = []

    def progress(done, members, best):
        seen.append(done)
        cancel.set()

    result = mlp_jax.sweep(
        *(X, Y, {"width": list(range(3, 60))}),
        folds=2,
        epochs=200,
        chunk=1,
        cancel=cancel,
        progress=progress,
    )
    assert result.interrupted
    statuses = [member.status for member in result.members]
    assert 0 < statuses.count("finished") < len(statuses)
    with pytest.raises(ValueError, match=r"cancel is True; expected a threading\.Event"):
        mlp_jax.sweep(X, Y, SPACE, cancel=True, **ABOUT)


# --- The command line.

SPACE_FILE = "width = [4, 6]\nlearning_rate = {log_uniform = [1e-3, 1e-1]}\n"


def command(tmp_path, *words):
    (tmp_path / "space.toml").write_text(SPACE_FILE)
    about = ["--space", str(tmp_path / "space.toml"), "--n", "12", "--epochs", "40", "--json"]
    code = HEEDS_CTRL_C + "from mlp_jax.__main__ import main\nmain()"
    return [sys.executable, "-c", code, "sweep", *about, *words]


def facts(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_processes_of_the_command_line_find_the_same(tmp_path):
    words = command(tmp_path, "--halving", "2")
    run = {"capture_output": True, "text": True, "check": False}
    alone, divided = (subprocess.run([*words, *more], **run) for more in ((), ("--processes", "2")))
    assert divided.stderr.count("configurations, ") == 2
    slowest = max(float(line.split()[-2]) for line in divided.stderr.splitlines())
    assert facts(divided)["seconds"] >= slowest  # not those of reading what they have found
    for one, other in zip(facts(divided)["best"][:3], facts(alone)["best"][:3], strict=True):
        assert one["configuration"] == other["configuration"]
        assert one["score"] == pytest.approx(other["score"], abs=1e-3)  # float32, another layout


def children(pid):
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):  # a thread that has ended
            found += map(int, (task / "children").read_text().split())
    return found


def lives(pid):
    """Whether it runs; one that has ended and that no one has asked about is still there."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@contextmanager
def two_processes(words):
    """(the process that was told to start two, these two), once it has."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(words, **pipes) as parent:
        while len(found := children(parent.pid)) < 2:
            assert parent.poll() is None
            time.sleep(0.05)
        yield parent, found


on_linux = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")


@on_linux
@pytest.mark.parametrize(
    ("which", "more", "message"),
    [
        (1, (), "shard 2/2 was killed by signal 9, and goes on from its last save"),
        (0, ("--restarts", "0", "--halving", "2"), "shard 1/2 was killed by signal 9 and is not"),
    ],
    ids=["started again", "left undone, and done at the end"],
)
def test_a_process_that_dies_loses_nothing(which, more, message, tmp_path):
    with two_processes(command(tmp_path, "--processes", "2", *more)) as (parent, found):
        os.kill(found[which], signal.SIGKILL)
        printed, said = parent.communicate()
    assert parent.returncode == 0, said
    assert message in said
    result = json.loads(printed)
    assert (result["members"], result["interrupted"]) == (36, False)


@on_linux
def test_ctrl_c_ends_all_processes_and_leaves_none(tmp_path):
    words = command(tmp_path, "--processes", "2", "--checkpoint", str(tmp_path / "saves"))
    words += ["--epochs", "100000"]
    with two_processes(words) as (parent, found):
        while len(list(tmp_path.glob("saves/lock-*"))) < 2:
            time.sleep(0.1)
        time.sleep(1)  # now both train, or compile
        parent.send_signal(signal.SIGINT)
        _, said = parent.communicate(timeout=100)
    assert parent.returncode == 130, said
    assert not any(map(lives, found))


@on_linux
def test_processes_end_when_the_one_that_started_them_is_killed(tmp_path):
    words = command(tmp_path, "--processes", "2", "--checkpoint", str(tmp_path / "saves"))
    words += ["--epochs", "100000"]
    with two_processes(words) as (parent, found):
        while len(list(tmp_path.glob("saves/lock-*"))) < 2:
            time.sleep(0.1)
        time.sleep(1)  # now both train, or compile
        parent.kill()
        parent.communicate()  # which they hold open until they end
    until = time.monotonic() + 60
    while any(map(lives, found)):
        assert time.monotonic() < until
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--shard", "1/2"], "--shard needs the folder that all shards share: type --checkpoint"),
        (["--shard", "3/2"], "--shard is '3/2'; expected I/N, such as 1/4"),
        (["--shard", "a"], "--shard is 'a'; expected I/N"),
        (["--shard", "1/2", "--processes", "2"], "--processes and --shard are two ways"),
        (["--distributed", "--processes", "2"], "--processes and --distributed are two ways"),
        (["-", "--target", "y", "--processes", "2"], "standard input can be read by one process"),
    ],
)
def test_what_does_not_go_together_is_one_line(words, message, tmp_path):
    result = CliRunner().invoke(commands, ["sweep", *words])
    assert result.exit_code == 2
    assert message in result.output
    assert result.output.count("\n") == 1


def test_shards_divide_the_memory_for_networks_and_may_all_read_the_table(monkeypatch):
    started = []

    def fails(words, *_, **__):
        started.append(words)
        raise SystemExit

    monkeypatch.setattr(shard_options, "run_shards", fails)
    about = ["--n", "4", "--memory", "800", "--processes", "4"]
    CliRunner().invoke(commands, ["sweep", *about])
    (words,) = started
    assert words[words.index("--memory") + 1] == "800"
    about = {"processes": None, "restarts": 3, "shard": "2/4", "distributed": False}
    assert Division(**about, supervised=True).share(800) == 200
    assert Division(**about, supervised=False).share(800) == 800  # on a machine of its own


def test_a_shard_writes_no_report(tmp_path):
    words = ["sweep", "--shard", "1/2", "--checkpoint", str(tmp_path), "--report", "r.html"]
    result = CliRunner().invoke(commands, words)
    assert result.exit_code == 2
    assert "r.html needs all shards: leave it out" in result.output
