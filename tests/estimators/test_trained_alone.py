"""What cannot train side by side is trained alone, in its place."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_multilabel_classification
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mlp_jax import MLPRegressor, SweepCV
from tests.estimators.small_search import MLP, NAMES, X, split_scores

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
STEPS = make_pipeline(StandardScaler(), MLP)
ALONE = {  # (estimator, grid, which of its candidates are trained alone, why)
    "an adaptive rate": (
        clone(MLP).set_params(solver="sgd"),
        {"learning_rate": ["constant", "adaptive", "invscaling"], "alpha": [1e-3, 1.0]},
        [1, 4],
        "2 of 6 .* one by one: learning_rate='adaptive'",
    ),
    "no shuffling": (
        STEPS,
        {"mlpclassifier__shuffle": [True, False], "mlpclassifier__alpha": [1e-3]},
        [1],
        "1 of 2 .*: shuffle=False",
    ),
    "no network": (
        STEPS,
        {"mlpclassifier": [MLP, LogisticRegression()], "standardscaler": ["passthrough"]},
        [1],
        "1 of 2 .*: it has no network of mlp_jax",
    ),
}


@pytest.mark.parametrize("name", ALONE)
def test_what_cannot_train_side_by_side_trains_alone_in_its_place(name):
    estimator, grid, alone, why = ALONE[name]
    about = {"cv": 3, "return_train_score": True, "scoring": ["accuracy", "neg_log_loss"]}
    with pytest.warns(UserWarning, match=why):
        ours = SweepCV(estimator, grid, n_iter=None, refit="accuracy", **about).fit(X, NAMES)
    theirs = GridSearchCV(estimator, grid, refit="accuracy", **about).fit(X, NAMES)
    assert ours.cv_results_["params"] == theirs.cv_results_["params"]
    for column in ("split0_test_accuracy", "mean_test_neg_log_loss", "std_train_neg_log_loss"):
        found, expected = ours.cv_results_[column], theirs.cv_results_[column]
        np.testing.assert_array_equal(found[alone], expected[alone])
        assert np.isfinite(found).all()
    assert set(ours.cv_results_["status"]) <= {"finished", "stopped"}
    assert (ours.cv_results_["mean_fit_time"] > 0).all()
    assert sum(len(result.members) for result in ours.sweep_results_) == 3 * (
        len(theirs.cv_results_["params"]) - len(alone)
    )


def test_losses_that_cannot_be_compared_are_swept_apart():
    space = {"loss": ["squared_error", "pinball(0.1, 0.9)", "huber"]}
    mlp = MLPRegressor(hidden_layer_sizes=(3,), max_iter=3, random_state=0)
    search = SweepCV(mlp, space, n_iter=None, cv=2).fit(X, X[:, 0])
    assert [len(result.task.configurations) for result in search.sweep_results_] == [2, 1]
    losses = [row[0].network.loss.name for row in _rows(search)]
    assert losses == ["squared_error", "huber", "pinball(0.1, 0.9)"]
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def _rows(search):
    return [row.members for result in search.sweep_results_ for row in _in_order(result)]


def _in_order(result):
    named = [configuration.named for configuration in result.task.configurations]
    return sorted(result.ranking, key=lambda row: named.index(row.configuration))


def test_weights_of_classes_with_several_labels_train_alone():
    table, labels = make_multilabel_classification(60, random_state=0)
    grid, about = {"class_weight": [None, "balanced"]}, {"cv": 2, "refit": False}
    mlp = clone(MLP).set_params(max_iter=2)
    with pytest.warns(UserWarning, match="1 of 2 .*: class_weight with several labels"):
        ours = SweepCV(mlp, grid, n_iter=None, **about).fit(table, labels)
    theirs = GridSearchCV(mlp, grid, **about).fit(table, labels)
    assert split_scores(ours)[1].tolist() == split_scores(theirs, "test_score")[1].tolist()


@pytest.mark.filterwarnings("ignore:.*one by one")
def test_who_trains_alone_is_averaged_and_fails_as_others_do():
    about = {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.2}
    mlp = clone(MLP).set_params(**about)
    search = SweepCV(mlp, {"alpha": [1e-3, 0.1]}, n_iter=None, cv=2, ensemble=2).fit(X, NAMES)
    folds = search.best_estimator_.folds
    assert sum(len(fold.networks) for fold in folds) in (2, 4)
    assert search.score(X, NAMES) > 0.5
    rates = {"learning_rate_init": [0.01, 1e30]}
    numbers = MLPRegressor(hidden_layer_sizes=(3,), solver="sgd", shuffle=False, max_iter=30)
    with pytest.warns(FitFailedWarning, match="2 of 4 networks diverged"):
        search = SweepCV(numbers, rates, n_iter=None, cv=2, error_score=-9.0).fit(X, X[:, 0])
    assert search.cv_results_["mean_test_score"][1] == -9.0
    assert search.cv_results_["status"].tolist() == ["finished", "diverged"]
    with pytest.raises(ValueError, match="non-finite parameter weights"):
        search.set_params(error_score="raise").fit(X, X[:, 0])
