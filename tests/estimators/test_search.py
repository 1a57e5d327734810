"""SweepCV: what RandomizedSearchCV would have found, and all that it gives."""

import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn.model_selection
from scipy.stats import loguniform
from sklearn.base import clone, is_classifier
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, make_multilabel_classification
from sklearn.decomposition import PCA
from sklearn.exceptions import FitFailedWarning
from sklearn.metrics import f1_score, make_scorer, mean_poisson_deviance
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    RandomizedSearchCV,
    StratifiedKFold,
    TimeSeriesSplit,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import mlp_jax
from mlp_jax import MLPClassifier, MLPRegressor, SweepCV

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 3))
Y = X[:, 0] * X[:, 1] > 0
NAMES = np.array(["no", "yes"])[Y.astype(int)]
MLP = MLPClassifier((8,), max_iter=12, learning_rate_init=0.02, random_state=3)
SPACE = {"hidden_layer_sizes": [(4,), (9,)], "alpha": loguniform(1e-5, 1e-1)}


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


def split_scores(search, name="test_score"):
    folds = range(search.n_splits_)
    return np.stack([search.cv_results_[f"split{fold}_{name}"] for fold in folds], axis=1)


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


def test_halving_ranks_the_finished_first():
    space = {"alpha": [1e-4], "learning_rate_init": list(np.geomspace(1e-5, 0.03, 9))}
    mlp = clone(MLP).set_params(max_iter=27)
    search = SweepCV(mlp, space, n_iter=None, cv=3, halving=3).fit(X, NAMES)
    status, ranks = search.cv_results_["status"], search.cv_results_["rank_test_score"]
    assert status.tolist().count("halved away") == 8
    assert ranks[status == "finished"].max() < ranks[status == "halved away"].min()
    assert status[search.best_index_] == "finished"


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


def test_what_adam_does_not_heed_is_no_hindrance():
    search = SweepCV(MLP, {"learning_rate": ["constant", "adaptive"]}, n_iter=None, cv=2)
    first, again = search.fit(X, NAMES).cv_results_["mean_test_score"]
    assert first == again


@pytest.mark.parametrize("name", ["sample_weight", "mlpclassifier__sample_weight"])
def test_weights_of_samples_are_refused_in_words(name):
    with pytest.raises(ValueError, match=f"takes no {name}; leave it out .*RandomizedSearchCV"):
        SweepCV(MLP, SPACE).fit(X, NAMES, **{name: np.ones(120)})


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
    "other steps": (
        STEPS,
        {"standardscaler__with_mean": [True, False]},
        [0, 1],
        "2 of 2 .*: it chooses standardscaler__with_mean",
    ),
    "another network": (
        STEPS,
        {"mlpclassifier": [MLP]},
        [0],
        "1 of 1 .*: it chooses mlpclassifier",
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
    mlp = clone(MLP).set_params(solver="sgd", learning_rate="adaptive")
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
    components = {"pca__n_components": [2, 7]}
    with pytest.warns(FitFailedWarning, match="2 failed, the first by ValueError.*n_components=7"):
        search = SweepCV(make_pipeline(PCA(), MLP), components, n_iter=None, cv=2).fit(X, NAMES)
    assert search.cv_results_["status"].tolist() == ["finished", "failed"]
    assert search.best_params_ == {"pca__n_components": 2}
