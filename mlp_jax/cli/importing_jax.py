"""JAX, imported before anything else imports it: Ctrl-C amid that is heeded once it is done."""

import signal
import sys
import threading


def import_jax() -> None:
    """Imports JAX whole. An exception in the C++ that it loads would end the process by a crash."""
    if "jax" in sys.modules or threading.current_thread() is not threading.main_thread():
        return
    pressed = threading.Event()
    before = signal.signal(signal.SIGINT, lambda *_: pressed.set())
    try:
        import jax  # noqa: F401
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed.is_set():
        signal.raise_signal(signal.SIGINT)
