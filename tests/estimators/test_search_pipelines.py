"""SweepCV over pipelines, beside GridSearchCV: settings of other steps, and targets transformed."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.decomposition import PCA
from sklearn.exceptions import FitFailedWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, HalvingRandomSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    MinMaxScaler,
    OneHotEncoder,
    PowerTransformer,
    RobustScaler,
    StandardScaler,
)

from mlp_jax import MLPClassifier, MLPRegressor, SweepCV
from tests.estimators.small_search import split_scores

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
M = 60
X = RNG.normal(size=(M, 3))
Y = np.where(X[:, 0] * X[:, 1] + 0.3 * RNG.normal(size=M) > 0.2, "yes", "no")
PRICE = np.exp(X[:, 0] + X[:, 1] ** 2 / 3)
FRAME = pd.DataFrame(X, columns=list("abc")).assign(kind=np.array(list("pqr"))[np.arange(M) % 3])
MLP = MLPClassifier((4,), "tanh", max_iter=6, learning_rate_init=0.03, random_state=3)
NUMBERS = MLPRegressor(hidden_layer_sizes=(4,), max_iter=6, learning_rate_init=0.03, random_state=3)
ALPHAS = [0.1, 9.0]
LOG = {"func": np.log, "inverse_func": np.exp}
STEPS = make_pipeline(StandardScaler(), PCA(), MLP)
COLUMNS = make_column_transformer(
    (StandardScaler(), ["a", "b", "c"]), (OneHotEncoder(sparse_output=False), ["kind"])
)
KINDS = {  # (estimator, grid, X, y): the three kinds of pipelines, and one within the other
    "parameters of steps": (
        STEPS,
        {"pca__n_components": [1, 3], "mlpclassifier__alpha": ALPHAS},
        X,
        Y,
    ),
    "parameters of a column transformer": (
        make_pipeline(COLUMNS, MLP),
        {
            "columntransformer__standardscaler__with_mean": [True, False],
            "columntransformer__onehotencoder": ["drop", OneHotEncoder(drop="first")],
            "mlpclassifier__alpha": ALPHAS[:1],
        },
        FRAME,
        Y,
    ),
    "steps": (
        STEPS,
        [
            {"pca": [SelectKBest(k=2), "passthrough"], "mlpclassifier__alpha": ALPHAS},
            {"pca__n_components": [2], "standardscaler": ["passthrough", MinMaxScaler()]},
        ],
        X,
        Y,
    ),
    "networks": (
        STEPS,
        {"mlpclassifier": [MLP, clone(MLP).set_params(activation="relu")], "pca": [PCA(2)]},
        X,
        Y,
    ),
    "a target": (
        TransformedTargetRegressor(NUMBERS, **LOG),
        {"regressor__alpha": ALPHAS, "regressor__early_stopping": [False, True]},
        X,
        PRICE,
    ),
    "a target around a pipeline": (
        TransformedTargetRegressor(
            make_pipeline(StandardScaler(), NUMBERS), transformer=StandardScaler()
        ),
        {
            "transformer": [StandardScaler(), PowerTransformer()],
            "regressor__standardscaler": ["passthrough", RobustScaler()],
            "regressor__mlpregressor__alpha": ALPHAS,
        },
        X,
        PRICE,
    ),
    "targets in a pipeline": (
        make_pipeline(PCA(2), TransformedTargetRegressor(NUMBERS, transformer=StandardScaler())),
        {"transformedtargetregressor__regressor__alpha": ALPHAS},
        X,
        np.column_stack([PRICE, X[:, 2]]),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_scores_and_choice_are_those_of_grid_search(kind):
    """Both train the same networks, so that scores differ by rounding alone."""
    estimator, grid, table, y = KINDS[kind]
    how = {"cv": 2, "return_train_score": True}
    scored = "neg_mean_absolute_error" if y.dtype == float else "neg_log_loss"
    ours = SweepCV(estimator, grid, n_iter=None, scoring=scored, **how).fit(table, y)
    theirs = GridSearchCV(estimator, grid, scoring=scored, **how).fit(table, y)
    assert ours.cv_results_["params"] == theirs.cv_results_["params"]
    assert list(ours.cv_results_)[:-1] == list(theirs.cv_results_)
    for which in ("test_score", "train_score"):
        mine, other = split_scores(ours, which), split_scores(theirs, which)
        np.testing.assert_allclose(mine, other, rtol=1e-12)
        apart = np.unique(np.round(other[:, 0], 6))
        assert len(apart) >= len(other) - 1  # or a candidate in another's place would not be seen
    for name, column in theirs.cv_results_.items():
        if name.startswith("param_"):
            assert ours.cv_results_[name].dtype == column.dtype, name
    assert str(ours.best_params_) == str(theirs.best_params_)
    same = np.testing.assert_array_equal if y is Y else np.testing.assert_allclose
    same(ours.predict(table), theirs.predict(table))
    assert set(ours.cv_results_["status"]) <= {"finished", "stopped"}


class Counted(TransformerMixin, BaseEstimator):
    """Passes the first columns on and counts how often it is fitted."""

    fits = 0

    def __init__(self, columns=3):
        self.columns = columns

    def fit(self, X, y=None):
        Counted.fits += 1
        self.fitted_ = True
        return self

    def transform(self, X):
        return X[:, : self.columns]


def test_each_setting_of_the_steps_is_fitted_once_a_fold_and_trained_in_one_sweep():
    """The sweeps share a program, though they have other columns; the networks are of their own."""
    Counted.fits = 0
    grid = {"counted__columns": [1, 2, 3], "mlpclassifier__alpha": [0.1, 0.2, 0.3]}
    mlp = clone(MLP).set_params(hidden_layer_sizes=(7,))  # of no other test
    search = SweepCV(make_pipeline(Counted(), mlp), grid, n_iter=None, cv=2, refit=False)
    search.fit(X, Y)
    assert Counted.fits == 3 * 2
    assert [len(result.members) for result in search.sweep_results_] == [3 * 2] * 3
    assert sum(result.compilations for result in search.sweep_results_) <= 1
    shapes = [result.members[0].params[0].W.shape for result in search.sweep_results_]
    assert shapes == [(1, 7), (2, 7), (3, 7)]
    one_by_one = clone(search).set_params(memory=1 << 30).fit(X, Y)
    np.testing.assert_allclose(split_scores(one_by_one), split_scores(search))


def test_a_score_is_in_the_units_of_the_target_and_a_scorer_of_ones_own_sees_the_whole():
    seen = []

    def scorer(fitted, table, y):
        seen.append((fitted, table))
        return -np.abs(fitted.predict(table) - y).mean()

    estimator = TransformedTargetRegressor(make_pipeline(StandardScaler(), NUMBERS), **LOG)
    grid, how = {"regressor__mlpregressor__alpha": ALPHAS}, {"n_iter": None, "cv": 2}
    ours = SweepCV(estimator, grid, scoring=scorer, **how).fit(X, PRICE)
    named = SweepCV(estimator, grid, scoring="neg_mean_absolute_error", **how).fit(X, PRICE)
    np.testing.assert_allclose(split_scores(ours), split_scores(named))
    for fitted, table in seen:
        assert isinstance(fitted, TransformedTargetRegressor)
        assert np.isin(table, X).all()
        assert isinstance(clone(fitted).regressor[-1], MLPRegressor)
    again = pickle.loads(pickle.dumps(named))
    np.testing.assert_array_equal(again.predict(X), ours.predict(X))
    assert (ours.predict(X) > 0).all()
    with pytest.raises(ValueError, match="leave ensemble out, or the TransformedTargetRegressor"):
        clone(ours).set_params(ensemble=2).fit(X, PRICE)


def test_targets_that_the_transformer_cannot_take_cost_no_score():
    """The logarithm of a test row is NaN; R² is of numbers that are transformed back."""
    y = np.where(np.arange(M) == 50, -1.0, PRICE)
    cv = [(np.arange(40), np.arange(40, M))]
    estimator = TransformedTargetRegressor(NUMBERS, **LOG)
    grid = {"regressor__alpha": ALPHAS}
    ours = SweepCV(estimator, grid, n_iter=None, cv=cv, refit=False).fit(X, y)
    theirs = GridSearchCV(estimator, grid, cv=cv, refit=False).fit(X, y)
    np.testing.assert_allclose(split_scores(ours), split_scores(theirs), rtol=1e-10)
    assert len(ours.sweep_results_[0].task.splits[0][1]) == 19


def test_an_ensemble_is_of_candidates_with_the_steps_of_the_best():
    grid = {"pca__n_components": [1, 3], "mlpclassifier__alpha": ALPHAS}
    search = SweepCV(STEPS, grid, n_iter=None, cv=2, ensemble=3).fit(X, Y)
    best = search.best_params_["pca__n_components"]
    for steps, _, _, _ in search.best_estimator_.folds:
        assert steps[-1].n_components == best
    assert search.predict_proba(X).shape == (M, 2)
    assert len(pickle.dumps(search.best_estimator_)) < 20_000  # it does not keep the samples


def test_a_setting_that_cannot_be_fitted_costs_its_own_scores():
    grid = {"pca__n_components": [2, 7], "mlpclassifier__alpha": ALPHAS}
    search = SweepCV(STEPS, grid, n_iter=None, cv=2)
    said = r"with \{'pca__n_components': 7\} on fold 0 \(ValueError: .*n_components=7.* 1 times"
    with pytest.warns(FitFailedWarning, match=said) as caught:
        search.fit(X, Y)
    assert caught[0].filename == __file__  # it is said of the user's line
    failed = [one["pca__n_components"] == 7 for one in search.cv_results_["params"]]
    assert (search.cv_results_["status"] == "failed").tolist() == failed
    assert np.isnan(search.cv_results_["mean_test_score"]).tolist() == failed
    assert search.best_params_["pca__n_components"] == 2
    with pytest.raises(ValueError, match="n_components=7"):
        clone(search).set_params(error_score="raise").fit(X, Y)
    with pytest.raises(ValueError, match="n_components=8"):
        clone(search).set_params(param_distributions={"pca__n_components": [8, 9]}).fit(X, Y)


NOT_A_SEARCH = [
    ({"param_distributions": "alpha"}, "param_distributions is 'alpha': Parameter grid"),
    ({"param_distributions": {"alpha": 3}}, r"param_distributions is \{'alpha': 3\}: .* list"),
    ({"param_distributions": []}, r"param_distributions is \[\]; expected names"),
    ({"param_distributions": {3: [1]}}, "param_distributions names 3; expected names"),
    ({"error_score": "rais"}, "error_score is 'rais'; expected a number, or 'raise'"),
    ({"estimator": Pipeline([])}, "estimator is Pipeline; expected MLPClassifier"),
    ({"cv": []}, "folds is empty; expected a pair"),
]


@pytest.mark.parametrize(("choices", "said"), NOT_A_SEARCH)
def test_what_is_no_search_is_said_before_anything_is_trained(choices, said):
    search = SweepCV(MLP, {"alpha": [0.1]}, n_iter=None, cv=2).set_params(**choices)
    with pytest.raises(ValueError, match=said):
        search.fit(X, Y)
    assert not hasattr(search, "cv_results_")


def test_what_is_none_of_a_searchs_candidates_targets_or_steps_is_said():
    search = SweepCV(STEPS, {"pca__n_components": [1]}, n_iter=None, cv=2)
    with pytest.raises(ValueError, match="requires y to be passed, but the target y is None"):
        search.fit(X)
    with pytest.raises(ValueError, match="nothing could be fitted on any fold: TypeError: All int"):
        clone(search).set_params(param_distributions={"pca": [3]}).fit(X, Y)
    search.set_params(refit=lambda results: 1)
    with pytest.raises(ValueError, match=r"refit returned 1; expected .* from 0 to 0"):
        search.fit(X, Y)


REFUSED = {
    "a name of no step": (STEPS, {"pcaa__n_components": [1]}, "did you mean 'pca__n_components'"),
    "a name of a step's": (STEPS, {"pca__n_component": [1]}, "did you mean 'pca__n_components'"),
    "a parameter of what is replaced": (
        STEPS,
        {"pca": ["passthrough"], "pca__n_components": [1]},
        "does not take {'pca': 'passthrough', 'pca__n_components': 1} together",
    ),
    "no network": (make_pipeline(PCA(), LinearRegression()), {}, "estimator is Pipeline; expected"),
    "a target for no network": (
        TransformedTargetRegressor(),
        {},
        "estimator is TransformedTargetRegressor; expected MLPClassifier or MLPRegressor",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_said_before_anything_is_trained(case):
    estimator, grid, said = REFUSED[case]
    search = SweepCV(estimator, grid, n_iter=None, cv=2)
    with pytest.raises(ValueError, match=said):
        search.fit(X, PRICE)
    assert not hasattr(search, "cv_results_")


def test_scikit_learns_halving_searches_our_estimators():
    """By samples and by epochs, the network alone and behind steps."""
    searches = [
        HalvingRandomSearchCV(
            make_pipeline(StandardScaler(), clone(MLP).set_params(batch_size=20)),
            {"mlpclassifier__alpha": [0.1, 1.0, 9.0, 30.0]},
            n_candidates=4,
            min_resources=30,
            factor=2,
        ),
        HalvingRandomSearchCV(
            MLP,
            {"alpha": [0.1, 1.0, 9.0, 30.0]},
            n_candidates=4,
            resource="max_iter",
            max_resources=8,
            factor=2,
        ),
    ]
    for search, resource in zip(searches, ("n_samples", "max_iter"), strict=True):
        search.set_params(cv=2, random_state=0).fit(X, Y)
        assert search.resource == resource
        assert search.n_iterations_ >= 2
        assert search.n_candidates_[0] > search.n_candidates_[-1]
        assert np.isfinite(search.cv_results_["mean_test_score"]).all()
        assert (search.best_estimator_.predict(X) == Y).mean() == search.score(X, Y)
