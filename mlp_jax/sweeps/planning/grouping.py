"""Who shares a program: padding weighed against compilations.

Members of different static choices cannot share one, but for their activations, among which a
program can choose when it runs. Those that drop no units can share one with those that do, at the
price of masks that keep all; those that differ in width, at the price of the padding.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from mlp_jax.sweeps.columns import distinct
from mlp_jax.sweeps.halving import share_of_epochs
from mlp_jax.sweeps.planning.costs import Rates, seconds_per_epoch, steps
from mlp_jax.sweeps.planning.kinds import Kind, kinds_of
from mlp_jax.sweeps.planning.ladder import Narrow, Padded, Price
from mlp_jax.sweeps.task import Task

# What the plan counts a compilation as, of what it takes, where the next sweep finds the program.
SHARE_OF_COMPILATION = 0.25
# Time of an epoch where activations are chosen at run time: they are kernels of their own.
CHOOSING = 1.1
EARLY = 0.4  # of the epochs, that a training with patience has on small tables
PROGRAMS = 32  # of a sweep, where its static choices do not call for more

Widened = Callable[[np.ndarray, Price], Padded]


class Group(NamedTuple):
    """Members that share static choices, and a program once they have a shape.

    kind: these choices.
    folds: on which each of them is trained.
    numbers: (members,), the number of each one's configuration.
    seeds: (members,)
    hidden: the widths that they are padded to; none yet if they are not in programs.
    narrow: the program's products are no wider than the units that a member uses.
    """

    kind: Kind
    folds: tuple[int, ...]
    numbers: np.ndarray
    seeds: np.ndarray
    hidden: tuple[int, ...] = ()
    narrow: bool = False

    def part(self, which: np.ndarray) -> "Group":
        """The group of some of the members."""
        return self._replace(numbers=self.numbers[which], seeds=self.seeds[which])


def families(task: Task, numbers: np.ndarray, *, apart: bool) -> list[list[Group]]:
    """Members by their static choices; in one family, those that may share a program.

    Args:
      task: of the sweep.
      numbers: of the configurations to train.
      apart: every group is a family of its own.
    """
    kinds, of_folds = _kinds_of_folds(task)
    first, pattern = distinct(len(of_folds), *of_folds.T)
    counts = np.array([len(task.seeds[number]) for number in numbers.tolist()], np.int64)
    all_numbers = np.repeat(numbers, counts)
    all_seeds = np.array([s for number in numbers.tolist() for s in task.seeds[number]], np.int64)
    found: dict[tuple[int, tuple[int, ...]], list[np.ndarray]] = {}
    for place, row in enumerate(first):
        members = np.flatnonzero(pattern[all_numbers] == place)
        for number in np.unique(of_folds[row]) if len(members) else ():
            folds = tuple(np.flatnonzero(of_folds[row] == number).tolist())
            found.setdefault((int(number), folds), []).append(members)
    made: dict[Any, list[Group]] = {}
    for (number, folds), parts in found.items():
        kind, members = kinds[number], np.sort(np.concatenate(parts))
        group = Group(kind, folds, all_numbers[members], all_seeds[members])
        # A line search calls jitted functions, for which a network is static.
        alone = apart or task.configurations[int(group.numbers[0])].optimizer.name == "lbfgs"
        name = (kind if alone else kind.in_common(), folds)
        made.setdefault(name, []).append(group)
    return list(made.values())


def _kinds_of_folds(task: Task) -> tuple[list[Kind], np.ndarray]:
    """(kinds, (configurations, folds) the number of each one's kind)."""
    places: dict[Kind, int] = {}
    made: dict[Any, np.ndarray] = {}
    columns = []
    for fold, (train, _) in enumerate(task.splits):
        name = len(train) if task.of_folds is None else fold
        if name not in made:
            weighted = task.weights is not None
            kinds, codes = kinds_of(task.on_fold(fold), len(train), weighted=weighted)
            numbers = [places.setdefault(kind, len(places)) for kind in kinds]
            made[name] = np.array(numbers, np.int64)[codes]
        columns.append(made[name])
    return list(places), np.stack(columns, axis=1)


def cheapest(
    rates: Rates,
    task: Task,
    family: list[Group],
    widened: Widened,
    halving: int | None,
    most: int,
    compilation: float,
) -> list[Group]:
    """The family in groups with a program each, in the way of the lowest price.

    Activations are apart or together, and so are those that drop units and those that drop none.

    Args:
      rates: of the devices.
      task: of the sweep.
      family: groups that may share a program.
      widened: (widths, price) -> the programs of a group.
      halving: as for `sweep`.
      most: the most programs, where one a group is no more.
      compilation: what a compilation counts, of what it takes.
    """
    found = []
    for parts in _ways(family):
        each = max(1, most // len(parts))
        made = [
            _divided(rates, task, _joined(part), widened, halving, each, compilation)
            for part in parts
        ]
        groups = [group for _, some in made for group in some]
        found.append((max(0, len(groups) - most), sum(price for price, _ in made), groups))
    return min(found, key=lambda one: one[:2])[2]


def _ways(family: list[Group]) -> list[list[list[Group]]]:
    """The ways to divide a family into groups that share programs, each once."""
    names: tuple[Callable[[Group], Any], ...] = (
        lambda group: group.kind,
        lambda group: group.kind.networks,
        lambda group: group.kind.dropout,
        lambda group: None,
    )
    ways: dict[Any, list[list[Group]]] = {}
    for name in names:
        parts: dict[Any, list[int]] = {}
        for place, group in enumerate(family):
            parts.setdefault(name(group), []).append(place)
        places = tuple(map(tuple, parts.values()))
        ways[places] = [[family[place] for place in part] for part in places]
    return list(ways.values())


def _joined(family: list[Group]) -> Group:
    """All members of a family as one group."""
    networks = {network for group in family for network in group.kind.networks}
    kind = family[0].kind._replace(
        # In an order that does not depend on which was drawn first: the program knows the order.
        networks=tuple(sorted(networks, key=repr)),
        dropout=any(group.kind.dropout for group in family),
    )
    return Group(
        kind,
        family[0].folds,
        np.concatenate([group.numbers for group in family]),
        np.concatenate([group.seeds for group in family]),
    )


def _divided(
    rates: Rates,
    task: Task,
    group: Group,
    widened: Widened,
    halving: int | None,
    most: int,
    compilation: float,
) -> tuple[float, list[Group]]:
    """(seconds of the programs and of training by them, the groups) that `widened` makes."""
    kind, folds = group.kind, group.folds
    configs = task.configurations
    epochs, widths = configs.epochs[group.numbers], configs.widths[group.numbers, : kind.depth]
    share = share_of_epochs(int(epochs.max()), halving)
    compiling = rates.compile_seconds(kind)
    latency = 0.0
    if rates.chunk is not None:  # most chunks have all of a program's: another is one more
        latency = rates.seconds_of_step * steps(task, kind, folds) * float(epochs.max())
    first = configs[int(group.numbers[0])]
    price = Price(
        of_widths=seconds_per_epoch(rates, task, kind, folds, first, share),
        epochs=epochs,
        program=compilation * compiling + latency,
        own_program=compiling + latency,
        most=most,
    )
    padded = widened(widths, price)
    running = float(padded.seconds(price, widths).sum()) / len(padded.shapes)
    expected = running * share_before_patience(task, group.numbers)
    if rates.quick is None or not rates.quick.pays(compiling, expected):
        # A narrow one is hardly compiled in less time, and never quickly.
        price = price._replace(narrow=_narrow(rates, task, group, share))
        padded = widened(widths, price)
    of_programs = padded.seconds(price, widths)
    seconds, made = padded.price(price, widths, price.program) - float(of_programs.sum()), []
    for place, hidden in enumerate(padded.shapes.tolist()):
        part = group.part(padded.places == place)
        present = set(configs.network_codes[part.numbers].tolist())
        networks = tuple(n for n in kind.networks if configs.networks.index(n) in present)
        dropout = bool((configs.numbers("dropout")[part.numbers] > 0).any())
        own = kind._replace(networks=networks, dropout=dropout)
        made.append(part._replace(kind=own, hidden=tuple(hidden), narrow=padded.narrow))
        seconds += float(of_programs[place]) * (CHOOSING if len(networks) > 1 else 1.0)
    return seconds, made


def share_before_patience(task: Task, numbers: np.ndarray) -> float:
    """About the share of their epochs that these configurations train."""
    configs = task.configurations
    stops = configs.numbers("patience")[numbers] < configs.epochs[numbers]
    return EARLY if stops.all() else 1.0


def _narrow(rates: Rates, task: Task, group: Group, share: float) -> Narrow | None:
    """What narrow programs of a group cost; None where it can have none."""
    optimizer = task.configurations[int(group.numbers[0])].optimizer
    if rates.narrow is None or optimizer.name == "lbfgs":  # see `families`
        return None
    compiling, running, step = rates.narrow
    return Narrow(compiling, running, share * step * steps(task, group.kind, group.folds))
