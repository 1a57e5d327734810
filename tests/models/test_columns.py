"""How cells are read is in the model file, comes back from it, and is the same without pyarrow."""

import datetime
import json
import subprocess
import sys

import numpy as np
import pandas
import pytest

from mlp_jax.models.any_table import columns_of
from mlp_jax.models.columns import Column, Reading, as_json, from_json, in_words
from mlp_jax.models.dates import DAYS, DateReading
from mlp_jax.models.encoding import MISSING, VALUE, Input, coded, encoding_of_inputs
from mlp_jax.models.model import Model, ModelNetwork, with_plain_gaps
from mlp_jax.models.model_file import load_model, write_model
from mlp_jax.models.number_spellings import NumberSpelling

GAPS = ("?", "-", "inf")
COLUMNS = (
    Column("price", reading=Reading(GAPS, NumberSpelling(",", ".", "€"))),
    Column("sold: days since 2024-01-01", None, False, Reading(
        GAPS, None, DateReading("sold", "dmy", DAYS, "2024-01-01"))),
    Column("sold: month", None, False, Reading(GAPS, None, DateReading("sold", "dmy", "month"))),
    Column("colour", ("red", "blue", "NA"), False, Reading(("?", "NA"))),
    Column("plain"),
)  # fmt: skip
ENCODING = encoding_of_inputs(
    COLUMNS,
    [
        *(Input(0, VALUE, 1.0), Input(1, VALUE, 0.0), Input(1, MISSING), Input(2, VALUE, 1.0)),
        *(Input(3, 0), Input(3, 1), Input(3, 2), Input(3, MISSING), Input(4, VALUE, 0.0)),
    ],
)
ROWS = {
    "price": ["1.234,50 €", "-", 7.5, None, "inf", float("inf")],
    "sold": ["03/01/2024", "?", None, "2024-02-01", "3 Feb 2024", "1.1.2024 12:00"],
    "colour": [" red", "?", "NA", "green", None, "blue"],
    "plain": [1, "2", None, True, "false", 3.5],
}
NAN = np.nan
# By hand: days since the first of January, months, places of categories (3 for another).
CODES = [
    [1234.5, 2, 1, 0, 1],
    [NAN, NAN, NAN, NAN, 2],
    [7.5, NAN, NAN, 2, NAN],
    [NAN, 31, 2, 3, 1],
    [NAN, 33, 2, NAN, 0],
    [NAN, 0.5, 1, 1, 3.5],
]


def model():
    layers = ((np.arange(1.0, 10)[:, None], np.zeros((1, 1))),)
    return Model((ModelNetwork(layers, ()),), "squared_error", ENCODING, ("y",))


def test_cells_are_read_as_the_columns_say():
    np.testing.assert_array_equal(coded(ENCODING, ROWS), CODES)
    frame = pandas.DataFrame(ROWS)
    np.testing.assert_array_equal(coded(ENCODING, frame), CODES)
    array = np.array([ROWS[name] for name in ("price", "sold", "colour", "plain")], object).T
    np.testing.assert_array_equal(coded(ENCODING, array), CODES)


def test_a_reading_that_is_not_heeded_would_be_seen():
    columns = tuple(Column(column.name, column.categories) for column in COLUMNS)
    plain = ENCODING._replace(columns=columns)
    with pytest.raises(ValueError, match=r"row 1, column 'price': '1\.234,50 €' is not a number"):
        coded(plain, ROWS | {column.name: [1] * 6 for column in columns[1:3]})


@pytest.mark.parametrize(
    "sold",
    [
        [datetime.date(2024, 1, 3), None],
        [datetime.datetime(2024, 1, 3), pandas.NaT],
        np.array(["2024-01-03", "NaT"], "datetime64[D]"),
        pandas.Series(pandas.to_datetime(["2024-01-03", None])),
        pandas.Series(pandas.to_datetime(["2024-01-03 05:00+05:00", None])),
        [np.datetime64("2024-01-03", "s"), "?"],
    ],
    ids=["dates", "datetimes", "datetime64", "a series", "with a zone", "mixed"],
)
def test_dates_of_any_type_are_dates(sold):
    rows = {name: cells[:2] for name, cells in ROWS.items()} | {"sold": sold}
    np.testing.assert_array_equal(coded(ENCODING, rows)[:, 1:3], [[2, 1], [NAN, NAN]])


def test_readings_come_back_from_a_file(tmp_path):
    write_model(tmp_path / "m", model())
    loaded = load_model(tmp_path / "m")
    assert loaded.encoding.columns == COLUMNS
    np.testing.assert_array_equal(loaded.predict(ROWS), model().predict(ROWS))
    told = json.loads(json.dumps(as_json(COLUMNS)))
    assert told["gaps"] == [list(GAPS), ["?", "NA"], []]  # each once
    assert from_json(told) == COLUMNS


@pytest.mark.parametrize(
    ("place", "change"),
    [
        (0, {"spelling": ["x", ".", "€"]}),
        (0, {"spelling": ["."]}),
        (0, {"gaps": 7}),
        (1, {"dates": ["sold", "ydm", "month", ""]}),
        (1, {"dates": ["sold", "dmy", "century", ""]}),
        (3, {"spelling": [",", "", ""]}),
        (3, {"categories": [1, 2]}),
    ],
)
def test_readings_that_are_none_are_refused(place, change):
    told = json.loads(json.dumps(as_json(COLUMNS)))
    told["columns"][place] |= change
    with pytest.raises((ValueError, IndexError, TypeError)):
        from_json(told)


def test_a_strict_model_takes_no_word_for_a_gap():
    strict = with_plain_gaps(model())
    with pytest.raises(ValueError, match="row 2, column 'price': '-' is not a number"):
        strict.predict(ROWS)
    infinite = ROWS | {"price": [1.0, float("inf"), *[1.0] * 4]}
    assert np.isfinite(model().predict(infinite)).all()
    with pytest.raises(ValueError, match="row 2, column 'price': inf is not finite"):
        strict.predict(infinite)


def test_two_columns_of_one_name_are_told_apart_as_in_training():
    frame = pandas.DataFrame([[1, 2, 3]], columns=["a", "b", "a"])
    first, second = columns_of(["a", "a.1"], ["a.1", "a"], frame)
    assert (first.tolist(), second.tolist()) == ([3], [1])


def test_columns_have_words():
    assert [in_words(column) for column in COLUMNS] == [
        "number, in texts as €1.234,5",
        "a part of a date or time, in texts with day first",
        "a part of a date or time, in texts with day first",
        "3 categories",
        "number",
    ]


def test_predicting_imports_neither_pandas_nor_pyarrow(tmp_path):
    write_model(tmp_path / "m", model())
    rows = {name: cells[:5] for name, cells in ROWS.items()}
    code = (
        "import sys, mlp_jax\n"
        f"print(mlp_jax.load_model(sys.argv[1]).predict({rows!r}).tolist())\n"
        "assert not {'jax', 'pandas', 'pyarrow'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "m"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == model().predict(rows).tolist()
