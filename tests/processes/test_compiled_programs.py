"""Room for compiled programs: kept while memory can be mapped, forgotten before it cannot."""

import mmap
import time
from concurrent.futures import ThreadPoolExecutor

import jax
import numpy as np
import pytest

import mlp_jax
from mlp_jax.processes.compiled_programs import (
    LOOKED_AT,
    OF_PROCESS,
    Mappings,
    share_of_mappings,
)
from mlp_jax.sweeps.running import program_cache
from mlp_jax.training.loop import run
from tests.nets import random_net


def compile_some():
    """As a user does: programs of a function that knows nothing of this library."""
    OF_PROCESS.left = LOOKED_AT
    for step in range(LOOKED_AT):
        jax.jit(lambda x, step=step: x + step)(1.0)


def test_mappings_are_counted():
    before = share_of_mappings()
    pages = [mmap.mmap(-1, 4096, prot=(1, 3)[page % 2]) for page in range(2000)]
    assert share_of_mappings() > before + 0.01
    assert len(pages) == 2000


@pytest.fixture
def compiled(monkeypatch):
    """A function that compiles a stand-in for a program of a sweep; returns whether it is new."""
    monkeypatch.setattr(program_cache, "_kept", {})
    monkeypatch.setattr(program_cache, "train_chunk", lambda X, **_: X)
    monkeypatch.setattr(program_cache, "OPTIONS", {})
    monkeypatch.setattr(OF_PROCESS, "share", lambda: 0.7)
    device = jax.devices()[0]
    return lambda length: program_cache.compile_program(
        device, (np.zeros(length),), None, None, (), quick=False
    )[1]


def test_programs_of_sweeps_are_kept_until_mappings_are_few(compiled, monkeypatch):
    assert all(compiled(length) for length in range(200))
    assert not any(compiled(length) for length in range(200))
    compile_some()
    assert len(program_cache._kept) == 200
    monkeypatch.setattr(OF_PROCESS, "share", lambda: 0.8)
    compile_some()
    # A quarter has gone, of those used longest ago.
    assert len(program_cache._kept) == 150
    assert [compiled(length) for length in (199, 50, 49, 0)] == [False, False, True, True]


def test_a_program_that_another_thread_compiles_is_waited_for(compiled, monkeypatch):
    def slow(X, **_):
        time.sleep(0.3)
        return X

    monkeypatch.setattr(program_cache, "train_chunk", slow)
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(compiled, [7] * 4)) == 1
    assert not program_cache._one_at_a_time


def test_programs_of_fit_are_forgotten_and_compiled_again(monkeypatch):
    params, X, Y = random_net(0, (3, 4, 1), 20)
    before, _ = mlp_jax.fit(params, X, Y, optimizer="adam", epochs=3)
    assert run._cache_size() > 0
    monkeypatch.setattr(OF_PROCESS, "share", lambda: 0.8)
    compile_some()
    assert run._cache_size() == 0
    again, _ = mlp_jax.fit(params, X, Y, optimizer="adam", epochs=3)
    np.testing.assert_array_equal(again.params[0][0], before.params[0][0])


def test_looks_are_rarer_where_few_mappings_are_taken():
    looks = []

    def share():
        looks.append(len(looks))
        return 0.25

    mappings = Mappings(share)
    for _ in range(LOOKED_AT):
        mappings.count_compilation()
    assert len(looks) == 1
    for _ in range(74):  # (0.75 - 0.25) * 150 to the next look
        mappings.count_compilation()
    assert len(looks) == 1
    mappings.count_compilation()
    assert len(looks) == 2


@pytest.mark.parametrize(("share", "forgotten"), [(0.74, 0), (0.76, 2)])
def test_programs_are_forgotten_at_every_look_at_which_mappings_are_few(share, forgotten):
    calls = []
    mappings = Mappings(lambda: share, looked_at=3)
    mappings.when_crowded(lambda: calls.append(mappings.left))
    for _ in range(6):
        mappings.count_compilation()
    assert calls == [3] * forgotten
