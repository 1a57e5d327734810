"""The roll of processes that are to train together, called before JAX joins them.

`jax.distributed` aborts a process if another one never starts; here it is an error that says which.
The roll is called on the coordinator's own port, which is free again afterwards; the connections
stay.
"""

import socket
import time
from contextlib import suppress
from numbers import Integral
from typing import Any

import jax

_COME, _HERE = b"mlp_jax: process", b"here"


def call_the_roll(
    here: tuple[str, int], address: tuple[str, int], processes: int, process: int, timeout: float
) -> dict[int, socket.socket]:
    """Connections to the other processes, by number: of process 0 to all, of the others to it."""
    deadline = time.monotonic() + timeout
    if process == 0:
        return _gathered(here, address, processes, deadline, timeout)
    return {0: _reported(address, processes, process, deadline, timeout)}


def _who(process: int, processes: int) -> bytes:
    import mlp_jax

    versions = f"mlp_jax {mlp_jax.__version__} and jax {jax.__version__}"
    return _COME + f" {process} of {processes} with {versions}".encode()


def _gathered(
    here: tuple[str, int],
    address: tuple[str, int],
    processes: int,
    deadline: float,
    timeout: float,
) -> dict[int, socket.socket]:
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
                said = line_of(link)
            except TimeoutError:
                missing = sorted(set(range(1, processes)) - set(links))
                if time.monotonic() < deadline:  # someone connected and said nothing
                    continue
                _close(links)
                raise TimeoutError(
                    f"after {timeout:g} s process {', '.join(map(str, missing))} of {processes} is "
                    f"missing; start it with mlp_jax.distributed('{address[0]}:{address[1]}', "
                    f"{processes}, {missing[0]})"
                ) from None
            except OSError:
                continue
            if not said.startswith(_COME):  # whoever that was
                link.close()
                continue
            number = int(said[len(_COME) :].split()[0])
            if said != _who(number, processes) or number in links or not 0 < number < processes:
                send(link, b"refused")
                _close(links)
                raise RuntimeError(
                    f"this is process 0 of {processes}, {_who(0, processes).decode()[9:]}; there "
                    f"came another, {said.decode(errors='replace')[9:]}: give all of them the same "
                    "count and versions, and each a number of its own"
                )
            links[number] = link
    for link in links.values():
        send(link, _HERE)
    return links


def _reported(
    address: tuple[str, int], processes: int, process: int, deadline: float, timeout: float
) -> socket.socket:
    while True:
        try:
            link = socket.create_connection(address, timeout=1)
            link.settimeout(max(0.01, deadline - time.monotonic()))
            send(link, _who(process, processes))
            said = line_of(link)
            if said == _HERE:
                return link
            link.close()
            if said == b"refused":
                raise RuntimeError(
                    "process 0 has another count of processes, other versions, or a process "
                    f"{process} already; this is {_who(process, processes).decode()[9:]}"
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


def line_of(link: socket.socket) -> bytes:
    """A line of the roll; empty at the end of the connection."""
    said = b""
    while not said.endswith(b"\n") and len(said) < 1000:
        byte = link.recv(1)
        if not byte:
            return b""
        said += byte
    return said[:-1]


def send(link: socket.socket, line: bytes) -> None:
    """Sends a line, if anyone is there."""
    with suppress(OSError):  # that it has ended is seen where it is read
        link.sendall(line + b"\n")


def _close(links: dict[int, socket.socket]) -> None:
    for link in links.values():
        link.close()


def checked(coordinator: Any, processes: Any, process: Any) -> tuple[str, int, int]:
    """The three, all there and in range, or a ValueError."""
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
    """(host, port) of "host:port", or a ValueError that calls it by `name`."""
    host, _, port = str(value).rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 1 << 16:
        raise ValueError(f"{name} is {value!r}; expected 'host:port', such as '127.0.0.1:29500'")
    return host.strip("[]"), int(port)
