"""`TableClassifier`: classes, from a table as it is."""

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_y

from mlp_jax.estimators.tables import TableEstimator
from mlp_jax.models.cells import is_missing
from mlp_jax.models.outputs import class_numbers, probabilities
from mlp_jax.wording import as_typed


class TableClassifier(ClassifierMixin, TableEstimator):
    """A table in, classes out: columns encoded, networks searched, the best of them averaged.

    `fit` does what `mlp-jax sweep` does with a file, on all the rows it is handed: it says what
    each column is (numbers with their gaps filled in, texts as categories), draws configurations
    from a space, trains them by cross-validation many at a time, and averages the networks that
    together predict best what they have not seen. The same rows and seed give the same networks.

    Parameters are named as scikit-learn's searches name theirs (`n_iter`, `cv`, `scoring`,
    `random_state`, `verbose`); where these have none, as `mlp_jax.sweep` and `SweepCV` do.

    Args:
      space: what to search, as of `mlp_jax.sweep`; None for the default one.
      n_iter: how many configurations to draw; None for as many as a fixed amount of arithmetic
        trains, which takes some minutes on two cores at most.
      seconds: how long `fit` may take, such as 300: as many configurations are drawn as fit into
        the time, and `n_iter` at most; None for no limit. How many fit depends on the machine.
      cv: how many folds, a splitter of scikit-learn, or pairs of indices; None for 5, or fewer
        where the rarest class has fewer rows.
      scoring: what ranks the configurations, as of `mlp_jax.sweep`; None for the log loss. The
        ensemble is chosen by the loss, whatever this is.
      epochs: how long a network trains at most, `max_iter` of `MLPClassifier`; None for what suits.
      patience: epochs without an improvement after which a training stops; None for a quarter of
        them, or with a space of your own for never.
      halving: 3 to go on with the best third of the configurations, twice; None to train all to
        the end; "auto" for 3 where they are drawn of a space of your own.
      ensemble: how many choices the ensemble is of; 1 for the best configuration alone, trained
        again on all rows.
      categorical: names of columns of categories that look like numbers, or like names; of an array
        these are x0, x1, ... Columns of a frame's categorical dtype need not be named.
      scaling: "standard" or "robust", of numbers; None for "robust".
      bins: of how many bins between quantiles a number has an input each beside its own, 0 for
        none; None for "auto", as many as the rows allow.
      binary_as_one: whether a column of two categories is one input; None for True.
      random_state: of all that is drawn. An integer is what --seed is on the command line.
      strict: refuses what needs a guess: dates, words for gaps, numbers with commas or currency,
        infinite numbers, names of rows, a missing y, columns of one name.
      memory: bytes that the table may take, and the networks of the sweep; None for half of what
        is free, and what suits the machine.
      checkpoint: a folder to save to; the same `fit` again goes on from there.
      verbose: shows a bar.

    Attributes:
      classes_: (K,), what y may be, in order.
      notes_: what was made of the table, a line for each thing, such as columns of names left out.
      model_: the `mlp_jax.Model` of the ensemble, which predicts by NumPy alone.
      sweep_result_: the `mlp_jax.SweepResult` behind it; `mlp_jax.save_sweep` keeps it, pickle does
        not.
      n_features_in_: how many columns X had.
      feature_names_in_: their names, if X had texts as names.

    Example:
      >>> import pandas
      >>> rows = [(i % 9, "red" if i % 2 else None, bool(i % 3)) for i in range(60)]
      >>> X = pandas.DataFrame(rows, columns=["size", "colour", "new"])
      >>> y = ["dear" if size > 4 or new else "cheap" for size, _, new in rows]
      >>> space = {"width": [8], "learning_rate": [0.03, 0.1]}
      >>> found = TableClassifier(space=space, cv=2, epochs=20, random_state=0).fit(X, y)
      >>> found.score(X, y) > 0.9, found.predict(X[:3])
      (True, array(['cheap', 'dear', 'dear'], dtype='<U5'))
      >>> found.leaderboard()["rank"].tolist()
      [1, 2]
    """

    classes_: np.ndarray

    def __init__(
        self,
        *,
        space: Any = None,
        n_iter: int | None = None,
        seconds: float | None = None,
        cv: Any = None,
        scoring: Any = None,
        epochs: int | None = None,
        patience: int | None = None,
        halving: Any = "auto",
        ensemble: int = 8,
        categorical: Any = (),
        scaling: str | None = None,
        bins: int | str | None = None,
        binary_as_one: bool | None = None,
        random_state: Any = None,
        strict: bool = False,
        memory: int | None = None,
        checkpoint: Any = None,
        verbose: Any = False,
    ) -> None:
        given = dict(locals())
        super().__init__(**{name: given[name] for name in self._get_param_names()})

    def predict(self, X: Any) -> np.ndarray:
        """The class of every row of X, (samples,)."""
        places = class_numbers(self._outputs(X))
        return self.classes_[places]

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of every class, (samples, classes), in the order of `classes_`."""
        return probabilities(self._outputs(X))

    def _as_target(self, y: Any) -> tuple[np.ndarray, tuple[Any, ...] | None]:
        y = _check_y(y, estimator=self)
        gaps = [row for row, label in enumerate(y) if is_missing(label)]
        if gaps:
            raise ValueError(
                f"y[{gaps[0]}] is missing, as in {len(gaps):,} of {len(y):,} rows; fill it in, or "
                "take these rows out"
            )
        try:
            check_classification_targets(y)
        except ValueError as error:
            raise ValueError(f"{error} (for numbers, type TableRegressor)") from None
        self.classes_, places = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"y has the one class {as_typed(self.classes_[0])}; expected two or more"
            )
        return places, tuple(self.classes_.tolist())
