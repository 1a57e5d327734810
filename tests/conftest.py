"""Every test runs in float64, on two CPU devices, and with silent broadcasting forbidden.

What XLA compiles is kept in a folder of the whole run: in it another test, another worker or a
process that a test starts finds a program that was compiled before.
"""

import atexit
import os
import shutil
import signal
import tempfile

# Before JAX is imported, which reads the environment once. The controller makes the folder; the
# workers and the processes that tests start inherit its name.
if "MLP_JAX_TESTS_PROGRAMS" not in os.environ:
    folder = tempfile.mkdtemp(prefix="mlp_jax_programs_")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ |= {
        "MLP_JAX_TESTS_PROGRAMS": folder,
        "JAX_COMPILATION_CACHE_DIR": folder,
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }

import jax
import pytest

# Sweeps are divided among two devices in some tests; a setting that only counts before the first
# array is made.
jax.config.update("jax_num_cpu_devices", 2)


@pytest.fixture(autouse=True)
def _float64():
    with jax.enable_x64(True), jax.numpy_rank_promotion("raise"):
        yield


@pytest.fixture
def compilations():
    """How many programs XLA compiled, so far."""
    count = []

    def listener(event, *_, **__):
        if event == "/jax/core/compile/backend_compile_duration":
            count.append(event)

    jax.monitoring.register_event_duration_secs_listener(listener)
    yield lambda: len(count)
    jax.monitoring.unregister_event_duration_listener(listener)


@pytest.fixture
def _interruptible():
    """Ctrl-C means what it does in a terminal; a shell's background jobs are started without it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
