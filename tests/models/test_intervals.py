"""Split-conformal intervals: level coverage, and what they are not to be made of."""

from dataclasses import replace

import numpy as np
import pytest

import mlp_jax
from mlp_jax.models import intervals
from mlp_jax.models.encoding import numbers
from mlp_jax.models.intervals import covered, half_widths, residuals_of
from mlp_jax.models.model_file import load_model, write_model
from mlp_jax.models.networks import as_model

TABLES, ROWS = 400, 40  # that coverage is averaged over; rows to come, of each table


def coverage(residuals_in, level, *, n=60, seed=0):
    """The share of rows to come that are in the interval, over many tables of n residuals.

    residuals_in: (rng, n) -> errors on the rows that calibrate, exchangeable with a standard
      Cauchy's, which has no variance.
    """
    rng, shares = np.random.default_rng(seed), []
    for _ in range(TABLES):
        residuals = residuals_of(residuals_in(rng, n), np.zeros(n))
        (half,) = half_widths(residuals, level)
        shares.append(covered(rng.standard_cauchy(ROWS), -half, half))
    return np.mean(shares), np.std(shares) / np.sqrt(TABLES)


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95])
def test_coverage_of_exchangeable_errors_is_the_level(level):
    share, error = coverage(lambda rng, n: rng.standard_cauchy(n), level)
    exact = np.ceil(61 * level) / 61
    assert abs(share - exact) < 4 * error
    assert exact >= level


def test_errors_on_rows_that_were_trained_on_would_be_seen_to_cover_too_little():
    """A network that has learned its rows has smaller errors on these than on rows to come."""
    share, error = coverage(lambda rng, n: 0.5 * rng.standard_cauchy(n), 0.9)
    assert share < 0.9 - 4 * error


def test_in_fold_residuals_of_a_fit_cover_too_little_and_those_out_of_fold_enough():
    """Least squares of 15 inputs on 40 rows, as in-fold; two folds, as a sweep has them."""
    rng, inside = np.random.default_rng(0), {"in fold": [], "out of fold": []}
    for _ in range(200):
        X, e = rng.normal(size=(80, 15)), rng.normal(size=80)
        rows, to_come = slice(0, 40), slice(40, 80)
        halves = [np.arange(20), np.arange(20, 40)]
        w = np.linalg.lstsq(X[rows], e[rows], rcond=None)[0]
        out = np.empty(40)
        for own, other in (halves, halves[::-1]):
            out[own] = X[own] @ np.linalg.lstsq(X[other], e[other], rcond=None)[0]
        for name, predicted in (("in fold", X[rows] @ w), ("out of fold", out)):
            found = residuals_of(e[rows], predicted)
            (half,) = half_widths(found, 0.9)
            predicted = X[to_come] @ w
            inside[name].append(covered(e[to_come], predicted - half, predicted + half))
    assert np.mean(inside["in fold"]) < 0.8
    assert np.mean(inside["out of fold"]) > 0.9


def test_the_half_width_is_the_residual_of_its_rank():
    residuals = np.arange(1.0, 10.0)[:, None]  # nine: ceil(10 * 0.9) is the ninth
    np.testing.assert_array_equal(half_widths(residuals, 0.9), [9])
    np.testing.assert_array_equal(half_widths(residuals, 0.5), [5])
    np.testing.assert_array_equal(half_widths(residuals, 0.41), [5])
    assert 100 * 0.07 > 7  # by rounding alone, which is not to count
    np.testing.assert_array_equal(half_widths(np.arange(1.0, 100.0)[:, None], 0.07), [7])


@pytest.mark.parametrize("n", [7, 10, 23, 101])
def test_of_many_residuals_those_kept_cover_at_least_as_often(n, monkeypatch):
    """Of the errors 1 to n the half-width is the rank among all, so coverage is told exactly."""
    monkeypatch.setattr(intervals, "MOST", 9)
    kept = residuals_of(np.random.default_rng(0).permutation(n) + 1.0, np.zeros(n))
    assert len(kept) == min(n, 9)
    for level in (0.1, 0.35, 0.5, 0.8):
        (rank,) = half_widths(kept, level)
        assert rank / (n + 1) >= level
        assert rank / (n + 1) < level + 1 / (len(kept) + 1) + 1 / (n + 1)
    assert (np.diff(kept[:, 0]) > 0).all()


def test_too_few_residuals_for_a_level_are_an_error_that_says_which_one_goes():
    few = np.arange(1.0, 9.0)[:, None]
    message = "level is 0.9, for which 9 residuals or more are needed; the model has 8: type a "
    with pytest.raises(ValueError, match=f"{message}level of 0.88 or less"):
        half_widths(few, 0.9)
    assert half_widths(few, 0.88) == 8
    assert half_widths(np.arange(1.0, 10.0)[:, None], 0.9) == 9


@pytest.mark.parametrize("level", [0, 1, -0.1, 1.5, True, "0.9", None, float("nan")])
def test_a_level_out_of_range_is_an_error(level):
    with pytest.raises(ValueError, match="expected the share of rows to be covered, above 0"):
        half_widths(np.ones((50, 1)), level)


def test_a_level_in_percent_is_an_error_that_says_what_to_type():
    with pytest.raises(ValueError, match=r"level is 90; .*above 0 and below 1: type 0.9"):
        half_widths(np.ones((50, 1)), 90)


@pytest.mark.parametrize(
    ("true", "predicted", "message"),
    [
        ([1.0, 2.0], [1.0], r"true has shape \(2,\) and predicted \(1,\)"),
        ([], [], "and a row at least"),
        ([1.0], [np.inf], "a residual is not finite"),
    ],
)
def test_residuals_of_what_does_not_go_together_are_an_error(true, predicted, message):
    with pytest.raises(ValueError, match=message):
        residuals_of(true, predicted)


def of_numbers(K=1, loss="squared_error", residuals=None):
    params = (mlp_jax.Layer(np.ones((1, K)), np.zeros((K, 1))),)
    targets = ["a", "b"][: 1 if loss.startswith("pinball") else K]
    about = {"encoding": numbers(["x"]), "targets": targets}
    model = as_model([(params, mlp_jax.Network("tanh", loss))], **about)
    return replace(model, residuals=residuals)


@pytest.mark.parametrize("K", [1, 2])
def test_residuals_come_back_from_a_file(K, tmp_path):
    residuals = np.sort(np.random.default_rng(0).exponential(size=(30, K)), axis=0)
    write_model(tmp_path / "m", of_numbers(K, residuals=residuals))
    again = load_model(tmp_path / "m")
    np.testing.assert_array_equal(again.residuals, residuals)
    assert again.residuals.shape == (30, K)
    low, high = again.interval([[1.0]], 0.9)
    np.testing.assert_allclose((high - low).ravel() / 2, residuals[27])  # ceil(31 * 0.9) is 28
    write_model(tmp_path / "m", of_numbers(K))
    assert load_model(tmp_path / "m").residuals is None


@pytest.mark.parametrize(
    ("about", "residuals"),
    [
        ({}, [2.0, 1.0]),
        ({}, [-1.0, 1.0]),
        ({}, [1.0, np.nan]),
        ({}, [1.0, np.inf]),
        ({}, []),
        ({"K": 2}, [1.0, 2.0, 3.0]),
        ({"K": 2, "loss": "pinball(0.1,0.9)"}, [1.0, 2.0]),
        ({"loss": "binary_cross_entropy"}, [1.0, 2.0]),
    ],
    ids=["order", "sign", "nan", "inf", "none", "shape", "quantiles", "labels"],
)
def test_a_file_of_residuals_that_are_none_is_refused(about, residuals, tmp_path):
    write_model(tmp_path / "m", of_numbers(**about, residuals=np.array(residuals)))
    with pytest.raises(ValueError, match="does not hold together"):
        load_model(tmp_path / "m")
