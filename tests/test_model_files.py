"""Model files come back as they were, or not at all."""

import jax
import numpy as np
import pytest

import mlp_jax
from mlp_jax import model_files


def model():
    params = mlp_jax.init(jax.random.key(0), (3, 4, 1))
    # A transposed W: safetensors would write its bytes in the wrong order.
    turned = np.asarray(params[0].W).T.copy().T
    assert not turned.flags.c_contiguous
    params = (mlp_jax.Layer(turned, params[0].b), params[1])
    mean, scale = np.arange(3.0), np.ones(3) * 2
    network = mlp_jax.Network("tanh")
    return model_files.Model(params, network, ("no", "yes"), ("a", "b", "c"), mean, scale)


def test_a_model_comes_back_as_it_was(tmp_path):
    ours = model()
    model_files.save(tmp_path / "m.safetensors", ours)
    theirs = model_files.load(tmp_path / "m.safetensors")
    pairs = zip(jax.tree.leaves(ours.params), jax.tree.leaves(theirs.params), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)
    assert theirs[1:4] == ours[1:4]
    X = np.random.default_rng(0).normal(size=(5, 3))
    assert np.array_equal(model_files.predict(ours, X), model_files.predict(theirs, X))


def test_every_flipped_byte_is_noticed(tmp_path):
    path = tmp_path / "m.safetensors"
    content = model_files.to_bytes(model())
    for position in np.linspace(0, len(content) - 1, 60).astype(int):
        altered = bytearray(content)
        altered[position] ^= 1
        path.write_bytes(altered)
        with pytest.raises(ValueError, match=r"m\.safetensors"):
            model_files.load(path)


def test_a_file_cut_short_is_noticed(tmp_path):
    path = tmp_path / "m.safetensors"
    content = model_files.to_bytes(model())
    for length in (0, 7, 100, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(ValueError, match="no whole safetensors file"):
            model_files.load(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match="is not a file"):
        model_files.load(tmp_path / "nowhere")


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "m.safetensors"
    path.write_bytes(b"old")

    def full_disk(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(model_files.os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space"):
        model_files.save(path, model())
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_file_has_the_permissions_of_any_other(tmp_path):
    other = tmp_path / "other"
    other.write_bytes(b"")
    path = tmp_path / "m.safetensors"
    model_files.save(path, model())
    assert path.stat().st_mode == other.stat().st_mode
    path.chmod(0o640)
    model_files.save(path, model())
    assert path.stat().st_mode & 0o777 == 0o640


def test_rows_of_another_width_are_refused():
    with pytest.raises(ValueError, match=r"X has shape \(5, 2\); expected \(samples, 3\)"):
        model_files.predict(model(), np.ones((5, 2)))
