"""What NumPy learns of a table is what scikit-learn's transformers learn of it, to the last bit."""

import subprocess
import sys

import numpy as np
import pandas
import pytest

from mlp_jax.estimators.fitted_transformers import encoding_of_steps
from mlp_jax.tables.encoder import MOST_CATEGORIES, SEEN_OFTEN, fit_encoding, table_encoder

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


def assert_same(frame, numeric, categorical):
    steps = table_encoder(numeric, categorical).fit(frame)
    theirs = encoding_of_steps([steps], list(frame))
    ours = fit_encoding(frame, numeric, categorical)
    assert ours.columns == theirs.columns
    for name in ("source", "what", "fill", "mean", "scale"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name), strict=True)
    return ours


@pytest.mark.filterwarnings("ignore:Skipping features without any observed values")
@pytest.mark.parametrize("case", NUMBERS)
def test_numbers_are_learned_to_the_last_bit(case):
    frame = pandas.DataFrame(NUMBERS[case] | {"of categories": ["x", "y"] * 30 + ["x"]})
    frame = frame.astype({"of categories": object})
    assert_same(frame, list(NUMBERS[case]), ["of categories"])


@pytest.mark.parametrize("gaps", [0, 2, SEEN_OFTEN, 40])
@pytest.mark.parametrize("often", [0, 3, MOST_CATEGORIES - 2, MOST_CATEGORIES - 1, 90])
@pytest.mark.parametrize("seldom", [0, 1, 4])
def test_categories_are_learned_as_they_are_frequent(often, seldom, gaps):
    words = texts(often, seldom, gaps)
    frame = pandas.DataFrame({"word": pandas.Series(words, dtype=object)})
    frame["again"] = pandas.Series(sorted(words, key=str), dtype=object)
    assert len(assert_same(frame, [], ["again", "word"]).source) <= 2 * MOST_CATEGORIES


def test_a_column_of_no_kind_is_no_input():
    frame = pandas.DataFrame({"left out": NORMAL, "a": NORMAL})
    assert assert_same(frame, ["a"], []).source.tolist() == [1]


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
print(encode(fit_encoding(table, ["age"], ["town"]), table).shape, "jax" in sys.modules,
      "sklearn" in sys.modules)
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["(3,", "3)", "False", "False"]
