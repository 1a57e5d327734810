"""Programs are kept in a folder, found there again, and not more of them than it may hold."""

import os
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

import mlp_jax
from mlp_jax.processes import kept_programs
from mlp_jax.processes.cache_folder import VARIABLE, cache_folder

SETTINGS = (
    "jax_compilation_cache_dir",
    "jax_persistent_cache_min_compile_time_secs",
    "jax_persistent_cache_min_entry_size_bytes",
)
HIT = "/jax/compilation_cache/cache_hits"


@pytest.fixture
def _as_before():
    """Whatever a test sets is as it was for the next one."""
    before = {name: getattr(jax.config, name) for name in SETTINGS}
    yield
    for name, value in before.items():
        jax.config.update(name, value)
    kept_programs.compilation_cache.reset_cache()


@pytest.fixture
def hits():
    """How many programs were found in the folder, so far."""
    found = []

    def listener(event, **_):
        if event == HIT:
            found.append(event)

    jax.monitoring.register_event_listener(listener)
    yield lambda: len(found)
    jax.monitoring.unregister_event_listener(listener)


def compile_one():
    """A program that no other test has, as another process would compile it."""
    jax.jit(lambda x: jnp.cos(x) * 5.4321 - 98.765).lower(jnp.ones(7)).compile()


@pytest.mark.usefixtures("_as_before")
def test_a_program_is_kept_and_found_again(tmp_path, hits):
    assert mlp_jax.keep_programs(tmp_path / "own") == tmp_path / "own"
    compile_one()
    kept = [path.name for path in (tmp_path / "own").glob(kept_programs.ENDING)]
    assert any("lambda" in name for name in kept)
    before = hits()
    jax.clear_caches()
    compile_one()
    assert hits() > before
    assert (tmp_path / "own").stat().st_mode & 0o777 == 0o700


@pytest.mark.usefixtures("_as_before")
def test_a_folder_that_jax_has_already_is_left_to_it(tmp_path):
    jax.config.update("jax_compilation_cache_dir", str(tmp_path))
    assert mlp_jax.keep_programs() == tmp_path


@pytest.mark.usefixtures("_as_before")
def test_by_default_it_is_the_folder_of_the_platform(tmp_path, monkeypatch):
    jax.config.update("jax_compilation_cache_dir", None)
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    assert mlp_jax.keep_programs() == tmp_path / "programs"
    assert jax.config.jax_compilation_cache_dir == str(tmp_path / "programs")


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "f").touch()
    with pytest.raises(ValueError, match=r"f cannot keep programs: .*; type another folder"):
        mlp_jax.keep_programs(tmp_path / "f")


def test_the_programs_used_longest_ago_go_first(tmp_path):
    for age, name in enumerate(("new", "middle", "old")):
        path = tmp_path / f"{name}-cache"
        path.write_bytes(bytes(100))
        os.utime(path, (1e9 - age, 1e9 - age))
    kept_programs.remove_oldest(tmp_path, 300)
    assert len(list(tmp_path.iterdir())) == 3
    kept_programs.remove_oldest(tmp_path, 250)
    assert {path.name for path in tmp_path.iterdir()} == {"new-cache", "middle-cache"}


@pytest.mark.parametrize(
    ("platform", "variable", "expected"),
    [
        ("linux", None, "~/.cache/mlp_jax"),
        ("linux", ("XDG_CACHE_HOME", "/x"), "/x/mlp_jax"),
        ("linux", ("XDG_CACHE_HOME", "x"), "~/.cache/mlp_jax"),
        ("darwin", None, "~/Library/Caches/mlp_jax"),
        ("win32", ("LOCALAPPDATA", "/l"), "/l/mlp_jax/Cache"),
        ("linux", (VARIABLE, "/v"), "/v"),
    ],
)
def test_every_platform_has_its_folder(platform, variable, expected, monkeypatch):
    for name in (VARIABLE, "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    if variable is not None:
        monkeypatch.setenv(*variable)
    monkeypatch.setattr("sys.platform", platform)
    assert cache_folder() == Path(expected).expanduser()
