"""Tables as spreadsheet programs write them: what is no cell is left out and said, or named."""

import pyarrow
import pyarrow.parquet
import pytest

from mlp_jax.tables import files as table_files
from mlp_jax.tables import table as tables
from mlp_jax.tables.files import read_table


def written(folder, text):
    (folder / "t.csv").write_bytes(text.encode())
    return folder / "t.csv"


BODY = "a;b;c\n1;2;x\n3;4;y\n"
READ = {"a": [1, 3], "b": [2, 4], "c": ["x", "y"]}
AROUND = {
    "a line for Excel": ("sep=;\n" + BODY, 3, "line 1 says that ';' separates the cells"),
    "one in quotes": ('"SEP=;"\r\n' + BODY, 3, "line 1 says that ';' separates the cells"),
    "one filled up": ("sep=;;;\n" + BODY, 3, "line 1 says that ';' separates the cells"),
    "one after a mark": ("\ufeffsep=;\n" + BODY, 3, "line 1 says that ';' separates the cells"),
    "one of a tab": (
        "sep=\t\n" + BODY.replace(";", "\t"),
        3,
        "line 1 says that a tab separates the cells",
    ),
    "one and a title": (
        "sep=;\nSales\n\n" + BODY,
        5,
        "line 1 says that ';' separates the cells; the header is line 4, and line 2 is left out",
    ),
    "a title": ("Sales\n" + BODY, 3, "the header is line 2, and line 1 is left out"),
    "a title with commas": ("Sales, 2024\n" + BODY, 3, "the header is line 2, and line 1 is left"),
    "a title of two lines": (
        '"Sales\nof 2024"\n' + BODY,
        4,
        "the header is line 3, and line 1 is left out",
    ),
    "a title filled up": (
        "Sales;;\n;;\nby Ann;;\n" + BODY,
        5,
        "the header is line 4, and lines 1 to 3 are left out",
    ),
    "comments": (
        "# by Ann; Bob\n# and; two; more; of them\n" + BODY,
        4,
        "the header is line 3, and lines 1 to 2 are left out",
    ),
    "names and values": (
        "by;Ann\non;2024-01-01\n\n" + BODY,
        5,
        "the header is line 4, and lines 1 to 2 are left out",
    ),
    "empty lines": ("\n;;\n" + BODY, 4, ""),
    "empty lines below": (BODY + "\n\r\n\n", 2, ""),
    "empty rows below": (BODY + ";;\n;;\n", 2, "2 empty rows at its end left out"),
    "spaces around names": (BODY.replace("a;b", " a;b\t"), 2, "spaces around 2 names are taken"),
    "a hard space behind a name": (BODY.replace("a;b", "a\xa0;b"), 2, "spaces around 'a\\xa0' are"),
    "names in quotes behind spaces": (
        BODY.replace("a;b", 'a; "b"'),
        2,
        "spaces around ' \"b\"' are taken off",
    ),
    "separators behind all lines": (
        BODY.replace("\n", ";;\n"),
        2,
        "2 columns without name and cells left out",
    ),
    "separators behind all but the header": (
        BODY.replace("\n", ";\n").replace("c;", "c"),
        2,
        "a column without name and cells left out",
    ),
    "carriage returns": (BODY.replace("\n", "\r"), 2, ""),
    "all ends of lines": ("a;b;c\r\n1;2;x\r3;4;y\n", 2, ""),
}


@pytest.mark.parametrize("case", AROUND)
def test_what_is_around_a_table_is_left_out_and_said(case, tmp_path):
    text, line, said = AROUND[case]
    table = read_table(written(tmp_path, text))
    assert table.frame.to_pydict() == READ
    assert table.row(0) == f"line {line}"
    assert len(table.said()) == bool(said)
    assert said in "".join(table.said())


AS_IT_IS = {
    "a header with a number sign": ("#,a\n1,x\n2,y\n", ["#", "a"], 2),
    "a header of numbers": ("1,2,3\n4,5,6\n7,8,9\n", ["1", "2", "3"], 2),
    "a column named sep": ("sep=x,b\n1,2\n", ["sep=x", "b"], 1),
    "a single column": ("a\n1\n\n3\n", ["a"], 3),
    "one row": ("a,b\nx,y\n", ["a", "b"], 1),
    "an empty row inside": ("a,b,c\nx,y,z\n,,\nu,v,w\n", ["a", "b", "c"], 3),
    "rows of one cell each": ("a,b,c\nx,,\ny,,\n", ["a", "b", "c"], 2),
}


@pytest.mark.parametrize("case", AS_IT_IS)
def test_what_only_looks_like_more_is_a_table_as_it_is(case, tmp_path):
    text, names, rows = AS_IT_IS[case]
    table = read_table(written(tmp_path, text))
    assert table.frame.column_names == names
    assert table.frame.num_rows == rows
    assert table.notes == ()


def test_a_separator_that_divides_all_lines_alike_is_taken(tmp_path):
    path = written(tmp_path, "a, in cm;b, in kg\n1;2\n3;4\n")
    assert read_table(path).frame.to_pydict() == {"a, in cm": [1, 3], "b, in kg": [2, 4]}
    path = written(tmp_path, "a, b, c;d\n1;2\n3;4\n")
    assert read_table(path).frame.to_pydict() == {"a, b, c": [1, 3], "d": [2, 4]}


def test_the_table_of_a_world_bank_is_read(tmp_path):
    text = (
        '"Data Source","World Development Indicators",\n\n"Last Updated Date","2024-12-16",\n\n'
        '"Country Name","Country Code","1960","1961",\n"Aruba","ABW","1","2",\n"Chad","TCD","","3",'
    )
    frame = read_table(written(tmp_path, text)).frame
    assert frame.column_names == ["Country Name", "Country Code", "1960", "1961"]
    assert frame["1961"].to_pylist() == [2, 3]


RAGGED = {
    "a wide row": ("a,b\n1,2\n1,2,3\n4,5\n", "line 3 has 3 and the header, line 1, 2 cells; by"),
    "a narrow row": ("a,b\n1,2\n1\n4,5\n", "line 3 has 1 and the header, line 1, 2 cells; by"),
    "a row of spaces": ("a,b\n1,2\n  \n4,5\n", "line 3 has 1 and the header, line 1, 2 cells"),
    "below a title": ("Sales\na,b\nx,2\n1\n4,5\n3,4\n", "line 2 has 2 and the header, line 1, 1"),
    "below a header of two lines": ('a,"b\nc"\n1\n2,3\n', "line 3 has 1 and the header, line 1"),
    "a short header": (
        "a,b\n1,2,3\n4,5,6\n",
        "line 1, 2 cells; by its header, ',' separates the cells: mend the line, or, if it is the "
        "header, take out what is above it: tail -n [+]2 FILE | mlp-jax ... -",
    ),
}


@pytest.mark.parametrize("case", RAGGED)
def test_a_line_with_too_many_or_too_few_cells_is_named(case, tmp_path):
    text, said = RAGGED[case]
    with pytest.raises(ValueError, match=said.replace("|", r"\|")):
        read_table(written(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,,\n1,2,3\n4,5,6\n", "two columns named '' in line 1; expected different names"),
        ("Sales\n\na,b,a\n1,2,3\n4,5,6\n", "two columns named 'a' in line 3; expected"),
        (",,\n,,\n", "has no name in line 1; expected a header there"),
        ("sep=;\n", "has no name in line 2; expected a header there"),
        ("sep=;\na;b\n\n", "has no rows; expected a header"),
    ],
)
def test_a_header_without_names_is_named(text, said, tmp_path):
    with pytest.raises(ValueError, match=said):
        read_table(written(tmp_path, text), strict=True)


def test_names_that_differ_by_spaces_alone_keep_them(tmp_path):
    table = read_table(written(tmp_path, " b,a, a\n1,2,3\n"))
    assert table.frame.column_names == ["b", "a", " a"]
    assert table.said()[0].endswith(
        "spaces around ' b' are taken off; ' a' keeps the spaces around it, for another column "
        "differs by them"
    )


def test_names_in_parquet_have_no_spaces_around_them_either(tmp_path):
    path = tmp_path / "t.parquet"
    pyarrow.parquet.write_table(pyarrow.table({" a": [1, 2], "y ": [0, 1]}), path)
    table = read_table(path, ids=["a"])
    assert table.frame.to_pydict() == {"a": [1, 2], "y": [0, 1]}
    assert table.ids["a"].to_pylist() == [1, 2]
    assert table.said() == [f"{path}: spaces around 2 names are taken off"]


def test_a_column_may_be_named_with_the_spaces_that_it_had(tmp_path):
    path = written(tmp_path, " a, b , y\n1,7,0\n2,007,1\n3,7,0\n4,7,1\n")
    table = tables.read(path, " y", categorical=[" b "], drop=[" a"])
    assert (table.target, table.categorical, table.numeric) == ("y", ("b",), ())
    assert table.features["b"].tolist() == ["7", "007", "7", "7"]
    assert read_table(path, ids=[" b "]).ids[" b "].to_pylist() == ["7", "007", "7", "7"]


def test_a_nameless_column_with_something_in_it_stays(tmp_path):
    frame = read_table(written(tmp_path, "a,b,\n1,2,\n3,4,0\n")).frame
    assert frame.column_names == ["a", "b", ""]


def test_names_of_rows_end_where_the_table_does(tmp_path):
    table = read_table(written(tmp_path, "name,a\nNA,1\nx,2\n,\n"), ids=["name"])
    assert table.ids["name"].to_pylist() == ["NA", "x"]
    assert table.frame.num_rows == 2


def test_a_table_of_carriage_returns_has_a_size(tmp_path):
    path = written(tmp_path, "a,b\r" + "1,2\r" * 5000)
    with pytest.raises(ValueError, match=r"5,000 rows of 2 columns"):
        read_table(path, budget=5000 * 2 * table_files.BYTES_A_CELL - 1)


def test_a_file_of_tabs_has_titles_too(tmp_path):
    path = tmp_path / "t.tsv"
    path.write_text("Sales, by Ann, of 2024\na, b\tc\n1\t2\n3\t4\n")
    assert read_table(path).frame.to_pydict() == {"a, b": [1, 3], "c": [2, 4]}
