"""Rows of a table become inputs, by names and numbers alone."""

import jax
import jax.numpy as jnp
import numpy as np
import pandas
import pyarrow
import pytest

import mlp_jax.models.encoding as module
from mlp_jax.models.cells import as_category, in_one_spelling
from mlp_jax.models.encoding import (
    MISSING,
    RAMP,
    SMOOTH,
    VALUE,
    Column,
    Encoding,
    Input,
    coded,
    encode,
    encoded,
    encoding_of_inputs,
)
from mlp_jax.models.encoding import numbers as encoding_of_numbers


def encoding(strict=False):
    """age, with a median of 30 and an indicator; colour, of blue, red and others."""
    return Encoding(
        (Column("age"), Column("colour", ("blue", "red"), strict)),
        source=np.array([0, 0, 1, 1, 1], np.int32),
        what=np.array([VALUE, MISSING, 0, 1, 2], np.int32),
        fill=np.array([30.0, np.nan, np.nan, np.nan, 2.0]),
        mean=np.array([20.0, 0, 0, 0, 0.5]),
        scale=np.array([10.0, 1, 1, 1, 2]),
        limit=np.zeros(5, np.int32),
    )


TABLE = {"colour": ["red", "green", None, "blue"], "age": [40, None, 20.0, 25]}
# By hand: (40 - 20) / 10, the median 30 where age is missing; last, (other - 1/2) / 2.
INPUTS = [
    [2, 0, 0, 1, -0.25],
    [1, 1, 0, 0, 0.25],
    [0, 0, 0, 0, 0.25],
    [0.5, 0, 1, 0, -0.25],
]
KINDS = {
    "dict": lambda t: t,
    "pandas": pandas.DataFrame,
    "pyarrow": pyarrow.table,
    "array": lambda t: np.array([t["age"], t["colour"]], object).T,
}


@pytest.mark.parametrize("kind", KINDS)
def test_columns_are_found_by_name_in_any_kind_of_table(kind):
    np.testing.assert_array_equal(encode(encoding(), KINDS[kind](TABLE)), INPUTS)


@pytest.mark.parametrize("kind", ["dict", "pandas", "pyarrow"])
def test_spaces_around_a_name_make_no_other_column(kind):
    """A file's header may have them, which `mlp-jax train` takes off, and a data frame keeps."""
    spaced = {" colour": TABLE["colour"], "age\t": TABLE["age"]}
    np.testing.assert_array_equal(encode(encoding(), KINDS[kind](spaced)), INPUTS)
    trained = encoding()._replace(columns=(Column(" age"), *encoding().columns[1:]))
    np.testing.assert_array_equal(encode(trained, KINDS[kind](TABLE)), INPUTS)


def test_a_name_as_it_is_goes_before_one_with_spaces():
    table = {" age": [0] * 4, **TABLE, "age ": [0] * 4}
    np.testing.assert_array_equal(encode(encoding(), table), INPUTS)
    del table["age"]
    with pytest.raises(ValueError, match="the table has no column 'age'"):
        encode(encoding(), table)


def test_other_columns_are_left_alone():
    table = pandas.DataFrame(TABLE | {"more": [1, 2, 3, 4]})
    np.testing.assert_array_equal(encode(encoding(), table), INPUTS)


def test_rows_in_blocks_are_encoded_as_at_once(monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 3)
    np.testing.assert_array_equal(encode(encoding(), TABLE), INPUTS)


@pytest.mark.parametrize(
    ("inputs", "rows"),
    [(1, 1000), (module.USUAL, 1000), (4 * module.USUAL, 250), (10**9, 1)],
)
def test_rows_of_many_inputs_are_encoded_in_smaller_blocks(inputs, rows):
    assert module.rows_at_once(1000, inputs) == rows


def test_codes_are_numbers_and_places():
    codes = [[40, 1], [np.nan, 2], [20, np.nan], [25, 0]]
    np.testing.assert_array_equal(coded(encoding(), TABLE), codes)


def test_jax_encodes_codes_as_numpy_does():
    codes = coded(encoding(), TABLE)
    np.testing.assert_array_equal(encoded(encoding(), jnp.asarray(codes), jnp), INPUTS)


def test_inputs_have_names():
    expected = ["age", "age is missing", "colour = blue", "colour = red", "colour = (other)"]
    assert encoding().inputs() == expected
    assert limited().inputs() == ["age", "age from 18 to 25.5", "age from 25.5 to 1.6e+09"]


def limited():
    """age, smoothly limited, and in two bins; a missing age is 30."""
    ages = [
        Input(0, VALUE, 30.0, 20.0, 5.0, SMOOTH),
        Input(0, VALUE, 30.0, 18.0, 7.5, RAMP),
        Input(0, VALUE, 30.0, 25.5, 1.6e9 - 25.5, RAMP),
    ]
    return encoding_of_inputs([Column("age")], ages)


LIMITED = {"age": [20, 32, 18, 24, None, 3e9, -1e300]}
# By hand: of 32, z = (32 - 20) / 5 = 2.4 and z / sqrt(1 + 0.8^2); of the others z = 0, -0.4, 0.8,
# 2 for the gap, and so far off that 3 is met. Then the share of the bin that is below the number.
NEAR = [0, 2.4 / 1.64**0.5, -1.2 / 9.16**0.5, 2.4 / 9.64**0.5, 6 / 13**0.5, 3, -3]
SHARES = [2 / 7.5, 1, 0, 6 / 7.5, 1, 1, 0]


def test_an_input_is_kept_within_its_limits():
    found = encode(limited(), LIMITED)
    np.testing.assert_allclose(found[:, 0], NEAR, rtol=1e-14)
    np.testing.assert_allclose(found[:, 1], SHARES, rtol=1e-14)
    np.testing.assert_allclose(found[:5, 2], [0, 6.5 / 1.6e9, 0, 0, 4.5 / 1.6e9], rtol=1e-7)
    assert found[5:, 2].tolist() == [1, 0]
    assert np.abs(found).max() <= 3


@pytest.mark.parametrize("limit", [RAMP, SMOOTH])
def test_a_limit_that_is_left_out_would_be_seen(limit):
    one = limited()
    without = one._replace(limit=np.where(one.limit == limit, 0, one.limit))
    assert not np.allclose(encode(without, LIMITED)[:5], encode(limited(), LIMITED)[:5])


def test_jax_limits_inputs_as_numpy_does():
    codes = coded(limited(), LIMITED)
    found = encoded(limited(), jnp.asarray(codes), jnp)
    np.testing.assert_allclose(found, encode(limited(), LIMITED), rtol=1e-14)


def test_a_limit_costs_nothing_where_no_input_has_one():
    codes = jnp.asarray(coded(encoding(), TABLE))
    traced = str(jax.make_jaxpr(lambda rows: encoded(encoding(), rows, jnp))(codes))
    assert "sqrt" not in traced
    assert "sqrt" in str(jax.make_jaxpr(lambda rows: encoded(limited(), rows, jnp))(codes))


@pytest.mark.parametrize(
    ("cell", "category"),
    [("a", "a"), (1, "1"), (1.0, "1"), (1.5, "1.5"), (np.int8(3), "3"), (True, "true")],
)
def test_a_cell_is_of_the_category_of_its_text(cell, category):
    assert as_category(cell) == category


@pytest.mark.parametrize(
    ("text", "category"),
    [("7.0", "7"), ("-7.00", "-7"), ("0.0", "0"), ("-0.0", "0")]
    + [(text, text.lower()) for text in ("True", "TRUE", "False", "FALSE", "true")]
    + [(text, text) for text in ("007", "007.0", "7.", "7.50", ".0", "1e3", "tRUE", "7.0\n")],
)
def test_a_text_is_of_the_category_of_its_number(text, category):
    assert in_one_spelling(text) == category


def places(categories, cells, strict=False):
    """Of every cell in a table of one column, as it is coded."""
    column = Column("c", categories, strict)
    one = encoding_of_inputs([column], [Input(0, 0)])
    return coded(one, {"c": cells})[:, 0].tolist()


@pytest.mark.parametrize("strict", [False, True])
def test_a_cell_is_found_in_whatever_spelling_the_model_has_it(strict):
    assert places(("7", "true"), ["7.0", "True", "7", "true"], strict) == [0, 1, 0, 1]
    assert places(("7.0", "TRUE"), ["7.0", "True", "7", "true"], strict) == [0, 1, 0, 1]
    assert places(("7.0", "TRUE"), [7.0], strict) == [0]
    assert places(("7.0", "TRUE"), [True], strict) == [1]
    assert places(("007", "8"), ["7", "8.0"]) == [2, 1]


def test_categories_that_a_model_tells_apart_stay_apart():
    assert places(("7.0", "7", "True", "true"), ["7", "7.0", "true", "True"]) == [1, 0, 3, 2]
    assert places(("7.0", "7"), np.array([7.0, 7])) == [1, 1]


@pytest.mark.parametrize("words", [["a", None, "b"], [3, None, 5]])
def test_a_gap_in_a_dictionary_of_pyarrow_is_a_gap(words):
    cells = pyarrow.array(words).dictionary_encode()
    categories = tuple(str(word) for word in words if word is not None)
    for column in (cells, pyarrow.chunked_array([cells])):
        np.testing.assert_array_equal(places(categories, column), [0, np.nan, 1])


def test_a_gap_in_a_list_of_words_is_a_gap():
    for cells in (["a", float("nan"), None], ("a", np.nan, pandas.NA)):
        np.testing.assert_array_equal(places(("a", "nan"), cells), [0, np.nan, np.nan])
    rows = [[40.0, "red"], [float("nan"), float("nan")]]
    np.testing.assert_array_equal(coded(encoding(), rows), [[40, 1], [np.nan, np.nan]])


@pytest.mark.parametrize("cell", [None, np.nan, float("nan"), np.datetime64("NaT", "s"), pandas.NA])
def test_a_missing_cell_is_of_no_category(cell):
    assert as_category(cell) is None


BAD = {
    "a column is missing": ({"age": [1]}, "no column 'colour'"),
    "columns of two lengths": ({"age": [1], "colour": ["red", "red"]}, "1 to 2 rows"),
    "a word for a number": (
        {"age": [1, "x"], "colour": ["red"] * 2},
        "row 2, column 'age': 'x' is not a number",
    ),
    "an infinite number": (
        {"age": [np.inf], "colour": ["red"]},
        "row 1, column 'age': inf is not finite",
    ),
    "an array of three columns": (np.ones((2, 3)), r"X has shape \(2, 3\); expected \(samples, 2"),
    "an array of one axis": (np.ones(2), r"X has shape \(2,\)"),
    "no table": (3, r"X has shape \(\)"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_rows_are_refused_in_one_line(case):
    rows, said = BAD[case]
    with pytest.raises(ValueError, match=said) as error:
        encode(encoding(), rows)
    assert "\n" not in str(error.value)


def test_an_unknown_category_is_refused_where_the_encoder_did():
    with pytest.raises(
        ValueError,
        match="row 2, column 'colour': 'green' is unknown; expected one of 'blue', 'red'",
    ):
        encode(encoding(strict=True), TABLE)


def test_a_missing_number_is_refused_where_none_was_seen():
    plain = encoding_of_numbers(["a", "b"], mean=[1, 2], scale=2)
    np.testing.assert_array_equal(encode(plain, [[1, 4]]), [[0, 1]])
    with pytest.raises(ValueError, match="row 2: 'b' is missing"):
        encode(plain, [[1, 4], [1, np.nan]])
