"""A test that fails leaves no process to the next one, which would find the machine busy."""

import pytest

from tests.processes.started import STARTED


@pytest.fixture(autouse=True)
def _none_is_left():
    yield
    while STARTED:
        process = STARTED.pop()
        process.kill()
        process.communicate()
