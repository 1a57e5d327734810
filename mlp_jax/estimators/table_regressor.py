"""`TableRegressor`: numbers, from a table as it is."""

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.validation import _check_y

from mlp_jax.estimators.tables import TableEstimator
from mlp_jax.tables.kinds import AMONG_NUMBERS
from mlp_jax.tables.targets import numbers_in_texts


class TableRegressor(RegressorMixin, TableEstimator):
    """A table in, numbers out: columns encoded, networks searched, the best of them averaged.

    As `TableClassifier`, for a target of numbers, which is standardised for the training.

    Args:
      space: what to search, as of `mlp_jax.sweep`; None for the default one.
      n_iter: how many configurations to draw; None for as many as a fixed amount of arithmetic
        trains, which takes some minutes on two cores at most.
      seconds: how long `fit` may take, such as 300: as many configurations are drawn as fit into
        the time, and `n_iter` at most; None for no limit. How many fit depends on the machine.
      cv: how many folds, a splitter of scikit-learn, or pairs of indices; None for 5, or fewer
        where there are few rows.
      scoring: what ranks the configurations, as of `mlp_jax.sweep`; None for R². The ensemble is
        chosen by the loss, whatever this is.
      epochs: how long a network trains at most, `max_iter` of `MLPRegressor`; None for what suits.
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
      notes_: what was made of the table, a line for each thing, such as columns of names left out.
      model_: the `mlp_jax.Model` of the ensemble, which predicts by NumPy alone.
      sweep_result_: the `mlp_jax.SweepResult` behind it; `mlp_jax.save_sweep` keeps it, pickle does
        not.
      n_features_in_: how many columns X had.
      feature_names_in_: their names, if X had texts as names.

    Example:
      >>> import numpy as np
      >>> X = {"side": np.arange(60) % 10, "kind": ["square", "circle"] * 30}
      >>> y = X["side"] * np.tile([1.0, 0.8], 30) + 7
      >>> space = {"width": [16], "learning_rate": [0.03, 0.1]}
      >>> found = TableRegressor(space=space, cv=2, epochs=40, random_state=0).fit(X, y)
      >>> bool(found.score(X, y) > 0.9), found.predict(X).shape
      (True, (60,))
    """

    _gaps = AMONG_NUMBERS

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
        """The number of every row of X, (samples,)."""
        A = self._outputs(X)
        return self.model_.predicted(A)

    def interval(self, X: Any, level: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
        """(low, high) of every row of X, (samples,) each, as `mlp_jax.Model.interval` has them."""
        predicted = self.predict(X)
        (half_width,) = self.model_.half_widths(level)
        return predicted - half_width, predicted + half_width

    def _as_target(self, y: Any) -> tuple[np.ndarray, tuple[Any, ...] | None]:
        cells = np.asarray(y)
        written = None
        if cells.dtype.kind in "OU" and cells.ndim == 1 and not self.strict:
            written = numbers_in_texts(cells.tolist())
        try:
            y = _check_y(y if written is None else written, y_numeric=True, estimator=self)
        except ValueError as error:
            if "could not convert" not in str(error):
                raise
            raise ValueError(
                f"y: {error}; expected numbers (for classes, type TableClassifier)"
            ) from None
        if y.dtype.kind not in "fiub":
            raise ValueError(
                f"y is of {y.dtype}; expected numbers (for classes, type TableClassifier)"
            )
        y = y.astype(np.float64)
        if len(y) > 1 and y.min() == y.max():
            raise ValueError(f"y is {y[0]:g} in every row; expected numbers that vary")
        return y, None
