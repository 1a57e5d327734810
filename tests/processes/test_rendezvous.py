"""Processes find each other: who does not come, who is a stranger, and what is said."""

import os
import socket
import subprocess
import sys
import time

import pytest

import mlp_jax
from tests.processes.started import ROLL, ended, free_address, started


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
