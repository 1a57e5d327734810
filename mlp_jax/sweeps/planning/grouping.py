"""Who shares a program: padding weighed against compilations.

Members of different static choices cannot share one, but for their activations, among which a
program can choose when it runs. Those that differ in width can, at the price of the padding.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from mlp_jax.sweeps.halving import share_of_epochs
from mlp_jax.sweeps.planning.costs import Rates, seconds_per_epoch, steps
from mlp_jax.sweeps.planning.kinds import Kind, kind_of
from mlp_jax.sweeps.task import Task

# What the plan counts a compilation as, of what it takes: near the least the total time is flat (a
# sixth more at this share), and the arithmetic is a third more useful for it.
SHARE_OF_COMPILATION = 0.25
# Time of an epoch where activations are chosen at run time: they are kernels of their own.
CHOOSING = 1.1


class Group(NamedTuple):
    """Members that share static choices.

    kind: these choices.
    folds: on which each of them is trained.
    seeded: (number of the configuration, seed) of each.
    """

    kind: Kind
    folds: tuple[int, ...]
    seeded: list[tuple[int, int]]


def families(task: Task, numbers: Sequence[int], *, apart: bool) -> list[list[Group]]:
    """Members by their static choices; in one family, those that differ in activation alone.

    Args:
      task: of the sweep.
      numbers: of the configurations to train.
      apart: every group is a family of its own.
    """
    groups: dict[tuple[Kind, tuple[int, ...]], list[tuple[int, int]]] = {}
    for number in numbers:
        folds_of: dict[Kind, list[int]] = {}
        for fold, (train, _) in enumerate(task.splits):
            one, weighted = task.of_fold(number, fold), task.weights is not None
            kind = kind_of(one, len(train), weighted=weighted)
            folds_of.setdefault(kind, []).append(fold)
        seeded = [(number, seed) for seed in task.seeds[number]]
        for kind, folds in folds_of.items():
            groups.setdefault((kind, tuple(folds)), []).extend(seeded)
    families: dict[Any, list[Group]] = {}
    for (kind, all_folds), seeded in groups.items():
        # A line search calls jitted functions, for which a network is static.
        alone = apart or task.configurations[seeded[0][0]].optimizer.name == "lbfgs"
        name = (kind if alone else kind.but_for_activation(), all_folds)
        families.setdefault(name, []).append(Group(kind, all_folds, seeded))
    return list(families.values())


def cheapest(
    rates: Rates,
    task: Task,
    family: list[Group],
    split: Callable[..., list[np.ndarray]],
    halving: int | None,
) -> list[Group]:
    """The family in groups with a program each, activations apart or together."""

    def divided(group: Group) -> tuple[float, list[Group]]:
        """(seconds of the programs and of training by them, the groups) that `split` makes."""
        kind, folds, seeded = group
        configs = [task.configurations[number] for number, _ in seeded]
        epochs = np.array([c.epochs for c in configs])
        widths = np.array([c.hidden for c in configs], int).reshape(len(seeded), kind.depth)
        share = share_of_epochs(int(epochs.max()), halving)
        seconds = seconds_per_epoch(rates, task, kind, folds, configs[0], share)
        another = SHARE_OF_COMPILATION * rates.compile_seconds(kind)
        if rates.chunk is not None:  # most chunks have all of a program's: another is one more
            another += rates.seconds_of_step * steps(task, kind, folds) * epochs.max()
        parts = split(widths, epochs, seconds, another)
        price, made = another * len(parts), []
        for part in parts:
            some = [seeded[i] for i in part]
            present = {task.configurations[number].network for number, _ in some}
            networks = tuple(network for network in kind.networks if network in present)
            made.append(Group(kind._replace(networks=networks), folds, some))
            running = float(seconds(widths[part].max(axis=0)) * epochs[part].sum())
            price += running * (CHOOSING if len(networks) > 1 else 1.0)
        return price, made

    price = 0.0
    apart: list[Group] = []
    for group in family:
        more, made = divided(group)
        price, apart = price + more, apart + made
    if len(family) > 1:
        networks = tuple(network for group in family for network in group.kind.networks)
        kind = family[0].kind._replace(networks=networks)
        seeded = [pair for group in family for pair in group.seeded]
        together_price, together = divided(Group(kind, family[0].folds, seeded))
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
