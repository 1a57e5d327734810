"""Every test runs in float64, on two CPU devices, and with silent broadcasting forbidden.

Four fifths of the run would be XLA compiling programs that then run for milliseconds. So XLA is
told to be quick about them, unless `XLA_FLAGS` is set: `XLA_FLAGS= python -m pytest` tests the
programs of a user. `test_as_users_compile.py` holds that their numbers are the same, to the last
digits. A test of bytes or of speed sets flags of its own, in its own process.

What XLA compiles is kept in a folder of the whole run: in it another test, another worker or a
process that a test starts finds a program that was compiled before. A worker lets go of its own
programs after every file, or it would hold some gigabytes of them at the end.
"""

import atexit
import ctypes
import gc
import os
import shutil
import signal
import tempfile
from contextlib import suppress
from importlib import metadata

# LLVM without its passes; a program in one piece, for several in parallel take time from the other
# worker; and loops by XLA's older emitters where jaxlib still has the choice (one that does not
# know a flag ends the process), for the newer ones take half a second of MLIR a program.
if "XLA_FLAGS" not in os.environ:
    quick = "--xla_backend_optimization_level=0 --xla_cpu_parallel_codegen_split_count=1"
    if tuple(map(int, metadata.version("jaxlib").split(".")[:2])) < (0, 11):
        quick += " --xla_cpu_use_fusion_emitters=false"
    os.environ["XLA_FLAGS"] = quick
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

# Nothing goes to the cache folder of whoever runs the tests, whichever that is; workers inherit it.
if "PYTEST_XDIST_WORKER" not in os.environ:
    os.environ["MLP_JAX_CACHE_DIR"] = tempfile.mkdtemp(prefix="mlp_jax_cache_")
    atexit.register(shutil.rmtree, os.environ["MLP_JAX_CACHE_DIR"], ignore_errors=True)

import jax
import pytest

from mlp_jax.sweeps.planning import costs, machine
from mlp_jax.sweeps.running import program_cache

machine.keep(costs.CPU)  # plans are the same on every machine, in processes that tests start too

if "optimization_level=0" in os.environ["XLA_FLAGS"]:  # which a sweep's own option would override
    program_cache.OPTIONS["cpu"] = program_cache.QUICK_OPTIONS["cpu"] = {}

# Files whose tests take long: first, or one worker would be at one of them when all else is done.
LONG = (
    "test_benchmarks",
    "test_experiments",
    "test_layouts",
    "test_search_folds",
    "test_engines",
    "test_joined",
    "test_runner",
    "test_search",
    "test_checkpoint",
)

# Sweeps are divided among two devices in some tests; a setting that only counts before the first
# array is made.
jax.config.update("jax_num_cpu_devices", 2)


def pytest_collection_modifyitems(items):
    first = {f"{name}.py": place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: first.get(item.path.name, len(first)))


@pytest.fixture(autouse=True, scope="module")
def _programs_of_a_file():
    yield
    program_cache._kept.clear()
    jax.clear_caches()
    gc.collect()
    with suppress(OSError, AttributeError):  # free memory goes back, if it is glibc's
        ctypes.CDLL("libc.so.6").malloc_trim(0)


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
