"""SweepCV takes any splitter, scorer and label, and refuses in words what it cannot take."""

import numpy as np
import pandas as pd
import pytest
import sklearn.model_selection
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.datasets import make_multilabel_classification
from sklearn.metrics import f1_score, make_scorer
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    TimeSeriesSplit,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import mlp_jax
from mlp_jax import MLPRegressor, SweepCV
from tests.estimators.small_search import MLP, NAMES, SPACE, X, Y, split_scores

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SPLITTERS = {
    "groups": (GroupKFold(3), np.arange(120) % 7),
    "time": (TimeSeriesSplit(3), None),
    "shuffled": (KFold(3, shuffle=True, random_state=1), None),
    "pairs": ([(np.arange(80), np.arange(80, 120))], None),
}


@pytest.mark.parametrize("name", SPLITTERS)
def test_any_splitter(name):
    cv, groups = SPLITTERS[name]
    search = SweepCV(MLP, SPACE, n_iter=2, cv=cv, random_state=0).fit(X, NAMES, groups=groups)
    splits = cv if isinstance(cv, list) else list(cv.split(X, NAMES, groups))
    ours = search.sweep_results_[0].task.splits
    for mine, theirs in zip(ours, splits, strict=True):
        for a, b in zip(mine, theirs, strict=True):
            np.testing.assert_array_equal(a, b)


def test_any_scorer():
    def spread(estimator, X, y):
        return float(np.ptp(estimator.predict_proba(X)))

    f1 = make_scorer(f1_score, pos_label="yes")
    for scoring in ("roc_auc", f1, spread):
        search = SweepCV(MLP, SPACE, n_iter=2, cv=3, scoring=scoring, random_state=0)
        search.fit(X, NAMES)
        assert 0 < search.best_score_ <= 1
    several = SweepCV(MLP, SPACE, n_iter=2, cv=3, random_state=0, refit="f1")
    several.set_params(scoring={"f1": f1, "accuracy": "accuracy"}).fit(X, NAMES)
    assert several.multimetric_
    assert several.best_score_ == several.cv_results_["mean_test_f1"].max()
    assert set(several.scorer_) == {"f1", "accuracy"}
    refused = clone(several).set_params(refit=True)
    with pytest.raises(ValueError, match="refit is True and there are several scores"):
        refused.fit(X, NAMES)
    assert not hasattr(refused, "cv_results_")  # it was said before anything was trained
    chosen = clone(several).set_params(refit=lambda results: 0)
    assert chosen.fit(X, NAMES).best_index_ == 0
    with pytest.raises(ValueError, match="expected one of f1, accuracy, by which an ensemble is"):
        clone(chosen).set_params(ensemble=2).fit(X, NAMES)
    by_function = clone(several).set_params(
        scoring=lambda estimator, X, y: {"a": estimator.score(X, y), "b": 0.5}, refit="a"
    )
    by_function.fit(X, NAMES)
    assert by_function.multimetric_
    assert by_function.best_score_ == by_function.cv_results_["mean_test_a"].max()


def test_a_function_of_ones_own_sees_what_the_user_gave():
    frame = pd.DataFrame(
        {"a": X[:, 0], "b": X[:, 1], "kind": np.array(list("pqr"))[np.arange(120) % 3]}
    )
    kinds = OneHotEncoder(categories=[["p", "q", "r"]], sparse_output=False)
    columns = ColumnTransformer([("k", kinds, ["kind"]), ("n", StandardScaler(), ["a", "b"])])
    seen = []

    def scorer(estimator, table, y):
        seen.append(table.columns.tolist())
        return estimator.score(table, y)

    search = SweepCV(
        make_pipeline(columns, MLP), {"mlpclassifier__alpha": [1e-3, 0.1]}, n_iter=None
    )
    search.set_params(cv=2, scoring=scorer).fit(frame, NAMES)
    by_default = clone(search).set_params(scoring=None).fit(frame, NAMES)
    np.testing.assert_array_equal(split_scores(search), split_scores(by_default))
    assert seen == [["a", "b", "kind"]] * 4


def test_numbers_several_labels_and_weights_of_classes():
    regression = SweepCV(
        MLPRegressor(hidden_layer_sizes=(8,), max_iter=80, learning_rate_init=0.02, random_state=0),
        {"loss": ["squared_error", "huber(0.5)"], "activation": ["tanh", "logistic"]},
        n_iter=None,
        cv=3,
    ).fit(X, X[:, :2])
    assert regression.best_score_ > 0.5
    assert regression.predict(X).shape == (120, 2)
    table, labels = make_multilabel_classification(120, random_state=0)
    several = SweepCV(MLP, SPACE, n_iter=2, cv=3, random_state=0).fit(table, labels)
    assert several.predict(table).shape == labels.shape
    weighted = SweepCV(
        MLP, {"class_weight": [None, "balanced", {"no": 1.0, "yes": 9.0}]}, n_iter=None
    )
    scores = weighted.set_params(cv=3, scoring="recall_macro").fit(X, NAMES)
    configurations = scores.sweep_results_[0].task.configurations
    assert configurations[2].class_weight == {0: 1.0, 1: 9.0}


def test_quantiles_are_judged_by_their_loss():
    space = {"learning_rate_init": [1e-5, 0.05]}
    search = SweepCV(MLPRegressor("pinball(0.1, 0.9)", (8,), max_iter=12), space, n_iter=None)
    search.set_params(cv=2, random_state=0).fit(X, X[:, 0])
    assert search.best_index_ == 1
    members = search.sweep_results_[0].members
    losses = np.array([member.curves.validation_loss[-1] for member in members]).reshape(2, 2)
    np.testing.assert_allclose(split_scores(search), -losses, rtol=1e-5)


BAD = [
    ({"ensemble": 0}, "ensemble is 0; expected an integer from 1 up"),
    ({"estimator": StandardScaler()}, "estimator is StandardScaler; expected MLPClassifier"),
    (
        {"param_distributions": {"alhpa": [1]}, "n_iter": None},
        "names 'alhpa', which the estimator has not: did you mean 'alpha'",
    ),
    ({"param_distributions": {"zzz": [1]}, "n_iter": None}, "has not: it has activation, "),
    ({"param_distributions": {"alpha": [-1.0]}, "n_iter": None}, "alpha is -1.0"),
    ({"param_distributions": {"class_weight": [{"maybe": 2}]}, "n_iter": None}, "names 'maybe'"),
    ({"scoring": "acuracy"}, "acuracy"),
    ({"halving": 1}, "halving"),
    ({"memory": 1000}, "memory"),
]


@pytest.mark.parametrize(("choices", "said"), BAD)
def test_bad_searches_are_said(choices, said):
    search = SweepCV(MLP, SPACE, n_iter=2, cv=3).set_params(**choices)
    with pytest.raises(ValueError, match=said):
        search.fit(X, NAMES)
    assert not hasattr(search, "cv_results_")


def test_our_distributions_serve_scikit_learn_too():
    space = {"alpha": mlp_jax.log_uniform(1e-5, 1e-2), "hidden_layer_sizes": [(4,), (6,)]}
    drawn = list(sklearn.model_selection.ParameterSampler(space, 5, random_state=0))
    again = list(sklearn.model_selection.ParameterSampler(space, 5, random_state=0))
    assert drawn == again
    assert len({one["alpha"] for one in drawn}) == 5
    assert SweepCV(MLP, space, n_iter=2, cv=2, random_state=0).fit(X, NAMES).best_score_ > 0


@pytest.mark.parametrize("kind", ["texts", "numbers", "truth", "frame", "several labels"])
def test_the_own_score_of_a_classifier_is_its_accuracy(kind):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(60, 3))
    y = {
        "texts": np.where(X[:, 0] > 0, "yes", "no"),
        "numbers": np.digitize(X[:, 0], [-0.5, 0.5]) * 5,
        "truth": X[:, 0] > 0,
        "frame": pd.Series(np.where(X[:, 0] > 0, "yes", "no"), dtype=object),
        "several labels": (X[:, :2] > 0).astype(int),
    }[kind]
    mlp = mlp_jax.MLPClassifier(max_iter=20, random_state=0)
    space = {"hidden_layer_sizes": [(3,), (5,)]}
    tables = []
    for scoring in (None, "accuracy"):
        search = mlp_jax.SweepCV(mlp, space, n_iter=None, cv=3, scoring=scoring, refit=False)
        tables.append(search.fit(X, y).cv_results_)
    for fold in range(3):
        name = f"split{fold}_test_score"
        np.testing.assert_array_equal(tables[0][name], tables[1][name])
    assert len(set(tables[0]["mean_test_score"])) == 2 or kind == "truth"


def test_a_scorer_that_writes_to_its_network_changes_no_other():
    def scored(fitted, X, y):
        score = fitted.score(X, y)
        for one in (*fitted.coefs_, *fitted.intercepts_):
            one[...] = 0
        return score

    searches = [
        SweepCV(MLP, {"alpha": [1e-3, 0.1]}, n_iter=None, cv=2, scoring=scoring, ensemble=2).fit(
            X, Y
        )
        for scoring in (scored, None)
    ]
    np.testing.assert_array_equal(*map(split_scores, searches))
    np.testing.assert_array_equal(*(one.predict_proba(X) for one in searches))
    for name, column in searches[0].cv_results_.items():
        assert name == "params" or column.flags.writeable
