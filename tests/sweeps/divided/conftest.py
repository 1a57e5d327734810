"""The sweep by this process alone."""

import jax
import pytest

from tests.sweeps.divided.divided import swept


@pytest.fixture(scope="package")
def alone():
    """By the factor of halving."""
    with jax.enable_x64(True):
        return {halving: swept(halving=halving) for halving in (None, 3)}
