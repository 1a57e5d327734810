"""Epochs by hand, warm starts and early stopping: where a training goes on and where it ends."""

import pickle
import warnings

import numpy as np
import pytest
from scipy.optimize import OptimizeResult
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from mlp_jax import MLPClassifier, MLPRegressor
from mlp_jax.estimators.lbfgs import _end_of_lbfgs
from mlp_jax.estimators.settings import parse_settings
from tests.estimators.small_table import NAMES, X, Y

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_epochs_by_hand_are_one_fit():
    whole = MLPClassifier((8,), solver="sgd", max_iter=20, tol=0, random_state=3).fit(X, NAMES)
    parts = MLPClassifier((8,), solver="sgd", random_state=3)
    for number in range(20):
        parts.partial_fit(X, NAMES, classes=["no", "yes"])
        if number == 9:
            parts = pickle.loads(pickle.dumps(parts))
    for mine, theirs in zip(parts.coefs_, whole.coefs_, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert parts.loss_curve_ == whole.loss_curve_


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"solver": "sgd"}),
        ({"solver": "sgd"}, {"momentum": 0.0}),
        ({}, {"clip_norm": 1.0}),
    ],
)
def test_partial_fit_goes_on_with_another_optimizer(before, after):
    mlp = MLPClassifier((8,), random_state=3, **before)
    mlp.partial_fit(X, NAMES, classes=["no", "yes"]).set_params(**after)
    again = clone(mlp).set_params(warm_start=True, max_iter=1)
    again.partial_fit(X, NAMES, classes=["no", "yes"])
    again.coefs_, again.intercepts_ = mlp.coefs_, mlp.intercepts_
    again.fit(X, NAMES)  # with a new optimizer
    mlp.partial_fit(X, NAMES)
    for mine, theirs in zip(mlp.coefs_, again.coefs_, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert len(mlp.loss_curve_) == 2


def test_partial_fit_goes_on_after_a_divergence():
    mlp = MLPRegressor(hidden_layer_sizes=8, random_state=0).partial_fit(X, X[:, 0])
    with pytest.raises(ValueError, match="non-finite parameter weights"):
        mlp.partial_fit(1e200 * X, X[:, 0])
    assert np.isfinite(mlp.partial_fit(X, X[:, 0]).loss_)


def test_a_warm_start_counts_the_best_epoch_among_all():
    train, held = slice(0, 100), slice(100, 150)
    mlp = MLPClassifier((30,), max_iter=5, warm_start=True, learning_rate_init=0.02, random_state=0)
    for call, stops in enumerate((True, True, False, True)):
        mlp.set_params(early_stopping=stops)
        mlp.fit(X[train], NAMES[train], X_val=X[held], y_val=NAMES[held])
        assert 5 * call < mlp.best_epoch_ <= len(mlp.loss_curve_) == 5 * (call + 1)
        if stops:
            assert mlp.validation_scores_[mlp.best_epoch_ - 1] == mlp.best_validation_score_
            assert mlp.score(X[held], NAMES[held]) == pytest.approx(mlp.best_validation_score_)
    assert len(mlp.validation_scores_) == 20
    assert np.flatnonzero(np.isnan(mlp.validation_scores_)).tolist() == [10, 11, 12, 13, 14]


OTHER_SIZES = {
    "width": ({"hidden_layer_sizes": (8,)}, Y, r"\(3, 8, 1\).*type hidden_layer_sizes=\(4,\);"),
    "depth": (
        {"hidden_layer_sizes": (4, 4)},
        Y,
        r"\(3, 4, 4, 1\).*type hidden_layer_sizes=\(4,\);",
    ),
    "outputs": ({}, np.c_[Y, ~Y], r"\(3, 4, 2\).*hand 3 features and 1 outputs;"),
    "quantiles": ({"loss": "pinball(0.1, 0.5)"}, Y, r"\(3, 4, 2\).*hand 3 features and 1 outputs;"),
}


@pytest.mark.parametrize("name", OTHER_SIZES)
@pytest.mark.parametrize("how", ["fit", "partial_fit"])
def test_a_network_of_other_sizes_is_not_gone_on_with(how, name):
    settings, y, said = OTHER_SIZES[name]
    mlp = MLPRegressor(hidden_layer_sizes=(4,), max_iter=2, warm_start=True, random_state=0)
    before = mlp.fit(X, 1.0 * Y).predict(X)
    mlp.set_params(**settings)
    with pytest.raises(
        ValueError, match=r"network to go on with has layers of \(3, 4, 1\).*" + said
    ):
        getattr(mlp, how)(X, 1.0 * y)
    afresh = clone(mlp).set_params(warm_start=False).fit(X, 1.0 * y)
    assert [W.shape[1] for W in afresh.coefs_] != [4, 1]
    mlp.set_params(hidden_layer_sizes=(4,), loss="squared_error")
    np.testing.assert_array_equal(mlp.predict(X), before)
    assert mlp.fit(X, 1.0 * Y).n_iter_ == 2


def test_coefs_of_another_shape_start_their_optimizer_afresh():
    mlp = MLPClassifier((4,), random_state=0).partial_fit(X, Y, classes=[False, True])
    other = MLPClassifier((6,), max_iter=1, random_state=1).fit(X, Y)
    mlp.set_params(hidden_layer_sizes=(6,))
    mlp.coefs_, mlp.intercepts_ = list(other.coefs_), list(other.intercepts_)
    mlp.partial_fit(X, Y)
    assert [W.shape for W in mlp.coefs_] == [(3, 6), (6, 1)]
    assert not np.array_equal(mlp.coefs_[0], other.coefs_[0])


def test_a_validation_set_of_ones_own():
    half = slice(0, 100), slice(100, 150)
    mlp = MLPClassifier((30,), max_iter=60, random_state=0, early_stopping=True)
    mlp.set_params(learning_rate_init=0.02, n_iter_no_change=5)
    mlp.fit(X[half[0]], NAMES[half[0]], X_val=X[half[1]], y_val=NAMES[half[1]])
    score = mlp.score(X[half[1]], NAMES[half[1]])
    assert score == pytest.approx(mlp.best_validation_score_)
    assert mlp.validation_scores_[mlp.best_epoch_ - 1] == mlp.best_validation_score_
    assert len(mlp.validation_loss_curve_) == len(mlp.loss_curve_) == mlp.n_iter_
    curves = MLPClassifier((30,), max_iter=4, random_state=0)
    curves.fit(X[half[0]], NAMES[half[0]], X_val=X[half[1]], y_val=NAMES[half[1]])
    assert len(curves.validation_loss_curve_) == 4
    assert curves.best_epoch_ == 4  # not chosen by them
    with pytest.raises(ValueError, match="X_val and y_val belong together"):
        mlp.fit(X, NAMES, X_val=X)


def test_the_adaptive_rate_goes_on_where_the_constant_one_stops():
    rate = {"solver": "sgd", "learning_rate_init": 0.5, "max_iter": 400, "random_state": 0}
    constant = MLPRegressor(hidden_layer_sizes=8, **rate).fit(X, X[:, 0] * X[:, 1])
    adaptive = clone(constant).set_params(learning_rate="adaptive").fit(X, X[:, 0] * X[:, 1])
    assert constant.n_iter_ < adaptive.n_iter_ < 400
    np.testing.assert_array_equal(constant.loss_curve_, adaptive.loss_curve_[: constant.n_iter_])
    assert adaptive.loss_ < constant.loss_


def test_what_is_not_finished_is_said():
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(2\) reached"):
        MLPClassifier((4,), max_iter=2).fit(X, NAMES)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MLPClassifier((4,), tol=10.0).fit(X, NAMES)
    with pytest.raises(ValueError, match="non-finite parameter weights"):
        MLPRegressor(solver="sgd", learning_rate_init=1e9).fit(X, X[:, 0])


def test_early_stopping_keeps_the_best_epoch_before_a_divergence_and_says_so():
    mlp = MLPRegressor(solver="sgd", learning_rate_init=1e9, early_stopping=True, random_state=0)
    said = r"diverged by epoch \d+; the weights are those of epoch 1, .*smaller learning_rate_init"
    with pytest.warns(ConvergenceWarning, match=said):
        mlp.fit(X, X[:, 0])
    assert mlp.validation_scores_[0] == mlp.best_validation_score_
    assert np.isnan(mlp.validation_scores_[-1])


@pytest.mark.parametrize("solver", ["sgd", "lbfgs"])
def test_a_divergence_before_any_best_epoch_is_an_error(solver):
    mlp = MLPRegressor(solver=solver, learning_rate_init=1e200, early_stopping=True, random_state=0)
    with pytest.raises(ValueError, match="non-finite parameter weights"):
        mlp.fit(X, X[:, 0] * (1e200 if solver == "lbfgs" else 1))


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ({"max_fun": 3}, r"lbfgs: Maximum evaluations of the loss \(3\) reached"),
        ({"max_iter": 2}, r"lbfgs: Maximum iterations \(2\) reached"),
    ],
)
def test_what_ended_lbfgs_is_said(limit, said, capsys):
    mlp = MLPClassifier((4,), solver="lbfgs", verbose=True, random_state=0, **limit)
    with pytest.warns(ConvergenceWarning, match=said):
        mlp.fit(X, NAMES)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"Iteration {i}, loss = {J:.8f}" for i, J in enumerate(mlp.loss_curve_, 1)]
    stuck = OptimizeResult(status=2, nit=1, message="ABNORMAL: ")
    assert (
        _end_of_lbfgs(stuck, parse_settings(mlp.get_params()))
        == "scipy's search stopped (ABNORMAL)"
    )


def test_lbfgs_takes_no_validation_set():
    with pytest.raises(ValueError, match="lbfgs takes no X_val; leave it out, or type solver="):
        MLPClassifier(solver="lbfgs").fit(X, NAMES, X_val=X, y_val=NAMES)
