"""Processes that train together: who is there when they start, and who is lost on the way.

`jax.distributed` joins them. If a process never starts or dies, it ends the others, and Python
cannot catch that. So the processes meet before JAX joins them, see `rendezvous`, and the
connections of that meeting stay as life lines: where a connection ends, its process has ended.
"""

import atexit
import os
import selectors
import socket
import sys
import threading
import time
from typing import Any

import jax

from mlp_jax.processes.rendezvous import address_of, as_places, meet_at_start, read_line, send_line

HEARTBEAT = 30  # seconds after which JAX holds a process that hangs for lost
PATIENCE = 30.0  # seconds that the coordinator waits at its end for the others to end
LOOK_SECONDS = 0.1  # between two looks for who is lost
HASTE = 1.0  # the same where an error ended the coordinator: the others cannot go on without it
_LEAVING, _FAILING = b"leaving", b"failing"
NO_CLUSTER = (
    "this process is in no cluster that JAX knows: start it with srun, mpirun, on Kubernetes or on "
    "Cloud TPU; or divide the sweep by --processes N or --shard I/N, or, in Python, by "
    "mlp_jax.distributed('host:port', processes, process)"
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
    cluster says who is who: Slurm, Open MPI, Kubernetes and Cloud TPU are known to JAX. A process
    that is lost there is noticed when the others next meet it; with arguments, at once.

    Args:
      coordinator: "host:port" of process 0, a free port; on one machine such as "127.0.0.1:29500".
      processes: how many there are.
      process: the number of this one, from 0.
      timeout: seconds to wait for all to be here.
      bind: "host:port" that process 0 listens at, if it is not `coordinator` as the others see it.
        JAX asks no one for a password: let only machines that you trust reach it.

    Raises:
      ValueError: some of the arguments and not others, or out of range; or none, and no cluster.
      TimeoutError: which processes did not come, and what to type there.
      RuntimeError: JAX was used before, or another process counts or is installed otherwise.
    """
    how: dict[str, Any] = {"heartbeat_timeout_seconds": HEARTBEAT}
    if coordinator is None and processes is None and process is None:
        _prepare()
        try:
            jax.distributed.initialize(**how, initialization_timeout=int(max(1, timeout)))
        except ValueError as error:
            raise ValueError(f"{NO_CLUSTER}; JAX says: {error}") from error
        _connect()
        return
    coordinator, processes, process = as_places(coordinator, processes, process)
    address = address_of("coordinator", coordinator)
    began = time.monotonic()
    here = address if bind is None else address_of("bind", bind)
    links = meet_at_start(here, address, processes, process, timeout)
    left = timeout - (time.monotonic() - began)
    _prepare()
    jax.distributed.initialize(
        coordinator,
        processes,
        process,
        coordinator_bind_address=bind or coordinator,
        initialization_timeout=int(max(10, left)),
        **how,
    )
    _connect()
    _LifeLines.of_this_process = _LifeLines(links, process)


def check_peers() -> None:
    """Raises LostPeerError if one of the processes joined by `distributed` has ended."""
    lines = _LifeLines.of_this_process
    if lines is not None and lines.lost:
        raise lost_peers(sorted(lines.lost))


def meet_peers() -> None:
    """Waits until all joined processes call this too, however long that is.

    A collective of JAX on CPUs fails if another process comes to it half an hour later.

    Raises:
      LostPeerError: one of them has ended.
    """
    lines = _LifeLines.of_this_process
    if lines is not None:
        lines.meet()


def stop_peers(sweep: int) -> None:
    """Has the other processes end their sweep of this number as if they were interrupted."""
    lines = _LifeLines.of_this_process
    if lines is not None:
        lines.stop(sweep)


def was_stopped(sweep: int) -> bool:
    """Whether another process was interrupted in the sweep of this number."""
    lines = _LifeLines.of_this_process
    return lines is not None and lines.stopped >= sweep


def lost_peers(lost: list[int]) -> LostPeerError:
    """The error that names the processes that are lost, if they are known, and what to do."""
    who = "process " + ", ".join(map(str, lost)) if lost else "one of the processes"
    return LostPeerError(
        f"{who} has ended before the others, and the sweep cannot go on without: start all of them "
        "again; with the same checkpoint folder they go on from there"
    )


# --- The life lines.


class _LifeLines:
    """A thread that reads the connections to the other processes.

    lost: numbers of the processes that have ended.
    stopped: the number of the last sweep in which a process was interrupted; 0 before that.
    """

    of_this_process: "_LifeLines | None" = None

    def __init__(self, links: dict[int, socket.socket], process: int) -> None:
        self.lost: set[int] = set()
        self.stopped = 0
        self._links, self._process = links, process
        self._leaving = False
        self._met = 0  # meetings that this process has been at
        self._called = 0  # meetings that process 0 has said to be complete
        self._there = set[int]()  # processes that have come to the next meeting so far
        self._goes = threading.Event()  # all have come to it
        self._counting = threading.Lock()
        self._all_ended = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()
        atexit.register(self._leave)  # before JAX's own, which was registered earlier

    def _watch(self) -> None:
        with selectors.DefaultSelector() as selector:
            for number, link in self._links.items():
                link.settimeout(None)
                selector.register(link, selectors.EVENT_READ, number)
            while selector.get_map():
                for ready, _ in selector.select():
                    try:
                        line = read_line(self._links[ready.data])
                    except OSError:
                        line = b""
                    self._hear(ready.data, line)
                    if not line:
                        selector.unregister(ready.fileobj)
        self._all_ended.set()

    def _hear(self, number: int, line: bytes) -> None:
        """Does what a line from process `number` asks for; an empty line is the end of it."""
        if line.startswith(b"lost "):  # process 0 tells the others, who have a line to it alone
            self.lost.add(int(line.split()[1]))
            return
        if line.startswith(b"at "):
            self._come_to_meeting(number, int(line.split()[1]))
            return
        if line == b"go":
            self._goes.set()
            return
        if line.startswith(b"stop "):
            if int(line.split()[1]) > self.stopped:
                self.stop(int(line.split()[1]))
            return
        first = number not in self.lost
        self.lost.add(number)
        if self._process == 0 and first:
            for other, link in self._links.items():
                if other not in self.lost:
                    send_line(link, b"lost %d" % number)
        if number == 0 and first and line != _LEAVING and not self._leaving:
            # JAX aborts this process too, at once: later nothing can be said.
            os.write(2, f"mlp_jax: {lost_peers([0])}\n".encode())

    def meet(self) -> None:
        """See `meet_peers`. A process that Ctrl-C interrupts here comes again, and counts once."""
        if not self._goes.is_set():
            if self._process == 0:
                self._come_to_meeting(0, self._met + 1)
            else:
                send_line(self._links[0], b"at %d" % (self._met + 1))
        while not self._goes.wait(LOOK_SECONDS):
            check_peers()
        self._goes.clear()
        self._met += 1

    def _come_to_meeting(self, process: int, meeting: int) -> None:
        """Counts, in process 0, who has come to a meeting; the last one lets all go on."""
        with self._counting:
            if meeting == self._called + 1:
                self._there.add(process)
            if len(self._there) <= len(self._links):
                return
            self._called, self._there = self._called + 1, set()
            for link in self._links.values():
                send_line(link, b"go")
            self._goes.set()

    def stop(self, sweep: int) -> None:
        """Tells the others; process 0 also hands on what another process told it."""
        self.stopped = max(self.stopped, sweep)
        for link in self._links.values():
            send_line(link, b"stop %d" % sweep)

    def _leave(self) -> None:
        self._leaving, failed = True, hasattr(sys, "last_type")
        for link in self._links.values():
            send_line(link, _FAILING if failed else _LEAVING)
        if self._process == 0:  # with it the service ends on which the others depend
            self._all_ended.wait(HASTE if failed else PATIENCE)


# --- JAX's own joining.


def _prepare() -> None:
    """Sets what has to be set before JAX joins the processes."""
    _stdout_for_python_alone()
    jax.config.update("jax_enable_recoverability", True)  # or the death of one aborts the others


def _connect() -> None:
    """Has all processes meet once, so that a process that cannot be reached is found now."""
    from jax.experimental import multihost_utils

    multihost_utils.sync_global_devices("mlp_jax")


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
