"""What NumPy learns of a table is what scikit-learn's transformers learn of it, to the last bit."""

import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pandas
import pytest

from mlp_jax.estimators.fitted_transformers import encoding_of_steps
from mlp_jax.models.columns import Column, Reading
from mlp_jax.models.dates import DateReading
from mlp_jax.models.encoding import encode
from mlp_jax.tables.encoder import MOST_CATEGORIES, SEEN_OFTEN, fit_encoding, table_encoder
from mlp_jax.tables.input_choices import BY_DEFAULT, InputChoices
from mlp_jax.tables.number_encoder import NumberEncoder

PLAIN, AS_ONE = InputChoices(), InputChoices(binary_as_one=True)
NORMAL = np.random.default_rng(0).normal(40, 10, 61)
FEW = np.where(np.arange(61) % 3, NORMAL, np.nan)
MOST = np.where(np.arange(61) == 7, NORMAL, np.nan)
NUMBERS = {
    "one column": {"a": NORMAL},
    "one column with gaps": {"a": FEW},
    "no gaps": {"a": NORMAL, "b": NORMAL**3, "c": NORMAL - 1e8},
    "gaps": {"a": NORMAL, "b": FEW, "c": MOST, "d": 1e8 + FEW},
    "a column without numbers": {"a": NORMAL, "empty": np.full(61, np.nan), "b": FEW},
    "nothing else than gaps": {"empty": np.full(61, np.nan)},
    "constant": {"a": np.full(61, 0.1), "b": np.full(61, 1e8 / 3), "c": np.zeros(61)},
    "constant but for rounding": {"a": np.full(61, 0.1) * (1 + 1e-16 * np.arange(61)), "b": FEW},
    "whole": {"a": np.arange(61) % 4.0, "b": np.arange(61) % 2.0},
    "none": {},
}


def texts(often, seldom, gaps=0):
    words = [f"often {k}" for k in range(often)] * SEEN_OFTEN
    words += [f"seldom {k}" for k in range(seldom)] + [None] * gaps
    return words + ["last"] * SEEN_OFTEN


def assert_same(frame, numeric, categorical, choices=PLAIN):
    steps = table_encoder(numeric, categorical, **asdict(choices)).fit(frame)
    theirs = encoding_of_steps([steps], list(frame))
    ours = fit_encoding(frame, numeric, categorical, choices)
    assert ours.columns == theirs.columns
    for name in ("source", "what", "fill", "mean", "scale", "limit"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name), strict=True)
    return ours


@pytest.mark.filterwarnings("ignore:Skipping features without any observed values")
@pytest.mark.parametrize(
    "choices",
    [PLAIN, InputChoices(bins=4), InputChoices("robust"), InputChoices("robust", 5, True)],
    ids=["as ever", "bins", "robust", "robust, bins, binary as one"],
)
@pytest.mark.parametrize("case", NUMBERS)
def test_numbers_are_learned_to_the_last_bit(case, choices):
    frame = pandas.DataFrame(NUMBERS[case] | {"of categories": ["x", "y"] * 30 + ["x"]})
    frame = frame.astype({"of categories": object})
    assert_same(frame, list(NUMBERS[case]), ["of categories"], choices)


def test_all_tables_are_encoded_by_default_as_one_constant_says():
    frame = pandas.DataFrame({"a": NORMAL, "b": FEW, "c": pandas.Series(["x"] * 61, dtype=object)})
    said = fit_encoding(frame, ["a", "b"], ["c"], BY_DEFAULT)
    for found in (
        fit_encoding(frame, ["a", "b"], ["c"]),
        encoding_of_steps([table_encoder(["a", "b"], ["c"]).fit(frame)], list(frame)),
    ):
        np.testing.assert_array_equal(found.limit, said.limit)
        np.testing.assert_allclose(found.scale, said.scale, rtol=1e-14)
    assert (NumberEncoder().scaling, NumberEncoder().bins) == (BY_DEFAULT.scaling, BY_DEFAULT.bins)


@pytest.mark.parametrize("gaps", [0, 2, SEEN_OFTEN, 40])
@pytest.mark.parametrize("often", [0, 3, MOST_CATEGORIES - 2, MOST_CATEGORIES - 1, 90])
@pytest.mark.parametrize("seldom", [0, 1, 4])
@pytest.mark.parametrize("choices", [PLAIN, AS_ONE], ids=["as ever", "binary as one"])
def test_categories_are_learned_as_they_are_frequent(often, seldom, gaps, choices):
    words = texts(often, seldom, gaps)
    frame = pandas.DataFrame({"word": pandas.Series(words, dtype=object)})
    frame["again"] = pandas.Series(sorted(words, key=str), dtype=object)
    assert len(assert_same(frame, [], ["again", "word"], choices).source) <= 2 * MOST_CATEGORIES


BINARY = {
    "two categories": (["no", "yes"] * 5, ["c = yes"]),
    "one, and gaps": (["yes", None] * 5, ["c is missing"]),
    "one, and others": (["yes"] * 9 + ["no"], ["c = (other)"]),
    "two, and gaps": (["no", "yes", None] * 5, ["c = no", "c = yes", "c is missing"]),
    "two, and others": (["no", "yes"] * 5 + ["?"], ["c = no", "c = yes", "c = (other)"]),
    "one": (["yes"] * 10, ["c = yes"]),
}


@pytest.mark.parametrize("case", BINARY)
def test_two_inputs_of_a_column_of_categories_are_one_where_asked_for(case):
    words, expected = BINARY[case]
    frame = pandas.DataFrame({"c": pandas.Series(words, dtype=object)})
    ours = assert_same(frame, [], ["c"], AS_ONE)
    assert ours.inputs() == expected
    # Whatever the one that is left out says, the others say: the rows are told apart as before.
    pairs = [encode(fit_encoding(frame, [], ["c"], one), frame) for one in (PLAIN, AS_ONE)]
    assert len(np.unique(pairs[0], axis=0)) == len(np.unique(pairs[1], axis=0))


WRONG = {
    "another scaling": ({"scaling": "quantile"}, "scaling is 'quantile'; expected 'standard' or"),
    "a scaling that is a list": ({"scaling": ["robust"]}, "scaling is .'robust'.; expected"),
    "half a bin": ({"bins": 2.5}, "bins is 2.5; expected a whole number from 0"),
    "bins below none": ({"bins": -1}, "bins is -1; expected"),
    "too many bins": ({"bins": 257}, "bins is 257; expected .* to 256, such as 16"),
    "a word for bins": ({"bins": "many"}, "bins is 'many'; expected .* or 'auto'"),
    "truth for bins": ({"bins": True}, "bins is True; expected"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_choice_is_refused_at_the_door(case):
    choices, said = WRONG[case]
    with pytest.raises(ValueError, match=said):
        table_encoder(["a"], [], **choices)
    with pytest.raises(ValueError, match=said):
        NumberEncoder(**choices).fit([[1.0], [2.0]])


def test_a_column_of_no_kind_is_no_input():
    frame = pandas.DataFrame({"left out": NORMAL, "a": NORMAL})
    assert assert_same(frame, ["a"], []).source.tolist() == [1]


def test_the_parts_of_a_date_miss_it_together():
    one, other = (
        Column(f"day: {part}", reading=Reading(dates=DateReading("day", "ymd", part)))
        for part in ("year", "month")
    )
    table = {one.name: [2020.0, np.nan, 2021], other.name: [1.0, np.nan, 3], "a": [np.nan, 1, 2]}
    described = {one.name: one, other.name: other}
    found = fit_encoding(table, list(table), [], described=described)
    assert found.inputs() == [
        "day: year",
        "day: month",
        "a",
        "day: year is missing",
        "a is missing",
    ]
    assert found.columns == (one, other, Column("a"))


def test_the_order_of_the_columns_is_that_of_the_table():
    words = pandas.Series(["x", "y"] * 30 + [None], dtype=object)
    frame = pandas.DataFrame({"c": FEW, "b": words, "a": NORMAL})
    assert_same(frame, ["a", "c"], ["b"])


def test_a_table_is_encoded_without_jax_and_without_scikit_learn():
    code = """
import sys
from mlp_jax.models.encoding import encode
from mlp_jax.tables.encoder import fit_encoding
table = {"age": [31.0, float("nan"), 40.0], "town": ["a", "b", None]}
from mlp_jax.tables.input_choices import InputChoices
choices = InputChoices("robust", 16, True)
print(encode(fit_encoding(table, ["age"], ["town"], choices), table).shape, "jax" in sys.modules,
      "sklearn" in sys.modules)
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["(3,", "3)", "False", "False"]
