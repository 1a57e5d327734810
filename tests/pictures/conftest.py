"""Axes to draw on."""

import pytest

from mlp_jax import pictures


@pytest.fixture
def axes():
    return pictures.figure()[1][0]
