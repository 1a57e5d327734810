"""A folder is held, saved to in the background, and says what is damaged or not its own."""

import errno
import threading

import numpy as np
import pytest

from mlp_jax.storage.checkpoint_folder import KEPT, CheckpointFolder, CheckpointWarning
from tests.damages import cut, emptied, flipped

FORM = "mlp_jax.test/1"
PARTS = {"examples": "a", "key": "b"}


def folder_at(path, parts=PARTS, **more):
    return CheckpointFolder(path, 60, "sweep", parts, **more)


def put(folder, number, stem="states"):
    arrays = {"numbers": np.full(3, number)}
    folder.put(folder.path_of(stem, number), FORM, {"number": number}, arrays)


@pytest.fixture
def folder(tmp_path):
    folder = folder_at(tmp_path)
    folder.hold()
    yield folder
    folder.close()


def test_a_save_is_due_after_the_seconds_since_the_last(tmp_path):
    now = 100.0
    folder = folder_at(tmp_path, clock=lambda: now)
    assert folder.wait_seconds() == 60
    now = 150.0
    assert folder.wait_seconds() == 10
    now = 170.0
    assert folder.wait_seconds() == 0
    folder.save(int)
    assert folder.wait_seconds() == 60


def test_saves_are_written_in_the_background_one_after_the_other(folder):
    may_go_on, written = threading.Event(), []

    def write(number):
        assert may_go_on.wait(60)
        written.append(number)

    folder.save(write, 1)
    assert written == []
    may_go_on.set()
    folder.save(write, 2)
    folder.finish()
    assert written == [1, 2]


def test_an_error_of_a_save_is_raised_by_the_next_and_once(folder):
    def fail():
        raise OSError(errno.ENOSPC, "No space left on device")

    folder.save(fail)
    with pytest.raises(OSError, match="No space left"):
        folder.save(int)
    folder.finish()


def test_the_newest_save_is_read(folder):
    assert folder.newest("states", FORM) is None
    assert folder.last("states") == 0
    for number in (1, 2, 12):
        put(folder, number)
    put(folder, 99, "others")
    header, arrays = folder.newest("states", FORM)
    assert header["number"] == 12
    assert header["sweep"] == PARTS
    np.testing.assert_array_equal(arrays["numbers"], [12, 12, 12])
    assert folder.last("states") == 12
    assert folder.last("states", "others") == 99


@pytest.mark.parametrize("damage", [cut, emptied, flipped])
def test_of_a_damaged_save_the_one_before_is_read_and_it_is_said(damage, folder):
    put(folder, 1)
    put(folder, 2)
    damage(folder.path_of("states", 2))
    with pytest.warns(CheckpointWarning, match="; the save before it is used"):
        header, _ = folder.newest("states", FORM)
    assert header["number"] == 1


def test_a_file_that_is_gone_is_not_said(folder):
    assert folder.read(folder.path_of("states", 1), FORM, "nothing") is None


def test_old_saves_are_removed(folder):
    for number in range(1, 6):
        put(folder, number)
    copy = folder.path / "states-000001 (copy).safetensors"
    copy.write_text("")
    folder.remove_old("states")
    left = {path.name for path in folder.paths("states")}
    assert left == {copy.name, "states-000004.safetensors", "states-000005.safetensors"}
    assert len(left) == KEPT + 1


@pytest.mark.parametrize("name", PARTS)
def test_what_is_of_another_sweep_is_refused_with_what_differs(name, folder, tmp_path):
    put(folder, 1)
    folder.close()
    other = folder_at(tmp_path, PARTS | {name: "c"})
    other.hold()
    with pytest.raises(ValueError, match=f"is of another sweep: other {name}; type another folder"):
        other.newest("states", FORM)
    held(tmp_path)  # the other has let go of it


def test_a_folder_that_is_held_is_refused_and_shared_ones_go_together(folder, tmp_path):
    with pytest.raises(ValueError, match="is in use by another process"):
        folder_at(tmp_path).hold()
    folder.close()
    together = [folder_at(tmp_path), folder_at(tmp_path)]
    for one in together:
        one.hold(shared=True)
    with pytest.raises(ValueError, match="is in use by another process"):
        folder_at(tmp_path).hold()
    for one in together:
        one.close()
    held(tmp_path)


def held(path):
    folder = folder_at(path)
    folder.hold()
    folder.close()


def test_only_what_was_begun_to_be_written_is_removed(tmp_path):
    ours = ["state-000001", "states-all-000002", "outcomes-1of2-000003"]
    for name in ours:
        (tmp_path / f".{name}.safetensors.x1y2z3.tmp").write_text("")
    theirs = [".notes.tmp", ".state.tmp", "states-a.tmp", ".draft-state-1.tmp"]
    for name in theirs:
        (tmp_path / name).write_text("")
    held(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {*theirs, "lock"}


def test_what_cannot_be_removed_stays_and_the_folder_is_free_again(tmp_path):
    (tmp_path / ".state-000001.tmp").mkdir()
    for _ in range(2):
        held(tmp_path)
    assert (tmp_path / ".state-000001.tmp").is_dir()


def test_where_files_cannot_be_locked_it_goes_on(tmp_path, monkeypatch):
    def no_locks(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", no_locks)
    (tmp_path / ".states-all-000001.safetensors.x.tmp").write_text("")
    held(tmp_path)
    assert len(list(tmp_path.iterdir())) == 2  # another process may be at it
