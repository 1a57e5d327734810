"""`mlp-jax sweep --processes`: a process for every shard, started again when it dies. No JAX.

A process knows nothing of the others but the folder that all save to. Its standard input is a pipe
that this process holds open, so that the process ends when this one is killed.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress

import click

from mlp_jax.cli.options import INTERRUPTED

LOOK_SECONDS = 0.1
MISTAKE = 2  # the exit code of a process that cannot do what it was told


class Worker:
    """The process of one shard."""

    def __init__(self, words: Sequence[str], name: str, cores: set[int] | None) -> None:
        self.name, self.given_up = name, False
        self._words, self._cores = words, cores
        self.starts = 0
        self.start()

    def start(self) -> None:
        """Starts the process, or starts it again."""
        self.starts += 1
        # A session of its own, so that Ctrl-C does not reach the process twice.
        self._process = subprocess.Popen(
            [*self._words, "--shard", self.name, "--supervised"],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        if self._cores:
            with suppress(OSError):  # the process has ended
                os.sched_setaffinity(self._process.pid, self._cores)

    @property
    def code(self) -> int | None:
        """The exit code of the process; None while it runs."""
        return self._process.poll()

    def stop(self) -> None:
        """Makes the process save where it stands, and end."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def wait(self) -> None:
        """Waits until the process has ended."""
        self._process.wait()


def run_shards(words: Sequence[str], count: int, restarts: int, *, together: bool) -> bool:
    """Runs a command once for every shard, side by side; True if Ctrl-C ended it.

    Args:
      words: the command.
      count: of shards.
      restarts: how often one that dies is started again; then its part is left undone.
      together: the others cannot go on without it.

    Raises:
      SystemExit: one of them could not do what it was told, and has said why.
    """
    cores = _cores(count)
    workers = [Worker(words, f"{number + 1}/{count}", cores[number]) for number in range(count)]
    try:
        while any(worker.code is None for worker in workers):
            time.sleep(LOOK_SECONDS)
            for worker in workers:
                _restart_if_dead(worker, restarts)
            if together and any(worker.given_up for worker in workers):
                break
    except KeyboardInterrupt:
        return True
    finally:
        for worker in workers:
            worker.stop()
        for worker in workers:
            worker.wait()
    return False


def _restart_if_dead(worker: Worker, restarts: int) -> None:
    """Starts a process again if it has died."""
    code = worker.code
    if code is None or code == 0 or worker.given_up:
        return
    if code == MISTAKE:
        raise SystemExit(MISTAKE)
    if code == INTERRUPTED:
        raise KeyboardInterrupt
    how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
    if worker.starts > restarts:
        worker.given_up = True
        cure = "and is not started again; what it left undone is done at the end"
        click.echo(f"mlp-jax: shard {worker.name} {how} {cure}", err=True)
    else:
        click.echo(f"mlp-jax: shard {worker.name} {how}, and goes on from its last save", err=True)
        worker.start()


def _cores(count: int) -> list[set[int] | None]:
    """The cores of every process; no core is of two processes where there are enough."""
    if not hasattr(os, "sched_getaffinity"):
        return [None] * count
    cores = sorted(os.sched_getaffinity(0))
    return [set(cores[number::count]) or {cores[number % len(cores)]} for number in range(count)]


def cancelled_with_stdin() -> threading.Event:
    """An event that is set once standard input ends."""
    ended = threading.Event()

    def wait() -> None:
        with suppress(OSError):
            while os.read(0, 1024):  # not sys.stdin, which would delay the end of the interpreter
                pass
        ended.set()

    threading.Thread(target=wait, daemon=True).start()
    return ended


def words_again(context: click.Context, without: set[str]) -> list[str]:
    """The words that run this command again, without some of its parameters."""
    words = [sys.executable, "-m", "mlp_jax", str(context.info_name)]
    for parameter in context.command.params:
        value = context.params.get(str(parameter.name))
        if parameter.name in without or value is None or value is False or value == ():
            continue
        option = [parameter.opts[0]] if isinstance(parameter, click.Option) else []
        if value is True:
            words += option
        else:
            values = value if isinstance(value, tuple) else (value,)
            for one in values:
                words += [*option, str(one)]
    return words
