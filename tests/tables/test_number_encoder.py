"""A transformer of scikit-learn, which learns what the command line learns of numbers."""

import pickle

import numpy as np
import pandas
import pytest
from sklearn.base import clone
from sklearn.preprocessing import SplineTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

from mlp_jax import NumberEncoder
from mlp_jax.models.encoding import encode
from mlp_jax.tables.encoder import fit_encoding
from mlp_jax.tables.input_choices import InputChoices

BOTH = NumberEncoder(scaling="robust", bins=3)


@parametrize_with_checks([NumberEncoder(scaling="standard", bins=0), BOTH])
def test_it_is_a_transformer(estimator, check):
    check(estimator)


def frame(rows=40):
    rng = np.random.default_rng(0)
    age = rng.normal(40, 9, rows)
    age[::6] = np.nan
    return pandas.DataFrame({"age": age, "income": rng.lognormal(size=rows)})


def test_it_learns_what_the_command_line_learns():
    table = frame()
    expected = encode(
        fit_encoding(table, list(table), [], InputChoices("robust", 3)), table.to_numpy()
    )
    np.testing.assert_array_equal(clone(BOTH).fit_transform(table), expected)


KINDS = {
    "an array": lambda table: table.to_numpy(),
    "single precision": lambda table: table.astype(np.float32),
    "pandas with its own gaps": lambda table: table.convert_dtypes(),
    "objects with None": lambda table: table.astype(object).where(table.notna(), None).to_numpy(),
}


@pytest.mark.parametrize("kind", KINDS)
def test_it_takes_numbers_with_gaps_of_any_kind(kind):
    rows = KINDS[kind](frame())
    found = clone(BOTH).fit(rows).transform(rows)
    np.testing.assert_allclose(found, clone(BOTH).fit_transform(frame()), atol=1e-5)


def test_inputs_are_named_after_columns():
    # By hand of 1 to 4: a third of four rows is 2 rows rounded up, two thirds are 3.
    table = pandas.DataFrame({"a": [1.0, 2, 3, 4], "b": [1, 1, np.nan, 1]})
    expected = ["a", "b", "b is missing", "a from 1 to 2", "a from 2 to 3", "a from 3 to 4"]
    fitted = clone(BOTH).fit(table)
    assert fitted.get_feature_names_out().tolist() == expected
    assert fitted.set_output(transform="pandas").transform(table).columns.tolist() == expected
    unnamed = clone(BOTH).fit(table.to_numpy())
    assert unnamed.get_feature_names_out().tolist()[:2] == ["x0", "x1"]
    assert unnamed.get_feature_names_out(["p", "q"]).tolist()[:2] == ["p", "q"]
    with pytest.raises(ValueError, match="input_features should have length equal"):
        unnamed.get_feature_names_out(["p"])


def test_it_comes_back_from_pickle():
    fitted = clone(BOTH).fit(frame())
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.transform(frame()), fitted.transform(frame()))


def test_a_gap_that_was_not_seen_is_the_median():
    fitted = clone(BOTH).fit([[1.0], [2], [3]])
    np.testing.assert_array_equal(fitted.transform([[np.nan]]), fitted.transform([[2.0]]))


def linear_in(inputs, y):
    """y as the nearest linear function of the inputs says it."""
    X = np.column_stack([np.ones(len(y)), inputs])
    return X @ np.linalg.lstsq(X, y, rcond=None)[0]


def test_scikit_learns_hats_are_the_same_functions():
    """What the docstring says of SplineTransformer; its edges may be between two numbers."""
    x = np.linspace(0, 1, 401)[:, None] ** 2
    hats = SplineTransformer(5, degree=1, knots="quantile", extrapolation="constant")
    wanted = np.random.default_rng(0).normal(size=5) @ hats.fit_transform(x).T
    ramps = NumberEncoder(scaling="robust", bins=4).fit_transform(x)[:, 1:]
    np.testing.assert_allclose(linear_in(ramps, wanted), wanted, atol=1e-12)
    assert not np.allclose(linear_in(ramps[:, 1:], wanted), wanted, atol=1e-3)


def test_scikit_learns_hats_of_edges_that_fall_together_are_zeros():
    x = np.r_[np.zeros(50), np.arange(50.0)][:, None]
    hats = SplineTransformer(9, degree=1, knots="quantile").fit_transform(x)
    assert (hats == 0).all(axis=0).sum() > 2
    ramps = NumberEncoder(scaling="robust", bins=8).fit_transform(x)
    assert not (ramps == 0).all(axis=0).any()
    with pytest.raises(ValueError, match="NaN"):
        SplineTransformer(3, degree=1, knots="quantile").fit([[1.0], [np.nan]])
