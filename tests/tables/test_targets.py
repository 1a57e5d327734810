"""Targets as people have them: rows without one are left out, numbers read as they are written."""

import numpy as np
import pytest

from mlp_jax.tables import table as tables
from mlp_jax.tables.targets import numbers_in_texts

TARGETS = {  # cells in turn, classes, or None for numbers, the y of the first rows
    "gaps among words": (["no", "yes", "", "?"], ("no", "yes"), [0, 1, 0, 1]),
    "gaps among whole numbers": (["3", "?", "1", "NA"], (1, 3), [1, 0, 1, 0]),
    "gaps among truths": (["True", "?", "false"], (False, True), [1, 0, 1, 0]),
    "gaps among codes": (["x-1", "-", "None"], ("-", "None", "x-1"), [2, 0, 1, 2]),
    "spaces": ([" <=50K", " >50K"], ("<=50K", ">50K"), [0, 1, 0, 1]),
    "percent, few": (["10%", "20%", "5%"], ("10%", "20%", "5%"), [0, 1, 2, 0]),
}


def table_of(folder, cells, **more):
    lines = [f"{i * i % 17},{cells[i % len(cells)]}" for i in range(60)]
    (folder / "t.csv").write_text("\n".join(["a,y", *lines]))
    return tables.read(folder / "t.csv", "y", **more)


@pytest.mark.parametrize("case", TARGETS)
def test_a_target_of_classes(case, tmp_path):
    cells, classes, first = TARGETS[case]
    table = table_of(tmp_path, cells)
    assert table.classes == classes
    assert [type(one) for one in table.classes] == [type(one) for one in classes]
    assert table.y[:4].tolist() == first


def test_rows_without_target_are_left_out_and_counted(tmp_path):
    table = table_of(tmp_path, ["no", "yes", "", "?"])
    assert table.said() == ["left out 30 of 60 rows, which have no 'y'"]
    assert len(table.y) == len(table.features["a"]) == 30
    np.testing.assert_array_equal(table.features["a"][:4], [0, 1, 16, 8])  # rows 0, 1, 4, 5
    assert table.rows.name(2) == "line 6"  # the third row that is left
    with pytest.raises(ValueError, match=r"line 4: the target 'y' is missing, as in 15 of 60 rows"):
        table_of(tmp_path, ["no", "yes", "", "?"], strict=True)
    with pytest.raises(ValueError, match="the target 'y' is missing in every row"):
        table_of(tmp_path, ["", "?"])


def test_an_error_below_rows_that_are_left_out_has_its_line(tmp_path):
    lines = [f"{'x' if i == 50 else i},{'' if i < 9 else i % 2}" for i in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(["a,y", *lines]))
    with pytest.raises(ValueError, match="line 52, column 'a': 'x' is not a number"):
        tables.read(tmp_path / "t.csv", "y")


def test_a_target_of_numbers_as_people_write_them(tmp_path):
    cells = [f'"${1000 + 37 * i:,}.50"' for i in range(59)] + ["-"]
    table = table_of(tmp_path, cells)
    assert table.classes is None
    assert table.y[:2].tolist() == [1000.5, 1037.5]
    assert table.said() == [
        "left out 1 of 60 rows, which have no 'y'",
        "read as numbers: 'y' ('$1,000.50' is 1000.5)",
    ]
    # Its texts are classes where somebody says so.
    assert len(table_of(tmp_path, cells[:3], categorical=["y"]).classes) == 3


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (["31/12/2024", "30/12/2024"], "the target 'y' is of dates, such as '31/12/2024'"),
        (["2024-12-31", "2024-12-30"], "column 'y' is of dates or times"),
        (['"1,5"', "1.5", '"2,5"'], "is written with a decimal comma, or with commas between"),
        (["inf", "1.5", "2.5"], "line 2, column 'y': inf is not finite"),
    ],
)
def test_what_no_network_predicts_is_refused(cells, said, tmp_path):
    with pytest.raises(ValueError, match=said):
        table_of(tmp_path, cells)


def test_numbers_in_texts_are_of_one_spelling_or_none():
    assert numbers_in_texts(["1,5", " 2,25 "]).tolist() == [1.5, 2.25]
    assert numbers_in_texts(["1,5", "x"]) is numbers_in_texts([1.5, "2,5"]) is None
