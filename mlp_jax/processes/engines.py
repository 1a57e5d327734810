"""Engines: whatever trains the parts of a sweep, by the interface of `concurrent.futures`."""

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from typing import Any

from mlp_jax.processes.pool import Processes
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
