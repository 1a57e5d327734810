"""Every test runs in float64, on two CPU devices, and with silent broadcasting forbidden."""

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
