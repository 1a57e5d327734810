"""The members and the configurations of a sweep as columns."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from mlp_jax.sweeps.configurations import Configurations
from mlp_jax.sweeps.member_order import MemberOrder
from mlp_jax.sweeps.members import STATUSES
from mlp_jax.sweeps.outcomes import CODES, Outcomes
from mlp_jax.sweeps.results.ranking import order_of


class MemberColumns(NamedTuple):
    """What became of all members, in their order; each (members,).

    statuses: places in `members.STATUSES`; of members that never began, of "interrupted".
    scores: NaN of a member without one.
    best_epochs: 0 of a member that has none.
    losses: the validation losses of the best epochs; infinite of a member that has none.
    part: in which of the outcomes a member is; -1 of a member that never began.
    place: its place there.
    """

    statuses: np.ndarray
    scores: np.ndarray
    best_epochs: np.ndarray
    losses: np.ndarray
    part: np.ndarray
    place: np.ndarray


class ConfigurationColumns(NamedTuple):
    """How all configurations did, in the order of the space; each (configurations,).

    scores: the mean of the members'.
    spreads: the standard deviation of the members' scores.
    best_epochs: the mean of the members'.
    losses: likewise.
    statuses: places in `members.STATUSES`; of different members, the first.
    """

    scores: np.ndarray
    spreads: np.ndarray
    best_epochs: np.ndarray
    losses: np.ndarray
    statuses: np.ndarray


def of_members(order: MemberOrder, outcomes: Sequence[Outcomes]) -> MemberColumns:
    """The columns of all members. outcomes: of those that were trained."""
    count = len(order)
    columns = MemberColumns(
        statuses=np.full(count, CODES["interrupted"]),
        scores=np.full(count, np.nan),
        best_epochs=np.zeros(count, np.int64),
        losses=np.full(count, np.inf),
        part=np.full(count, -1),
        place=np.zeros(count, np.int64),
    )
    for number, part in enumerate(outcomes):
        at = order.places(part.members)
        columns.statuses[at], columns.scores[at] = part.statuses, part.scores
        columns.best_epochs[at], columns.losses[at] = part.best_epochs, part.losses
        columns.part[at], columns.place[at] = number, np.arange(len(part))
    return columns


def of_configurations(order: MemberOrder, members: MemberColumns) -> ConfigurationColumns:
    """The columns of all configurations. members: of the sweep."""
    scores = members.scores
    return ConfigurationColumns(
        scores=of_each(order, scores, "mean"),
        spreads=of_each(order, scores, "std"),
        best_epochs=of_each(order, members.best_epochs, "mean"),
        losses=of_each(order, members.losses, "mean"),
        statuses=of_each(order, members.statuses, "min"),
    )


def of_each(order: MemberOrder, values: np.ndarray, what: str) -> np.ndarray:
    """What NumPy calls "mean", "std" or "min", of the members of every configuration.

    values: of all members, (members,).
    """
    counts, firsts = members_of_each(order)
    found = np.empty(len(counts), np.float64 if what != "min" else values.dtype)
    for count in np.unique(counts):  # of the same for nearly all of them
        some = np.flatnonzero(counts == count)
        rows = values[firsts[some, None] + np.arange(count)]
        found[some] = getattr(rows, what)(axis=1)
    return found


def members_of_each(order: MemberOrder) -> tuple[np.ndarray, np.ndarray]:
    """(how many members every configuration has, the place of the first), (configurations,)."""
    counts = np.bincount(order.configurations) * order.folds
    return counts, np.cumsum(counts) - counts


def ranked(columns: ConfigurationColumns, brackets: Sequence[int] = ()) -> np.ndarray:
    """The numbers of the configurations, the best first; see `SweepResult.ranking`.

    brackets: of `SweepResult`.
    """
    scores = np.where(np.isnan(columns.scores), -np.inf, columns.scores)
    halved = columns.statuses == CODES["halved away"]
    parts = np.split(halved, np.cumsum(brackets)[:-1]) if brackets else [halved]
    chosen = np.concatenate([np.full(len(part), part.any()) for part in parts])
    order = order_of(columns.statuses, columns.scores, chosen=chosen)
    return np.lexsort((columns.losses, -scores, order))


def choices_of(
    configurations: Configurations, order: np.ndarray, missing: Any
) -> dict[str, list[Any]]:
    """A column a choice: the values of configurations by the choice's name.

    Args:
      configurations: of a task.
      order: the numbers of those that are asked for.
      missing: the value of a configuration that names none.
    """
    found = {}
    for name, column in configurations.columns.items():
        options = [*column.as_python(), missing]  # the last of the code -1
        found[name] = [options[code] for code in column.codes[order].tolist()]
    return found


def varied(configurations: Configurations) -> tuple[str, ...]:
    """The names of the choices that are not the same in all configurations."""
    found = []
    for name, column in configurations.columns.items():
        values = {repr(column.option(code)) for code in column.used}
        if len(values if column.named.all() else values | {repr(None)}) > 1:
            found.append(name)
    return tuple(found)


def of_table(columns: ConfigurationColumns, ranks: np.ndarray) -> dict[str, np.ndarray]:
    """The columns of `SweepResult.table` that come before the choices.

    ranks: the numbers of the configurations, the best first.
    """
    return {
        "rank": np.arange(1, len(ranks) + 1),
        "score": columns.scores[ranks],
        "spread": columns.spreads[ranks],
        "best_epoch": columns.best_epochs[ranks],
        "status": np.array(STATUSES, object)[columns.statuses[ranks]],
    }


def rows(
    configurations: Configurations, columns: ConfigurationColumns, ranks: np.ndarray
) -> list[dict[str, Any]]:
    """The rows of `SweepResult.table`, with numbers of Python's."""
    first = {name: values.tolist() for name, values in of_table(columns, ranks).items()}
    lines = [dict(zip(first, line, strict=True)) for line in zip(*first.values(), strict=True)]
    named = configurations.all_choices()
    return [{**line, **named[number]} for line, number in zip(lines, ranks.tolist(), strict=True)]
