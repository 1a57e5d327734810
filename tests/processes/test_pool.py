"""Processes as an executor: of those that die, of what cannot be sent, and of their end."""

import os
import signal
import sys
import threading
import time
from concurrent.futures import BrokenExecutor, wait
from pathlib import Path

import pytest

from mlp_jax.processes.pool import Processes
from tests.processes.started import started


def large_and_killed(seconds):
    """An answer that is long on its way, and a kill after so many seconds."""
    threading.Timer(seconds, os.kill, [os.getpid(), signal.SIGKILL]).start()
    return bytes(300_000_000)


def test_one_that_is_killed_while_it_answers_is_missed():
    with Processes(1) as processes:
        for seconds in (0.3, 0.4, 0.5):
            call = processes.submit(large_and_killed, seconds)
            assert wait([call], 60).done
            if call.exception() is None:
                assert len(call.result()) == 300_000_000
            else:
                assert "has ended by SIGKILL" in str(call.exception())
        again = [processes.submit(os.getpid).exception() for _ in range(2)]
        assert None in again  # the last kill may have come late


class TwoWordsError(Exception):
    """One that cannot be made again from what is sent of it."""

    def __init__(self, one, other):
        super().__init__(one + other)


def raises(error):
    raise TwoWordsError("one", "other") if error is None else error


def in_two_ways():
    return lambda: None


def test_what_a_call_raises_and_what_cannot_be_sent_is_told():
    with Processes(1) as processes:
        error = processes.submit(raises, KeyError("k")).exception()
        assert isinstance(error, KeyError)
        assert "in raises" in error.__notes__[0]
        assert "TwoWordsError('oneother')" in str(processes.submit(raises, None).exception())
        assert "in_two_ways.<locals>" in str(processes.submit(in_two_ways).exception())
        with pytest.raises(AttributeError, match="local object"):
            processes.submit(lambda: None).result()
        [pid] = processes.pids()
        ended = processes.submit(os._exit, 3).exception()
        assert isinstance(ended, BrokenExecutor)
        assert str(ended) == f"process {pid} has ended with exit code 3"
        assert processes.submit(os.getpid).result() not in (pid, os.getpid())
    assert processes.pids() == []
    with pytest.raises(RuntimeError, match="after shutdown"):
        processes.submit(os.getpid)


def test_each_has_cores_of_its_own():
    if not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2:
        pytest.skip("there is one core, or nobody says which")
    with Processes(2) as processes:
        calls = [processes.submit(cores_after, 0.5) for _ in range(2)]
        one, other = (call.result() for call in calls)
    assert one
    assert not one & other
    assert one | other == os.sched_getaffinity(0)


def cores_after(seconds):
    time.sleep(seconds)
    return os.sched_getaffinity(0)


ENDS = """
import sys, time
from mlp_jax.processes.pool import Processes
from tests.processes.test_pool import naps
if __name__ == "__main__":
    processes = Processes(1)
    processes.submit(naps, sys.argv[1])
    time.sleep(100)
"""


def naps(path):
    Path(path).write_text(str(os.getpid()))
    time.sleep(1000)


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_they_end_with_the_one_that_started_them(tmp_path):
    (tmp_path / "ends.py").write_text(ENDS)
    parent = started(
        f"import runpy\nrunpy.run_path({str(tmp_path / 'ends.py')!r}, run_name='__main__')",
        tmp_path / "pid",
    )
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        assert parent.poll() is None, parent.communicate()
        time.sleep(0.05)
    parent.kill()
    process = Path("/proc") / (tmp_path / "pid").read_text()
    while process.exists() and "Z" not in (process / "stat").read_text().split()[2]:
        time.sleep(0.05)
