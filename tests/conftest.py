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
