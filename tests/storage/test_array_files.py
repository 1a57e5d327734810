"""A file of arrays is one of safetensors, and is written without copies of the arrays."""

import numpy as np
import pytest
import safetensors.numpy

from mlp_jax.storage import array_files
from mlp_jax.storage.array_files import EndToEnd, packed, pieces, replace, unpacked

ARRAYS = {
    "bytes": np.arange(5, dtype=np.uint8),
    "flags": np.array([[True, False]]),
    "half": np.ones(3, np.float16),
    "turned": np.arange(6.0).reshape(2, 3).T,
    "a scalar": np.array(7, np.int32),
    "of none": np.empty((0, 3), np.float32),
    "keys": np.arange(2, dtype=np.uint32),
    "ümlaut": np.arange(4),
}


def test_a_file_is_one_of_safetensors():
    content = packed("f", {"of": [1, 2.5, None]}, ARRAYS)
    read = safetensors.numpy.load(content)
    assert set(read) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert (read[name].dtype, read[name].shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(read[name], array)


def test_a_file_is_read_as_it_was_written_and_its_arrays_are_not_copied(tmp_path):
    large = np.arange(1000.0)
    content = list(pieces("f", {"n": 3}, {"large": large, "small": np.zeros(1, np.int8)}))
    assert any(np.shares_memory(np.frombuffer(piece, np.uint8), large) for piece in content)
    replace(tmp_path / "file", content)
    header, arrays = unpacked(tmp_path / "file", "f", "")
    assert header["n"] == 3
    np.testing.assert_array_equal(arrays["large"], large)


def test_parts_end_to_end_are_an_array_of_the_file():
    parts = EndToEnd(np.dtype("f8"), 5, lambda: [np.arange(2.0), np.arange(2.0, 5.0)])
    np.testing.assert_array_equal(parts.whole(), np.arange(5.0))
    content = packed("f", {}, {"x": parts, "y": np.ones(1)})
    assert content == packed("f", {}, {"x": np.arange(5.0), "y": np.ones(1)})


def test_one_bit_is_seen(tmp_path):
    content = bytearray(packed("f", {}, ARRAYS))
    content[-1] ^= 1
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ValueError, match="its SHA-256 differs"):
        unpacked(tmp_path / "file", "f", "")


def test_dtypes_that_no_file_has_are_named():
    with pytest.raises(ValueError, match="dtype object cannot be written"):
        array_files.packed("f", {}, {"x": np.array([None])})
