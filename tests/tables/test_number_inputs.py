"""Centres, scales and bins of columns of numbers, by hand."""

import numpy as np
import pytest

from mlp_jax.models.encoding import MISSING, RAMP, SMOOTH, VALUE, Column, Input, encode
from mlp_jax.models.encoding import encoding_of_inputs as encoding_of
from mlp_jax.tables import number_inputs
from mlp_jax.tables.input_choices import InputChoices
from mlp_jax.tables.number_inputs import bin_edges, inputs_of_numbers

ROBUST = InputChoices("robust")
ROBUST_2 = InputChoices("robust", 2)


def column(*numbers):
    return np.array(numbers, float)[:, None]


def inputs(X, choices):
    """What is learned of X, as an array to encode with."""
    return encoding_of([Column(f"x{k}") for k in range(X.shape[1])], inputs_of_numbers(X, choices))


AGES = column(4, 1, np.nan, 10, 3, 2)
# By hand: the numbers in order are 1, 2, 3, 4, 10; the median 3, the quartiles 2 and 4; half of the
# rows are at or below 3.
LEARNED = [
    Input(0, VALUE, 3.0, 3.0, 2.0, SMOOTH),
    Input(0, MISSING),
    Input(0, VALUE, 3.0, 1.0, 2.0, RAMP),
    Input(0, VALUE, 3.0, 3.0, 7.0, RAMP),
]


def test_a_column_is_learned_as_by_hand():
    assert inputs_of_numbers(AGES, ROBUST_2) == LEARNED
    assert inputs_of_numbers(AGES, ROBUST) == LEARNED[:2]


def test_a_column_is_encoded_as_by_hand():
    z = np.array([0.5, -1, 0, 3.5, 0, -0.5])
    expected = np.array([z / np.sqrt(1 + z**2 / 9), z * 0, [1, 0, 1, 1, 1, 0.5], z * 0]).T
    expected[2, 1], expected[0, 3], expected[3, 3] = 1, 1 / 7, 1
    np.testing.assert_allclose(encode(inputs(AGES, ROBUST_2), AGES), expected, rtol=1e-14)


@pytest.mark.parametrize("field", ["fill", "mean", "scale", "limit"])
def test_a_mistake_in_what_was_learned_would_be_seen(field):
    right = inputs(AGES, ROBUST_2)
    wrong = right._replace(**{field: getattr(right, field) * 0 + 2})
    assert not np.allclose(encode(right, AGES), encode(wrong, AGES))


def test_standardised_numbers_stand_beside_their_bins_as_without_them():
    X = np.random.default_rng(0).normal(size=(50, 3))
    X[::7, 1] = np.nan
    own = inputs_of_numbers(X, InputChoices())
    both = inputs_of_numbers(X, InputChoices(bins=4))
    assert both[:4] == own
    assert [one.source for one in both] == [0, 1, 2, 1, *[0] * 4, *[1] * 4, *[2] * 4]
    assert {one.limit for one in own} == {0}


def test_columns_keep_their_places_in_the_table():
    X = np.hstack([AGES, AGES + 1])
    assert [one.source for one in inputs_of_numbers(X, ROBUST, [7, 5])] == [7, 5, 7, 5]


SPREADS = {
    "the quartiles": ([0, 1, 2, 3, 100], 2),
    "half the range where the quartiles are one": ([5, 5, 5, 5, 5, 11], 3),
    "nothing of a constant": ([7, 7, 7], 1),
    "nothing of rounding": ([0.1, 0.1 * (1 + 2e-16), 0.1, 0.1 * (1 - 2e-16)], 1),
    "a number alone": ([3], 1),
    "the largest there is": ([-1.7e308, -1.7e308, 1.7e308, 1.7e308], np.finfo(float).max),
}


@pytest.mark.parametrize("case", SPREADS)
def test_the_scale_is(case):
    numbers, scale = SPREADS[case]
    [own] = inputs_of_numbers(column(*numbers), ROBUST)
    assert own.scale == scale


EDGES = {
    "as many rows in each": (range(9), 4, [0, 2, 4, 6, 8]),
    "one bin would say what the number says": (range(9), 1, []),
    "no bins": (range(9), 0, []),
    "every number where they are few": ([1, 1, 1, 1, 1, 1, 1, 2, 3, 3], 16, [1, 2, 3]),
    "two numbers": ([0, 0, 0, 1], 16, []),
    "one number": ([4, 4], 16, []),
    "many rows share a number": ([0] * 12 + [1, 2, 3, 4], 3, []),
    "and more bins tell the others apart": ([0] * 12 + [1, 2, 3, 4, 5, 6], 5, [0, 3, 6]),
    "an outlier": ([0, 1, 2, 3, 1e300], 4, [0, 1, 2, 3, 1e300]),
    "rounding": ([1, 1 + 1e-12, 2, 2 + 1e-12, 3], 8, [1, 2, 3]),
}


@pytest.mark.parametrize("case", EDGES)
def test_the_edges_are(case):
    numbers, bins, expected = EDGES[case]
    np.testing.assert_array_equal(bin_edges(np.array(numbers, float), bins), expected)


@pytest.mark.parametrize(("rows", "bins"), [(50, 3), (599, 3), (749, 4), (2399, 15), (9999, 16)])
def test_auto_is_as_many_bins_as_the_rows_allow(rows, bins):
    # By hand: 150 rows a bin, 3 bins at least and 16 at most.
    X = np.r_[np.random.default_rng(0).normal(size=rows), np.full(99, np.nan)][:, None]
    found = inputs_of_numbers(X, InputChoices(bins="auto"))
    assert len(found) == 2 + bins
    assert found == inputs_of_numbers(X, InputChoices(bins=bins))


@pytest.mark.parametrize("rows", [33, 100, 1000])
@pytest.mark.parametrize("bins", [2, 7, 16])
def test_bins_have_as_many_rows(rows, bins):
    ordered = np.sort(np.random.default_rng(rows).normal(size=rows))
    edges = bin_edges(ordered, bins)
    assert len(edges) == bins + 1
    assert (edges[0], edges[-1]) == (ordered[0], ordered[-1])
    # The rows above one edge and at or below the next: what rounding to whole rows leaves.
    counts = np.histogram(-ordered, -edges[::-1])[0]
    assert counts.max() - counts.min() <= 2


@pytest.mark.parametrize("choices", [ROBUST, ROBUST_2, InputChoices("robust", 16)])
def test_no_outlier_is_beyond_3(choices):
    X = np.random.default_rng(0).standard_cauchy((200, 3))
    X[3:9] = [[1e300, -1e300, 1.7e308], [1, 2, -1.7e308]] * 3
    found = encode(inputs(X, choices), np.vstack([X, X * 0 + 1e200]))
    assert np.isfinite(found).all()
    assert np.abs(found).max() <= 3


def test_an_outlier_without_the_limit_would_be_seen(monkeypatch):
    monkeypatch.setattr(number_inputs, "SMOOTH", 0)
    X = np.random.default_rng(0).standard_cauchy((200, 3))
    assert np.abs(encode(inputs(X, ROBUST), X)).max() > 3


def test_bins_say_where_a_number_is():
    """A weight of every bin makes a function through any heights at the edges, as of the paper."""
    x = np.sort(np.random.default_rng(0).lognormal(size=300))
    edges = bin_edges(x, 8)
    heights = np.random.default_rng(1).normal(size=9)
    encoded = encode(inputs(x[:, None], InputChoices("robust", 8)), x[:, None])[:, 1:]
    function = heights[0] + encoded @ np.diff(heights)
    np.testing.assert_allclose(function, np.interp(x, edges, heights), rtol=1e-9, atol=1e-12)


def test_a_column_without_a_number_has_no_number_and_no_bins():
    X = np.hstack([np.full((6, 1), np.nan), AGES])
    found = inputs_of_numbers(X, ROBUST_2)
    assert [(one.source, one.what) for one in found[:3]] == [(1, VALUE), (0, MISSING), (1, MISSING)]
    assert {one.source for one in found[3:]} == {1}


def test_no_columns_are_no_inputs():
    assert inputs_of_numbers(np.empty((4, 0)), ROBUST_2) == []
