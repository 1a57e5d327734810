"""Tables as people have them: the same is made of a file and of a frame, and --strict refuses."""

import csv
import io

import numpy as np
import pandas
import polars
import pyarrow
import pytest
from click.testing import CliRunner

from mlp_jax import TableRegressor
from mlp_jax.cli.main import commands
from mlp_jax.tables import table as tables
from mlp_jax.tables.frames import raw_frame, table_of_frame
from tests.tables.quirks import AMBIGUOUS, QUIRKS, ROWS

Y = np.arange(ROWS) * 1.5
B = np.arange(ROWS) ** 2 % 17


def file_of(folder, cells, separator=","):
    text = io.StringIO()
    csv.writer(text, delimiter=separator).writerows(
        [["a", "b", "y"], *zip(cells, B, Y, strict=True)]
    )
    path = folder / "t.csv"
    path.write_bytes(text.getvalue().encode())
    return path


def frame_of(cells, kind=pandas.DataFrame):
    """The column as whoever reads the file by `dtype=str` has it, or of numbers as numbers."""
    numbers = all(isinstance(cell, int | float) for cell in cells)
    return kind({"a": list(cells) if numbers else list(map(str, cells)), "b": B})


def table_of(X, **more):
    return table_of_frame(raw_frame(X, **more), Y, target="y", classes=None)


def check(table, quirk):
    assert set(table.features) == {*quirk.features, "b"}
    for name, expected in quirk.features.items():
        found = table.features[name]
        if found.dtype.kind == "f":
            np.testing.assert_allclose(found, np.array(expected, float), rtol=1e-12)
        else:
            assert found.tolist() == expected
    [line] = [line for line in table.said() if "'a'" in line and quirk.said in line] or [""]
    assert bool(line) == bool(quirk.said), table.said()


@pytest.mark.parametrize("case", QUIRKS)
def test_a_file_is_read_as_its_owner_meant_it(case, tmp_path):
    quirk = QUIRKS[case]
    check(tables.read(file_of(tmp_path, quirk.cells), "y"), quirk)


@pytest.mark.parametrize("kind", [pandas.DataFrame, polars.DataFrame, pyarrow.table])
@pytest.mark.parametrize("case", QUIRKS)
def test_a_frame_is_read_as_its_owner_meant_it(case, kind):
    quirk = QUIRKS[case]
    check(table_of(frame_of(quirk.cells, kind)), quirk)


REFUSED = {case: quirk for case, quirk in QUIRKS.items() if quirk.strict}


@pytest.mark.parametrize("case", REFUSED)
def test_strict_refuses_it_on_the_command_line_and_in_python(case, tmp_path):
    path, quirk = file_of(tmp_path, REFUSED[case].cells), REFUSED[case]
    words = ["check", str(path), "--target", "y", "--strict"]
    done = CliRunner().invoke(commands, words)
    assert done.exit_code == 2, done.output
    [line] = done.stderr.splitlines()
    assert quirk.strict in line
    with pytest.raises(ValueError, match="column 'a'"):
        TableRegressor(strict=True).fit(frame_of(quirk.cells), Y)


@pytest.mark.parametrize("case", AMBIGUOUS)
def test_what_could_be_two_things_is_refused(case, tmp_path):
    cells, said = AMBIGUOUS[case]
    with pytest.raises(ValueError, match="column 'a'") as error:
        tables.read(file_of(tmp_path, cells), "y")
    assert said in str(error.value)
    with pytest.raises(ValueError, match="column 'a'") as error:
        table_of(frame_of(cells))
    in_python = said.replace("--categorical 'a'", "categorical=['a']")
    in_python = in_python.replace("--drop 'a'", "X.drop(columns='a')")
    row = in_python.replace("line 7", "row 6").replace("line 2", "row 1")
    assert row in str(error.value)


@pytest.mark.parametrize(("separator", "one"), [(",", 1234.0), (";", 1.234)])
def test_a_comma_before_three_digits_is_what_the_separator_says(separator, one, tmp_path):
    cells = [f"{i + 1},234" for i in range(ROWS)]
    assert tables.read(file_of(tmp_path, cells, separator), "y").features["a"][0] == one
    with pytest.raises(ValueError, match="'1,234' may be a thousand or more, or little more than"):
        tables.read(file_of(tmp_path, cells, "\t"), "y")


def test_codes_are_kept_where_their_owner_has_made_texts_of_them():
    codes = [f"{i * 37 % 10:03d}" for i in range(ROWS)]
    table = table_of(frame_of(codes))
    assert table.categorical == ("a",)
    assert set(table.features["a"]) == {f"{i:03d}" for i in range(10)}
    numbers = [str(i * 1.25) for i in range(ROWS)]  # too many for categories
    assert table_of(frame_of(numbers)).features["a"][3] == 3.75


def test_a_part_of_a_date_has_a_name_of_its_own(tmp_path):
    days = [f"2024-01-{i % 28 + 1:02d}" for i in range(ROWS)]
    path = file_of(tmp_path, days)
    path.write_text(path.read_text().replace("a,b,y", "a,a: day of the week,y"))
    table = tables.read(path, "y")
    assert {"a: day of the week", "a: day of the week'"} < set(table.features)
    np.testing.assert_array_equal(table.features["a: day of the week"], B)


def test_times_with_a_zone_are_in_utc_in_files_and_frames(tmp_path):
    texts = [f"2024-01-{i % 28 + 1:02d}T{i % 24:02d}:15:00+02:00" for i in range(ROWS)]
    table = tables.read(file_of(tmp_path, texts), "y")
    typed = pandas.to_datetime(texts).tz_convert("Europe/Berlin")
    for X in (frame_of(texts), pandas.DataFrame({"a": typed, "b": B})):
        other = table_of(X)
        pandas.testing.assert_frame_equal(*map(pandas.DataFrame, (table.features, other.features)))
        assert " in UTC)" in other.said()[0] or "(in UTC)" in other.said()[0]
    assert table.features["a: hour"][0] == 22.25


def test_columns_of_one_name_are_told_apart(tmp_path):
    (tmp_path / "t.csv").write_text("b,b,y\n" + "".join(f"{i},{-i},{i % 3}\n" for i in range(9)))
    table = tables.read(tmp_path / "t.csv", "y")
    assert table.said() == ["columns have the same names: the second 'b' is 'b.1'"]
    X = pandas.DataFrame({"b": range(9), "c": range(0, -9, -1)}).set_axis(["b", "b"], axis=1)
    found = table_of_frame(raw_frame(X), np.arange(9.0), target="y", classes=None)
    for features in (table.features, found.features):
        assert list(features) == ["b", "b.1"]
        assert features["b.1"].tolist() == [-i for i in range(9)]
    assert found.said() == table.said()
    for action in (
        lambda: tables.read(tmp_path / "t.csv", "y", strict=True),
        lambda: raw_frame(X, strict=True),
    ):
        with pytest.raises(ValueError, match="two columns named 'b'"):
            action()


def test_what_is_left_out_is_named_where_nothing_else_is_left(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("name,y\n" + "".join(f"Ann {i},{i % 2}\n" for i in range(ROWS)))
    said = "no feature column that varies beside 'y'; left out 'name': 40 different texts in 40 row"
    with pytest.raises(ValueError, match=said):
        tables.read(path, "y")
    assert tables.read(path, "y", categorical=["name"]).categorical == ("name",)


def test_zeros_in_front_of_numbers_are_told(tmp_path):
    codes = [f"{i * 37 % 50:05d}" for i in range(ROWS)]
    path = file_of(tmp_path, codes)
    table = tables.read(path, "y")
    assert table.numeric == ("a", "b")
    said = "read as numbers, with zeros in front: 'a'; type --categorical 'a' if these are codes"
    assert table.said() == [said]
    assert tables.read(path, "y", categorical=["a"]).said() == []
    assert tables.read(path, "y", strict=True).said() == []
    assert tables.read(file_of(tmp_path, range(ROWS)), "y", drop=["a"]).said() == []
