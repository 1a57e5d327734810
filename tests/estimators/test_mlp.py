"""The estimators: scikit-learn's checks of ours, and what it does not check."""

import pickle
import warnings

import jax
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from scipy.optimize import OptimizeResult
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.inspection import permutation_importance
from sklearn.metrics import mean_pinball_loss, r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import mlp_jax
from mlp_jax import MLPClassifier, MLPRegressor, metrics
from mlp_jax.activations import ACTIVATIONS
from mlp_jax.estimators.lbfgs import _end_of_lbfgs
from mlp_jax.estimators.settings import parse_settings
from mlp_jax.losses import LOSSES
from mlp_jax.models import numpy_forward, prediction
from tests.nets import random_net

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(150, 3))
Y = X[:, 0] * X[:, 1] > 0
NAMES = np.array(["no", "yes"])[Y.astype(int)]


# Warnings that the checks themselves provoke.
@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks([MLPClassifier(max_iter=100), MLPRegressor(max_iter=100)])
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_forward_in_numpy_is_forward(activation, dtype):
    params, X, _ = random_net(3, (5, 7, 4, 3), 40)
    params = jax.tree.map(lambda leaf: np.asarray(leaf, dtype), params)
    rows = 3 * np.asarray(X.T, dtype)
    for loss in LOSSES:
        if loss == "pinball":
            loss = "pinball(0.1, 0.5, 0.9)"
        network = mlp_jax.Network(activation, loss)
        theirs = mlp_jax.forward(params, rows.T, network=network).T
        ours = numpy_forward.forward(params, rows, [activation] * 2, network.loss.name)
        assert ours.dtype == dtype
        rtol = 1e-4 if dtype == np.float32 else 1e-11
        np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=rtol / 100)


def test_numpy_forward_without_scipy(monkeypatch):
    Z = np.linspace(-6, 6, 100)
    with_scipy = numpy_forward.ACTIVATIONS["gelu"](Z)
    monkeypatch.setitem(__import__("sys").modules, "scipy.special", None)
    np.testing.assert_allclose(numpy_forward.ACTIVATIONS["gelu"](Z), with_scipy, rtol=1e-12)


def test_large_predictions_compile_seldom(monkeypatch, compilations):
    monkeypatch.setattr(prediction, "WORTH_COMPILING", 0)
    monkeypatch.setattr(prediction, "MOST", 512)
    mlp = MLPClassifier((8,), max_iter=5, random_state=0).fit(X, Y)
    by_jax = mlp.predict_proba(np.tile(X, (9, 1)))
    assert [prediction.length_of(n) for n in (1, 64, 65, 96, 97, 129)] == [64, 64, 96, 96, 128, 192]
    before = compilations()
    for rows in (129, 130, 150, 191, 192):
        mlp.predict(np.tile(X, (2, 1))[:rows])
    assert compilations() - before <= 2  # one length, and NumPy's way to it
    monkeypatch.setattr(prediction, "WORTH_COMPILING", np.inf)
    np.testing.assert_allclose(by_jax, mlp.predict_proba(np.tile(X, (9, 1))), rtol=1e-10)


def test_it_is_trained_as_fit_trains():
    mlp = MLPRegressor(
        hidden_layer_sizes=(6, 4), activation="tanh", alpha=0.3, batch_size=32, max_iter=7
    )
    mlp.set_params(solver="sgd", learning_rate_init=0.05, random_state=5).fit(X, X[:, 0])
    seed = np.random.RandomState(5).randint(np.iinfo(np.int32).max)
    start = mlp_jax.init(jax.random.key(seed), (3, 6, 4, 1), dtype=np.float32)
    with jax.enable_x64(True):
        state, info = mlp_jax.fit(
            jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), start),
            *(X.T, X[:, :1].T),
            network=mlp_jax.Network("tanh", "squared_error"),
            optimizer=mlp_jax.optimizer("sgd", learning_rate=0.05, momentum=0.9, nesterov=True),
            batch_size=32,
            epochs=7,
            l2=0.3 / 32,
            key=seed,
        )
    for W, b, layer in zip(mlp.coefs_, mlp.intercepts_, state.params, strict=True):
        np.testing.assert_array_equal(W, layer.W)
        np.testing.assert_array_equal(b, layer.b[:, 0])
    np.testing.assert_array_equal(mlp.loss_curve_, info.cost)
    assert mlp.n_iter_ == 7
    assert mlp.t_ == 7 * 150


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_is_kept_and_jax_is_left_as_it_was(dtype):
    mlp = MLPClassifier((5,), max_iter=3, random_state=0).fit(X.astype(dtype), NAMES)
    assert {W.dtype for W in mlp.coefs_} == {np.dtype(dtype)}
    assert mlp.predict_proba(X.astype(dtype)).dtype == dtype
    assert mlp.predict(X).dtype == NAMES.dtype


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


def test_class_weight_is_a_sample_weight():
    few = np.r_[np.flatnonzero(Y)[:10], np.flatnonzero(~Y)]
    fit = {"max_iter": 30, "random_state": 0, "hidden_layer_sizes": 8}
    balanced = MLPClassifier(**fit, class_weight="balanced").fit(X[few], NAMES[few])
    weights = np.where(Y[few], len(few) / 20, len(few) / (2 * (len(few) - 10)))
    weighted = MLPClassifier(**fit).fit(X[few], NAMES[few], sample_weight=weights)
    np.testing.assert_allclose(balanced.coefs_[0], weighted.coefs_[0])
    plain = MLPClassifier(**fit).fit(X[few], NAMES[few])
    assert balanced.predict_proba(X)[:, 1].mean() > plain.predict_proba(X)[:, 1].mean() + 0.05


def test_decisions_are_the_outputs_before_the_sigmoid():
    mlp = MLPClassifier((8,), max_iter=20, random_state=0).fit(X, NAMES)
    probabilities = 1 / (1 + np.exp(-mlp.decision_function(X)))
    np.testing.assert_allclose(probabilities, mlp.predict_proba(X)[:, 1])
    digits, numbers = load_digits(return_X_y=True)
    mlp = MLPClassifier((8,), max_iter=5, random_state=0).fit(digits / 16, numbers)
    assert mlp.decision_function(digits[:5] / 16).shape == (5, 10)


def test_quantiles_are_columns():
    mlp = MLPRegressor("pinball(0.1, 0.9)", (8,), max_iter=150, learning_rate_init=0.02)
    y = X[:, 0] + RNG.normal(size=150)
    A = mlp.set_params(random_state=0).fit(X, y).predict(X)
    assert A.shape == (150, 2)
    assert 0.02 < (y < A[:, 0]).mean() < 0.25
    assert 0.75 < (y < A[:, 1]).mean() < 0.98


def test_the_score_of_quantiles_is_minus_their_loss():
    mlp = MLPRegressor("pinball(0.1, 0.9)", (8,), max_iter=20, random_state=0, early_stopping=True)
    mlp.fit(X[:100], X[:100, 0], X_val=X[100:], y_val=X[100:, 0])
    assert mlp.score(X[100:], X[100:, 0]) == pytest.approx(mlp.best_validation_score_)
    columns, weights = mlp.predict(X).T, np.arange(150.0)
    losses = [
        mean_pinball_loss(X[:, 0], column, sample_weight=weights, alpha=quantile)
        for column, quantile in zip(columns, (0.1, 0.9), strict=True)
    ]
    assert mlp.score(X, X[:, 0], weights) == pytest.approx(-sum(losses))
    assert np.isfinite(cross_val_score(mlp, X, X[:, 0], cv=2)).all()


@pytest.mark.parametrize("weights", [None, np.r_[0.0, np.arange(149.0)]])
def test_r2_is_that_of_scikit_learn(weights):
    labels = np.stack([X[:, 0], np.full(150, 2.0), np.full(150, -2.0)])
    found = labels + np.stack([X[:, 1], np.full(150, 1e-3), np.zeros(150)])
    of_each = r2_score(labels.T, found.T, sample_weight=weights, multioutput="raw_values")
    assert of_each[1:].tolist() == [0.0, 1.0]
    row = None if weights is None else weights[None]
    assert float(jax.jit(metrics.r2)(found, labels, row)) == pytest.approx(of_each.mean())
    tenths = np.full((1, 150), 0.1, np.float32)  # whose mean is rounded
    assert float(metrics.r2(tenths + np.float32(1), tenths, row)) == 0


def test_a_column_of_equal_labels_does_not_end_a_training():
    mlp = MLPRegressor(hidden_layer_sizes=8, early_stopping=True, max_iter=40, random_state=0)
    mlp.set_params(learning_rate_init=0.01).fit(X, np.c_[X[:, 0], np.ones(150)])
    assert mlp.n_iter_ > 12
    assert np.isfinite(mlp.validation_scores_).all()


def test_the_adaptive_rate_goes_on_where_the_constant_one_stops():
    rate = {"solver": "sgd", "learning_rate_init": 0.5, "max_iter": 400, "random_state": 0}
    constant = MLPRegressor(hidden_layer_sizes=8, **rate).fit(X, X[:, 0] * X[:, 1])
    adaptive = clone(constant).set_params(learning_rate="adaptive").fit(X, X[:, 0] * X[:, 1])
    assert constant.n_iter_ < adaptive.n_iter_ < 400
    np.testing.assert_array_equal(constant.loss_curve_, adaptive.loss_curve_[: constant.n_iter_])
    assert adaptive.loss_ < constant.loss_


def test_at_home_in_scikit_learn():
    table, y = load_breast_cancer(return_X_y=True, as_frame=True)
    some = table.columns[:20].tolist()
    mlp = MLPClassifier((16,), max_iter=40, learning_rate_init=0.01, random_state=0)
    scaled = ColumnTransformer([("scaled", StandardScaler(), some)], remainder="drop")
    pipeline = make_pipeline(scaled, mlp)
    search = GridSearchCV(pipeline, {"mlpclassifier__alpha": [1e-3, 1.0]}, cv=2).fit(table, y)
    assert search.best_score_ > 0.9
    calibrated = CalibratedClassifierCV(pipeline, cv=2).fit(table, y)
    assert calibrated.score(table, y) > 0.9
    importance = permutation_importance(search, table, y, n_repeats=2, random_state=0)
    assert importance.importances_mean[:20].max() > 0
    assert (importance.importances_mean[20:] == 0).all()
    again = pickle.loads(pickle.dumps(search.best_estimator_))
    np.testing.assert_array_equal(again.predict_proba(table), search.predict_proba(table))


def test_networks_are_pickled_by_name():
    for network in (
        mlp_jax.Network(),
        mlp_jax.Network(("sigmoid", "gelu"), "pinball(0.1, 0.9)", "bfloat16"),
        mlp_jax.Network("silu", "huber(0.25)"),
    ):
        assert pickle.loads(pickle.dumps(network)) == network


def test_names_of_columns_are_remembered():
    table = pd.DataFrame(X, columns=["a", "b", "c"])
    mlp = MLPClassifier((4,), max_iter=2, random_state=0).fit(table, NAMES)
    assert mlp.feature_names_in_.tolist() == ["a", "b", "c"]
    with pytest.raises(ValueError, match="feature names"):
        mlp.predict(table.rename(columns={"a": "z"}))


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


def test_a_split_without_weight_is_said_of_sample_weight():
    weights = (np.arange(150) == 0) * 1.0  # so that one side has none
    with pytest.raises(ValueError, match=r"samples to .* have a sample_weight of 0; type another"):
        MLPClassifier(early_stopping=True).fit(X, NAMES, weights)


def test_activations_may_be_one_a_layer_in_scikit_learns_words():
    fit = {"hidden_layer_sizes": (5, 4), "max_iter": 2, "random_state": 0}
    ours = MLPClassifier(activation=["logistic", "tanh"], **fit).fit(X, NAMES)
    plain = MLPClassifier(activation=("sigmoid", "tanh"), **fit).fit(X, NAMES)
    np.testing.assert_array_equal(ours.coefs_[0], plain.coefs_[0])


BAD = [
    ({"hidden_layer_sizes": (8, 0)}, r"hidden_layer_sizes must be > 0, got \(8, 0\)"),
    ({"hidden_layer_sizes": 2.5}, "hidden_layer_sizes must be > 0, got 2.5"),
    ({"activation": "rleu"}, "did you mean 'relu'"),
    ({"solver": "adan"}, "solver is 'adan'; expected one of 'sgd', 'adam'"),
    ({"alpha": -1}, "alpha is -1; expected a number, 0 or more"),
    ({"learning_rate_init": 0.0}, "learning_rate_init is 0.0; expected a number, more than 0"),
    ({"batch_size": 0}, "batch_size is 0; expected an integer from 1 up or 'auto'"),
    ({"max_iter": 1.5}, "max_iter is 1.5; expected an integer"),
    ({"momentum": 1.0}, "momentum is 1.0; expected a number, 0 or more and less than 1"),
    ({"learning_rate": "falling"}, "learning_rate is 'falling'; expected one of 'constant'"),
    ({"schedule": "cos"}, "schedule is 'cos'; expected one of None, 'cosine'"),
    ({"schedule": "cosine", "learning_rate": "adaptive"}, "leave one out"),
    ({"shuffle": "yes"}, "shuffle is 'yes'; expected True or False"),
    ({"n_iter_no_change": 0}, "n_iter_no_change is 0; expected an integer from 1 up or numpy.inf"),
    ({"clip_norm": 0}, "clip_norm is 0; expected a number, more than 0"),
    (
        {"solver": "lbfgs", "dropout": 0.5},
        "lbfgs takes no dropout; leave it out, or type solver='adam'",
    ),
    ({"class_weight": "balance"}, "class_weight"),
    ({"label_smoothing": 1.0}, "label_smoothing is 1.0"),
]


@pytest.mark.parametrize(("settings", "said"), BAD)
def test_bad_settings_are_said(settings, said):
    mlp = MLPClassifier(**settings)
    with pytest.raises(ValueError, match=said):
        mlp.fit(X, NAMES)
    assert not hasattr(mlp, "coefs_")


def test_a_loss_of_classes_is_not_for_numbers():
    with pytest.raises(ValueError, match="which is of classes: use MLPClassifier"):
        MLPRegressor("binary_cross_entropy").fit(X, X[:, 0])


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_labels_are_those_of_the_loss(solver):
    with pytest.raises(ValueError, match=r"Y has labels from .*; poisson expects 0 to inf"):
        MLPRegressor("poisson", solver=solver).fit(X, X[:, 0])


def test_labels_in_a_sparse_matrix_are_predicted_in_one():
    labels = scipy.sparse.csr_matrix((X[:, :2] > 0).astype(int))
    predicted = [
        MLPClassifier((4,), max_iter=3, random_state=0).fit(X, y).predict(X)
        for y in (labels, labels.toarray())
    ]
    assert scipy.sparse.issparse(predicted[0])
    np.testing.assert_array_equal(predicted[0].toarray(), predicted[1])
