"""A table searched: what `mlp-jax sweep`, `TableClassifier` and `TableRegressor` all do.

That is `task_of_table`, then `plan_of` and `run` of `mlp_jax.sweeps.run`, then `answer_of`.
"""

from typing import Any, NamedTuple

import numpy as np

from mlp_jax.models.model import Model
from mlp_jax.sweeps.results.ensemble import Ensemble
from mlp_jax.sweeps.results.result import SweepResult
from mlp_jax.sweeps.tables.default_space import FOLDS, default_search
from mlp_jax.sweeps.task import Task, as_task
from mlp_jax.tables.model_of_table import model_of_table
from mlp_jax.tables.table import EncodedTable, Table


class Answer(NamedTuple):
    """What a sweep of a table predicts by.

    ensemble: the average of some networks of the sweep.
    model: the same networks, with what it takes to use them on the rows of a table.
    """

    ensemble: Ensemble
    model: Model


def task_of_table(
    table: Table,
    parts: EncodedTable,
    *,
    space: Any = None,
    n: int | None = None,
    folds: Any = None,
    epochs: int | None = None,
    patience: int | None = None,
    scoring: Any = None,
    halving: int | None = None,
    seed: Any = 0,
    weights: Any = None,
) -> Task:
    """The sweep over the rows of a table to train on.

    Args:
      table: of the rows.
      parts: the rows, encoded.
      space: as of `mlp_jax.sweep`; None for `default_space`.
      n: how many configurations to draw; None for as many as `default_search` says.
      folds: as of `mlp_jax.sweep`; None for `folds_of` the table.
      epochs: of configurations that name none; None for `EPOCHS`.
      patience: likewise; None for never stopping early.
      scoring: as of `mlp_jax.sweep`.
      halving: of the sweep that is to be run.
      seed: of all that is drawn.
      weights: what every row counts, (m,); None for all ones.

    Raises:
      ValueError: what came, what was expected and what to type.
    """
    m, inputs = parts.X_train.shape
    folds = folds_of(table, parts.y_train) if folds is None else folds
    K = 1 if table.classes is None or len(table.classes) == 2 else len(table.classes)
    search = default_search(
        *(m, inputs, K),
        space=space,
        n=n,
        epochs=epochs,
        folds=folds if isinstance(folds, int) else FOLDS,
        halving=halving,
    )
    return as_task(
        *(parts.X_train.astype(np.float32), parts.y_train, search.space),
        n=search.n,
        folds=folds,
        epochs=search.epochs,
        patience=patience,
        scoring=scoring,
        key=seed,
        weights=weights,
    )


def folds_of(table: Table, y: np.ndarray) -> int:
    """How many folds the rows of a table are divided into: `FOLDS`, or fewer where rows are few.

    At most as many as the rarest class has rows, so that each fold validates by one of every class;
    but 2 at least. Of numbers, so few that each fold validates by two.

    Args:
      table: of the rows.
      y: (m,), the place of each row's class, or its number.

    Raises:
      ValueError: there are no two folds.
    """
    m = len(y)
    if m < 4:
        raise ValueError(
            f"{m} sample{'s' * (m != 1)} (n_samples={m}) cannot be divided into folds to train on "
            "and to validate by; expected 4 or more"
        )
    fewest = m // 2 if table.classes is None else int(np.bincount(y.astype(int)).min())
    return min(FOLDS, max(2, fewest))


def answer_of(result: SweepResult, table: Table, parts: EncodedTable, size: int) -> Answer:
    """The ensemble of a sweep of `parts`, of so many choices, and its model."""
    ensemble = result.ensemble(size)
    params, network = ensemble.networks[0]
    return Answer(ensemble, model_of_table(table, parts, params, network))
