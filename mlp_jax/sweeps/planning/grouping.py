"""Who shares a program: padding weighed against compilations.

Members of different static choices cannot share one, but for their activations, among which a
program can choose when it runs. Those that differ in width can, at the price of the padding.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from mlp_jax.sweeps.halving import share_of_epochs
from mlp_jax.sweeps.members import Kind, Row, kind_of
from mlp_jax.sweeps.planning.costs import Rates, seconds_per_epoch, steps
from mlp_jax.sweeps.task import Task

# What the plan counts a compilation as, of what it takes: near the least the total time is flat (a
# sixth more at this share), and the arithmetic is a third more useful for it.
SHARE_OF_COMPILATION = 0.25
# Time of an epoch where activations are chosen at run time: they are kernels of their own.
CHOOSING = 1.1

Group = tuple[Kind, tuple[int, ...], list[Row]]  # that shares static choices, and its folds


def families(task: Task, *, apart: bool) -> list[list[Group]]:
    """Members by their static choices; in one family, those that differ in activation alone."""
    groups: dict[tuple[Kind, tuple[int, ...]], list[Row]] = {}
    for number in range(len(task.configurations)):
        if not task.seeds[number]:  # it is another shard's
            continue
        folds_of: dict[Kind, list[int]] = {}
        for fold, (train, _) in enumerate(task.splits):
            kind = kind_of(task, task.of_fold(number, fold), len(train))
            folds_of.setdefault(kind, []).append(fold)
        for kind, numbers in folds_of.items():
            rows = [Row(number, seed) for seed in task.seeds[number]]
            groups.setdefault((kind, tuple(numbers)), []).extend(rows)
    families: dict[Any, list[Group]] = {}
    for (kind, folds), rows in groups.items():
        # A line search calls jitted functions, for which a network is static.
        alone = apart or task.configurations[rows[0].configuration]["optimizer"] == "lbfgs"
        name = (kind if alone else kind.but_for_activation(), folds)
        families.setdefault(name, []).append((kind, folds, rows))
    return list(families.values())


def cheapest(
    rates: Rates,
    task: Task,
    family: list[Group],
    split: Callable[..., list[np.ndarray]],
    halving: int | None,
) -> list[Group]:
    """The family in groups with a program each, activations apart or together."""

    def groups(kind: Kind, folds: tuple[int, ...], rows: list[Row]) -> tuple[float, list[Group]]:
        configs = [task.configurations[row.configuration] for row in rows]
        epochs = np.array([c["epochs"] for c in configs])
        widths = np.array([c["hidden"] for c in configs], int).reshape(len(rows), kind.depth)
        share = share_of_epochs(int(epochs.max()), halving)
        seconds = seconds_per_epoch(rates, task, kind, folds, configs[0], share)
        another = SHARE_OF_COMPILATION * rates.compile_seconds(kind)
        if rates.chunk is not None:  # most chunks have all of a program's: another is one more
            another += rates.seconds_of_step * steps(task, kind, folds) * epochs.max()
        parts = split(widths, epochs, seconds, another)
        price, made = another * len(parts), []
        for part in parts:
            some = [rows[i] for i in part]
            present = {task.network(task.configurations[row.configuration]) for row in some}
            networks = tuple(network for network in kind.networks if network in present)
            made.append((kind._replace(networks=networks), folds, some))
            running = float(seconds(widths[part].max(axis=0)) * epochs[part].sum())
            price += running * (CHOOSING if len(networks) > 1 else 1.0)
        return price, made

    price = 0.0
    apart: list[Group] = []
    for group in family:
        more, made = groups(*group)
        price, apart = price + more, apart + made
    if len(family) > 1:
        networks = tuple(network for kind, _, _ in family for network in kind.networks)
        kind = family[0][0]._replace(networks=networks)
        rows = [row for _, _, some in family for row in some]
        together_price, together = groups(kind, family[0][1], rows)
        if together_price < price:
            return together
    return apart


def split_by_width(
    widths: np.ndarray,
    epochs: np.ndarray,
    seconds: Callable[[np.ndarray], np.ndarray],
    another: float,
) -> list[np.ndarray]:
    """Rows in groups, so that padding each to its widest and a program for each is cheap.

    A tree: at every node the rows are cut in two by the width of one layer, where it saves most,
    and then a node keeps its cut if it pays for the programs below it.

    Args:
      widths: (rows, hidden layers).
      epochs: (rows,).
      seconds: (..., hidden layers) widths -> (...,) time of one epoch.
      another: what a further program costs, in seconds.
    """

    def best(rows: np.ndarray) -> tuple[float, list[np.ndarray]]:
        whole = another + float(seconds(widths[rows].max(axis=0)) * epochs[rows].sum())
        if whole < 2 * another:  # no cut can save that much
            return whole, [rows]
        cut = _best_cut(widths[rows], epochs[rows], seconds)
        if cut is None:
            return whole, [rows]
        (left, left_groups), (right, right_groups) = best(rows[cut]), best(rows[~cut])
        if left + right < whole:
            return left + right, left_groups + right_groups
        return whole, [rows]

    return best(np.arange(len(widths)))[1]


def _best_cut(
    widths: np.ndarray, epochs: np.ndarray, seconds: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray | None:
    """Which rows are on the narrow side of the best cut; None if all are of one shape."""
    lowest, found = np.inf, None
    for layer in range(widths.shape[1]):
        order = np.argsort(widths[:, layer], kind="stable")
        ordered, steps = widths[order], epochs[order]
        at = np.flatnonzero(np.diff(ordered[:, layer]))  # the last row of the narrow side
        if len(at) == 0:
            continue
        narrow = np.maximum.accumulate(ordered, axis=0)[at]
        wide = np.maximum.accumulate(ordered[::-1], axis=0)[::-1][at + 1]
        steps_narrow = np.cumsum(steps)[at]
        total = seconds(narrow) * steps_narrow + seconds(wide) * (steps.sum() - steps_narrow)
        if total.min() < lowest:
            lowest = total.min()
            found = widths[:, layer] <= ordered[at[total.argmin()], layer]
    return found
