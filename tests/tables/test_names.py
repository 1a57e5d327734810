"""Names of columns: tables without a header, columns of one name, misspelt names."""

import pytest

from mlp_jax.models.any_table import different_names
from mlp_jax.tables import table as tables
from mlp_jax.tables.names import check_has, told_apart

CELLS = "5.1,2.5,a,0\n4.9,2,b,1\n4.7,3,a,0\n6.1,2,b,1\n"


@pytest.mark.parametrize(("target", "first"), [("3", CELLS), ("2", "5.1,3.0,0\n1,2,1\n3,4,0\n")])
def test_a_table_without_header_is_told_and_read_where_that_is_said(target, first, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(first)
    said = "has no header, for line 1 has numbers: type --no-header, which names the columns 0, 1,"
    with pytest.raises(ValueError, match=said):
        tables.read(path, target)
    table = tables.read(path, target, has_header=False)
    assert len(table.y) == len(first.splitlines())
    assert list(table.features) == [str(k) for k in range(int(target))]
    assert table.rows.name(0) == "line 1"


def test_a_header_of_numbers_may_be_one(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("0,1,2\n5,3,0\n4,2,1\n7,7,0\n")
    assert list(tables.read(path, "2").features) == ["0", "1"]
    with pytest.raises(ValueError, match="has no header"):  # no header has a number twice
        check_has("t", ["1", "1", "0"], ["0"], first_line=1)
    with pytest.raises(ValueError, match="no column '1'; it has a, b"):
        check_has("t", ["a", "b"], ["1"], first_line=1)
    with pytest.raises(ValueError, match="no column '7'; it has a, 3"):
        check_has("t", ["a", "3"], ["7"], first_line=1)


@pytest.mark.parametrize(
    ("names", "different"),
    [
        (["a", "b"], ["a", "b"]),
        (["a", "a", "a"], ["a", "a.1", "a.2"]),
        (["a", "a", "a.1"], ["a", "a.2", "a.1"]),
        (["a.1", "a", "a"], ["a.1", "a", "a.2"]),
        (["", ""], ["", ".1"]),
    ],
)
def test_the_second_of_two_names_is_another(names, different):
    assert different_names(names) == different
    found, notes = told_apart("t", names)
    assert found == different
    assert [(note.column, note.detail) for note in notes] == [
        (old, new) for old, new in zip(names, different, strict=True) if old != new
    ]
