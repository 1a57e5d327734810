"""What members must have in common to share a compiled program, and the numbers they differ in."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from mlp_jax.forward_propagation import Network
from mlp_jax.losses import Loss
from mlp_jax.sweeps.space import Configuration, optimizer_of
from mlp_jax.sweeps.task import Task
from mlp_jax.training.checks import as_batch_size
from mlp_jax.training.epoch import Numbers


class Kind(NamedTuple):
    """What cannot differ within a program.

    networks: of which the program trains every chunk or member as one, chosen when it runs; they
    differ in their activation alone. optimizer: the structure of its numbers. batch_size: None for
    full batches. dropout: any at all; the others are spared the drawing of masks. weighted: classes
    have weights. depth: hidden layers.
    """

    networks: tuple[Network, ...]
    optimizer: Any
    batch_size: int | None
    dropout: bool
    weighted: bool
    depth: int

    @property
    def loss(self) -> Loss:
        """Of all its networks."""
        return self.networks[0].loss

    def but_for_activation(self) -> Any:
        """The same for kinds that may share a program."""
        return (self.loss, self.networks[0].precision, *self[1:])


def kind_of(task: Task, configuration: Configuration, m: int) -> Kind:
    """The kind of a configuration trained on m examples."""
    optimizer = optimizer_of(configuration)
    return Kind(
        networks=(task.network(configuration),),
        optimizer=jax.tree.structure(optimizer),
        batch_size=as_batch_size(configuration["batch_size"], m, optimizer),
        dropout=configuration.get("dropout", 0.0) > 0,
        weighted=configuration.get("class_weight") is not None,
        depth=len(configuration["hidden"]),
    )


def switches(configurations: Sequence[Configuration]) -> frozenset[str]:
    """Which of the numbers that may be switched off one of the configurations has.

    To the others they are 0, a mean over 1 output, or infinite patience, which is the same to the
    last bit but not free.
    """
    names = ("l2", "label_smoothing", "patience", "ties", "mean_over")
    return frozenset(name for name in names for c in configurations if c.get(name))


def numbers_of(configurations: Sequence[Configuration], on: frozenset[str], dtype: Any) -> Numbers:
    """The traced numbers of members side by side, as NumPy arrays. on: see `switches`."""

    def column(name: str, missing: float) -> np.ndarray:
        values = [c.get(name) for c in configurations]
        return np.array([missing if v is None else v for v in values], dtype)

    optimizers = [optimizer_of(c) for c in configurations]
    return Numbers(
        optimizer=jax.tree.map(lambda *numbers: np.array(numbers, dtype), *optimizers),
        l2=column("l2", 0.0) if "l2" in on else None,
        dropout=column("dropout", 0.0) if configurations[0].get("dropout", 0.0) > 0 else None,
        label_smoothing=column("label_smoothing", 0.0) if "label_smoothing" in on else None,
        patience=column("patience", np.inf) if "patience" in on else None,
        tolerance=column("tolerance", 0.0),
        widths=np.array([c["hidden"] for c in configurations], np.int32),
        ties=column("ties", 0.0) if "ties" in on else None,
        mean_over=column("mean_over", 1.0) if "mean_over" in on else None,
    )
