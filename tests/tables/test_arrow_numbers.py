"""Numbers of pyarrow become what its own to_numpy makes of them."""

import numpy as np
import pyarrow
import pytest

from mlp_jax.tables.arrow_numbers import as_floats

KINDS = ["int8", "uint64", "int64", "float16", "float32", "float64"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cells", [[], [3, 1, 2], [None, 7, None, 2, 5], [None, None], [1] * 20])
def test_numbers_are_pyarrows(kind, cells):
    one = pyarrow.array(cells, kind)
    for chunks in ([one], [one, one[1:], one[:0]], []):
        column = pyarrow.chunked_array(chunks, one.type)
        expected = column.to_numpy().astype(np.float64)
        np.testing.assert_array_equal(as_floats(column), expected)
        assert as_floats(column).dtype == np.float64


def test_numbers_of_infinity_and_nan_stay():
    column = pyarrow.chunked_array([[np.inf, np.nan, -0.0]])
    np.testing.assert_array_equal(as_floats(column), [np.inf, np.nan, -0.0])
