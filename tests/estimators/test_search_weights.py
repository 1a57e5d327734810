"""SweepCV with weights of samples, beside GridSearchCV: in training, validation and score."""

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, GroupKFold, TimeSeriesSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import mlp_jax
from mlp_jax import MLPClassifier, MLPRegressor, SweepCV
from mlp_jax.sweeps.results.ensemble_selection import loss_of_outputs
from tests.estimators.small_search import split_scores

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
M = 60
X = RNG.normal(size=(M, 3))
Y = np.where(X[:, 0] * X[:, 1] + 0.3 * RNG.normal(size=M) > 0.2, "yes", "no")
COUNTS = RNG.poisson(np.exp(X[:, :2] / 2))
WEIGHTS = RNG.integers(0, 4, M).astype(float)
MLP = MLPClassifier((4,), "tanh", max_iter=6, learning_rate_init=0.03, random_state=3)
NUMBERS = MLPRegressor(
    "poisson", (4,), max_iter=6, learning_rate_init=0.03, random_state=3, batch_size=16
)
PIPELINE = make_pipeline(StandardScaler(), MLP)
ALPHAS = [0.1, 9.0]
CASES = {  # (estimator, grid, target, parameters of fit, scoring)
    "the network": (
        clone(MLP).set_params(batch_size=16),
        {"alpha": ALPHAS, "class_weight": [None, "balanced", {"yes": 4.0}]},
        Y,
        {"sample_weight": WEIGHTS},
        "neg_log_loss",
    ),
    "early stopping": (
        clone(MLP).set_params(early_stopping=True, validation_fraction=0.3, max_iter=15),
        {"class_weight": [None, "balanced"], "learning_rate_init": [0.1]},
        Y,
        {"sample_weight": WEIGHTS},
        "neg_log_loss",
    ),
    "own score": (MLP, {"alpha": ALPHAS}, Y, {"sample_weight": WEIGHTS.tolist()}, None),
    "a pipeline": (
        PIPELINE,
        {"mlpclassifier__alpha": ALPHAS, "standardscaler__with_mean": [True, False]},
        Y,
        {"mlpclassifier__sample_weight": WEIGHTS, "standardscaler__sample_weight": WEIGHTS[::-1]},
        "neg_log_loss",
    ),
    "one by one": (
        clone(MLP).set_params(solver="sgd"),
        {"learning_rate": ["adaptive", "constant"]},
        Y,
        {"sample_weight": WEIGHTS},
        "neg_log_loss",
    ),
    "a target": (
        TransformedTargetRegressor(
            clone(NUMBERS).set_params(loss="huber"), transformer=StandardScaler()
        ),
        {"regressor__alpha": ALPHAS},
        COUNTS,
        {"sample_weight": WEIGHTS},
        "neg_mean_absolute_error",
    ),
}


def both(estimator, grid, y=Y, params=None, **how):
    """(SweepCV, GridSearchCV) of the same, fitted."""
    how = {"cv": TimeSeriesSplit(2), "return_train_score": True} | how
    ours = SweepCV(estimator, grid, n_iter=None, **how).fit(X, y, **(params or {}))
    return ours, GridSearchCV(estimator, grid, **how).fit(X, y, **(params or {}))


@pytest.mark.filterwarnings("ignore:.*one by one")
@pytest.mark.parametrize("case", CASES)
def test_scores_are_those_of_grid_search(case):
    estimator, grid, y, params, scoring = CASES[case]
    ours, theirs = both(estimator, grid, y, params, scoring=scoring)
    bare, _ = both(estimator, grid, y, scoring=scoring)
    for which in ("test_score", "train_score"):
        mine = split_scores(ours, which)
        np.testing.assert_allclose(mine, split_scores(theirs, which), rtol=1e-12)
        assert not np.allclose(mine, split_scores(bare, which))  # so the weights are seen to count
    table = ours.best_estimator_.predict(X)
    np.testing.assert_array_equal(table, theirs.best_estimator_.predict(X))


def test_a_weight_of_two_is_the_row_twice():
    """In full batches: the copies of a row are in the same part of a fold as the row."""
    twice = np.where(np.arange(M) % 3 == 0, 2, 1)
    rows = np.repeat(np.arange(M), twice)
    cv = [(np.arange(30), np.arange(30, M)), (np.arange(20, M), np.arange(20))]
    copied = [tuple(np.flatnonzero(np.isin(rows, part)) for part in parts) for parts in cv]
    how = {"n_iter": None, "scoring": ["neg_log_loss", "accuracy"], "refit": "accuracy"}
    grid = {"alpha": ALPHAS}
    first = SweepCV(MLP, grid, cv=cv, **how).fit(X, Y, sample_weight=twice)
    again = SweepCV(MLP, grid, cv=copied, **how).fit(X[rows], Y[rows])
    plain = SweepCV(MLP, grid, cv=cv, **how).fit(X, Y)
    for score in ("test_neg_log_loss", "test_accuracy"):
        mine, other = split_scores(first, score), split_scores(again, score)
        np.testing.assert_allclose(mine, other, rtol=1e-9)
        assert not np.allclose(mine, split_scores(plain, score))
    np.testing.assert_allclose(first.predict_proba(X), again.predict_proba(X), rtol=1e-9)


def test_of_several_scores_those_count_weights_that_take_them():
    scoring = {"weighed": "accuracy", "plain": lambda fitted, X, y: fitted.score(X, y)}
    how = {"n_iter": None, "cv": 2, "refit": "weighed"}
    search = SweepCV(MLP, {"alpha": ALPHAS}, scoring=scoring, **how)
    with pytest.warns(UserWarning, match="plain: this score takes no sample_weight") as caught:
        search.fit(X, Y, sample_weight=WEIGHTS)
    assert caught[0].filename == __file__
    for member, weighed, plain in zip(
        search.sweep_results_[0].members,
        split_scores(search, "test_weighed").ravel(),
        split_scores(search, "test_plain").ravel(),
        strict=True,
    ):
        rows = search.sweep_results_[0].task.splits[member.fold][1]
        A = mlp_jax.forward(member.params, X[rows].T, network=member.network)[0]
        right = np.where(A > 0.5, "yes", "no") == Y[rows]
        assert weighed == pytest.approx(np.average(right, weights=WEIGHTS[rows]))
        assert plain == pytest.approx(right.mean())


def test_a_network_tells_its_weighted_losses():
    told = []

    def scorer(fitted, X, y):
        told.append((fitted.loss_curve_, fitted.validation_loss_curve_))
        return 0.0

    mlp = clone(NUMBERS).set_params(early_stopping=True, validation_fraction=0.3)
    cv = [(np.arange(40), np.arange(40, M))]
    with pytest.warns(UserWarning, match="score takes no sample_weight and counts"):
        SweepCV(mlp, {"alpha": [0.1]}, n_iter=None, cv=cv, scoring=scorer, refit=False).fit(
            X, COUNTS, sample_weight=WEIGHTS
        )
    alone = mlp.set_params(alpha=0.1).fit(X[:40], COUNTS[:40], WEIGHTS[:40])
    np.testing.assert_allclose(told[0][0], alone.loss_curve_, rtol=1e-9)
    np.testing.assert_allclose(told[0][1], alone.validation_loss_curve_, rtol=1e-9)


def test_metadata_are_routed_to_whoever_requests_them():
    groups = np.arange(M) // 10
    with sklearn.config_context(enable_metadata_routing=True):
        scorer = get_scorer("neg_log_loss").set_score_request(sample_weight="of_score")
        pipeline = make_pipeline(
            StandardScaler().set_fit_request(sample_weight="of_scaler"),
            clone(MLP).set_fit_request(sample_weight=True),
        )
        params = {
            "sample_weight": WEIGHTS,
            "of_scaler": WEIGHTS[::-1],
            "of_score": np.roll(WEIGHTS, 1),
            "groups": groups,
        }
        grid = {"mlpclassifier__alpha": ALPHAS}
        how = {"cv": GroupKFold(2), "scoring": scorer}
        ours, theirs = both(pipeline, grid, Y, params, **how)
        for name in params:
            if name != "groups":
                other = SweepCV(pipeline, grid, n_iter=None, refit=False, **how)
                other.fit(X, Y, **(params | {name: np.ones(M)}))
                assert not np.allclose(split_scores(ours), split_scores(other)), name
        unasked = SweepCV(make_pipeline(StandardScaler(), MLP), grid, n_iter=None)
        with pytest.raises(ValueError, match="not explicitly set as requested"):
            unasked.fit(X, Y, sample_weight=WEIGHTS)
        scores = cross_val_score(
            SweepCV(
                clone(MLP).set_fit_request(sample_weight=True), {"alpha": ALPHAS}, n_iter=None
            ).set_params(cv=2, scoring=scorer),
            *(X, Y),
            params={"sample_weight": WEIGHTS, "of_score": WEIGHTS},
            scoring=scorer,
            cv=2,
        )
    np.testing.assert_allclose(split_scores(ours), split_scores(theirs), rtol=1e-12)
    assert np.isfinite(scores).all()


@pytest.mark.parametrize(("estimator", "prefix"), [(MLP, ""), (PIPELINE, "mlpclassifier__")])
def test_an_ensemble_is_chosen_by_weighted_losses(estimator, prefix):
    """One choice is the candidate of the least loss: of all weights alike another one."""
    cv = [(np.arange(30), np.arange(30, M)), (np.arange(30, M), np.arange(30))]
    count, picked = 8, []
    grid = {f"{prefix}random_state": list(range(count))}
    for weights in (None, np.where(np.arange(M) % 10 == 7, 1.0, 1e-3)):
        search = SweepCV(estimator, grid, n_iter=None, cv=cv, ensemble=1)
        search.fit(X, Y, **{f"{prefix}sample_weight": weights})
        folds, (result,) = search.best_estimator_.folds, search.sweep_results_
        losses = []
        for number in range(count):
            found = np.empty((M, 1))
            for member in result.members[2 * number : 2 * number + 2]:
                (_, rows), steps = cv[member.fold], folds[member.fold].steps
                table = X[rows] if steps is None else steps.transform(X[rows])
                found[rows] = mlp_jax.forward(member.params, table.T, network=member.network).T
            true = (Y == "yes")[:, None].astype(float)
            losses.append(loss_of_outputs(found, true, "binary_cross_entropy", weights))
        best = int(np.argmin(losses))
        ((params, _),) = folds[0].networks
        np.testing.assert_array_equal(params[0].W, result.members[2 * best].params[0].W)
        picked.append(best)
    assert picked[0] != picked[1]


def test_a_validation_set_without_weight_is_an_error():
    mlp = clone(MLP).set_params(early_stopping=True, validation_fraction=0.1)
    search = SweepCV(mlp, {"alpha": ALPHAS}, n_iter=None, cv=2)
    with pytest.raises(ValueError, match="to validate by have a sample_weight of 0; type another"):
        search.fit(X, Y, sample_weight=np.arange(M) % 30 == 0)


REFUSED = {
    "too few": ({"sample_weight": WEIGHTS[1:]}, r"shape \(59,\); expected numbers of shape \(60,"),
    "texts": ({"sample_weight": ["a"] * M}, "sample_weight is <U1 of shape"),
    "below 0": ({"sample_weight": WEIGHTS - 1}, r"sample_weight\[\d+\] is -1; expected 0 or more"),
    "not finite": (
        {"sample_weight": np.where(WEIGHTS > 1, np.nan, 1.0)},
        r"sample_weight\[\d+\] is nan",
    ),
    "nothing": ({"sample_weight": WEIGHTS * 0}, "all 60 of sample_weight are 0"),
    "X_val": ({"X_val": X}, "hands the network no X_val; expected sample_weight at most"),
    "no such thing": ({"weights": WEIGHTS}, "hands the network no weights; expected sample_weight"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_other_weights_are_refused_before_anything_is_trained(case):
    params, said = REFUSED[case]
    search = SweepCV(MLP, {"alpha": ALPHAS}, n_iter=None, cv=2)
    with pytest.raises(ValueError, match=said):
        search.fit(X, Y, **params)
    assert not hasattr(search, "cv_results_")


def test_weights_that_no_step_of_a_pipeline_is_named_for_are_refused():
    search = SweepCV(PIPELINE, {"mlpclassifier__alpha": ALPHAS}, n_iter=None, cv=2)
    for name in ("sample_weight", "scaler__sample_weight"):
        with pytest.raises(ValueError, match="type mlpclassifier__sample_weight= for the network"):
            search.fit(X, Y, **{name: WEIGHTS})


def test_a_fold_that_trains_on_nothing_of_weight_costs_its_score_alone():
    """And one whose test rows weigh nothing has a network, but no score."""
    weights = np.where(np.arange(M) < 30, 0.0, 1.0)
    parts = np.arange(30), np.arange(30, M)
    search = SweepCV(MLP, {"alpha": ALPHAS}, n_iter=None, cv=[parts, parts[::-1]], refit=False)
    with (
        pytest.warns(UserWarning, match="Scoring failed 2 times"),
        pytest.warns(sklearn.exceptions.FitFailedWarning, match="all sample weights are zero"),
    ):
        search.fit(X, Y, sample_weight=weights)
    assert np.isnan(split_scores(search)).all()
    assert search.cv_results_["status"].tolist() == ["finished", "finished"]
