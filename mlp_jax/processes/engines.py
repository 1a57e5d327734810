"""Engines: whatever trains the parts of a sweep, by the interface of `concurrent.futures`."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing.connection import wait
from typing import Any

import jax

from mlp_jax.wording import as_typed

UNTOLD = 8  # workers of an executor that does not say how many it has


@contextmanager
def as_executor(choice: Any) -> Iterator[Executor | None]:
    """The executor of a user, processes of our own for a number of them, or None for None.

    Raises:
      ValueError: for what is none.
    """
    if choice is None or isinstance(choice, Executor):
        yield choice
        return
    if isinstance(choice, bool) or not isinstance(choice, int) or choice < 1:
        raise ValueError(
            f"executor is {as_typed(choice)}; expected an executor of concurrent.futures, such as "
            "client.get_executor() of Dask, or a number of processes on this machine, or None"
        )
    with Processes(choice) as processes:
        yield processes


def workers_of(choice: Any) -> int:
    """How many calls an executor makes at a time, or about as many where it does not say."""
    if choice is None or isinstance(choice, int):
        return int(choice or 1)
    if hasattr(choice, "_client"):  # Dask's, whose workers may come and go
        return max(1, sum(choice._client.nthreads().values()))
    known = getattr(choice, "num_workers", None) or getattr(choice, "_max_workers", None)
    return int(known or UNTOLD)


def told_without_workers(executor: Executor) -> str | None:
    """What to type where Dask has no worker; None where it has some, and of other executors."""
    client = getattr(executor, "_client", None)
    with suppress(Exception):  # a scheduler that has gone is told of where parts are handed out
        if client is not None and not client.nthreads():
            address = client.scheduler.address
            return (
                f"no worker is connected to the scheduler {address}, and the sweep waits: start "
                f"dask worker {address} --host OF_THE_WORKER --dashboard-address 127.0.0.1:0 "
                "--nthreads 1; if workers have come and left, they print why, such as that mlp_jax "
                "is not installed there"
            )
    return None


def executor_of_joblib(n_jobs: Any) -> Executor | None:
    """The executor inside `joblib.parallel_config(backend=...)`, of "loky" or "dask".

    None outside, with other backends, and for one job: this process uses all cores by itself.
    """
    from joblib import effective_n_jobs
    from joblib.parallel import get_active_backend

    (backend, own), (again, _) = get_active_backend(), get_active_backend()
    count = effective_n_jobs(own if n_jobs is None else n_jobs)
    if backend is not again or count == 1:  # outside, joblib makes a backend for each that asks
        return None
    if hasattr(backend, "client"):
        return backend.client.get_executor()
    if type(backend).__name__ != "LokyBackend":
        return None
    from joblib.externals.loky import get_reusable_executor

    return get_reusable_executor(max_workers=count)


class Processes(Executor):
    """Processes on this machine, each with cores of its own; new ones once one of them has died.

    They end with the process that started them, are deaf to Ctrl-C, which that process heeds, and
    keep their programs where it does.
    """

    def __init__(self, count: int) -> None:
        """count: of the processes."""
        self._max_workers = count
        self._pool = self._started()

    def _started(self) -> ProcessPoolExecutor:
        spawn = multiprocessing.get_context("spawn")  # JAX does not survive a fork
        folder = jax.config.jax_compilation_cache_dir  # type: ignore[attr-defined]
        how = spawn.Value("i", 0), self._max_workers, folder
        return ProcessPoolExecutor(self._max_workers, spawn, _begin, how)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """See `concurrent.futures.Executor.submit`."""
        try:
            return self._pool.submit(fn, *args, **kwargs)
        except BrokenProcessPool:
            self._pool.shutdown()
            self._pool = self._started()
            return self._pool.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """See `concurrent.futures.Executor.shutdown`."""
        self._pool.shutdown(wait, cancel_futures=cancel_futures)


def _begin(begun: Any, count: int, programs: str | None) -> None:
    """What a process does first.

    Args:
      begun: how many have begun before, shared by all.
      count: of the processes.
      programs: the folder to keep compiled programs in, or None.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with begun.get_lock():
        number, begun.value = begun.value, begun.value + 1
    if hasattr(os, "sched_setaffinity"):  # before JAX starts its threads
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[number % count :: count] or {cores[number % len(cores)]})
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if programs is not None:
        from mlp_jax.processes.kept_programs import keep_programs

        keep_programs(programs)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)  # the queue of calls would be waited for, and nobody writes to it any more
