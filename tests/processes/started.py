"""Python processes that a test starts, and what they say when they have ended."""

import socket
import subprocess
import sys

HANGS = 60  # seconds after which a process is held to hang
STARTED: list[subprocess.Popen] = []

# Also where the tests run in the background of a shell, which has its processes ignore it.
HEEDS_CTRL_C = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"


def free_address():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"127.0.0.1:{free.getsockname()[1]}"


def started(code, *words):
    STARTED.append(
        subprocess.Popen(
            [sys.executable, "-c", HEEDS_CTRL_C + code, *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    )
    return STARTED[-1]


def ended(process, seconds=HANGS):
    """(exit code, standard output, standard error)."""
    printed, said = process.communicate(timeout=seconds)
    return process.returncode, printed, said
