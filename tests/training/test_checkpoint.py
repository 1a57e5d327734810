"""A training that is stopped goes on from its folder, and ends as if nothing had happened."""

import subprocess
import sys
import time
from functools import partial

import jax
import numpy as np
import optax
import pytest

import mlp_jax
from mlp_jax.storage.checkpoint_folder import CheckpointWarning
from mlp_jax.storage.fingerprints import fingerprint
from tests.damages import cut, disk_full_after, flipped

X = np.random.default_rng(0).normal(size=(3, 50))
Y = X[:1] * X[1:2] > 0
PARAMS = mlp_jax.init(jax.random.key(0), (3, 8, 4, 1), scheme="he")
TRAININGS = {
    "batches": {"optimizer": "adam", "batch_size": 16, "key": 1},
    "dropout": {"optimizer": "sgd", "dropout": 0.2, "key": 1},
    "optax's": {"optimizer": optax.chain(optax.clip_by_global_norm(1.0), optax.adam(0.01))},
    "early stopping": {"optimizer": "adam", "key": 2, "validation": 0.3, "patience": 9},
    "RealMLP's recipe": {
        "optimizer": mlp_jax.optimizer(
            "adamw",
            schedule="log_cosine",
            decay_epochs=60,
            bias_rate=0.1,
            input_scale_rate=6.0,
            warm_up_epochs=2,
        ),
        "batch_size": 16,
        "key": 1,
        "dropout": 0.2,
        "dropout_epochs": 50,
    },
    "lbfgs": {"optimizer": "lbfgs"},
}


def fitted(which="batches", **more):
    about = {"epochs": 60} | TRAININGS[which] | more
    return mlp_jax.fit(PARAMS, X, Y, **about)


def leaves_of(found):
    keys = (jax.dtypes.prng_key,)
    return [
        np.asarray(
            jax.random.key_data(leaf) if jax.dtypes.issubdtype(leaf.dtype, keys[0]) else leaf
        )
        for leaf in jax.tree.leaves(found)
    ]


def check_same(ours, theirs):
    for one, other in zip(leaves_of(ours), leaves_of(theirs), strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


class StoppedError(Exception):
    pass


def stop_after(calls):
    left = iter(range(calls))

    def progress(*_):
        if next(left, None) is None:
            raise StoppedError

    return progress


@pytest.mark.parametrize("which", TRAININGS)
def test_it_goes_on_from_where_it_stopped_to_the_same_bits(which, tmp_path):
    whole = fitted(which)
    for calls in (0, 1, 3):
        folder = tmp_path / str(calls)
        with pytest.raises(StoppedError):
            fitted(which, checkpoint=folder, progress=stop_after(calls))
        seen = []
        check_same(fitted(which, checkpoint=folder, progress=lambda *a, s=seen: s.append(a)), whole)
        assert all(epoch > calls for epoch, *_ in seen)  # what was done is not done again
    check_same(fitted(which, checkpoint=folder), whole)


def test_the_same_call_again_trains_nothing(tmp_path):
    first = fitted(checkpoint=tmp_path)
    epochs = []
    check_same(fitted(checkpoint=tmp_path, progress=lambda *a: epochs.append(a)), first)
    assert epochs == []


def test_a_run_that_diverged_is_not_tried_again(tmp_path):
    for _ in range(2):
        with pytest.warns(mlp_jax.DivergenceWarning):
            state, info = fitted("lbfgs", optimizer=optax.sgd(1e30), checkpoint=tmp_path)
        assert state.diverged
        assert len(info.cost) < 60


@pytest.mark.parametrize("damage", [cut, flipped])
@pytest.mark.parametrize("count", [1, 2])
def test_damage_is_seen_and_the_save_before_is_used(damage, count, tmp_path):
    with pytest.raises(StoppedError):
        fitted(checkpoint=tmp_path, progress=stop_after(3), checkpoint_seconds=1e-6)
    saved = sorted(tmp_path.glob("state-*"))
    assert len(saved) == 2
    for path in saved[-count:]:
        damage(path)
    with pytest.warns(CheckpointWarning, match="no whole safetensors file|SHA-256 differs"):
        check_same(fitted(checkpoint=tmp_path), fitted())


def test_a_full_disk_is_said_and_the_folder_is_free_again(tmp_path):
    with (
        disk_full_after(2),
        pytest.raises(OSError, match="No space left on device: the checkpoint cannot be"),
    ):
        fitted(checkpoint=tmp_path, checkpoint_seconds=1e-6)
    assert len(list(tmp_path.glob("state-*"))) == 2
    assert not list(tmp_path.glob(".*"))
    check_same(fitted(checkpoint=tmp_path), fitted())


OTHERS = {
    "examples": lambda folder: mlp_jax.fit(
        PARAMS, X + 1, Y, epochs=60, **TRAININGS["batches"], checkpoint=folder
    ),
    "parameters or key": lambda folder: fitted(key=3, checkpoint=folder),
    "numbers": lambda folder: fitted(l2=0.1, checkpoint=folder),
    "epochs": lambda folder: fitted(epochs=61, checkpoint=folder),
    "choices": lambda folder: fitted(batch_size=17, checkpoint=folder),
    "validation": lambda folder: fitted(validation=(X, Y), checkpoint=folder),
}


@pytest.mark.parametrize("what", OTHERS)
def test_the_folder_of_another_training_is_refused_with_what_differs(what, tmp_path):
    first = fitted(checkpoint=tmp_path)
    with pytest.raises(ValueError, match=rf"is of another training: other .*{what}.*type another"):
        OTHERS[what](tmp_path)
    check_same(fitted(checkpoint=tmp_path), first)


def test_another_number_in_an_optimizer_of_optax_is_another_training(tmp_path):
    first = fitted(optimizer=optax.adam(0.01), checkpoint=tmp_path)
    with pytest.raises(ValueError, match="other choices"):
        fitted(optimizer=optax.adam(0.1), checkpoint=tmp_path)
    check_same(fitted(optimizer=optax.adam(0.01), checkpoint=tmp_path), first)


def own_gradient(strength):
    """As another process has it: of another address."""

    def gradient(factor, params, X, Y, **choices):
        J, grads = mlp_jax.cost_and_gradient(params, X, Y, **choices)
        return J, jax.tree.map(lambda g: factor * g, grads)

    return partial(gradient, strength)


def test_a_partial_is_told_by_what_it_was_given_and_not_by_where_it_is(tmp_path):
    assert (
        fingerprint(own_gradient(0.5))
        == fingerprint(own_gradient(0.5))
        != fingerprint(own_gradient(0.25))
    )
    train = partial(fitted, epochs=3, batch_size=None, checkpoint=tmp_path)
    first = train(gradient=own_gradient(0.5))
    check_same(train(gradient=own_gradient(0.5)), first)
    with pytest.raises(ValueError, match="other choices"):
        train(gradient=own_gradient(0.25))


def test_under_jit_it_is_refused(tmp_path):
    def train(params):
        return mlp_jax.fit(params, X, Y, optimizer="adam", epochs=3, checkpoint=tmp_path)

    with pytest.raises(ValueError, match="no checkpoint can be written under jit or vmap"):
        jax.jit(train)(PARAMS)


def test_seconds_that_are_none_are_refused(tmp_path):
    with pytest.raises(ValueError, match="checkpoint_seconds is 0; expected seconds"):
        fitted(checkpoint=tmp_path, checkpoint_seconds=0)


SCRIPT = """
import sys, jax, numpy as np, mlp_jax
X = np.random.default_rng(0).normal(size=(3, 500)).astype("float32")
params = mlp_jax.init(jax.random.key(0), (3, 8, 4, 1), scheme="he")
saves = {"checkpoint": sys.argv[1], "checkpoint_seconds": 0.05} if sys.argv[1] else {}
state, info = mlp_jax.fit(
    params, X, X[:1] > 0, optimizer="adam", epochs=20_000, batch_size=50, key=0, **saves)
print(float(info.cost.sum()), *(float(leaf.sum()) for leaf in jax.tree.leaves(state.params)))
"""


def test_a_kill_loses_no_more_than_since_the_last_save(tmp_path):
    command = [sys.executable, "-c", SCRIPT]
    for _ in range(3):
        before = {path.name for path in tmp_path.glob("state-*")}
        with subprocess.Popen([*command, str(tmp_path)], stdout=subprocess.PIPE) as process:
            while {path.name for path in tmp_path.glob("state-*")} <= before:
                if process.poll() is not None:  # it had come to its end
                    break
                time.sleep(0.01)
            process.kill()
    run = {"capture_output": True, "text": True, "check": True}
    again = subprocess.run([*command, str(tmp_path)], **run).stdout
    assert again == subprocess.run([*command, ""], **run).stdout
