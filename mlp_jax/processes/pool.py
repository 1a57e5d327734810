"""Processes of this machine as an executor, of which any may die at any time.

`concurrent.futures.ProcessPoolExecutor` has all of its processes answer through one pipe, whose end
for writing its own process holds as well: where a process is killed while it sends, the reader
waits for the rest for ever. Here each process has a pipe of its own, which ends with it, and what
the others do goes on.
"""

import atexit
import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from queue import LifoQueue
from typing import Any

import jax

_SPAWN = multiprocessing.get_context("spawn")  # JAX does not survive a fork


class Processes(Executor):
    """Processes on this machine, each with cores of its own; another once one of them has died.

    They end with the process that started them, are deaf to Ctrl-C, which that process heeds, and
    keep their programs where it does. A call whose process dies raises `BrokenExecutor`.
    """

    def __init__(self, count: int) -> None:
        """count: of the processes, each of which starts with its first call."""
        self._max_workers = count
        self._threads = ThreadPoolExecutor(count, "processes")  # each waits for one process
        self._idle: LifoQueue[_Process] = LifoQueue()
        self._all = [_Process(number, count) for number in range(count)]
        for process in self._all:
            self._idle.put(process)
        atexit.register(self.shutdown)  # before Python waits for its processes

    def pids(self) -> list[int]:
        """The processes that run now."""
        return [pid for pid in (process.pid for process in self._all) if pid is not None]

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """See `concurrent.futures.Executor.submit`."""
        return self._threads.submit(self._call, (fn, args, kwargs))

    def _call(self, call: tuple[Any, ...]) -> Any:
        process = self._idle.get()
        try:
            return process.call(call)
        finally:
            self._idle.put(process)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """See `concurrent.futures.Executor.shutdown`."""
        self._threads.shutdown(wait, cancel_futures=cancel_futures)
        if not wait:
            threading.Thread(target=self.shutdown).start()
            return
        for process in self._all:
            process.end()
        atexit.unregister(self.shutdown)


class _Process:
    """A process with a pipe of its own, which starts with a call, and again once it has died."""

    _starting = threading.Lock()  # of all: starting a process changes what Python knows of others

    def __init__(self, number: int, count: int) -> None:
        self._number, self._count = number, count
        self._running: tuple[BaseProcess, Connection] | None = None

    @property
    def pid(self) -> int | None:
        return None if self._running is None else self._running[0].pid

    def _started(self) -> tuple[BaseProcess, Connection]:
        with self._starting:
            pipe, theirs = _SPAWN.Pipe()
            folder = jax.config.jax_compilation_cache_dir  # type: ignore[attr-defined]
            how = theirs, self._number, self._count, folder
            process = _SPAWN.Process(target=_serve, args=how)
            process.start()
            theirs.close()  # so that the pipe ends with the process
            return process, pipe

    def call(self, call: tuple[Any, ...]) -> Any:
        """What a call returns or raises there.

        Raises:
          BrokenExecutor: the process has died.
          PicklingError, AttributeError, TypeError: the call cannot be sent.
        """
        sent = pickle.dumps(call, pickle.HIGHEST_PROTOCOL)  # before a process is begun in vain
        if self._running is None:
            self._running = self._started()
        process, pipe = self._running
        try:
            pipe.send_bytes(sent)
            received = pipe.recv_bytes()
        except (EOFError, OSError):
            self.end()
            raise BrokenExecutor(_end_of(process)) from None
        found, error = pickle.loads(received)
        if error is not None:
            raise error
        return found

    def end(self) -> None:
        """Ends a process that does nothing, or has died."""
        if self._running is not None:
            process, pipe = self._running
            self._running = None
            pipe.close()
            process.join()


def _end_of(process: BaseProcess) -> str:
    code = process.exitcode or 0
    how = f"with exit code {code}" if code >= 0 else f"by {signal.Signals(-code).name}"
    return f"process {process.pid} has ended {how}"


def _serve(pipe: Connection, number: int, count: int, programs: str | None) -> None:
    """What a process does: call after call, until the pipe ends.

    Args:
      pipe: to the process that calls.
      number: of this process, from 0.
      count: of the processes.
      programs: the folder to keep compiled programs in, or None.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "sched_setaffinity"):  # before JAX starts its threads
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[number::count] or {cores[number % len(cores)]})
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if programs is not None:
        from mlp_jax.processes.kept_programs import keep_programs

        keep_programs(programs)
    while True:
        try:
            call = pipe.recv_bytes()
        except (EOFError, OSError):
            return
        pipe.send_bytes(_answer(call))


def _answer(call: bytes) -> bytes:
    """(what the call returns, what it raises), as it is sent."""
    try:
        fn, args, kwargs = pickle.loads(call)
        return pickle.dumps((fn(*args, **kwargs), None), pickle.HIGHEST_PROTOCOL)
    except BaseException as error:
        error.add_note(f"in another process:\n{traceback.format_exc()}")
        return _sendable(error)


def _sendable(error: BaseException) -> bytes:
    try:
        sent = pickle.dumps((None, error))
        pickle.loads(sent)  # some can be sent and not be made again
    except Exception:
        return pickle.dumps((None, RuntimeError(f"{error!r} in another process")))
    return sent


def _end_with_parent() -> None:
    """In mid-call too, where nobody reads the pipe."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
