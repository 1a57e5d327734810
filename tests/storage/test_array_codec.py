"""What lies end to end in a file comes apart again as it was."""

import numpy as np
import pytest

from mlp_jax.storage.array_codec import (
    by_place,
    forms_of,
    in_order,
    join,
    join_bytes,
    json_as_bytes,
    json_of_bytes,
    split,
    split_bytes,
)

PARTS = [np.arange(6.0).reshape(2, 3), np.empty((0, 4)), np.full((1, 1), np.nan)]
LEAVES = [
    np.arange(6, dtype=np.int32).reshape(3, 2).T,  # in Fortran's order
    np.array([True, False]),
    np.empty((0, 5), np.float32),
    np.array(np.nan),
    np.arange(3, dtype=np.uint32),
]


@pytest.mark.parametrize("parts", [[], PARTS[:1], PARTS], ids=["none", "one", "several"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_parts_come_apart_as_they_were(parts, dtype):
    arrays = join("numbers", parts, dtype)
    assert set(arrays) == {"numbers", "numbers_lengths"}
    assert arrays["numbers"].dtype == dtype
    found = split(arrays, "numbers")
    for part, expected in zip(found, parts, strict=True):
        np.testing.assert_array_equal(part, expected.ravel())


@pytest.mark.parametrize("lengths", [[6, 0], [8, -1], [6, 0, 2]])
def test_lengths_that_are_none_of_the_parts_are_an_error(lengths):
    arrays = join("numbers", PARTS, float)
    arrays["numbers_lengths"] = np.array(lengths)
    with pytest.raises(ValueError, match=r"numbers has 7 entries and its parts \d"):
        split(arrays, "numbers")


def test_arrays_of_several_dtypes_come_apart_as_they_were():
    content = join_bytes(LEAVES)
    assert content.dtype == np.uint8
    for leaf, expected in zip(split_bytes(content, forms_of(LEAVES)), LEAVES, strict=True):
        assert leaf.dtype == expected.dtype
        assert leaf.shape == expected.shape
        np.testing.assert_array_equal(leaf, expected)


def test_arrays_lie_by_their_place():
    arrays = by_place(LEAVES, "leaf")
    assert list(arrays) == ["leaf0", "leaf1", "leaf2", "leaf3", "leaf4"]
    assert all(a is b for a, b in zip(in_order(arrays, 5, "leaf"), LEAVES, strict=True))


def test_a_value_in_json_is_bytes():
    value = [{"hidden": [3, 4], "name": "ä", "rate": 0.1}, None]
    assert json_as_bytes(value).dtype == np.uint8
    assert json_of_bytes(json_as_bytes(value)) == value
