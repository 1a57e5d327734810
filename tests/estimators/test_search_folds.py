"""SweepCV against GridSearchCV of the same estimator: what differs by fold, and odd splitters.

Both draw the same weights, batch orders and validation sets, so their scores differ by rounding
alone, but for lbfgs, where two line searches end near one minimum.
"""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import make_column_transformer
from sklearn.exceptions import FitFailedWarning
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import mlp_jax
from mlp_jax import MLPClassifier, MLPRegressor, SweepCV
from mlp_jax.estimators.search_parts import parts_of
from mlp_jax.sweeps.folds import as_splits
from mlp_jax.tables.encoder import table_encoder

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
M = 60
X = RNG.normal(size=(M, 3))
Y = np.where(X[:, 0] * X[:, 1] + 0.3 * RNG.normal(size=M) > 0.2, "yes", "no")
GROUPS = np.arange(M) // 40
# Every part of the rows has other categories, and one a number that is missing.
FRAME = pd.DataFrame(X, columns=list("abc")).assign(kind=np.array(list("pqr"))[np.arange(M) // 20])
FRAME.loc[30, "a"] = np.nan
MLP = MLPClassifier((4,), "tanh", max_iter=6, learning_rate_init=0.03, random_state=3)


def masks():
    rows = np.arange(M)
    return [(rows % 3 == 0, rows % 3 == 1), (rows >= 20, rows < 20)]


def bootstrap():
    rng = np.random.default_rng(1)
    drawn = rng.integers(0, 20, 20), rng.integers(0, M, 40)
    return [(rows, np.setdiff1d(np.arange(M), rows)[:20]) for rows in drawn]


# Training parts of 20 and 40 samples, so that they share programs.
SPLITTERS = {
    "k folds": KFold(3, shuffle=True, random_state=0),
    "time": TimeSeriesSplit(2),
    "groups": GroupKFold(2),
    "masks": masks(),
    "bootstrap": bootstrap(),
}
WEIGHTS = [None, "balanced", {"yes": 4.0}]
GRID = [
    {"solver": ["sgd", "adam"], "alpha": [0.3], "class_weight": WEIGHTS},
    # Of no hidden layer there is one minimum, and both come as near as their arithmetic allows.
    {
        "solver": ["lbfgs"],
        "hidden_layer_sizes": [()],
        "alpha": [3.0],
        "class_weight": WEIGHTS,
        "max_iter": [200],
        "tol": [1e-6],
    },
]
GRID_MLP = clone(MLP).set_params(batch_size=16, learning_rate="invscaling", power_t=0.1)
COLUMNS = make_column_transformer(
    (OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["kind"]),
    (SimpleImputer(add_indicator=True), ["a", "b", "c"]),
)
# What scores near -0.7 differ by, some times the largest measured: of sgd and adam 3e-16 in
# float64 and 6e-8 in float32; of lbfgs 6e-6 and 1.2e-4, where scipy's search ends once a step gains
# less than 2e-9 of the cost, or than float32 tells apart.
STEPS = {np.float64: 1e-14, np.float32: 5e-7}
NOISE = {np.float64: 2e-5, np.float32: 4e-4}


def both(estimator, grid, table, y=Y, **how):
    """(SweepCV, GridSearchCV) of the same, fitted."""
    prefix = parts_of(estimator).prefix
    grids = [{prefix + name: value for name, value in one.items()} for one in grid]
    how = {"scoring": "neg_log_loss", "refit": False} | how
    groups = GROUPS if isinstance(how["cv"], GroupKFold) else None
    ours = SweepCV(estimator, grids, n_iter=None, **how).fit(table, y, groups=groups)
    return ours, GridSearchCV(estimator, grids, **how).fit(table, y, groups=groups)


def split_scores(search):
    folds = range(search.n_splits_)
    return np.stack([search.cv_results_[f"split{fold}_test_score"] for fold in folds], axis=1)


def assert_the_same(ours, theirs, dtype):
    """Scores and ranking, but for the noise."""
    candidates = theirs.cv_results_["params"]
    assert ours.cv_results_["params"] == candidates
    by_steps = np.array(["lbfgs" not in one.values() for one in candidates])
    mine, other = split_scores(ours), split_scores(theirs)
    np.testing.assert_allclose(mine[by_steps], other[by_steps], rtol=0, atol=STEPS[dtype])
    np.testing.assert_allclose(mine, other, rtol=0, atol=NOISE[dtype])
    mine, other = (np.subtract.outer(a, a) for a in (mine.mean(axis=1), other.mean(axis=1)))
    apart = np.abs(other) > 2 * NOISE[dtype]
    assert apart.sum() > len(candidates)  # or there would be little to rank
    assert (np.sign(mine) == np.sign(other))[apart].all()


@pytest.mark.parametrize("splitter", SPLITTERS)
def test_scores_and_ranking_are_those_of_grid_search(splitter):
    ours, theirs = both(GRID_MLP, GRID, X, cv=SPLITTERS[splitter])
    assert_the_same(ours, theirs, np.float64)


@pytest.mark.parametrize("splitter", SPLITTERS)
def test_of_steps_that_make_other_columns_in_other_folds_too(splitter):
    ours, theirs = both(make_pipeline(COLUMNS, GRID_MLP), GRID, FRAME, cv=SPLITTERS[splitter])
    assert_the_same(ours, theirs, np.float64)
    widths = {member.params[0].W.shape[0] for member in ours.sweep_results_[0].members}
    assert len(widths) == 2 or splitter == "k folds"


def test_float32_differs_by_its_rounding():
    ours, theirs = both(GRID_MLP, GRID, X.astype(np.float32), cv=TimeSeriesSplit(2))
    assert_the_same(ours, theirs, np.float32)


# --- What differs by fold.


def ridge(X, y, alpha, train, test):
    """R² of the closed form of half the squared error and half of alpha times the squares."""
    mean, offset = X[train].mean(axis=0), y[train].mean()
    A = X[train] - mean
    w = np.linalg.solve(A.T @ A + alpha * np.eye(A.shape[1]), A.T @ (y[train] - offset))
    error = y[test] - (X[test] - mean) @ w - offset
    return 1 - (error @ error) / np.sum((y[test] - y[test].mean()) ** 2)


def test_the_penalty_is_that_of_the_rows_of_each_fold():
    rng = np.random.default_rng(0)
    table = rng.normal(size=(60, 8))
    y = table @ rng.normal(size=8) * 0.3 + rng.normal(size=60) * 1.5
    alphas = [1.0, 3.0, 10.0, 30.0, 100.0]
    mlp = MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", random_state=0)
    search = SweepCV(mlp, {"alpha": alphas}, n_iter=None, cv=TimeSeriesSplit(4)).fit(table, y)
    exact = [[ridge(table, y, a, *of) for of in TimeSeriesSplit(4).split(table)] for a in alphas]
    # `tol` allows gradients of 1e-4.
    np.testing.assert_allclose(split_scores(search), exact, rtol=1e-3, atol=1e-4)
    assert search.best_index_ == np.argmax(np.mean(exact, axis=1))
    (result,) = search.sweep_results_
    assert result.plan.compilations == 1
    assert [m.configuration["l2"] for m in result.members[:4]] == [1 / m for m in (12, 24, 36, 48)]


def searched(estimator=MLP, space=None, table=X, y=Y, **how):
    space = {"alpha": [0.1, 1.0]} if space is None else space
    return SweepCV(estimator, space, n_iter=None, refit=False, **how).fit(table, y)


def test_what_depends_on_a_folds_rows_is_of_its_own_rows():
    mlp = clone(GRID_MLP).set_params(batch_size=30, solver="sgd", class_weight={"no": 0.1})
    (result,) = searched(mlp, {"alpha": [0.3]}, cv=TimeSeriesSplit(2)).sweep_results_
    for member, m in zip(result.members, (20, 40), strict=True):
        own, mean = member.configuration, np.where(Y[:m] == "no", 0.1, 1.0).mean()
        assert own["l2"] == pytest.approx(0.3 / min(30, m) / mean)
        assert own["samples"] == m
        assert own["batch_size"] == (None if m == 20 else 30)
    batches = {bucket.folds: bucket.kind.batch_size for bucket in result.plan.buckets}
    assert batches == {(0,): None, (1,): 30}


def test_a_fold_may_have_more_rows_than_there_are():
    """A bootstrap of 250 rows of 60 has two batches where all samples would have one."""
    rows = np.random.default_rng(0).integers(0, M, 250)
    ours, theirs = both(MLP, [{"alpha": [0.1, 9.0]}], X, cv=[(rows, np.arange(9))])
    np.testing.assert_allclose(split_scores(ours), split_scores(theirs), rtol=1e-12)


def test_weights_of_classes_count_in_early_stopping_as_in_fit():
    mlp = clone(MLP).set_params(early_stopping=True, validation_fraction=0.3, max_iter=15)
    grid = [{"class_weight": WEIGHTS, "learning_rate_init": [0.1]}]
    ours, theirs = both(mlp, grid, X, cv=TimeSeriesSplit(2))
    np.testing.assert_allclose(split_scores(ours), split_scores(theirs), rtol=1e-12)
    (result,) = ours.sweep_results_
    alone, _ = mlp_jax.fit(**result.members[3].arguments_of_fit())
    np.testing.assert_allclose(alone.best.params[0].W, result.members[3].params[0].W, rtol=1e-9)


def test_a_fold_that_lacks_a_class_has_a_network_of_the_others():
    y = np.array(["a", "b", "c"])[np.concatenate([np.arange(30) % 2, np.arange(30) % 3])]
    cv = [(np.arange(30), np.arange(30, 60)), (np.arange(20, 60), np.arange(20))]
    ours, theirs = both(MLP, [{"alpha": [0.1, 9.0]}], X, y, cv=cv, scoring="accuracy")
    np.testing.assert_array_equal(split_scores(ours), split_scores(theirs))
    assert [m.params[-1].W.shape[1] for r in ours.sweep_results_ for m in r.members] == [1, 1, 3, 3]
    with pytest.raises(ValueError, match="folds train on different classes, so their networks"):
        SweepCV(MLP, {"alpha": [0.1]}, n_iter=None, cv=cv, ensemble=2).fit(X, y)


def test_a_sweep_whose_folds_differ_comes_back_from_its_file(tmp_path):
    (result,) = searched(
        make_pipeline(COLUMNS, MLP),
        {"mlpclassifier__alpha": [0.1]},
        FRAME,
        cv=TimeSeriesSplit(2),
    ).sweep_results_
    mlp_jax.save_sweep(result, tmp_path / "sweep.safetensors")
    loaded = mlp_jax.load_sweep(tmp_path / "sweep.safetensors")
    for one, again in zip(result.members, loaded.members, strict=True):
        assert one.configuration == again.configuration
        np.testing.assert_array_equal(one.params[0].W, again.params[0].W)
        trained, _ = mlp_jax.fit(**again.arguments_of_fit())
        np.testing.assert_allclose(trained.params[0].W, one.params[0].W, rtol=1e-9, atol=1e-12)


# --- Steps before the network.


OWN = table_encoder(["a", "b", "c"], ["kind"])


@pytest.mark.parametrize("steps", [COLUMNS, OWN], ids=["scikit-learn's", "table_encoder"])
def test_an_ensemble_is_of_folds_with_other_columns_too(steps):
    space = {"mlpclassifier__alpha": [0.1, 1.0]}
    search = SweepCV(make_pipeline(steps, MLP), space, n_iter=None, cv=TimeSeriesSplit(2))
    search = search.set_params(ensemble=2).fit(FRAME, Y)
    widths = {member.params[0].W.shape[0] for member in search.sweep_results_[0].members}
    assert len(widths) == 2
    mean = 0.0
    for steps_of_fold, networks, weights, _ in search.best_estimator_.folds:
        rows = steps_of_fold.transform(FRAME).T
        for (params, network), weight in zip(networks, weights, strict=True):
            mean = mean + weight * np.asarray(mlp_jax.forward(params, rows, network=network)[0])
    np.testing.assert_allclose(search.predict_proba(FRAME)[:, 1], mean, rtol=1e-9)


class Picky(TransformerMixin, BaseEstimator):
    """Raises where it is fitted to, or transforms, a table with this number in it."""

    def __init__(self, fitted=None, transformed=None):
        self.fitted, self.transformed = fitted, transformed

    def fit(self, X, y=None):
        if self.fitted in X:
            raise ValueError(f"{self.fitted} is not to be fitted")
        self.fitted_ = True
        return self

    def transform(self, X):
        if self.transformed in X:
            raise ValueError(f"{self.transformed} is not to be transformed")
        return X


PICKY = X.copy()
PICKY[[30, 50], 0] = 7.0, 9.0  # rows that are tested first and trained on then, and tested last
SPACE = {"mlpclassifier__alpha": [0.1]}


def test_a_fold_on_which_the_steps_cannot_be_fitted_costs_its_score_alone():
    ours = SweepCV(make_pipeline(Picky(fitted=7.0), MLP), SPACE, n_iter=None, refit=False)
    ours.set_params(cv=TimeSeriesSplit(2))
    with pytest.warns(FitFailedWarning, match="on fold 1 .ValueError: 7.0 is not to be fitted"):
        ours.fit(PICKY, Y)
    assert np.isnan(split_scores(ours)).tolist() == [[False, True]]
    assert ours.cv_results_["status"].tolist() == ["finished"]
    with pytest.raises(ValueError, match=r"7\.0 is not to be fitted"):
        clone(ours).set_params(error_score="raise").fit(PICKY, Y)
    with pytest.raises(ValueError, match="there are no rows to train on"):
        clone(ours).set_params(cv=[([], [0]), ([], [1])]).fit(PICKY, Y)


def test_rows_that_the_steps_cannot_transform_cost_the_score_of_their_fold_alone():
    """As OneHotEncoder at a category of which it has seen none."""
    ours = SweepCV(make_pipeline(Picky(transformed=9.0), MLP), SPACE, n_iter=None, refit=False)
    ours.set_params(cv=TimeSeriesSplit(2))
    with pytest.warns(UserWarning, match="Scoring failed 1 times; .*9.0 is not to be transformed"):
        ours.fit(PICKY, Y)
    assert np.isnan(split_scores(ours)).tolist() == [[False, True]]


def test_the_steps_see_no_row_that_is_in_no_part():
    estimator = make_pipeline(Picky(transformed=7.0), MLP)
    ours = searched(estimator, SPACE, PICKY, cv=[(np.arange(20), np.arange(40, 50))])
    assert np.isfinite(split_scores(ours)).all()


# --- What a splitter may give.


def test_parts_of_folds_are_what_numpy_indexes_by():
    mask = np.array([True, False, True, False])
    given = [(mask, ~mask), ([0, -1], [-3]), (np.array([2, 2, 0]), []), (pd.Index([1]), range(3))]
    expected = [([0, 2], [1, 3]), ([0, 3], [1]), ([2, 2, 0], []), ([1], [0, 1, 2])]
    assert [(a.tolist(), b.tolist()) for a, b in as_splits(given, 4)] == expected


BAD_PARTS = [
    (
        np.ones(3, bool),
        r"to train on of fold 0 are given as bool of shape \(3,\); expected indices",
    ),
    ([0, 4], "fold 0 have the index 4; expected indices from 0 to 3, or from -4 to -1"),
    ([0, -5], "fold 0 have the index -5; expected"),
    ([0.5], "given as float64 of shape"),
    ([[0]], "given as int64 of shape"),
]


@pytest.mark.parametrize(("part", "said"), BAD_PARTS)
def test_parts_of_folds_that_cannot_be(part, said):
    with pytest.raises(ValueError, match=said):
        as_splits([(part, [0])], 4)


@pytest.mark.parametrize("estimator", [MLP, make_pipeline(StandardScaler(), MLP)])
def test_masks_and_negative_indices_are_the_same_folds(estimator):
    rows, prefix = np.arange(M), parts_of(estimator).prefix
    ways = [
        [(np.arange(20), np.arange(40, 60))],
        [(rows < 20, rows >= 40)],
        [(np.arange(20) - M, np.arange(-20, 0))],
    ]
    first, *others = (
        split_scores(searched(estimator, {f"{prefix}alpha": [0.1, 1.0]}, cv=cv)) for cv in ways
    )
    assert len(others) == 2
    for other in others:
        np.testing.assert_array_equal(first, other)


def test_a_sweep_takes_masks_and_negative_indices_too():
    rows, how = np.arange(M), {"epochs": 2, "progress": False}
    ways = [[(np.arange(20), np.arange(40, 60))], [(rows < 20, np.arange(-20, 0))]]
    first, again = (mlp_jax.sweep(X, Y, {"width": [3]}, folds=folds, **how) for folds in ways)
    np.testing.assert_array_equal(first.members[0].curves.cost, again.members[0].curves.cost)
    with pytest.raises(ValueError, match="fold 0 has 60 rows to train on and 0 to validate by"):
        mlp_jax.sweep(X, Y, {"width": [3]}, folds=[(rows >= 0, rows < 0)], **how)
    with pytest.raises(ValueError, match=r"folds is \[array\(\[.{1,60}\]; expected how many"):
        mlp_jax.sweep(X, Y, {"width": [3]}, folds=[rows > 3], **how)


@pytest.mark.parametrize("estimator", [MLP, make_pipeline(StandardScaler(), MLP)])
def test_an_empty_part_is_a_score_that_is_none(estimator):
    cv = [(np.arange(20), np.arange(20, 40)), (np.arange(20), []), ([], np.arange(20))]
    space = {f"{parts_of(estimator).prefix}alpha": [0.1]}
    search = SweepCV(estimator, space, n_iter=None, refit=False, cv=cv)
    with (
        pytest.warns(UserWarning, match="Scoring failed 1 times"),
        pytest.warns(FitFailedWarning, match="on fold 2 .ValueError: there are no rows to train"),
    ):
        search.fit(X, Y)
    assert np.isnan(split_scores(search)).tolist() == [[False, True, True]]
