"""`SweepCV`: scikit-learn's `RandomizedSearchCV`, whose networks are trained side by side."""

import copy
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from numbers import Real
from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin, is_classifier
from sklearn.metrics import check_scoring
from sklearn.model_selection import RandomizedSearchCV, check_cv
from sklearn.utils import check_random_state
from sklearn.utils.validation import _num_samples, indexable

from mlp_jax.estimators.search_evaluation import Evaluation
from mlp_jax.estimators.search_input import (
    Variant,
    candidates_of,
    check_named_classes,
    settings_of,
    variants_of,
)
from mlp_jax.estimators.search_parts import Parts, checked_target, parts_of, unweighted
from mlp_jax.estimators.search_results import as_cv_results, index_chosen, order_of_ended
from mlp_jax.estimators.search_samples import Samples, routed, weights_of_network
from mlp_jax.estimators.search_scores import accuracy
from mlp_jax.estimators.settings import Settings
from mlp_jax.estimators.trained_alone import candidate_of, reasons_of, warn_of_those_alone
from mlp_jax.processes.engines import executor_of_joblib
from mlp_jax.sweeps.folds import Split, as_splits
from mlp_jax.training.checks import check_count
from mlp_jax.wording import as_typed


class SweepCV(RandomizedSearchCV):
    """A search over the parameters of a network by cross-validation, in a few compiled programs.

    It takes what scikit-learn's `RandomizedSearchCV` takes, and gives what it gives; all candidates
    of a setting of the other steps are trained on all folds by one `mlp_jax.sweep`. It trains them
    in float32 (in float64 where JAX has it on), the best one again by `estimator.fit` in the dtype
    of X. Otherwise each is as `fit` trains it on the rows of a fold, with the same random_state the
    same to rounding; but lbfgs is optax's, which ends elsewhere near a minimum than scipy's.
    Candidates of different random_state have weights of their own, but one batch order and one
    validation set.

    Args:
      estimator: `mlp_jax.MLPClassifier`, `mlp_jax.MLPRegressor`, or a `Pipeline` that ends with one
        of them, a `TransformedTargetRegressor` of one, or one of these within the other. All but
        the network is fitted once a fold.
      param_distributions: a dict from parameters, of the network and of other steps, or from steps
        themselves, to lists or distributions, or a list of such dicts. Each setting of the other
        steps is fitted once a fold. Candidates that no sweep can train (an "adaptive" learning
        rate, shuffle=False) are fitted one by one, and a warning says so.
      n_iter: how many to draw; None for all combinations, as `GridSearchCV`.
      scoring: a scorer's name, a function (estimator, X, y), several of them, or None for the
        estimator's own score.
      n_jobs: how many workers train inside `joblib.parallel_config(backend="dask")` or "loky", see
        `help(mlp_jax.processes)`; elsewhere this process uses all cores by itself.
      refit: train the best on all samples; the name of a score, if there are several; or a function
        of `cv_results_` that returns a number of a candidate.
      cv: folds, a splitter, or pairs of indices.
      verbose: above 0 for a progress bar.
      pre_dispatch: is taken for scikit-learn's sake.
      random_state: of the drawing, and of the networks if the estimator has none.
      error_score: the score of a network that diverged, or whose scorer raises; "raise" to stop
        there.
      return_train_score: also score the samples trained on.
      halving: 3 to go on with the best third after a ninth and a third of the epochs, behind each
        setting of the other steps; by the accuracy or R² of the test rows, or the validation rows
        with early stopping.
      memory: bytes it may take, or None.
      ensemble: how many choices of candidates to average at most. `best_estimator_` is then the
        average of networks of all folds, chosen by their outputs for the test rows (see
        `mlp_jax.SweepResult.ensemble`) among the candidates that have the other steps of the best;
        nothing is trained again. None for the best alone. Not of a transformed target.

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

    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:
        """Trains and scores every candidate on every fold, and the best on all samples.

        Args:
          X: (samples, features), or whatever the first step of the pipeline takes.
          y: the target.
          **params: as `RandomizedSearchCV` hands them on: groups to the splitter; sample_weight,
            (samples,), to the network and to the scorers that take it (the steps of a pipeline by
            their names, as in `mlpclassifier__sample_weight`); or, with scikit-learn's
            metadata routing on, each to whoever requests it.

        Raises:
          ValueError: what came and what was expected, before anything is trained; or no candidate
            is left to average.
        """
        X, y = indexable(X, y)
        parts = parts_of(self.estimator)
        raises = self.error_score == "raise"
        scorer = check_scoring(self.estimator, scoring=self.scoring, raise_exc=raises)
        self._check_choices(scorer, parts)
        candidates = candidates_of(self.param_distributions, self.n_iter, self.random_state)
        variants = variants_of(parts, candidates)
        settings = settings_of(variants, candidates)
        target = checked_target(parts.mlp, y)
        like = unweighted(parts.mlp)
        like._as_Y(target, known=False)  # raises for what is no target
        check_named_classes(settings.values(), getattr(like, "classes_", np.empty(0)))
        samples, splits, scored = self._samples_and_splits(X, y, params, scorer)
        reasons = reasons_of(like, candidates, settings)
        warn_of_those_alone(reasons)
        evaluation = Evaluation(
            *(candidates, samples, target, splits, self._scorer_of(parts, scored)),
            whole=self._shows_all(),
            train=self.return_train_score,
            error_score=self.error_score,
            keeps=self.ensemble is not None,
        )
        self._evaluate(evaluation, parts, candidates, variants, settings, reasons)
        scores, trained = evaluation.scores, evaluation.trained
        self.n_splits_ = len(splits)
        self.scorer_ = getattr(scorer, "_scorers", scorer)
        self.multimetric_ = scores.several
        self.sweep_results_ = trained.sweeps
        self.cv_results_ = as_cv_results(candidates, scores, trained)
        self._choose(candidates, scores.names("test"))
        if self.ensemble is not None:
            order = order_of_ended(self.cv_results_, self._ranking_score(scores.names("test")))
            self.best_estimator_ = evaluation.average(order, self.ensemble)
        elif self.refit:
            self._fit_the_best(parts, samples)
        return self

    def _samples_and_splits(
        self, X: Any, y: Any, params: Mapping[str, Any], scorer: Any
    ) -> tuple[Samples, list[Split], Any]:
        """(samples with what is given beside them; the folds; the scorer that takes that)."""
        given = {name: value for name, value in params.items() if value is not None}
        of_fit, of_splitter, of_score, scorer = routed(self, scorer, given)
        weights = weights_of_network(self.estimator, of_fit, _num_samples(X))
        cv = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        splits = as_splits(list(cv.split(X, y, **of_splitter)), _num_samples(X))
        return Samples(X, y, of_fit, of_score, weights), splits, scorer

    def _evaluate(
        self,
        evaluation: Evaluation,
        parts: Parts,
        candidates: Sequence[Mapping[str, Any]],
        variants: Sequence[Variant],
        settings: Mapping[int, Settings],
        reasons: Sequence[str | None],
    ) -> None:
        """Trains and scores all candidates, side by side where no reason is against it."""
        beside = {number: one for number, one in settings.items() if reasons[number] is None}
        # One for all settings of the steps, so that their candidates can be compared.
        drawn = int(check_random_state(None).randint(np.iinfo(np.int32).max))

        def random_state_of(variant: Parts) -> Any:
            own = self._random_state_of(variant)
            return drawn if own is None else own

        how: dict[str, Any] = {"halving": self.halving, "memory": self.memory}
        how |= {"executor": executor_of_joblib(self.n_jobs), "progress": bool(self.verbose)}
        evaluation.beside(variants, beside, random_state_of, **how)
        for number, reason in enumerate(reasons):
            if reason is not None:
                random_state = self._random_state_of(parts)
                make = partial(candidate_of, parts, candidates[number], random_state)
                evaluation.alone(number, make)
        evaluation.end()

    def __getstate__(self) -> dict[str, Any]:
        """Without the sweeps, whose functions are not pickled; `mlp_jax.save_sweep` keeps them."""
        state: dict[str, Any] = dict(super().__getstate__())
        state.pop("sweep_results_", None)
        return state

    def _check_choices(self, scorer: Any, parts: Parts) -> None:
        """Raises ValueError for a wrong parameter of the search, before anything is trained."""
        if self.ensemble is not None and parts.transforms_target:
            raise ValueError(
                f"ensemble is {as_typed(self.ensemble)}, and networks that learn a target which "
                "each fold transforms in its own way cannot be averaged; leave ensemble out, or "
                "the TransformedTargetRegressor"
            )
        for name in ("ensemble", "n_iter"):
            if getattr(self, name) is not None:
                check_count(name, getattr(self, name))
        if self.error_score != "raise" and not isinstance(self.error_score, Real):
            given = as_typed(self.error_score)
            raise ValueError(f"error_score is {given}; expected a number, or 'raise'")
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
            self.best_index_ = index_chosen(self.refit, self.cv_results_)
        else:
            name = self._ranking_score(names)
            self.best_index_ = int(self.cv_results_[f"rank_test_{name}"].argmin())
            self.best_score_ = self.cv_results_[f"mean_test_{name}"][self.best_index_]
        self.best_params_ = candidates[self.best_index_]

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

    def _fit_the_best(self, parts: Parts, samples: Samples) -> None:
        began = time.perf_counter()
        best = candidate_of(parts, self.best_params_, self._random_state_of(parts))
        self.best_estimator_ = best.fit(samples.X, samples.y, **samples.fit_params)
        self.refit_time_ = time.perf_counter() - began
        if hasattr(self.best_estimator_, "feature_names_in_"):
            self.feature_names_in_ = self.best_estimator_.feature_names_in_
