"""The rendezvous: processes that are to train together meet before JAX joins them.

`jax.distributed` aborts a process if another one never starts; the rendezvous raises an error that
says which process is missing. Process 0 listens on the coordinator's own port. The port is free
again after the rendezvous; the connections stay.
"""

import socket
import time
from contextlib import suppress
from numbers import Integral
from typing import Any

import jax

_COME, _HERE = b"mlp_jax: process", b"here"


def meet_at_start(
    here: tuple[str, int], address: tuple[str, int], processes: int, process: int, timeout: float
) -> dict[int, socket.socket]:
    """Connections by the number of the other process: 0 has one to each, the others one to 0.

    Args:
      here: (host, port) that process 0 listens at.
      address: (host, port) of process 0, as the others see it.
      processes: how many there are.
      process: the number of this one.
      timeout: seconds to wait for all.

    Raises:
      TimeoutError: a process did not come.
      RuntimeError: process 0 cannot listen, or a process counts or is installed otherwise.
    """
    deadline = time.monotonic() + timeout
    if process == 0:
        return _await_all(here, address, processes, deadline, timeout)
    return {0: _report_to_first(address, processes, process, deadline, timeout)}


def _greeting(process: int, processes: int) -> bytes:
    """What a process says of itself."""
    import mlp_jax

    versions = f"mlp_jax {mlp_jax.__version__} and jax {jax.__version__}"
    return _COME + f" {process} of {processes} with {versions}".encode()


def _await_all(
    here: tuple[str, int],
    address: tuple[str, int],
    processes: int,
    deadline: float,
    timeout: float,
) -> dict[int, socket.socket]:
    """Process 0 waits for the others, and lets them go on once all are there."""
    links: dict[int, socket.socket] = {}
    try:
        listener = socket.create_server(here)
    except OSError as error:
        raise RuntimeError(
            f"process 0 cannot listen at {here[0]}:{here[1]} ({error.strerror}); type a free port "
            "of this machine"
        ) from error
    with listener:
        while len(links) < processes - 1:
            listener.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                link, _ = listener.accept()
                link.settimeout(5)
                line = read_line(link)
            except TimeoutError:
                missing = sorted(set(range(1, processes)) - set(links))
                if time.monotonic() < deadline:  # somebody connected and sent nothing
                    continue
                _close(links)
                raise TimeoutError(
                    f"after {timeout:g} s process {', '.join(map(str, missing))} of {processes} is "
                    f"missing; start it with mlp_jax.distributed('{address[0]}:{address[1]}', "
                    f"{processes}, {missing[0]})"
                ) from None
            except OSError:
                continue
            if not line.startswith(_COME):  # no process of ours
                link.close()
                continue
            number = int(line[len(_COME) :].split()[0])
            if (
                line != _greeting(number, processes)
                or number in links
                or not 0 < number < processes
            ):
                send_line(link, b"refused")
                _close(links)
                own = _greeting(0, processes).decode()[9:]
                raise RuntimeError(
                    f"this is process 0 of {processes}, {own}; there "
                    f"came another, {line.decode(errors='replace')[9:]}: give all of them the same "
                    "count and versions, and each a number of its own"
                )
            links[number] = link
    for link in links.values():
        send_line(link, _HERE)
    return links


def _report_to_first(
    address: tuple[str, int], processes: int, process: int, deadline: float, timeout: float
) -> socket.socket:
    """Another process greets process 0 until it answers."""
    while True:
        try:
            link = socket.create_connection(address, timeout=1)
            link.settimeout(max(0.01, deadline - time.monotonic()))
            send_line(link, _greeting(process, processes))
            line = read_line(link)
            if line == _HERE:
                return link
            link.close()
            if line == b"refused":
                raise RuntimeError(
                    "process 0 has another count of processes, other versions, or a process "
                    f"{process} already; this is {_greeting(process, processes).decode()[9:]}"
                )
        except OSError:
            pass
        if time.monotonic() >= deadline:
            raise TimeoutError(
                f"after {timeout:g} s process 0 has not answered at {address[0]}:{address[1]}, or "
                "waits for another process; start all of them within that time, or type a longer "
                "timeout"
            )
        time.sleep(0.05)


def read_line(link: socket.socket) -> bytes:
    """The next line of a connection; empty where the connection has ended."""
    line = b""
    while not line.endswith(b"\n") and len(line) < 1000:
        byte = link.recv(1)
        if not byte:
            return b""
        line += byte
    return line[:-1]


def send_line(link: socket.socket, line: bytes) -> None:
    """Sends a line, if the other process is still there."""
    with suppress(OSError):  # the end of a connection is seen where the connection is read
        link.sendall(line + b"\n")


def _close(links: dict[int, socket.socket]) -> None:
    for link in links.values():
        link.close()


def as_places(coordinator: Any, processes: Any, process: Any) -> tuple[str, int, int]:
    """The arguments of `distributed` that belong together.

    Raises:
      ValueError: one of them is missing or out of range.
    """
    given = {"coordinator": coordinator, "processes": processes, "process": process}
    missing = [name for name, value in given.items() if value is None]
    if missing:
        raise ValueError(
            f"distributed was not given {' and '.join(missing)}; type all three, such as "
            "distributed('127.0.0.1:29500', 2, 0), or none where the cluster knows them"
        )
    for name in ("processes", "process"):
        if not isinstance(given[name], Integral) or isinstance(given[name], bool):
            raise ValueError(f"{name} is {given[name]!r}; expected an integer")
    if processes < 1 or not 0 <= process < processes:
        raise ValueError(
            f"process is {process} of processes {processes}; expected 0 to {max(processes, 1) - 1}"
        )
    return str(coordinator), processes, process


def address_of(name: str, value: Any) -> tuple[str, int]:
    """(host, port) of "host:port".

    Raises:
      ValueError: the value of the argument `name` is something else.
    """
    host, _, port = str(value).rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 1 << 16:
        raise ValueError(f"{name} is {value!r}; expected 'host:port', such as '127.0.0.1:29500'")
    return host.strip("[]"), int(port)
