"""Frames, dicts and arrays of Python are read as files are: the same columns, the same cells."""

import datetime

import numpy as np
import pandas
import polars
import pyarrow
import pyarrow.csv
import pytest

from mlp_jax.tables import table as tables
from mlp_jax.tables.frames import is_frame, raw_frame, table_of_frame

COLUMNS = {
    "age": [None if i % 5 == 0 else 20.5 + i for i in range(40)],
    "colour": [("red", "blue", None)[i % 3] for i in range(40)],
    "flag": [i % 2 == 0 for i in range(40)],
    "day": [i % 7 for i in range(40)],
    "one": [7] * 40,
}
Y = np.arange(40.0)
KINDS = {
    "pandas": pandas.DataFrame,
    "polars": polars.DataFrame,
    "pyarrow": pyarrow.table,
    "a dict": dict,
}


def table_of(X, strict=False, **choices):
    return table_of_frame(raw_frame(X, strict=strict), Y, target="y", classes=None, **choices)


@pytest.mark.parametrize("kind", KINDS)
def test_a_frame_is_read_as_its_file_is(kind, tmp_path):
    pyarrow.csv.write_csv(pyarrow.table(COLUMNS | {"y": Y}), tmp_path / "t.csv")
    file, frame = tables.read(tmp_path / "t.csv", "y"), table_of(KINDS[kind](COLUMNS))
    pandas.testing.assert_frame_equal(*map(pandas.DataFrame, (frame.features, file.features)))
    assert (frame.numeric, frame.categorical) == (("age", "flag", "day"), ("colour",))
    assert frame.said() == file.said() == ["column 'one' is the same in every row and left out"]
    np.testing.assert_array_equal(frame.y, file.y)


def test_columns_of_a_categorical_dtype_are_categories():
    frame = pandas.DataFrame(COLUMNS)
    assert table_of(frame.astype({"day": "category"})).categorical == ("colour", "day")
    assert table_of(frame, categorical=["day"]).categorical == ("colour", "day")
    assert table_of(frame).categorical == ("colour",)


def test_an_array_has_columns_by_number():
    X = np.array([[i, i % 3] for i in range(40)], float)
    X[3, 1] = np.nan
    frame = table_of(X).features
    assert list(frame) == ["x0", "x1"]
    np.testing.assert_array_equal(np.array(list(frame.values())).T, X)
    words = np.array([[i, "ab"[i % 2]] for i in range(40)], object)
    assert table_of(words).categorical == ("x1",)


def test_mixed_cells_are_numbers_or_texts():
    mixed = pandas.DataFrame(
        {"a": np.array([True, 2, None, 3.5], object), "b": np.array([1, "x", None, 2.0], object)}
    )
    read = raw_frame(mixed).frame
    assert read["a"].to_pylist() == [1.0, 2.0, None, 3.5]
    assert read["b"].to_pylist() == ["1", "x", None, "2"]


@pytest.mark.parametrize("one", [np.nan, pandas.NA, pandas.NaT, None])
def test_every_kind_of_gap_is_a_gap(one):
    X = pandas.DataFrame({"a": np.array([1.5, one, 2.5], object)})
    assert raw_frame(X).frame["a"].null_count == 1


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ({"a": [datetime.date(2020, 1, 1)] * 40}, r"dates or times, .*X\.drop\(columns='a'\)"),
        ({"a": [f"name {i}" for i in range(40)]}, r"type X\.drop\(.* or categorical=\['a'\] if"),
        ({"a": ["1", *map(str, range(38)), "x"]}, r"'x' is not a number; .*categorical=\['a'\]"),
        ({"a": [np.inf, *range(39)]}, r"X, row 1, column 'a': inf is not finite"),
        ({"a": [1] * 40}, "no column of X varies in its 40 samples"),
        ({"a": [1, 2], "b": [1, 2, 3]}, "X has columns of 2 to 3 rows"),
        (pandas.DataFrame([[1, 2]], columns=["a", "a"]), "two columns named 'a'"),
        (polars.LazyFrame(COLUMNS), "X is of type LazyFrame; expected a frame"),
        ({"a": [[1], [2]] * 20}, "is of type list<item: int64>; type X.drop"),
    ],
)
def test_what_no_network_can_take_is_refused(X, message):
    with pytest.raises(ValueError, match=message):
        table_of(X, strict=True)


def test_a_cell_of_another_kind_is_refused():
    with pytest.raises(TypeError, match=r"column 'a' has the cell \{'b': 1\}; its argument must"):
        raw_frame({"a": [1.0, {"b": 1}]})


def test_a_name_that_is_no_column_is_refused():
    with pytest.raises(ValueError, match="X has no column 'dya'; did you mean 'day'"):
        table_of(COLUMNS, categorical=["dya"])


def test_frames_are_told_from_arrays():
    assert all(is_frame(kind(COLUMNS)) for kind in KINDS.values())
    assert not is_frame([[1, 2]])
    assert not is_frame(np.zeros((2, 2)))
