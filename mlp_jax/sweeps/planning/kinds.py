"""What members must have in common to share a compiled program, and the numbers they differ in."""

from typing import Any, NamedTuple

import jax
import numpy as np

from mlp_jax.dropout import FallingRate
from mlp_jax.losses import Loss
from mlp_jax.network import Network
from mlp_jax.sweeps.columns import distinct
from mlp_jax.sweeps.configuration import Configuration
from mlp_jax.sweeps.configurations import Configurations
from mlp_jax.sweeps.task import Task
from mlp_jax.training.checks import as_batch_size
from mlp_jax.training.recipe import Numbers


class Kind(NamedTuple):
    """What cannot differ within a program.

    networks: they differ in their activation alone; the program is told when it runs which of them
      a chunk, or a member, is.
    optimizer: the structure of its numbers, a tree.
    batch_size: examples a step; None for all of them.
    dropout: units of some members are dropped, and masks are drawn for all; other programs draw
      none.
    weighted: classes or rows have weights.
    depth: how many hidden layers there are.
    """

    networks: tuple[Network, ...]
    optimizer: Any
    batch_size: int | None
    dropout: bool
    weighted: bool
    depth: int

    @property
    def loss(self) -> Loss:
        """The loss of all networks."""
        return self.networks[0].loss

    @property
    def by_entry(self) -> bool:
        """Whether it trains in batches, by an optimizer that takes every weight by itself."""
        optimizer = jax.tree.unflatten(self.optimizer, [0.0] * self.optimizer.num_leaves)
        return self.batch_size is not None and optimizer.by_entry

    def in_common(self) -> Any:
        """A value that is the same for kinds that may share a program.

        They differ in their activation, and in whether units are dropped.
        """
        same = self._replace(networks=(), dropout=False)
        return (self.loss, self.networks[0].precision, same)


def kind_of(configuration: Configuration, m: int, *, weighted: bool) -> Kind:
    """The kind of a configuration trained on m examples; weighted: the rows have weights."""
    optimizer = configuration.optimizer
    return Kind(
        networks=(configuration.network,),
        optimizer=jax.tree.structure(optimizer),
        batch_size=as_batch_size(configuration.batch_size, m, optimizer),
        dropout=configuration.dropout > 0,
        weighted=weighted or configuration.class_weight is not None,
        depth=len(configuration.hidden),
    )


def kinds_of(
    configurations: Configurations, m: int, *, weighted: bool
) -> tuple[list[Kind], np.ndarray]:
    """(the kinds of configurations trained on m examples, (n,) the number of each one's kind)."""
    first, codes = distinct(
        len(configurations),
        configurations.optimizer_codes,
        configurations.network_codes,
        configurations.depths,
        configurations.numbers("batch_size"),
        configurations.numbers("dropout") > 0,
        configurations.is_given("class_weight"),
    )
    places: dict[Kind, int] = {}
    found = [
        places.setdefault(kind_of(configurations[int(row)], m, weighted=weighted), len(places))
        for row in first
    ]
    return list(places), np.array(found, np.int64)[codes]


def switches(configurations: Configurations, numbers: np.ndarray) -> frozenset[str]:
    """The names of the numbers that one of the configurations has and a program may be without.

    If one member of a program has such a number, the program computes with it for all members. The
    others have a neutral one (0, 1 or infinity): the same result to the last bit, but not for free.

    numbers: of the configurations.
    """
    names = ("l2", "dropout_epochs", "label_smoothing", "patience", "ties")
    values = {name: configurations.numbers(name)[numbers] for name in names}
    found = {name for name, some in values.items() if ((some != 0) & (some != np.inf)).any()}
    if configurations.named("mean_over")[numbers].any():
        found.add("mean_over")
    return frozenset(found)


def numbers_of(
    task: Task, numbers: np.ndarray, fold: int, on: frozenset[str], *, dropout: bool
) -> Numbers:
    """The traced numbers of members side by side, as NumPy arrays.

    Args:
      task: of the sweep.
      numbers: of the members' configurations, (members,): of one kind.
      fold: on which they are trained.
      on: see `switches`.
      dropout: of their program's kind. A member of the rate 0 drops nothing there: its masks are 1.
    """
    configurations, dtype = task.on_fold(fold), task.X.dtype

    def column(name: str) -> np.ndarray:
        return configurations.numbers(name)[numbers].astype(dtype)

    def switched(name: str) -> np.ndarray | None:
        return column(name) if name in on else None

    rate, falling = None, switched("dropout_epochs")
    if dropout:
        dropped = column("dropout")
        rate = dropped if falling is None else FallingRate(dropped, falling)
    optimizer = configurations.optimizer(numbers)
    depth = int(configurations.depths[numbers[0]])
    return Numbers(
        optimizer=jax.tree.map(lambda one: one.astype(dtype), optimizer),
        l2=switched("l2"),
        dropout=rate,
        label_smoothing=switched("label_smoothing"),
        patience=switched("patience"),
        tolerance=column("tolerance"),
        widths=configurations.widths[numbers, :depth].astype(np.int32),
        ties=switched("ties"),
        mean_over=switched("mean_over"),
    )
