"""`mlp-jax sweep` in several processes: who dies, Ctrl-C, and options that do not go together."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from click.testing import CliRunner

from mlp_jax.cli import division
from mlp_jax.cli.division import Division
from mlp_jax.cli.main import commands
from tests.processes.started import HEEDS_CTRL_C

SPACE_FILE = "width = [4, 6]\nlearning_rate = {log_uniform = [1e-3, 1e-1]}\n"


def command(tmp_path, *words):
    (tmp_path / "space.toml").write_text(SPACE_FILE)
    about = ["--space", str(tmp_path / "space.toml"), "--n", "12", "--epochs", "40", "--json"]
    about += ["--folds", "3", "--halving", "1"]
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

    monkeypatch.setattr(division, "run_shards", fails)
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
