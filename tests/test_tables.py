"""Tables are read within their budget, their columns told apart, and cut in two."""

import numpy as np
import pandas
import pyarrow
import pyarrow.parquet
import pytest

from mlp_jax import table_files, tables
from mlp_jax.table_files import read_table, size_of


def written(folder, text):
    (folder / "t.csv").write_text(text)
    return folder / "t.csv"


def mixed(folder, rows=40):
    lines = ["age,colour,flag,day,y"]
    lines += [
        f"{20 + i},{'red' if i % 3 else 'blue'},{i % 2 == 0},{i % 7},{i}" for i in range(rows)
    ]
    return written(folder, "\n".join(lines))


def test_columns_are_numbers_or_categories(tmp_path):
    table = tables.read(mixed(tmp_path), "y", drop=["day"])
    assert table.numeric == ("age", "flag")
    assert table.categorical == ("colour",)
    assert table.features["flag"].tolist()[:2] == [1.0, 0.0]
    assert list(table.features.columns) == ["age", "colour", "flag"]


def test_numbers_are_categories_where_that_is_said(tmp_path):
    table = tables.read(mixed(tmp_path), "y", categorical=["day"])
    assert table.categorical == ("colour", "day")
    assert table.features["day"].tolist()[:3] == ["0", "1", "2"]


def test_gaps_are_gaps_in_every_spelling(tmp_path):
    path = written(tmp_path, "a,b,y\n1,x,0\n,,1\nNA,NA,0\nnan,nan,1\n2,x,0\n3,z,1\n")
    table = tables.read(path, "y")
    assert np.isnan(table.features["a"]).tolist() == [False, True, True, True, False, False]
    assert table.features["b"].tolist() == ["x", None, None, None, "x", "z"]


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (["a", "b", "a", "c"], "classification"),
        ([True, False] * 2, "classification"),
        ([0.5, 1.5] * 2, "classification"),
        ([3, 1, 2, 1], "classification"),
        ([0.5, 1.5, 2.5, 0.5], "regression"),
        (list(range(60)), "regression"),
    ],
)
def test_a_target_is_what_it_looks_like(values, task, tmp_path):
    path = tmp_path / "t.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"x": range(len(values)), "y": values}), path)
    assert (tables.read(path, "y").classes is None) == (task == "regression")


def test_a_target_is_what_is_said(tmp_path):
    path = written(tmp_path, "x,y\n1,3\n2,4\n3,3\n4,5\n")
    assert tables.read(path, "y").classes == (3, 4, 5)
    numbers = tables.read(path, "y", task="regression")
    assert numbers.classes is None
    assert numbers.y.tolist() == [3, 4, 3, 5]


def test_the_same_table_in_parquet_is_the_same(tmp_path):
    one = tables.read(mixed(tmp_path), "y", task="regression")
    frame = pandas.read_csv(tmp_path / "t.csv")
    frame.to_parquet(tmp_path / "t.parquet")
    other = tables.read(tmp_path / "t.parquet", "y", task="regression")
    pandas.testing.assert_frame_equal(one.features, other.features)
    np.testing.assert_array_equal(one.y, other.y)


def test_a_category_of_a_dictionary_is_a_category(tmp_path):
    frame = pandas.DataFrame({"c": pandas.Categorical(["a", "b"] * 9), "y": range(18)})
    frame.to_parquet(tmp_path / "t.parquet")
    assert tables.read(tmp_path / "t.parquet", "y").categorical == ("c",)


def test_a_column_of_one_value_is_left_out_and_said_so(tmp_path):
    table = tables.read(written(tmp_path, "a,b,c,y\n1,7,,0\n2,7,,1\n3,7,,0\n"), "y")
    assert list(table.features.columns) == ["a"]
    assert len(table.notes) == 2
    assert table.notes[0].startswith("column 'b' is the same in every row")


def test_classes_have_their_share_on_both_sides():
    table = tables.breast_cancer()
    parts = tables.split(table, 0.2, seed=3)
    assert len(parts.y_test) == 114
    assert abs(parts.y_train.mean() - parts.y_test.mean()) < 0.01
    np.testing.assert_allclose(parts.X_train.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(parts.X_train.std(axis=0), 1, rtol=1e-12)
    assert not np.array_equal(tables.split(table, 0.2, seed=4).y_test, parts.y_test)


def test_numbers_to_predict_are_standardised_by_the_training_part(tmp_path):
    table = tables.read(mixed(tmp_path), "y", task="regression")
    parts = tables.split(table, 0.25, seed=0)
    assert parts.y_train.mean() == pytest.approx(0, abs=1e-12)
    assert parts.y_train.std() == pytest.approx(1)
    back = np.concatenate([parts.y_train, parts.y_test]) * parts.scale + parts.mean
    np.testing.assert_allclose(np.sort(back), np.arange(40), atol=1e-9)


def test_a_table_beyond_the_budget_is_refused_before_it_is_read(tmp_path, monkeypatch):
    path = mixed(tmp_path, rows=5000)
    read_table(path, budget=5000 * 5 * table_files.BYTES_A_CELL)
    monkeypatch.setattr(table_files, "_csv", lambda *_, **__: pytest.fail("it was read"))
    with pytest.raises(ValueError, match=r"5,000 rows of 5 columns, .* 976.56 KiB; the budget .*"):
        read_table(path, budget=5000 * 5 * table_files.BYTES_A_CELL - 1)


def test_the_budget_is_half_of_what_is_free(tmp_path, monkeypatch):
    monkeypatch.setattr(table_files, "free_memory", lambda: 2 * 5000.0 * 5 * 40 - 10)
    with pytest.raises(ValueError, match=r"the budget for a table is 976\.56 KiB"):
        read_table(mixed(tmp_path, rows=5000))


def test_more_inputs_than_the_budget_has_bytes_for_are_refused():
    with pytest.raises(
        ValueError, match=r"30 inputs of 569 samples, 200\.04 KiB; the budget is 1\.00"
    ):
        tables.split(tables.breast_cancer(), 0.2, seed=0, budget=1024)


def test_free_memory_is_that_of_this_machine():
    assert 1 << 20 < table_files.free_memory() < 1 << 50


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (1024, "1.00 KiB"),
        (3 << 29, "1.50 GiB"),
        (1 << 60, "1048576.00 TiB"),
    ],
)
def test_bytes_are_said_as_people_do(count, said):
    assert size_of(count) == said


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_cells_may_be_separated_by_something_else(separator, tmp_path):
    path = tmp_path / "t.tsv"
    path.write_text(
        f"a,b{separator}c{separator}d\n1{separator}2{separator}\n3{separator}4{separator}x\n"
    )
    assert read_table(path).frame.to_pydict() == {"a,b": [1, 3], "c": [2, 4], "d": [None, "x"]}


def test_an_empty_line_of_a_single_column_is_a_missing_cell(tmp_path):
    assert read_table(written(tmp_path, "a\n1\n\n3\n")).frame["a"].to_pylist() == [1, None, 3]


def test_names_of_rows_keep_every_text(tmp_path):
    path = written(tmp_path, "name,a\nNA,1\nnull,\n007,3\n")
    assert read_table(path, ids=["name"]).frame["name"].to_pylist() == ["NA", "null", "007"]
    assert read_table(path, as_text=["name"]).frame["name"].to_pylist() == [None, None, "007"]


def test_lines_are_counted_where_rows_are_lines_and_rows_elsewhere(tmp_path):
    assert read_table(written(tmp_path, "a,b\n1,2\n3,4")).row(1) == "line 3"
    assert read_table(written(tmp_path, 'a,b\n1,"2\n"\n3,4\n')).row(1) == "row 2"
    assert read_table(written(tmp_path, "a,b\n1,2\n\n3,4\n")).row(1) == "row 2"


def test_an_index_is_left_out_and_a_column_that_counts_is_named(tmp_path):
    lines = [f"{i},{i + 1},{i * i % 7},{i % 2}" for i in range(30)]
    path = written(tmp_path, "\n".join([",count,a,y", *lines]))
    table = tables.read(path, "y")
    assert list(table.features.columns) == ["count", "a"]
    assert "column '' numbers the rows and is left out" in table.notes
    assert "column 'count' numbers the rows; type --drop 'count' if that is all" in table.notes


def test_tiny_numbers_to_predict_are_standardised_too(tmp_path):
    path = written(tmp_path, "\n".join(["a,y", *(f"{i},{i * i % 11}e-200" for i in range(40))]))
    parts = tables.split(tables.read(path, "y", task="regression"), 0.25, seed=0)
    assert parts.y_train.std() == pytest.approx(1)
