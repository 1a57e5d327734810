"""What `TableClassifier` and `TableRegressor` share: from a frame to an ensemble, and back."""

import os
import warnings
from collections.abc import Collection
from numbers import Integral
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

from mlp_jax.models.cells import is_missing
from mlp_jax.models.model import Model
from mlp_jax.models.model_file import write_model
from mlp_jax.sweeps.in_time import check_alone
from mlp_jax.sweeps.results.result import SweepResult
from mlp_jax.sweeps.run import plan_of, run
from mlp_jax.sweeps.running.limit import TimeLimit, as_limit
from mlp_jax.sweeps.tables.search import choice_of, search_in_time, task_of_table
from mlp_jax.tables.features import feature_columns
from mlp_jax.tables.frames import is_frame, raw_frame, table_of_frame
from mlp_jax.tables.input_choices import OF_A_SEARCH, InputChoices
from mlp_jax.tables.kinds import AMONG_TEXTS
from mlp_jax.tables.notes import DISCARDS, lines
from mlp_jax.tables.raw_table import RawTable
from mlp_jax.tables.table import EncodedTable, Table, encoded_parts
from mlp_jax.tables.targets import without
from mlp_jax.wording import as_typed


class TableEstimator(BaseEstimator):
    """An estimator of tables without what depends on its kind of target.

    `TableClassifier` and `TableRegressor` describe the parameters.
    """

    _gaps: tuple[str, ...] = AMONG_TEXTS  # words for gaps in y

    model_: Model
    notes_: tuple[str, ...]
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
            or an array. Columns may be of numbers, also as people write them, of truth values,
            texts, dates and times, and may have gaps. What was made of them is in `notes_`.
          y: (samples,), what to predict; rows in which it is missing are left out.
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
        raw, y, sample_weight = self._with_target(raw, y, sample_weight, target)
        places, classes = self._as_target(y)
        check_consistent_length(raw.frame.columns[0], places)
        weights = self._weights(sample_weight, places, classes)
        table = table_of_frame(
            raw, places, target=target, classes=classes, categorical=self.categorical
        )
        self.notes_ = tuple(table.said())
        for line in lines((n for n in table.notes if n.what in DISCARDS), in_python=True):
            warnings.warn(line, UserWarning, stacklevel=2)
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

    def _with_target(
        self, raw: RawTable, y: Any, weights: Any, target: str
    ) -> tuple[RawTable, Any, Any]:
        """X, y and weights of the rows whose target is there, unless gaps are to be refused."""
        missing = _missing(y, self._gaps)
        if self.strict or not missing.any() or len(missing) != raw.frame.num_rows:
            return raw, y, weights
        if missing.all():
            raise ValueError("y is missing in every row; expected what to predict")
        if not (self.cv is None or isinstance(self.cv, Integral) or hasattr(self.cv, "split")):
            raise ValueError(
                f"y is missing in {missing.sum():,} rows, which would be left out, and cv is of "
                "indices of all rows; take these rows out of X, y and cv"
            )
        note = without(int(missing.sum()), len(missing), target)
        raw = raw._replace(notes=(*raw.notes, note)).with_rows(~missing)
        if weights is not None and np.shape(weights) == missing.shape:
            weights = np.asarray(weights)[~missing]
        return raw, np.asarray(y)[~missing], weights

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
            raw = raw_frame(X, strict=self.strict)
            # scikit-learn's check of names, which knows few kinds of frames, sees those of all.
            own = isinstance(X, pandas.DataFrame) and X.columns.is_unique
            names = list(X.columns if own else raw.frame.column_names)
            validate_data(self, pandas.DataFrame(columns=names), reset=reset, skip_check_array=True)
            if not raw.frame.num_rows:
                raise ValueError("X has 0 samples; expected a row or more")
        else:
            X = validate_data(self, X, reset=reset, dtype=None, ensure_all_finite=False)
            raw = raw_frame(X, strict=self.strict)
        if reset:
            self._columns = list(raw.frame.column_names)
        return raw._replace(frame=raw.frame.rename_columns(self._columns))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags


def _missing(y: Any, words: Collection[str]) -> np.ndarray:
    """Whether each of y is missing, (samples,), or one of these words for a gap.

    Of anything but a list, none is.
    """
    found = np.asarray(y)
    if found.ndim != 1:
        return np.zeros(len(found) if found.ndim else 0, bool)
    if found.dtype.kind in "biu":
        return np.zeros(len(found), bool)
    texts = [one.strip().lower() if isinstance(one, str) else "a" for one in found]
    is_word = [not text or text in words for text in texts]
    return np.array([is_missing(one) for one in found], bool) | is_word


def _seed(random_state: Any) -> int:
    """A whole number as it is, as --seed of the command line; of anything else a drawn one."""
    if isinstance(random_state, int | np.integer) and not isinstance(random_state, bool):
        return int(random_state)
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))
