"""MLPClassifier and MLPRegressor are trained as `fit` trains and predict as their network does."""

import pickle

import jax
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.inspection import permutation_importance
from sklearn.metrics import mean_pinball_loss, r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import mlp_jax
from mlp_jax import MLPClassifier, MLPRegressor, metrics
from mlp_jax.activations import ACTIVATIONS
from mlp_jax.losses import LOSSES
from mlp_jax.models import numpy_forward, prediction
from tests.estimators.small_table import NAMES, RNG, X, Y
from tests.nets import random_net

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


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
    start = mlp_jax.init(seed, (3, 6, 4, 1), scheme="glorot", dtype=np.float32)
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


@pytest.mark.parametrize("column", [["a", "b"], [1.0, np.nan]])
@pytest.mark.parametrize(
    ("estimator", "other"), [(MLPClassifier, "TableClassifier"), (MLPRegressor, "TableRegressor")]
)
def test_texts_and_gaps_are_told_who_takes_them(estimator, other, column):
    texts = pd.DataFrame({"one": column, "two": [1.0, 2.0]})
    with pytest.raises(ValueError, match=f"mlp_jax.{other} takes texts and gaps as is"):
        estimator().fit(texts, [0, 1])


def test_labels_in_a_sparse_matrix_are_predicted_in_one():
    labels = scipy.sparse.csr_matrix((X[:, :2] > 0).astype(int))
    predicted = [
        MLPClassifier((4,), max_iter=3, random_state=0).fit(X, y).predict(X)
        for y in (labels, labels.toarray())
    ]
    assert scipy.sparse.issparse(predicted[0])
    np.testing.assert_array_equal(predicted[0].toarray(), predicted[1])
