"""SweepCV: what RandomizedSearchCV would have found, and all that it gives."""

import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn.model_selection
from sklearn.base import clone, is_classifier
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import mean_poisson_deviance
from sklearn.model_selection import (
    RandomizedSearchCV,
    StratifiedKFold,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import mlp_jax
from mlp_jax import MLPClassifier, MLPRegressor, SweepCV
from tests.estimators.small_search import MLP, NAMES, RNG, SPACE, X, split_scores

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(
    [
        SweepCV(
            MLPClassifier((16,), max_iter=100, learning_rate_init=0.02),
            {"alpha": [1e-4, 1e-3]},
            n_iter=None,
            cv=2,
        ),
        SweepCV(
            MLPRegressor(hidden_layer_sizes=(16,), max_iter=200, learning_rate_init=0.02),
            {"alpha": [1e-4]},
            n_iter=None,
        ),
    ]
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


def by_fit(search, table, y, splits, scorer=None):
    """The scores of every candidate and fold, each fitted by the estimator alone."""
    scores = []
    for candidate in search.cv_results_["params"]:
        row = []
        for train, test in splits:
            one = clone(search.estimator).set_params(**candidate).fit(table[train], y[train])
            score = one.score if scorer is None else lambda X, y, one=one: scorer(one, X, y)
            row.append(score(table[test], y[test]))
        scores.append(row)
    return np.array(scores)


def test_the_candidates_and_keys_are_those_of_randomized_search():
    table, y = load_breast_cancer(return_X_y=True)
    arguments = {"n_iter": 4, "cv": 3, "random_state": 0, "return_train_score": True}
    ours = SweepCV(make_pipeline(StandardScaler(), MLP), {"mlpclassifier__alpha": [1, 2, 3, 4, 5]})
    theirs = RandomizedSearchCV(ours.estimator, ours.param_distributions)
    for search in (ours, theirs):
        search.set_params(**arguments).fit(table, y)
    assert list(ours.cv_results_)[:-1] == list(theirs.cv_results_)
    assert list(ours.cv_results_)[-1] == "status"
    assert ours.cv_results_["params"] == theirs.cv_results_["params"]
    for name in ("split0_test_score", "mean_test_score", "mean_train_score"):
        np.testing.assert_allclose(ours.cv_results_[name], theirs.cv_results_[name], atol=0.02)
    for name in ("best_score_", "best_params_", "scorer_", "n_splits_", "multimetric_", "classes_"):
        assert type(getattr(ours, name)) is type(getattr(theirs, name)), name
    assert ours.n_features_in_ == theirs.n_features_in_ == 30
    np.testing.assert_array_equal(ours.classes_, theirs.classes_)
    names = {name for name in dir(theirs) if not name.startswith("_")}
    assert names - set(dir(ours)) == set()


@pytest.mark.parametrize("pipeline", [False, True])
def test_a_network_of_the_search_is_what_fit_makes_of_it(pipeline):
    """One initial weight and batch order for all of them: full batches leave only the weights."""
    mlp = clone(MLP).set_params(batch_size=120, solver="lbfgs", max_iter=150, alpha=1.0)
    mlp.set_params(activation="identity")  # of a convex cost, whose minimum is one
    estimator = make_pipeline(StandardScaler(), mlp) if pipeline else mlp
    prefix = "mlpclassifier__" if pipeline else ""
    y = np.where(X[:, 0] + 0.5 * RNG.normal(size=120) > 0, "up", "down")
    search = SweepCV(
        estimator, {f"{prefix}alpha": [1.0, 3.0, 10.0]}, n_iter=None, cv=3, refit=False
    )
    search.set_params(scoring="neg_log_loss").fit(X, y)
    splits = list(StratifiedKFold(3).split(X, y))
    expected = by_fit(search, X, y, splits, sklearn.metrics.get_scorer("neg_log_loss"))
    np.testing.assert_allclose(split_scores(search), expected, rtol=1e-3)
    assert len(set(np.round(expected.ravel(), 4))) > 4


def test_scores_are_those_of_the_last_epoch_without_early_stopping():
    search = SweepCV(MLP, SPACE, n_iter=4, cv=3, random_state=0).fit(X, NAMES)
    for row in search.sweep_results_[0].members:
        assert row.best_epoch == len(row.curves.cost) == 12
    members = search.sweep_results_[0].members
    metric = np.array([member.curves.metric[-1] for member in members]).reshape(4, 3)
    np.testing.assert_allclose(split_scores(search), metric)


def test_with_early_stopping_the_test_rows_choose_nothing():
    mlp = clone(MLP).set_params(early_stopping=True, max_iter=60, validation_fraction=0.25)
    search = SweepCV(mlp, SPACE, n_iter=3, cv=3, random_state=0).fit(X, NAMES)
    [result] = search.sweep_results_
    for fold, (train, test) in enumerate(StratifiedKFold(3).split(X, NAMES)):
        inner, held = result.task.splits[fold]
        assert set(inner) | set(held) == set(train)
        assert not set(held) & (set(inner) | set(test))
        assert len(held) == 20
    for member in result.members:
        assert member.best_epoch == np.argmax(member.curves.metric) + 1
    shares = {"validation_fraction": [0.2, 0.3], "alpha": [1e-3]}
    both = SweepCV(mlp, shares, n_iter=None, cv=3).fit(X, NAMES)
    assert [len(r.task.splits[0][1]) for r in both.sweep_results_] == [16, 24]


def test_the_best_is_fitted_again_and_predicts():
    frame = pd.DataFrame(X, columns=list("abc"))
    search = SweepCV(MLP, SPACE, n_iter=4, cv=3, random_state=0).fit(frame, NAMES)
    alone = clone(MLP).set_params(**search.best_params_).fit(frame, NAMES)
    np.testing.assert_array_equal(search.predict_proba(frame), alone.predict_proba(frame))
    assert search.feature_names_in_.tolist() == ["a", "b", "c"]
    assert search.best_score_ == search.cv_results_["mean_test_score"].max()
    assert search.cv_results_["rank_test_score"][search.best_index_] == 1
    assert is_classifier(search)
    assert search.score(frame, NAMES) == alone.score(frame, NAMES)


def test_halving_ranks_the_finished_first():
    space = {"alpha": [1e-4], "learning_rate_init": list(np.geomspace(1e-5, 0.03, 9))}
    mlp = clone(MLP).set_params(max_iter=27)
    search = SweepCV(mlp, space, n_iter=None, cv=3, halving=3).fit(X, NAMES)
    status, ranks = search.cv_results_["status"], search.cv_results_["rank_test_score"]
    assert status.tolist().count("halved away") == 8
    assert ranks[status == "finished"].max() < ranks[status == "halved away"].min()
    assert status[search.best_index_] == "finished"


def test_what_adam_does_not_heed_is_no_hindrance():
    search = SweepCV(MLP, {"learning_rate": ["constant", "adaptive"]}, n_iter=None, cv=2)
    first, again = search.fit(X, NAMES).cv_results_["mean_test_score"]
    assert first == again


def test_the_random_state_of_a_candidate_is_its_own():
    search = SweepCV(MLP, {"random_state": [0, 1, 0]}, n_iter=None, cv=3).fit(X, NAMES)
    first, _, again = search.cv_results_["mean_test_score"]
    assert first == again
    members = search.sweep_results_[0].members
    assert not np.allclose(members[0].params[0].W, members[3].params[0].W)
    np.testing.assert_array_equal(members[0].params[0].W, members[6].params[0].W)


def test_what_diverged_is_said_and_is_the_last():
    space = {"learning_rate_init": [0.01, 1e30], "solver": ["sgd"]}
    search = SweepCV(clone(MLP).set_params(alpha=0), space, n_iter=None, cv=3)
    with pytest.warns(sklearn.exceptions.FitFailedWarning, match="3 of 6 networks diverged or"):
        search.fit(X * 1e6, NAMES)
    assert search.best_index_ == 0
    assert np.isnan(search.cv_results_["mean_test_score"][1])
    nothing = clone(search).set_params(
        param_distributions=space | {"learning_rate_init": [1e30]}, return_train_score=True
    )
    with pytest.warns(sklearn.exceptions.FitFailedWarning), pytest.raises(ValueError, match="fin"):
        nothing.fit(X * 1e6, NAMES)  # its refit diverges too
    assert np.isnan(nothing.cv_results_["mean_test_score"]).all()
    assert np.isnan(nothing.cv_results_["mean_train_score"]).all()
    averaged = clone(nothing).set_params(ensemble=8)
    with pytest.warns(sklearn.exceptions.FitFailedWarning), pytest.raises(ValueError, match="went"):
        averaged.fit(X * 1e6, NAMES)
    with pytest.raises(ValueError, match="candidate 1 diverged in fold 0"):
        search.set_params(error_score="raise").fit(X * 1e6, NAMES)


def test_an_ensemble_averages_the_networks_of_the_search():
    frame = pd.DataFrame(X, columns=list("abc"))
    space = {"mlpclassifier__" + name: value for name, value in SPACE.items()}
    mlp = clone(MLP).set_params(max_iter=60)
    search = SweepCV(make_pipeline(StandardScaler(), mlp), space, n_iter=4, cv=3, ensemble=3)
    search.set_params(random_state=0).fit(frame, NAMES)
    members = search.sweep_results_[0].members
    folds = search.best_estimator_.folds
    assert len(folds) == 3
    probability = 0.0
    for fold, (steps, networks, weights, _) in enumerate(folds):
        own = [member for member in members if member.fold == fold]
        assert all(any(params is m.params for m in own) for params, _ in networks)
        for (params, network), weight in zip(networks, weights, strict=True):
            A = mlp_jax.forward(params, steps.transform(frame).T, network=network)
            probability = probability + weight * np.asarray(A[0])
    np.testing.assert_allclose(search.predict_proba(frame)[:, 1], probability, rtol=1e-5)
    np.testing.assert_array_equal(search.predict(frame) == "yes", probability > 0.5)
    assert search.score(frame, NAMES) > 0.7
    assert search.classes_.tolist() == ["no", "yes"]
    assert search.n_features_in_ == 3
    again = pickle.loads(pickle.dumps(search))
    np.testing.assert_array_equal(again.predict_proba(frame), search.predict_proba(frame))
    numbers = SweepCV(
        MLPRegressor(hidden_layer_sizes=(8,), max_iter=50), SPACE, n_iter=3, cv=2, ensemble=2
    ).fit(X, X[:, :2])
    assert numbers.predict(X).shape == (120, 2)
    with pytest.raises(ValueError, match=r"type SweepCV\(..., ensemble=8\)"):
        search.best_estimator_.fit(X, NAMES)


def test_the_networks_of_a_search_count_ties_and_tell_their_loss_as_fit_does():
    still = MLPRegressor(hidden_layer_sizes=(3,), solver="sgd", learning_rate_init=1e-300)
    still.set_params(max_iter=9, n_iter_no_change=2, batch_size=120, random_state=0)
    told = {}

    def kept(fitted, X, y):
        told[fitted.tol] = fitted.loss_curve_
        return 0.0

    labels = np.abs(X[:, :2]).round(1)
    search = SweepCV(still, {"tol": [0.0, 1e-9]}, n_iter=None, cv=2, scoring=kept, refit=False)
    for loss, exact in {
        "squared_error": lambda A: np.mean((A - labels[60:]) ** 2) / 2,
        "poisson": lambda A: mean_poisson_deviance(labels[60:].ravel(), A.ravel()),
    }.items():
        still.set_params(loss=loss)
        search.set_params(cv=[(np.arange(60, 120), np.arange(60))]).fit(X, labels)
        assert {tol: len(curve) for tol, curve in told.items()} == {0.0: 9, 1e-9: 4}
        (member, _) = search.sweep_results_[0].members
        A = mlp_jax.forward(member.params, X[60:].T, network=member.network).T
        penalty = 1e-4 / 60 / 2 * sum(np.sum(W**2) for W, _ in member.params)
        assert told[0.0][0] == pytest.approx(float(exact(A)) + penalty, rel=1e-6)
