"""A table searched: what `mlp-jax sweep`, `TableClassifier` and `TableRegressor` all do.

That is `task_of_table`, then `plan_of` and `run` of `mlp_jax.sweeps.run`, then `choice_of`.
"""

from functools import partial
from typing import Any, NamedTuple

import numpy as np

from mlp_jax.loss_rules import can_be_averaged
from mlp_jax.losses import is_named_loss
from mlp_jax.models.model import Model
from mlp_jax.sweeps.in_time import run_in_time
from mlp_jax.sweeps.results.answer import Answer, explained
from mlp_jax.sweeps.results.ensemble import Ensemble, Fitted
from mlp_jax.sweeps.results.result import SweepResult
from mlp_jax.sweeps.running.limit import TimeLimit
from mlp_jax.sweeps.stream import Stream
from mlp_jax.sweeps.tables.default_space import FOLDS, PATIENCE, default_search
from mlp_jax.sweeps.tables.time_after import seconds_after
from mlp_jax.sweeps.task import Task, as_task
from mlp_jax.tables.model_of_table import model_of_table, scores, with_notes
from mlp_jax.tables.table import EncodedTable, Table
from mlp_jax.training.checks import check_count


class Choice(NamedTuple):
    """What a sweep of a table may predict by.

    chosen: the networks: an average of some of the sweep, or the best configuration's, trained
      again on all rows.
    model: the same networks, with what it takes to use them on the rows of a table.
    found: the scores of the rows held out by name; {} if there are none.
    """

    chosen: Ensemble | Fitted
    model: Model
    found: dict[str, float]

    def shares(self, result: SweepResult) -> list[float]:
        """The weight of every configuration of the ranking among the chosen, of sum 1."""
        ranks = list(self.chosen.chosen) if isinstance(self.chosen, Ensemble) else [1]
        return [ranks.count(rank) / len(ranks) for rank in range(1, len(result.ranking) + 1)]

    def answer(self, result: SweepResult, parts: EncodedTable) -> Answer:
        """The model with what it rests on: importance of columns, errors out of fold."""
        held = (parts.X_test, parts.y_test) if len(parts.y_test) else ()
        ensemble = self.chosen if isinstance(self.chosen, Ensemble) else None
        return explained(self.model, result, ensemble, *held)


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
    halving: Any = "auto",
    seed: Any = 0,
    weights: Any = None,
    stream: bool = False,
) -> tuple[Task, int | None]:
    """The sweep over the rows of a table to train on: (its task, its halving).

    Args:
      table: of the rows.
      parts: the rows, encoded.
      space: as of `mlp_jax.sweep`; None for `default_space`.
      n: how many configurations to draw; None for as many as `default_search` says.
      folds: as of `mlp_jax.sweep`; None for `folds_of` the table.
      epochs: of configurations that name none; None for as many as `default_search` says.
      patience: likewise; None for a quarter of the epochs of the default space, and for never
        stopping early of another.
      scoring: as of `mlp_jax.sweep`; None for R², or for the loss of classes, by which fewer rows
        tell networks apart than by accuracy.
      halving: as of `default_search`.
      seed: of all that is drawn.
      weights: what every row counts, (m,); None for all ones.
      stream: as of `mlp_jax.sweeps.space.configurations`.

    Raises:
      ValueError: what came, what was expected and what to type.
    """
    m, inputs = parts.X_train.shape
    folds = folds_of(table, parts.y_train) if folds is None else folds
    for name, value in (("n", n), ("epochs", epochs)):
        if value is not None:
            check_count(name, value, ", or None")
    classes = 2 if table.classes is None else len(table.classes)
    outputs = 1 if classes == 2 else classes
    search = default_search(
        *(m, inputs, outputs),
        space=space,
        n=n,
        epochs=epochs,
        folds=folds if isinstance(folds, int) else FOLDS,
        halving=halving,
    )
    if patience is None and space is None:
        patience = max(1, search.epochs // PATIENCE)
    task = as_task(
        *(parts.X_train.astype(np.float32), parts.y_train, search.space),
        n=search.n,
        folds=folds,
        epochs=search.epochs,
        patience=patience,
        scoring="loss" if scoring is None and table.classes is not None else scoring,
        key=seed,
        weights=weights,
        stream=stream,
    )
    return task, search.halving


def search_in_time(
    table: Table,
    parts: EncodedTable,
    limit: TimeLimit,
    *,
    n: int | None = None,
    refit: bool,
    report: bool = False,
    how: dict[str, Any],
    **choices: Any,
) -> SweepResult:
    """The sweep of `task_of_table` until so much of the time is left as an answer takes.

    Args:
      table: as of `task_of_table`.
      parts: likewise.
      limit: of the sweep and its answer.
      n: how many configurations to draw at most.
      refit: the best configuration is trained again after the sweep.
      report: a report is written.
      how: further arguments of `run_in_time`.
      **choices: further ones of `task_of_table`.

    Raises:
      ValueError: what came, what was expected and what to type.
    """
    if n is not None:
        check_count("n", n, ", or None")
    of_table = partial(task_of_table, table, parts, stream=True, **choices)
    stream = Stream(lambda count: of_table(n=count)[0], n)
    _, halving = of_table(n=1)
    after = seconds_after(
        stream.task, len(parts.y_test), len(table.features), refit=refit, report=report
    )
    limit.keep(after)
    return run_in_time(stream, limit, halving=halving, **how)


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


def choice_of(
    result: SweepResult,
    table: Table,
    parts: EncodedTable,
    size: int,
    *,
    otherwise: Choice | None = None,
) -> Choice:
    """The ensemble of so many choices, of a sweep of `parts`.

    Where there is none to choose (size is 1, outputs of the loss mean nothing when averaged, or the
    sweep was interrupted before any that halving went on with had a score), it is the best
    configuration, trained again on all rows.

    otherwise: the choice of size 1, if it is there already.

    Raises:
      ValueError: no configuration has a score.
    """
    check_count("ensemble", size)
    loss = result.best.members[0].network.loss
    averaged = is_named_loss(loss) and can_be_averaged(loss.name)
    chosen: Ensemble | Fitted
    if size == 1 or not averaged or result.best.status == "halved away":
        if otherwise is not None:
            return otherwise
        chosen = result.refit()
    else:
        chosen = result.ensemble(size)
    model = model_of_table(table, parts, chosen.networks, chosen.weights)
    found = {}
    if len(parts.y_test):
        found = scores(model, parts, model.outputs_of_inputs(parts.X_test))
    return Choice(chosen, with_notes(model, parts, found), found)
