"""Metrics: which way is better is asked wherever two of their values are compared."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import mean_pinball_loss, r2_score
from sklearn.model_selection import KFold

import mlp_jax
from mlp_jax import metrics
from mlp_jax.losses import LOSSES

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 3))
Y = X[:, 0] + 0.5 * RNG.normal(size=120)
QUANTILES = mlp_jax.pinball(0.1, 0.9)
ADAM = mlp_jax.optimizer("adam", learning_rate=0.01)


def furthest(A, Y, weights):
    return jnp.abs(A - Y).max()


FURTHEST = metrics.Metric(furthest, less_is_better=True)


def test_a_metric_says_which_way_is_better():
    assert metrics.r2.score(0.5) == 0.5
    assert QUANTILES.metric.score(0.5) == -0.5
    assert mlp_jax.Metric(furthest) == metrics.as_metric(furthest) != FURTHEST


@pytest.mark.parametrize("metric", [metrics.r2, QUANTILES.metric, metrics.accuracy])
@pytest.mark.parametrize("bad", [jnp.inf, jnp.nan])
def test_an_example_of_weight_0_does_not_count_whatever_its_output(metric, bad):
    A, labels = RNG.normal(size=(2, 6)), RNG.normal(size=(2, 6)) + 0.5
    weights = np.array([[0.0, 1.0, 2.0, 3.0, 1.0, 0.5]])
    expected = float(metric(A[:, 1:], labels[:, 1:], weights[:, 1:]))
    A[:, 0] = bad
    assert float(metric(jnp.asarray(A), jnp.asarray(labels), weights)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("loss", "metric"),
    [
        (QUANTILES, None),
        (mlp_jax.own_loss(LOSSES["squared_error"].L, metric=FURTHEST), None),
        (LOSSES["squared_error"], FURTHEST),
    ],
    ids=["pinball", "own loss", "own metric"],
)
def test_fit_keeps_the_epoch_of_the_least_error_and_its_patience_counts_from_there(loss, metric):
    network = mlp_jax.Network("tanh", loss)
    params = mlp_jax.init(0, (3, 6, loss.outputs_of_label), dtype=jnp.float64)
    state, info = mlp_jax.fit(
        *(params, X[:80].T, Y[None, :80]),
        optimizer=ADAM,
        epochs=80,
        network=network,
        validation=(X[80:].T, Y[None, 80:]),
        metric=metric,
        best_by="metric",
        patience=20,
    )
    errors = np.asarray(info.metric)
    best = int(errors.argmin())
    assert errors[best] < errors[0]
    assert int(state.best.epoch) == best + 1
    assert float(state.best.loss) == errors[best]
    assert len(errors) == min(best + 1 + 20, 80)


@pytest.mark.parametrize("halving", [None, 2])
@pytest.mark.parametrize(
    ("loss", "scoring"),
    [("pinball(0.1, 0.9)", QUANTILES.metric), ("squared_error", FURTHEST)],
    ids=["pinball", "own metric"],
)
def test_a_sweep_ranks_by_the_least_error(loss, scoring, halving):
    rates = [1e-4, 0.003, 0.01, 0.03]
    space = {"hidden": (4,), "loss": loss, "learning_rate": rates, "batch_size": 20}
    sweep = partial(mlp_jax.sweep, X, Y, space, folds=2, epochs=12, progress=False)
    result = sweep(scoring=scoring, best_by="metric", halving=halving)
    for member in result.members:
        errors = np.asarray(member.curves.metric)
        assert member.best_epoch == errors.argmin() + 1
        assert member.score == -errors.min()
    went_on = [row for row in result.ranking if row.status == "finished"]
    errors = [-row.score for row in went_on]
    assert errors == sorted(errors)
    assert len(went_on) == (4 if halving is None else 1)
    # The first rate learns next to nothing: by the greatest error it would be the best.
    assert result.best.configuration["learning_rate"] != rates[0]
    assert np.nanargmax(result.scores) == rates.index(result.best.configuration["learning_rate"])


@pytest.mark.parametrize("labels", ["of several", "of a quantile"])
def test_a_search_judges_epochs_by_the_score_that_the_estimator_judges_them_by(labels):
    stops = {"early_stopping": True, "max_iter": 8, "random_state": 0, "hidden_layer_sizes": (4,)}
    if labels == "of several":
        mlp, y = mlp_jax.MLPClassifier(**stops), (X[:, :2] + 0.5 * X[:, 1:] > 0).astype(int)
    else:
        mlp, y = mlp_jax.MLPRegressor(loss="pinball(0.9)", **stops), Y
    space = {"learning_rate_init": [0.01, 0.03]}
    search = mlp_jax.SweepCV(mlp, space, n_iter=None, cv=KFold(2), refit=False).fit(X, y)
    [result] = search.sweep_results_
    for member in result.members:
        _, held = result.task.splits[member.fold]
        A = np.asarray(mlp_jax.forward(member.params, X[held].T, network=member.network))
        right = np.all((A > 0.5) == y[held].T, axis=0)
        expected = right.mean() if labels == "of several" else r2_score(y[held], A[0])
        curve = np.asarray(member.curves.metric)
        assert member.best_epoch == curve.argmax() + 1
        assert curve.max() == pytest.approx(expected)


# --- Labels far from zero, of which float32 knows few digits. -------------------------------------

FAR = 1e8 + 30.0 * Y  # float32 has a number every 8 there


def errors_in_float64(loss, A, labels):
    """(mean loss, metric) of outputs, (samples, K), as NumPy and scikit-learn have them."""
    if loss == "squared_error":
        return ((A[:, 0] - labels) ** 2).mean() / 2, r2_score(labels, A[:, 0])
    pairs = list(zip(A.T, (0.1, 0.9), strict=True))
    below = [abs((labels <= a).mean() - tau) for a, tau in pairs]
    return sum(mean_pinball_loss(labels, a, alpha=tau) for a, tau in pairs), np.mean(below)


def fitted_far(loss, validation):
    network = mlp_jax.Network("tanh", loss)
    (W1, b1), (W2, b2) = mlp_jax.init(0, (3, 5, network.loss.outputs_of_label), dtype=jnp.float32)
    params = [(W1, b1), (20 * W2, b2 + 1e8)]  # else the first epochs only learn the offset
    choices = {"optimizer": ADAM, "epochs": 2, "network": network, "key": 0}
    arguments = (X[:80], FAR[:80]) if validation != 0.25 else (X, FAR)
    state, info = mlp_jax.fit(
        params, arguments[0].T, arguments[1][None], validation=validation, **choices
    )
    return (
        lambda rows: np.asarray(mlp_jax.forward(state.params, X[rows].T, network=network), float).T,
        info,
    )


@pytest.mark.parametrize("loss", ["squared_error", "pinball(0.1, 0.9)"])
@pytest.mark.parametrize("weights", [None, np.r_[0.0, np.ones(38), 0.0][None]])
def test_scores_of_float32_far_from_zero_are_those_of_its_own_outputs(loss, weights):
    outputs, info = fitted_far(loss, (X[80:].T, FAR[None, 80:], weights))
    rows = np.arange(80, 120) if weights is None else np.arange(81, 119)
    expected = errors_in_float64(loss, outputs(rows), FAR[rows])
    found = info.validation_loss[-1], info.metric[-1]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    rounded = errors_in_float64(loss, outputs(rows), FAR[rows].astype(np.float32).astype(float))
    assert abs(rounded[0] / expected[0] - 1) > 1e-4  # as it would be without the rest


def test_a_share_is_scored_by_labels_of_all_digits_too():
    outputs, info = fitted_far("squared_error", 0.25)
    key = jax.random.fold_in(jax.random.key(0), np.uint32(2**32 - 1))
    rows = np.asarray(jax.random.permutation(key, 120))[:30]
    expected = errors_in_float64("squared_error", outputs(rows), FAR[rows])
    np.testing.assert_allclose([info.validation_loss[-1], info.metric[-1]], expected, rtol=1e-5)


def test_a_sweep_scores_labels_far_from_zero_and_its_file_keeps_their_digits(tmp_path):
    splits = [(np.arange(80), np.arange(80, 120)), (np.arange(50, 120), np.arange(50))]
    space = {"hidden": (), "loss": ["squared_error", "absolute_error"], "optimizer": "lbfgs"}
    table, labels = X.astype(np.float32), 1e6 + Y
    result = mlp_jax.sweep(
        table, labels, space, folds=splits, scoring="r2", epochs=8, progress=False
    )
    mlp_jax.save_sweep(result, tmp_path / "sweep")
    loaded = mlp_jax.load_sweep(tmp_path / "sweep")
    for member in (*result.members, *loaded.members):
        _, held = splits[member.fold]
        A = np.asarray(mlp_jax.forward(member.params, table[held].T, network=member.network), float)
        assert member.score == pytest.approx(r2_score(labels[held], A[0]), rel=1e-5)
        np.testing.assert_allclose(member.arguments_of_fit()["validation"][1], labels[None, held])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_estimator_of_float32_scores_labels_far_from_zero_as_float64_would(dtype):
    labels = FAR.astype(dtype)
    mlp = mlp_jax.MLPRegressor(hidden_layer_sizes=(), early_stopping=True, max_iter=30)
    mlp.set_params(random_state=0, learning_rate_init=1e6)
    with pytest.warns(ConvergenceWarning, match="Maximum iterations"):
        mlp.fit(X[:80].astype(np.float32), labels[:80], X_val=X[80:], y_val=labels[80:])
    expected = r2_score(labels[80:].astype(float), mlp.predict(X[80:]).astype(float))
    assert mlp.best_validation_score_ == pytest.approx(expected, rel=1e-5)
    assert mlp.score(X[80:], labels[80:]) == pytest.approx(expected, rel=1e-12)
