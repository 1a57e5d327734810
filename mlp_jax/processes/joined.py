"""Processes that train together, joined by JAX's own runtime, and what they tell one another.

That runtime sees who is lost: it ends the others within `HEARTBEAT`, and says so.
"""

import os
import sys
import time
from typing import Any

import jax
import numpy as np

HEARTBEAT = 30  # seconds after which JAX holds a process that is silent for lost
LOOK_SECONDS = 0.1  # between two looks who has come
PIECE = 1 << 24  # bytes that are gathered at a time: they pass through the devices
NO_CLUSTER = (
    "this process is in no cluster that JAX knows: start it with srun, mpirun, on Kubernetes or on "
    "Cloud TPU; or divide the sweep by --processes N or --scheduler ADDRESS, or, in Python, by "
    "executor=, or mlp_jax.distributed('host:port', processes, process)"
)


class LostPeerError(RuntimeError):
    """A process of those that train together has ended before the others."""


def distributed(
    coordinator: str | None = None,
    processes: int | None = None,
    process: int | None = None,
    *,
    timeout: float = 60.0,
    bind: str | None = None,
) -> None:
    """Joins this process with the others of its job. Before anything else that uses JAX.

    Every `mlp_jax.sweep` is then done by all of them together, each its share of the space; each is
    to call it with the same arguments, and each is given the whole result. Without arguments the
    cluster says who is who: Slurm, Open MPI, Kubernetes and Cloud TPU are known to JAX.

    Args:
      coordinator: "host:port" of process 0, a free port; on one machine such as "127.0.0.1:29500".
      processes: how many there are.
      process: the number of this one, from 0.
      timeout: seconds to wait for all to be here; then JAX ends those that are.
      bind: "host:port" that process 0 listens at, if it is not `coordinator` as the others see it.
        JAX asks no one for a password: let only machines that you trust reach it.

    Raises:
      ValueError: some of the arguments and not others, or out of range; or none, and no cluster.
      RuntimeError: JAX was used before.
    """
    given = {"coordinator": coordinator, "processes": processes, "process": process}
    missing = [name for name, value in given.items() if value is None]
    how: dict[str, Any] = {"initialization_timeout": int(max(1, timeout))}
    if len(missing) < len(given):
        _check(coordinator, processes, process, missing)
        how |= {"coordinator_bind_address": bind or coordinator}
        how |= {"coordinator_address": coordinator, "num_processes": processes}
        how |= {"process_id": process}
    _stdout_for_python_alone()
    try:
        jax.distributed.initialize(**how, heartbeat_timeout_seconds=HEARTBEAT)
    except ValueError as error:
        raise ValueError(f"{NO_CLUSTER}; JAX says: {error}") from error
    from jax.experimental import multihost_utils

    multihost_utils.sync_global_devices("mlp_jax")  # one that cannot be reached is found now


def _check(coordinator: Any, processes: Any, process: Any, missing: list[str]) -> None:
    if missing:
        raise ValueError(
            f"distributed was not given {' and '.join(missing)}; type all three, such as "
            "distributed('127.0.0.1:29500', 2, 0), or none where the cluster knows them"
        )
    host, _, port = str(coordinator).rpartition(":")
    if not host or not port.isdigit():
        raise ValueError(
            f"coordinator is {coordinator!r}; expected 'host:port', such as '127.0.0.1:29500'"
        )
    if not isinstance(processes, int) or process not in range(processes):
        raise ValueError(
            f"process is {process!r} of processes {processes!r}; expected numbers, from 0 to one "
            "less than there are"
        )


class Board:
    """What joined processes tell one another beside arrays, by JAX's store of keys."""

    def __init__(self, name: str) -> None:
        """name: the same in all processes, and of no other board."""
        from jax._src.distributed import global_state  # what JAX's own libraries ask, too

        self._client: Any = global_state.client
        self._name, self._met = f"mlp_jax/{name}", 0

    def stop(self) -> None:
        """Lets the others know that this process was interrupted."""
        self._client.key_value_set(f"{self._name}/stop/{jax.process_index()}", "", True)

    def was_stopped(self) -> bool:
        """Whether any of them was."""
        return bool(self._client.key_value_dir_get(f"{self._name}/stop/"))

    def gathered(self, content: bytes) -> list[bytes]:
        """What every process brings, in their order; all call this together.

        They meet before, however long that takes: a collective of JAX on CPUs fails if a process
        comes to it half an hour after another. Whom Ctrl-C interrupts there may come again.

        Raises:
          LostPeerError: one of them has ended.
        """
        at = f"{self._name}/{self._met}/"
        self._client.key_value_set(f"{at}{jax.process_index()}", "", True)
        while len(self._client.key_value_dir_get(at)) < jax.process_count():
            time.sleep(LOOK_SECONDS)
        self._met += 1
        # In two numbers: without JAX's 64 bits a length of 2 GiB does not fit into one.
        of_all = _gathered(np.array(divmod(len(content), PIECE), np.int32)).reshape(-1, 2)
        lengths = [int(pieces) * PIECE + int(rest) for pieces, rest in of_all]
        own = np.zeros(max(lengths), np.uint8)
        own[: len(content)] = np.frombuffer(content, np.uint8)
        pieces = [_gathered(own[first : first + PIECE]) for first in range(0, len(own), PIECE)]
        whole = np.concatenate(pieces, axis=1)
        return [row[:length].tobytes() for row, length in zip(whole, lengths, strict=True)]


def _gathered(array: np.ndarray) -> np.ndarray:
    from jax.experimental import multihost_utils

    try:
        return np.asarray(multihost_utils.process_allgather(array))
    except (jax.errors.JaxRuntimeError, ValueError) as error:  # that a connection was closed
        raise LostPeerError(
            "one of the processes has ended before the others, and the sweep cannot go on without: "
            "start all of them again; with the same checkpoint folder they go on from there"
        ) from error


def _stdout_for_python_alone() -> None:
    """Sends to standard error what is printed below Python, as collectives of JAX do."""
    try:
        is_ours = sys.stdout.fileno() == 1
    except (OSError, ValueError, AttributeError):  # standard output is a notebook's, or none
        return
    if is_ours:
        sys.stdout.flush()
        kept = os.dup(1)
        os.dup2(2, 1)
        how: dict[str, Any] = {"encoding": sys.stdout.encoding, "errors": sys.stdout.errors}
        sys.stdout = open(kept, "w", **how)  # noqa: SIM115  # as long as the process lives
