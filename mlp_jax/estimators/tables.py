"""What `TableClassifier` and `TableRegressor` share: from a frame to an ensemble, and back."""

import os
from typing import Any, Self

import numpy as np
import pandas
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import (
    _check_sample_weight,
    check_consistent_length,
    check_is_fitted,
    validate_data,
)

from mlp_jax.models.model import Model
from mlp_jax.models.model_file import write_model
from mlp_jax.sweeps.in_time import check_alone
from mlp_jax.sweeps.results.result import SweepResult
from mlp_jax.sweeps.run import plan_of, run
from mlp_jax.sweeps.running.limit import TimeLimit, as_limit
from mlp_jax.sweeps.tables.search import choice_of, search_in_time, task_of_table
from mlp_jax.tables.columns import feature_columns
from mlp_jax.tables.files import RawTable
from mlp_jax.tables.frames import is_frame, raw_frame, table_of_frame
from mlp_jax.tables.input_choices import OF_A_SEARCH, InputChoices
from mlp_jax.tables.table import EncodedTable, Table, encoded_parts
from mlp_jax.wording import as_typed


class TableEstimator(BaseEstimator):
    """An estimator of tables without what depends on its kind of target.

    `TableClassifier` and `TableRegressor` describe the parameters.
    """

    model_: Model
    sweep_result_: SweepResult

    def __init__(self, **parameters: Any) -> None:
        for name, value in parameters.items():
            setattr(self, name, value)

    def _as_target(self, y: Any) -> tuple[np.ndarray, tuple[Any, ...] | None]:
        """(the place of each row's class, or its number, (samples,); what the classes are)."""
        raise NotImplementedError

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Searches networks by cross-validation, and keeps an ensemble of them.

        Args:
          X: (samples, columns): a frame of pandas or polars, a table of pyarrow, a dict of columns,
            or an array. Columns may be of numbers, truth values and texts, and may have gaps.
          y: (samples,), what to predict.
          sample_weight: (samples,), or None.

        Raises:
          ValueError: what came, what was expected and what to type.
        """
        limit = as_limit(self.seconds)
        if limit is not None:
            check_alone(checkpoint=self.checkpoint)
        raw = self._raw(X, reset=True)
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y "
                "is None."
            )
        named = getattr(y, "name", None)
        target = named if isinstance(named, str) and named else "target"
        places, classes = self._as_target(y)
        check_consistent_length(raw.frame.columns[0], places)
        weights = self._weights(sample_weight, places, classes)
        table = table_of_frame(
            raw, places, target=target, classes=classes, categorical=self.categorical
        )
        every = np.arange(len(places))
        parts = encoded_parts(table, every, every[:0], self.memory, self._inputs())
        result = self._search(table, parts, weights, limit)
        choice = choice_of(result, table, parts, self.ensemble)
        self.sweep_result_, self.model_ = result, choice.answer(result, parts).model
        self._leaderboard = result.to_pandas()
        at = self._leaderboard.columns.get_loc("best_epoch") + 1
        self._leaderboard.insert(at, "weight", choice.shares(result))
        return self

    def _search(
        self,
        table: Table,
        parts: EncodedTable,
        weights: np.ndarray | None,
        limit: TimeLimit | None,
    ) -> SweepResult:
        """The sweep of the rows, (samples,) of these weights."""
        asked: dict[str, Any] = {
            "space": self.space,
            "n": self.n_iter,
            "folds": self.cv,
            "epochs": self.epochs,
            "patience": self.patience,
            "scoring": self.scoring,
            "halving": self.halving,
            "seed": _seed(self.random_state),
            "weights": weights,
        }
        if limit is not None:
            how = {"memory": self.memory, "progress": self.verbose}
            return search_in_time(
                *(table, parts, limit), refit=self.ensemble == 1, how=how, **asked
            )
        task, halving = task_of_table(table, parts, **asked)
        return run(
            *(task, plan_of(task, memory=self.memory, halving=halving)),
            progress=self.verbose,
            checkpoint=self.checkpoint,
        )

    def _inputs(self) -> InputChoices:
        """How columns become inputs: the choices that are typed, and otherwise the default ones."""
        return OF_A_SEARCH.with_choices(
            scaling=self.scaling, bins=self.bins, binary_as_one=self.binary_as_one
        )

    def _weights(
        self, sample_weight: Any, places: np.ndarray, classes: tuple[Any, ...] | None
    ) -> np.ndarray | None:
        """The weights, checked against the rows, (samples,), and against what they leave over."""
        if sample_weight is None:
            return None
        weights = _check_sample_weight(sample_weight, places[:, None], ensure_non_negative=True)
        if not weights.any():
            raise ValueError("all sample weights are zero; expected some above zero")
        left = np.unique(places[weights > 0])
        if classes is not None and len(left) < 2:
            raise ValueError(
                f"all samples but those of the one class {as_typed(classes[left[0]])} have a "
                "sample_weight of 0; expected two classes or more above zero"
            )
        return weights

    def leaderboard(self) -> pandas.DataFrame:
        """The configurations in the order of their scores, a row each.

        Columns: rank, score (the better the higher) and spread over the folds, best epoch, weight
        in the ensemble, status, and what the configuration has chosen.
        """
        check_is_fitted(self)
        return self._leaderboard.copy()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the ensemble to a model file, for `mlp-jax predict` and `mlp_jax.load_model`.

        The file has no code. One that is there already is replaced once the new one is whole.
        """
        check_is_fitted(self)
        write_model(path, self.model_)

    def _outputs(self, X: Any) -> np.ndarray:
        """A[L] of every row of X, (samples, K)."""
        check_is_fitted(self)
        raw = self._raw(X, reset=False)
        return self.model_.outputs(feature_columns(raw, self.model_.encoding.columns))

    def __getstate__(self) -> dict[str, Any]:
        """What pickle keeps: all but the sweep, which has functions; `save_sweep` writes it."""
        state: dict[str, Any] = super().__getstate__()
        state.pop("sweep_result_", None)
        return state

    def _raw(self, X: Any, *, reset: bool) -> RawTable:
        """Checks X; its columns have the names that they had in `fit`, by their order."""
        if is_frame(X):
            raw = raw_frame(X)
            # scikit-learn's check of names, which knows few kinds of frames, sees those of all.
            names = list(X.columns if isinstance(X, pandas.DataFrame) else raw.frame.column_names)
            validate_data(self, pandas.DataFrame(columns=names), reset=reset, skip_check_array=True)
            if not raw.frame.num_rows:
                raise ValueError("X has 0 samples; expected a row or more")
        else:
            X = validate_data(self, X, reset=reset, dtype=None, ensure_all_finite=False)
            raw = raw_frame(X)
        if reset:
            self._columns = list(raw.frame.column_names)
        return raw._replace(frame=raw.frame.rename_columns(self._columns))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags


def _seed(random_state: Any) -> int:
    """A whole number as it is, as --seed of the command line; of anything else a drawn one."""
    if isinstance(random_state, int | np.integer) and not isinstance(random_state, bool):
        return int(random_state)
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))
