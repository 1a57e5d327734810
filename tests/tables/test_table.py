"""Tables are read within their budget, their columns told apart, and cut in two."""

import io
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas
import pyarrow
import pyarrow.parquet
import pytest

from mlp_jax.processes import memory
from mlp_jax.tables import files as table_files
from mlp_jax.tables import table as tables
from mlp_jax.tables.columns import NAMELESS
from mlp_jax.tables.files import read_table
from mlp_jax.tables.held_out import parts_of
from mlp_jax.tables.input_choices import InputChoices
from mlp_jax.tables.shipped import breast_cancer
from mlp_jax.wording import size_of


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
    assert list(table.features) == ["age", "colour", "flag"]


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


def test_a_target_of_codes_is_of_classes_as_they_are_written(tmp_path):
    path = written(tmp_path, "x,y\n1,007\n2,7\n3,010\n4,7\n")
    assert tables.read(path, "y").classes == (7, 10)
    table = tables.read(path, "y", categorical=["y"])
    assert table.classes == ("007", "010", "7")
    assert table.y.tolist() == [0, 2, 1, 2]
    with pytest.raises(ValueError, match="--categorical 'y' says that the target is of classes"):
        tables.read(path, "y", categorical=["y"], task="regression")


def test_the_same_table_in_parquet_is_the_same(tmp_path):
    one = tables.read(mixed(tmp_path), "y", task="regression")
    frame = pandas.read_csv(tmp_path / "t.csv")
    frame.to_parquet(tmp_path / "t.parquet")
    other = tables.read(tmp_path / "t.parquet", "y", task="regression")
    pandas.testing.assert_frame_equal(*map(pandas.DataFrame, (one.features, other.features)))
    np.testing.assert_array_equal(one.y, other.y)


def test_a_category_of_a_dictionary_is_a_category(tmp_path):
    frame = pandas.DataFrame({"c": pandas.Categorical(["a", "b"] * 9), "y": range(18)})
    frame.to_parquet(tmp_path / "t.parquet")
    assert tables.read(tmp_path / "t.parquet", "y").categorical == ("c",)


def test_a_column_of_one_value_is_left_out_and_said_so(tmp_path):
    table = tables.read(written(tmp_path, "a,b,c,y\n1,7,,0\n2,7,,1\n3,7,,0\n"), "y")
    assert list(table.features) == ["a"]
    assert table.said() == ["columns 'b' and 'c' are the same in every row and left out"]


def test_classes_have_their_share_on_both_sides():
    table = breast_cancer()
    parts = tables.split(table, 0.2, seed=3, inputs=InputChoices())
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
    monkeypatch.setattr(table_files, "_read_csv", lambda *_, **__: pytest.fail("it was read"))
    with pytest.raises(ValueError, match=r"5,000 rows of 5 columns, .* 976.56 KiB; the budget .*"):
        read_table(path, budget=5000 * 5 * table_files.BYTES_A_CELL - 1)


def test_the_budget_is_half_of_what_is_free(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda: 2 * 5000.0 * 5 * 40 - 10)
    with pytest.raises(ValueError, match=r"the budget for a table is 976\.56 KiB"):
        read_table(mixed(tmp_path, rows=5000))


def test_inputs_are_made_as_they_were_chosen():
    table = breast_cancer()
    parts = tables.split(table, 0.2, seed=3, inputs=InputChoices("robust", 4))
    assert parts.X_train.shape == (455, 150)
    assert np.abs(parts.X_test).max() <= 3
    np.testing.assert_array_equal(np.median(parts.X_train[:, :30], axis=0), 0)
    np.testing.assert_array_equal(parts.X_train[:, 30:].max(axis=0), 1)
    assert np.abs(tables.split(table, 0.2, seed=3, inputs=InputChoices()).X_train).max() > 3


@pytest.mark.parametrize(("bins", "inputs", "taken"), [(0, 30, 200.04), (16, 510, 3400)])
def test_more_inputs_than_the_budget_has_bytes_for_are_refused(bins, inputs, taken):
    # By hand: 12 bytes an input of 569 samples.
    said = rf"{inputs} inputs of 569 samples, .*; the budget is 1\.00 KiB: .*, fewer --bins, or"
    assert 12 * 569 * inputs / 1024 == pytest.approx(taken, rel=1e-3)
    with pytest.raises(ValueError, match=said):
        tables.split(breast_cancer(), 0.2, seed=0, budget=1024, inputs=InputChoices(bins=bins))


def test_inputs_are_counted_before_they_are_made(monkeypatch):
    monkeypatch.setattr(tables, "encode_read", lambda *_: pytest.fail("it was encoded"))
    monkeypatch.setattr(memory, "free_memory", lambda: 4096.0)
    for budget, said in ((1024, r"1\.00 KiB"), (None, r"2\.00 KiB")):
        with pytest.raises(ValueError, match=f"the budget is {said}"):
            tables.split(breast_cancer(), 0.2, seed=0, budget=budget)


def test_a_number_beyond_float32_is_refused_with_its_line(tmp_path):
    path = mixed(tmp_path)
    table = tables.read(path, "y")
    _, held_out, _ = parts_of(table.y, table.classes, 0.25, seed=0)
    lines = path.read_text().splitlines()
    lines[held_out[3] + 1] = "1e60" + lines[held_out[3] + 1][2:]  # for an age of two digits
    table = tables.read(written(tmp_path, "\n".join(lines)), "y")
    said = rf"t\.csv, line {held_out[3] + 2}, column 'age': 1e\+60 is .* when standardised, too"
    with pytest.raises(ValueError, match=said):
        tables.split(table, 0.25, seed=0, inputs=InputChoices())
    parts = tables.split(table, 0.25, seed=0, inputs=InputChoices("robust"))
    assert np.abs(parts.X_test).max() <= 3


def test_free_memory_is_that_of_this_machine():
    assert 1 << 20 < memory.free_memory() < 1 << 50


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


@pytest.mark.parametrize(
    ("name", "header", "columns"),
    [
        ("t.csv", 'a;"b,c,d"', ["a", "b,c,d"]),
        ("t.csv", 'a;"b"",,,"', ["a", 'b",,,']),
        ("t.csv", 'a;"b\n,,,"', ["a", "b\n,,,"]),
        ("t.csv", '\ufeff"a,,";b', ["a,,", "b"]),
        ("t.csv", 'a 5";b 6"', ['a 5"', 'b 6"']),
        ("t.tsv", "a, b, c\td", ["a, b, c", "d"]),
    ],
)
def test_a_header_may_hold_what_separates_elsewhere(name, header, columns, tmp_path):
    separator = "\t" if name == "t.tsv" else ";"
    (tmp_path / name).write_text(f"{header}\n1{separator}2\n3{separator}4\n", encoding="utf-8")
    frame = read_table(tmp_path / name).frame
    assert frame.column_names == columns
    assert [column.to_pylist() for column in frame.columns] == [[1, 3], [2, 4]]


def test_a_line_with_too_many_cells_is_said_with_what_separates_them(tmp_path):
    with pytest.raises(ValueError, match="by its header, ',' separates the cells"):
        read_table(written(tmp_path, "a,b\n1;2,3,4\n"))


def test_a_line_may_be_long(tmp_path):
    path = written(tmp_path, f"a,b\n{'x' * (3 << 20)},1\ny,2\n")
    assert read_table(path).frame["b"].to_pylist() == [1, 2]


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are bytes there")
def test_the_name_of_a_file_may_be_of_any_bytes(tmp_path):
    path = tmp_path / os.fsdecode(b"t\xff.csv")
    path.write_text("a,b\n1,2\n")
    assert read_table(path).frame.to_pydict() == {"a": [1], "b": [2]}


def test_texts_that_are_not_utf_8_are_refused_where_they_are_asked_for(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes("a,b,y\ncafé,1,0\nthé,2,1\n".encode("latin-1"))
    said = r"t\.csv cannot be read: it is no text in UTF-8; save it as UTF-8"
    with pytest.raises(ValueError, match=said):
        read_table(path, as_text=["a"])
    assert read_table(path).frame["b"].to_pylist() == [1, 2]
    assert tables.read(path, "y", drop=["a"]).numeric == ("b",)


def test_numbers_with_commas_are_categories_where_that_is_said(tmp_path):
    path = written(tmp_path, "a;b;y\n36,5;1;0\n37;2;1\n38,5;1;0\n37;3;1\n")
    with pytest.raises(ValueError, match="line 2, column 'a': '36,5' is written with a decimal"):
        tables.read(path, "y", strict=True)
    table = tables.read(path, "y", categorical=["a"])
    assert table.features["a"].tolist() == ["36,5", "37", "38,5", "37"]


def test_an_empty_line_of_a_single_column_is_a_missing_cell(tmp_path):
    assert read_table(written(tmp_path, "a\n1\n\n3\n")).frame["a"].to_pylist() == [1, None, 3]


def test_names_of_rows_keep_every_text(tmp_path):
    path = written(tmp_path, "name,a\nNA,1\nnull,\n007,3\n")
    table = read_table(path, ids=["name"])
    assert table.ids["name"].to_pylist() == ["NA", "null", "007"]
    assert table.frame["name"].to_pylist() == [None, None, 7]
    assert read_table(path, as_text=["name"]).frame["name"].to_pylist() == [None, None, "007"]


def test_lines_are_counted_where_rows_are_lines_and_rows_elsewhere(tmp_path):
    assert read_table(written(tmp_path, "a,b\n1,2\n3,4")).row(1) == "line 3"
    assert read_table(written(tmp_path, 'a,b\n1,"2\n"\n3,4\n')).row(1) == "row 2"
    assert read_table(written(tmp_path, "a,b\n1,2\n\n3,4\n")).row(1) == "row 2"


def test_an_index_is_left_out_and_a_column_that_counts_is_named(tmp_path):
    lines = [f"{i},{i + 1},{i * i % 7},{i % 2}" for i in range(30)]
    path = written(tmp_path, "\n".join([",count,a,y", *lines]))
    table = tables.read(path, "y")
    assert list(table.features) == ["count", "a"]
    assert "column '' numbers the rows and is left out" in table.said()
    assert "column 'count' numbers the rows; type --drop 'count' if that is all" in table.said()


@pytest.mark.parametrize("name", NAMELESS)
@pytest.mark.parametrize("rows", [7, 30])
def test_an_index_in_any_order_and_with_gaps_is_left_out(name, rows, tmp_path):
    index = np.random.default_rng(0).permutation(1000)[:rows]
    lines = [f"{i},{i},{i * i % 7},{i % 2}" for i in index]
    table = tables.read(written(tmp_path, "\n".join([f"{name},own,a,y", *lines])), "y")
    assert list(table.features) == ["own", "a"]
    assert table.said() == [f"column {name!r} numbers the rows and is left out"]


@pytest.mark.parametrize("last", ["0.5", "1", '""'])
def test_a_nameless_column_that_is_no_index_is_a_feature(last, tmp_path):
    path = written(tmp_path, f",a,y\n3,1,0\n1,2,1\n2,2,0\n{last},1,1\n")
    assert tables.read(path, "y").numeric == ("", "a")


def test_a_class_that_one_side_has_none_of_is_refused(tmp_path):
    lines = [f"{i * i % 17},{'rare' if i < 2 else 'often'}" for i in range(100)]
    table = tables.read(written(tmp_path, "\n".join(["a,y", *lines])), "y")
    said = (
        "the class 'rare' has 2 samples, too few to hold out a share of 0.2; "
        "expected one of each class or more on both sides"
    )
    with pytest.raises(ValueError, match=said):
        tables.split(table, 0.2, seed=0, strict=True)
    assert set(tables.split(table, 0.5, seed=0).y_test) == {0, 1}


@pytest.fixture
def standard_input(monkeypatch):
    """A function that pipes bytes in; it returns how many were asked for at a time."""

    def piped(content):
        asked = []

        class Pipe(io.BytesIO):
            def read(self, size=-1):
                asked.append(size)
                return super().read(size)

        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=Pipe(content)))
        return asked

    return piped


def test_standard_input_is_read_in_blocks(standard_input, monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda: float("inf"))
    asked = standard_input(b"a,b\n" + b"1,2\n" * (1 << 19))
    assert read_table(Path("-")).frame.num_rows == 1 << 19
    assert asked == [1 << 20] * 4


def test_more_on_standard_input_than_the_budget_is_not_read_to_its_end(standard_input):
    asked = standard_input(bytes(1 << 24))
    with pytest.raises(ValueError, match=r"standard input has more than 1\.00 MiB; the budget for"):
        read_table(Path("-"), budget=1 << 20)
    assert len(asked) == 2


def test_empty_cells_in_quotes_are_gaps_among_numbers(tmp_path):
    path = written(tmp_path, 'a,b,y\n1,x,0\n"",y,1\n2.5,"",0\n,x,1\n')
    table = tables.read(path, "y")
    assert (table.numeric, table.categorical) == (("a",), ("b",))
    np.testing.assert_array_equal(table.features["a"], [1, np.nan, 2.5, np.nan])
    kept = tables.read(path, "y", categorical=["a"])
    assert kept.features["a"].tolist() == ["1", None, "2.5", None]


def test_texts_in_parquet_are_categories_though_they_look_like_numbers(tmp_path):
    texts = pyarrow.table({"a": ["1", "", "2", "x"], "y": range(4)}).slice(0, 3)
    pyarrow.parquet.write_table(texts, tmp_path / "t.parquet")
    assert tables.read(tmp_path / "t.parquet", "y").categorical == ("a",)


def test_categories_are_in_one_spelling(tmp_path):
    path = written(tmp_path, "a,b,y\n7.0,True,0\n7,TRUE,1\n007,false,0\n-0.0,False,1\n")
    features = tables.read(path, "y", categorical=["a", "b"]).features
    assert features["a"].tolist() == ["7", "7", "007", "0"]
    assert features["b"].tolist() == ["true", "true", "false", "false"]


def test_tiny_numbers_to_predict_are_standardised_too(tmp_path):
    path = written(tmp_path, "\n".join(["a,y", *(f"{i},{i * i % 11}e-200" for i in range(40))]))
    parts = tables.split(tables.read(path, "y", task="regression"), 0.25, seed=0)
    assert parts.y_train.std() == pytest.approx(1)
