"""A sweep that is killed goes on from its folder, and ends as if nothing had happened."""

import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import jax
import numpy as np
import pytest

import mlp_jax
from mlp_jax.storage import checkpoint_folder
from mlp_jax.storage.checkpoint_folder import CheckpointWarning
from mlp_jax.sweeps import configurations
from mlp_jax.sweeps.run import plan_of, run
from mlp_jax.sweeps.running import cohort
from mlp_jax.sweeps.running.checkpoint import fingerprints_of
from mlp_jax.sweeps.running.cohort_members import members_of
from mlp_jax.sweeps.running.stacking import InitialWeights
from mlp_jax.sweeps.task import as_task
from tests.damages import cut, disk_full_after, emptied, flipped

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 3))
Y = X[:, 0] * X[:, 1] > 0
SPACE = [
    {"hidden": hidden, "learning_rate": rate, "activation": activation, "patience": patience}
    for hidden in ((3,), (5,), (4, 2))
    for rate, activation, patience in ((0.01, "relu", None), (0.03, "sigmoid", 9))
]
HALVINGS = pytest.mark.parametrize("halving", [None, 2])


def swept(halving=None, folder=None, *, on_chunk=None, **more):
    # Three segments of 32 epochs and a rest, chunks of two: many places to stop at.
    about = {"folds": 2, "epochs": 100, "key": 1} | more
    saves = {"checkpoint_seconds": about.pop("checkpoint_seconds", 1e-3)} if folder else {}
    how = {name: about.pop(name) for name in ("chunk", "devices") if name in about}
    task = as_task(X, Y, about.pop("space", SPACE), **about)
    plan = plan_of(task, halving=halving, **({"chunk": 2} | how))
    return run(task, plan, checkpoint=folder, on_chunk=on_chunk, **saves)


@pytest.fixture(scope="module")
def whole():
    """What comes of it when nothing happens, by halving."""
    with jax.enable_x64(True):
        return {halving: swept(halving) for halving in (None, 2)}


def check_same(ours, theirs):
    for one, other in zip(ours.members, theirs.members, strict=True):
        for name in ("configuration", "seed", "fold", "status", "score", "best_epoch"):
            assert repr(getattr(one, name)) == repr(getattr(other, name)), name
        pairs = zip(jax.tree.leaves(one.params), jax.tree.leaves(other.params), strict=True)
        assert all(np.array_equal(a, b) for a, b in pairs)
        for a, b in zip(one.curves, other.curves, strict=True):
            np.testing.assert_array_equal(a, b)


class KilledError(Exception):
    pass


def wait_for_a_save(folder):
    """For a few seconds at most, for there may be nothing new to save."""
    if folder is None:
        return
    before = sorted(folder.glob("states-*"))
    for _ in range(100):
        if sorted(folder.glob("states-*")) != before:
            return
        time.sleep(0.05)


def kill_after(chunks, folder=None):
    """An `on_chunk` that fails after so many chunks; if told its folder, once that has been saved
    to again, which a busy machine may take its time for.
    """
    left = iter(range(chunks))

    def on_chunk(_):
        if next(left, None) is None:
            wait_for_a_save(folder)
            raise KilledError

    return on_chunk


@HALVINGS
def test_saving_changes_nothing_and_the_same_call_again_trains_nothing(halving, whole, tmp_path):
    check_same(swept(halving, tmp_path), whole[halving])
    again = swept(halving, tmp_path)
    check_same(again, whole[halving])
    assert again.compilations == 0


@HALVINGS
def test_a_sweep_goes_on_from_wherever_it_failed(halving, whole, tmp_path):
    for chunks in (0, 1, 2, 3, 5, 8, 11):
        folder = tmp_path / str(chunks)
        with pytest.raises(KilledError):
            swept(halving, folder, on_chunk=kill_after(chunks))
        check_same(swept(halving, folder), whole[halving])


def test_scales_of_inputs_are_saved_and_go_on_in_a_narrower_program(tmp_path):
    """Restored in a cohort without the widest, which was halved away, or in the same."""
    space = [{"hidden": h, "input_scale_rate": r} for h in ((3,), (6,)) for r in (None, 2.0, 6.0)]
    about = {"space": space, "chunk": 1, "folds": 2, "epochs": 70}
    expected = swept(2, **about)
    for chunks in (9, 17):
        folder = tmp_path / str(chunks)
        with pytest.raises(KilledError):
            swept(2, folder, on_chunk=kill_after(chunks), **about)
        check_same(swept(2, folder, **about), expected)


def test_what_was_trained_is_not_trained_again(tmp_path):
    with pytest.raises(KilledError):
        swept(None, tmp_path, on_chunk=kill_after(9, tmp_path))
    trained = []
    result = swept(None, tmp_path, on_chunk=trained.append)
    everything = sum(len(member.curves.cost) for member in result.members)
    # Of the nine chunks those of a segment that was not at its end are lost.
    assert 0 < sum(trained) <= everything - 2 * 32


@HALVINGS
def test_ctrl_c_saves_where_it_stands(halving, whole, tmp_path):
    chunks, noticed = [], threading.Event()

    def notice(*arguments):
        noticed.set()
        signal.default_int_handler(*arguments)

    handler = signal.signal(signal.SIGINT, notice)

    def interrupt(epochs):
        chunks.append(epochs)
        if len(chunks) == 5:
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        if len(chunks) >= 5:  # the other thread waits for it too
            noticed.wait(60)
            time.sleep(0.3)  # until all threads are told

    result = swept(halving, tmp_path, on_chunk=interrupt, checkpoint_seconds=1e6)
    signal.signal(signal.SIGINT, handler)
    assert result.interrupted
    assert len(chunks) < 9
    check_same(swept(halving, tmp_path), whole[halving])


@HALVINGS
def test_another_layout_goes_on_with_the_same_members(halving, whole, tmp_path):
    with pytest.raises(KilledError):
        swept(halving, tmp_path, on_chunk=kill_after(7))
    result = swept(halving, tmp_path, chunk=6, devices=jax.devices()[:2])
    for one, other in zip(result.members, whole[halving].members, strict=True):
        assert (one.status, one.best_epoch) == (other.status, other.best_epoch)
        pairs = zip(jax.tree.leaves(one.params), jax.tree.leaves(other.params), strict=True)
        for a, b in pairs:  # as for a member and the same network alone
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


def test_a_restored_cohort_of_which_none_goes_on_is_compiled_for_a_whole_chunk():
    result = swept()
    task, bucket = result.task, result.plan.buckets[0]
    one = members_of(task, bucket, 0).take(np.arange(1))
    restored = cohort.Cohort(task, bucket, one, InitialWeights(task))
    before = jax.tree.map(np.shape, restored.arguments_of_program(*3 * [0])[1:3])
    ended = restored._at.flags._replace(diverged=np.ones(1, bool))
    restored._at = restored._at._replace(flags=ended)
    assert not restored.goes_on
    assert jax.tree.map(np.shape, restored.arguments_of_program(*3 * [0])[1:3]) == before
    assert before[1].epoch == (bucket.chunk,)


DAMAGES = {
    "states cut short": ("states", cut, 1),
    "states of flipped bits": ("states", flipped, 1),
    "both states emptied": ("states", emptied, 2),
    "outcomes cut short": ("outcomes", cut, 1),
    "outcomes of flipped bits": ("outcomes", flipped, 1),
}


@HALVINGS
@pytest.mark.parametrize("case", DAMAGES)
def test_damage_is_seen_and_what_came_before_is_used(case, halving, whole, tmp_path):
    kind, damage, count = DAMAGES[case]
    with pytest.raises(KilledError):
        swept(halving, tmp_path, on_chunk=kill_after(9, tmp_path))
    saved = sorted(tmp_path.glob(f"{kind}-*"))
    assert len(saved) >= count
    for path in saved[-count:]:
        damage(path)
    with pytest.warns(CheckpointWarning, match="no whole safetensors file|SHA-256 differs"):
        result = swept(halving, tmp_path)
    check_same(result, whole[halving])


def test_a_full_disk_is_said_and_what_was_saved_stays(whole, tmp_path):
    with (
        disk_full_after(4),
        pytest.raises(OSError, match="No space left on device: the checkpoint cannot be written"),
    ):
        swept(None, tmp_path)
    assert not list(tmp_path.glob(".*"))
    check_same(swept(None, tmp_path), whole[None])


OTHERS = {
    "table": lambda folder: mlp_jax.sweep(
        X + 1, Y, SPACE, folds=2, epochs=100, key=1, checkpoint=folder, progress=False
    ),
    "configurations": lambda folder: swept(None, folder, space=SPACE[1:]),
    "key": lambda folder: swept(None, folder, key=2),
    "folds": lambda folder: swept(None, folder, folds=3),
    "scoring": lambda folder: swept(None, folder, scoring="loss"),
    "halving": lambda folder: swept(2, folder),
}


@pytest.mark.parametrize("what", OTHERS)
def test_the_folder_of_another_sweep_is_refused_with_what_differs(what, tmp_path):
    swept(None, tmp_path, checkpoint_seconds=1e6)
    with pytest.raises(ValueError, match=f"is of another sweep: other .*{what}.*type another"):
        OTHERS[what](tmp_path)
    check_same(swept(None, tmp_path), swept())


def test_other_initial_weights_are_another_sweep_and_hes_by_name_are_those_of_before(monkeypatch):
    monkeypatch.setattr(configurations, "DEFAULT_SCHEME", "he")
    spaces = [SPACE, *([one | {"init": scheme} for one in SPACE] for scheme in ("he", "glorot"))]
    before, named, other = (
        fingerprints_of(as_task(X, Y, space, folds=2), None) for space in spaces
    )
    assert named == before
    assert {name for name in before if other[name] != before[name]} == {"configurations"}


def test_a_folder_is_of_one_process_at_a_time(tmp_path):
    code = "import fcntl, sys, time; f = open(sys.argv[1], 'w'); fcntl.flock(f, fcntl.LOCK_EX)"
    command = [sys.executable, "-uc", f"{code}; print(); time.sleep(60)", str(tmp_path / "lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        with pytest.raises(ValueError, match="is in use by another process: wait for it"):
            swept(None, tmp_path)
        other.kill()
    swept(None, tmp_path)


def test_a_copy_beside_the_saves_is_none_of_them(whole, tmp_path):
    swept(None, tmp_path)
    save = max(tmp_path.glob("states-*"))
    copy = save.with_name(f"{save.stem} (copy).safetensors")
    copy.write_bytes(save.read_bytes())
    check_same(swept(None, tmp_path), whole[None])
    assert copy.exists()  # though many have come after it
    assert checkpoint_folder.CheckpointFolder(tmp_path, 60, "sweep", {}).last("states-all") > 1


@pytest.mark.parametrize("seconds", [0, -1, "often"])
def test_seconds_that_are_none_are_refused(seconds, tmp_path):
    with pytest.raises(ValueError, match=r"checkpoint_seconds is .*; expected seconds"):
        swept(None, tmp_path, checkpoint_seconds=seconds)


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "f").write_text("")
    with pytest.raises(ValueError, match=r"checkpoint is '.*/f', which is no folder to write to"):
        swept(None, tmp_path / "f")


def test_few_files_of_states_are_kept(tmp_path):
    swept(2, tmp_path)
    assert 1 <= len(list(tmp_path.glob("states-*"))) <= checkpoint_folder.KEPT


def large(halving, **saves):
    """A sweep of some seconds, in float32."""
    rows = np.random.default_rng(0).normal(size=(2000, 5)).astype("float32")
    space = {"width": list(range(8, 32)), "patience": [None, 60]}
    about = {"folds": 2, "epochs": 96, "chunk": 8, "key": 0, "progress": False, "halving": halving}
    with jax.enable_x64(False):
        return mlp_jax.sweep(rows, rows[:, 0] * rows[:, 1] > 0, space, **about, **saves)


PROCESS = """
import sys
import tests.conftest  # the same options of XLA, so the same bits
from tests.sweeps.running.test_checkpoint import large, mlp_jax
halving, folder, output = int(sys.argv[1]) or None, *sys.argv[2:]
mlp_jax.save_sweep(large(halving, checkpoint=folder, checkpoint_seconds=0.05), output)
"""


def saves_in(folder):
    return {path.name for path in folder.glob("*-0*.safetensors")}


@pytest.mark.parametrize("halving", [None, 3])
def test_kills_lose_nothing(halving, tmp_path):
    """With kill -9, thrice, each at some moment after there is something new in the folder."""
    moments, folder, kills = random.Random(halving), tmp_path / "saves", 0
    words = [sys.executable, "-c", PROCESS, halving or 0, folder, tmp_path / "output"]
    words = [str(word) for word in words]
    for _ in range(3):
        before = saves_in(folder)
        with subprocess.Popen(words, cwd=Path(__file__).parents[3]) as process:
            while process.poll() is None and saves_in(folder) <= before:
                time.sleep(0.01)
            time.sleep(moments.uniform(0.0, 0.3))
            kills += process.poll() is None
            process.kill()
    assert kills >= 2  # a fast machine may have done all before the third
    subprocess.run(words, cwd=Path(__file__).parents[3], check=True)
    check_same(mlp_jax.load_sweep(tmp_path / "output"), large(halving))
