"""`SweepCV`: scikit-learn's `RandomizedSearchCV`, whose networks are trained side by side."""

import copy
import time
from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin, is_classifier
from sklearn.metrics import check_scoring
from sklearn.model_selection import RandomizedSearchCV, check_cv
from sklearn.utils.validation import indexable

from mlp_jax.estimators.search_input import (
    Parts,
    candidates_of,
    parts_of,
    settings_of,
)
from mlp_jax.estimators.search_results import as_cv_results
from mlp_jax.estimators.search_scores import accuracy, score_candidates
from mlp_jax.estimators.search_tables import tables_of
from mlp_jax.estimators.trained_alone import (
    FittedAlone,
    candidate_of,
    fit_alone,
    reasons_of,
    warn_of_those_alone,
)
from mlp_jax.estimators.trained_candidates import average_candidates, train_candidates
from mlp_jax.training.checks import check_count
from mlp_jax.wording import as_typed


class SweepCV(RandomizedSearchCV):
    """A search over the parameters of a network by cross-validation, in a few compiled programs.

    It takes what scikit-learn's `RandomizedSearchCV` takes, but for weights of samples, and gives
    what it gives; all candidates are trained on all folds by `mlp_jax.sweep`. They are trained in
    float32 (in float64 where JAX has it on), the best one again by `estimator.fit` in the dtype of
    X. Otherwise each is as `fit` trains it on the rows of a fold, with the same random_state the
    same to rounding; but lbfgs is optax's, which ends elsewhere near a minimum than scipy's.
    Candidates of different random_state have weights of their own, but one batch order and one
    validation set.

    Args:
      estimator: `mlp_jax.MLPClassifier`, `mlp_jax.MLPRegressor`, or a `Pipeline` that ends with one
        of them, whose other steps are fitted once a fold.
      param_distributions: a dict from the network's parameters to lists or distributions, or a list
        of such dicts. Candidates that no sweep can train (an "adaptive" learning rate,
        shuffle=False, parameters of other steps) are fitted one by one, and a warning says so.
      n_iter: how many to draw; None for all combinations, as `GridSearchCV`.
      scoring: a scorer's name, a function (estimator, X, y), several of them, or None for the
        estimator's own score.
      n_jobs: is taken for scikit-learn's sake; all cores are used.
      refit: train the best on all samples; the name of a score, if there are several; or a function
        of `cv_results_` that returns a number of a candidate.
      cv: folds, a splitter, or pairs of indices.
      verbose: above 0 for a progress bar.
      pre_dispatch: is taken for scikit-learn's sake.
      random_state: of the drawing, and of the networks if the estimator has none.
      error_score: the score of a network that diverged, or whose scorer raises; "raise" to stop
        there.
      return_train_score: also score the samples trained on.
      halving: 3 to go on with the best third after a ninth and a third of the epochs; by the
        accuracy or R² of the test rows, or the validation rows with early stopping.
      memory: bytes it may take, or None.
      ensemble: how many choices of candidates to average at most. `best_estimator_` is then the
        average of their networks of all folds, chosen by their outputs for the test rows (see
        `mlp_jax.SweepResult.ensemble`); nothing is trained again. None for the best alone.

    Attributes:
      cv_results_, best_estimator_, best_params_, best_score_, best_index_, scorer_, n_splits_,
      refit_time_, multimetric_, classes_: as scikit-learn's; cv_results_ also has "status".
      sweep_results_: the `mlp_jax.SweepResult`s behind it.

    Example:
      >>> import numpy as np, mlp_jax
      >>> from scipy.stats import loguniform
      >>> X = np.random.default_rng(0).normal(size=(200, 2))
      >>> y = X[:, 0] * X[:, 1] > 0
      >>> space = {"hidden_layer_sizes": [(2,), (16, 16)], "learning_rate_init": [0.01, 0.03]}
      >>> mlp = mlp_jax.MLPClassifier(alpha=1e-3, max_iter=500, tol=1e-3, random_state=0)
      >>> search = SweepCV(mlp, space, n_iter=None, cv=3).fit(X, y)
      >>> search.best_params_["hidden_layer_sizes"], bool(search.best_score_ > 0.8)
      ((16, 16), True)
    """

    def __init__(
        self,
        estimator: Any,
        param_distributions: Any,
        *,
        n_iter: int | None = 10,
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: Any = True,
        cv: Any = None,
        verbose: int = 0,
        random_state: Any = None,
        pre_dispatch: Any = "2*n_jobs",
        error_score: Any = np.nan,
        return_train_score: bool = False,
        halving: int | None = None,
        memory: int | None = None,
        ensemble: int | None = None,
    ) -> None:
        super().__init__(
            estimator,
            param_distributions,
            n_iter=n_iter,
            random_state=random_state,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.halving = halving
        self.memory = memory
        self.ensemble = ensemble

    def fit(self, X: Any, y: Any = None, *, groups: Any = None, **params: Any) -> Self:
        """Trains and scores every candidate on every fold, and the best on all samples.

        Args:
          X: (samples, features), or whatever the first step of the pipeline takes.
          y: the target.
          groups: of the samples, for splitters that keep them together.
          **params: what `RandomizedSearchCV` takes beside these, such as sample_weight, is refused.

        Raises:
          ValueError: what came and what was expected, before anything is trained; or no candidate
            is left to average.
        """
        _check_no_more(params)
        X, y, groups = indexable(X, y, groups)
        parts = parts_of(self.estimator)
        raises = self.error_score == "raise"
        scorer = check_scoring(self.estimator, scoring=self.scoring, raise_exc=raises)
        candidates = candidates_of(self.param_distributions, self.n_iter, self.random_state)
        settings = settings_of(parts, self.estimator, candidates)
        self._check_choices(scorer)
        cv = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        splits = list(cv.split(X, y, groups))
        tables = tables_of(parts.steps, parts.mlp, X, y, splits, shown=self.return_train_score)
        if tables.failed and raises:
            raise next(iter(tables.failed.values()))
        random_state = self._random_state_of(parts)
        reasons = reasons_of(parts, tables, candidates, settings)
        warn_of_those_alone(reasons)

        def alone(number: int, train: np.ndarray) -> FittedAlone:
            one = candidate_of(parts, self.estimator, candidates[number], random_state)
            return fit_alone(one, X, y, train, raises=raises)

        trained = train_candidates(
            *(tables, settings, alone),
            those_alone=[i for i, reason in enumerate(reasons) if reason is not None],
            random_state=random_state,
            halving=self.halving,
            memory=self.memory,
            progress=bool(self.verbose),
        )
        scores = score_candidates(
            *(tables, settings, trained, self._scorer_of(parts, scorer), X, y),
            whole=self._shows_all(),
            train=self.return_train_score,
            error_score=self.error_score,
        )
        self.n_splits_ = len(splits)
        self.scorer_ = getattr(scorer, "_scorers", scorer)
        self.multimetric_ = scores.several
        self.sweep_results_ = trained.sweeps
        self.cv_results_ = as_cv_results(candidates, scores, trained)
        self._choose(candidates, scores.names("test"))
        if self.ensemble is not None:
            alike = [len(parts.of_network(one)) == len(one) for one in candidates]
            order = self._order_of_ensemble(scores.names("test"), alike)
            self.best_estimator_ = average_candidates(tables, trained, order, self.ensemble)
        elif self.refit:
            self._fit_the_best(parts, X, y)
        return self

    def __getstate__(self) -> dict[str, Any]:
        """Without the sweeps, whose functions are not pickled; `mlp_jax.save_sweep` keeps them."""
        state: dict[str, Any] = dict(super().__getstate__())
        state.pop("sweep_results_", None)
        return state

    def _check_choices(self, scorer: Any) -> None:
        """Raises ValueError for a wrong parameter of the search, before anything is trained."""
        for name in ("ensemble", "n_iter"):
            if getattr(self, name) is not None:
                check_count(name, getattr(self, name))
        several = list(getattr(scorer, "_scorers", {}))
        if several and (self.ensemble or (self.refit and not callable(self.refit))):
            self._ranking_score(several)

    def _scorer_of(self, parts: Parts, scorer: Callable[..., Any]) -> Callable[..., Any]:
        """The scorer, or a quicker one for the accuracy, which is a classifier's own score."""
        own = self.scoring is None and type(parts.mlp).score is ClassifierMixin.score
        return accuracy if own else scorer

    def _shows_all(self) -> bool:
        """Whether a scorer is a function of the user, who expects the whole estimator."""
        given = self.scoring.values() if isinstance(self.scoring, Mapping) else [self.scoring]
        return any(callable(one) and not hasattr(one, "_score_func") for one in given)

    def _choose(self, candidates: list[dict[str, Any]], names: list[str]) -> None:
        """Sets the best candidate: the one of the highest score, or what `refit` returns."""
        if not self.refit and self.multimetric_:
            return
        if callable(self.refit):
            self.best_index_ = int(self.refit(self.cv_results_))
        else:
            name = self._ranking_score(names)
            self.best_index_ = int(self.cv_results_[f"rank_test_{name}"].argmin())
            self.best_score_ = self.cv_results_[f"mean_test_{name}"][self.best_index_]
        self.best_params_ = candidates[self.best_index_]

    def _order_of_ensemble(self, names: list[str], alike: list[bool]) -> list[int]:
        """The candidates that an ensemble may have, the best first.

        alike: whether a candidate's network stands behind the same steps as others; a network
          behind steps of its own cannot be chosen beside the rest.
        """
        order = np.argsort(
            self.cv_results_[f"rank_test_{self._ranking_score(names)}"], kind="stable"
        )
        found = [
            int(i)
            for i in order
            if self.cv_results_["status"][i] in ("finished", "stopped") and alike[i]
        ]
        if not found:
            raise ValueError(
                f"ensemble is {self.ensemble}, but no candidate went to the end on all folds; type "
                "a smaller learning_rate_init"
            )
        return found

    def _random_state_of(self, parts: Parts) -> Any:
        """The random_state of the network, or of the search if the network has none."""
        own = parts.mlp.random_state
        # A copy, since `clone` too makes one for every fit.
        return self.random_state if own is None else copy.deepcopy(own)

    def _ranking_score(self, names: list[str]) -> str:
        """The one of these scores that candidates are ranked by."""
        if names == ["score"]:
            return "score"
        if self.refit not in names:
            otherwise = ", a function, or False"
            if self.ensemble:
                otherwise = ", by which an ensemble is chosen"
            raise ValueError(
                f"refit is {as_typed(self.refit)} and there are several scores; expected one of "
                f"{', '.join(names)}{otherwise}"
            )
        return str(self.refit)

    def _fit_the_best(self, parts: Parts, X: Any, y: Any) -> None:
        began = time.perf_counter()
        random_state = self._random_state_of(parts)
        best = candidate_of(parts, self.estimator, self.best_params_, random_state)
        self.best_estimator_ = best.fit(X, y)
        self.refit_time_ = time.perf_counter() - began
        if hasattr(self.best_estimator_, "feature_names_in_"):
            self.feature_names_in_ = self.best_estimator_.feature_names_in_


def _check_no_more(params: Mapping[str, Any]) -> None:
    """Raises ValueError for what `RandomizedSearchCV.fit` takes and a search of ours does not."""
    for name, value in params.items():
        if value is not None:
            raise ValueError(
                f"fit of SweepCV takes no {name}; leave it out (weights of classes: type "
                "class_weight in the estimator), or type RandomizedSearchCV"
            )
