"""SweepCV's scores, and that it trains what `fit` would: unequal folds, odd scorers, odd steps."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.metrics import make_scorer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import mlp_jax
from mlp_jax import MLPClassifier, SweepCV
from mlp_jax.estimators.search_parts import parts_of
from mlp_jax.estimators.search_results import _ranks
from mlp_jax.estimators.search_samples import Samples
from mlp_jax.estimators.search_tables import tables_of
from mlp_jax.estimators.settings import parse_settings

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 3))
NAMES = np.array(["no", "yes"])[(X[:, 0] * X[:, 1] > 0).astype(int)]
MLP = MLPClassifier((4,), max_iter=3, learning_rate_init=0.02, random_state=3)
TWO = {"alpha": [1e-4, 1e-2]}


def searched(estimator=MLP, space=TWO, **how):
    return SweepCV(estimator, space, n_iter=None, **({"cv": 2} | how)).fit(X, NAMES)


def fails(fitted, X, y):
    if fitted.alpha > 1e-3:
        raise ValueError("alpha is too large for me")
    return 0.5


def test_to_raise_where_nothing_diverges_is_no_error():
    assert np.isfinite(searched(error_score="raise").best_score_)


@pytest.mark.parametrize("error_score", [np.nan, -7.0])
def test_a_scorer_that_raises_costs_its_score_alone(error_score):
    with pytest.warns(UserWarning, match="Scoring failed 2 times.*alpha is too large for me"):
        search = searched(scoring=fails, error_score=error_score)
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"], [0.5, error_score])
    assert search.best_index_ == 0
    with pytest.raises(ValueError, match="alpha is too large for me"):
        searched(scoring=fails, error_score="raise")


def test_of_several_scorers_one_may_raise():
    def broken(y, predicted):
        raise ValueError("not today")

    scoring = {"acc": "accuracy", "broken": make_scorer(broken)}
    with pytest.warns(UserWarning, match="Scoring failed 4 times.*not today"):
        search = searched(scoring=scoring, refit="acc")
    assert np.isnan(search.cv_results_["mean_test_broken"]).all()
    assert np.isfinite(search.cv_results_["mean_test_acc"]).all()


def test_a_function_among_scorers_is_shown_what_the_user_gave():
    seen = []

    def own(fitted, rows, labels):
        seen.append(rows)
        return (fitted.predict(rows) == labels).mean()

    scoring = {"acc": "accuracy", "own": own}
    search = searched(
        make_pipeline(StandardScaler(), MLP),
        {"mlpclassifier__alpha": [1e-4]},
        scoring=scoring,
        refit="own",
    )
    assert all(np.isin(rows, X).all() for rows in seen)
    results = search.cv_results_
    np.testing.assert_array_equal(results["mean_test_own"], results["mean_test_acc"])


def test_ranks_are_of_those_at_the_end_then_of_the_halved_then_of_nothing():
    mean = np.array([0.9, np.nan, 0.5, 0.7, np.nan])
    assert _ranks(mean, np.array([False, False, True, True, True])).tolist() == [1, 4, 3, 2, 4]


def test_every_fold_has_the_batches_that_fit_would_have():
    test = np.arange(100, 120)
    cv = [(np.arange(40), test), (np.arange(80), test)]
    search = searched(MLPClassifier((4,), max_iter=3, batch_size=50), cv=cv)
    (result,) = search.sweep_results_
    batches = {bucket.folds: bucket.kind.batch_size for bucket in result.plan.buckets}
    assert batches == {(0,): None, (1,): 50}


def test_weights_of_classes_divide_the_penalty_as_in_fit():
    weights = {"no": 0.1, "yes": 1.0}
    mlp = MLPClassifier((4,), max_iter=3, batch_size=30, class_weight=weights)
    (result,) = searched(mlp, {"alpha": [0.3]}).sweep_results_
    mean = np.mean([weights[name] for name in NAMES])
    assert result.task.configurations[0].l2 == pytest.approx(0.3 / 30 / mean)


class Otherwise(TransformerMixin, BaseEstimator):
    """As scikit-learn's TargetEncoder: rows that it is fitted on become others."""

    def fit(self, X, y):
        self.fitted_ = True
        return self

    def transform(self, X):
        return X

    def fit_transform(self, X, y):
        return self.fit(X, y).transform(X) + 1.0


def test_training_rows_are_as_the_steps_make_them_when_they_are_fitted():
    splits = [(np.arange(80), np.arange(80, 120)), (np.arange(40, 120), np.arange(40))]
    samples = Samples(X, NAMES, {}, {}, None)
    parts = parts_of(make_pipeline(Otherwise(), MLP))
    tables = tables_of(parts, samples, NAMES, splits, shown=True)
    for fold, (train, test) in enumerate(splits):
        own = tables.folds[fold]
        np.testing.assert_array_equal(tables.X[own.train], X[train] + 1.0)
        np.testing.assert_array_equal(tables.X[own.test], X[test])
        np.testing.assert_array_equal(tables.X[own.shown], X[train])
        np.testing.assert_array_equal(tables.y[own.train], NAMES[train])
        np.testing.assert_array_equal(tables.y[own.shown], NAMES[train])
        np.testing.assert_array_equal(tables.y[own.test], NAMES[test])


@pytest.mark.parametrize("solver", ["adamw", "lion"])
def test_no_decay_is_none(solver):
    numbers = parse_settings(MLPClassifier(solver=solver).get_params()).optimizer.numbers
    assert numbers["weight_decay"] == 0.0


@pytest.mark.parametrize(
    ("name", "value"),
    [("label_smoothing", 0.1), ("weight_decay", 0.1), ("schedule", "cosine"), ("dropout", 0.1)],
)
def test_lbfgs_refuses_what_it_would_not_heed(name, value):
    with pytest.raises(ValueError, match=f"lbfgs takes no {name}; leave it out, or type solver="):
        MLPClassifier(solver="lbfgs", **{name: value}).fit(X, NAMES)


def test_labels_of_a_mixed_frame_are_numbers_or_words_and_never_missing():
    space, about = {"width": [3]}, {"folds": 2, "epochs": 2, "progress": False}
    numbers = np.array([3, 7] * 60, object)
    assert mlp_jax.sweep(X, numbers, space, **about).task.classes.tolist() == [3, 7]
    assert mlp_jax.sweep(X, numbers / 2, space, **about).task.classes is None
    words = np.array(["a", "b"] * 60, object)
    assert mlp_jax.sweep(X, words, space, **about).task.classes.tolist() == ["a", "b"]
    for missing in (None, np.nan):
        words[3] = missing
        with pytest.raises(ValueError, match=r"y\[3\] is (None|nan); expected a label in every"):
            mlp_jax.sweep(X, words, space, **about)
