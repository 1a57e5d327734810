"""Metrics: which way is better is asked wherever two of their values are compared."""

from functools import partial

import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.metrics import r2_score
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
