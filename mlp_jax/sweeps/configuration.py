"""One configuration of a space: a value of checked choices, and what is checked of each."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from mlp_jax.keys import checked_seed
from mlp_jax.network import Network
from mlp_jax.parameters import UNNAMED_SCHEME, check_scheme
from mlp_jax.training.checks import check_range
from mlp_jax.training.optimizers import OPTIMIZERS, SCHEDULES, Optimizer, optimizer
from mlp_jax.wording import as_typed

OPTIMIZER_NUMBERS = tuple(
    dict.fromkeys(
        number
        for kind in (*OPTIMIZERS.values(), *SCHEDULES.values())
        for number in (*kind.numbers, *kind.optional)
    )
)
# name: (the lowest, what all are below)
RANGES = {
    "l2": (0, math.inf),
    "dropout": (0, 1),
    "label_smoothing": (0, 1),
    "tolerance": (0, math.inf),
    "mean_over": (1, math.inf),
    "dropout_epochs": (1, math.inf),
}
WHOLE = {"epochs": 1, "patience": 1, "batch_size": 1}  # name: the lowest
OR_NONE = ("patience", "batch_size", "dropout_epochs")  # which are None for what is off


@dataclass(frozen=True)
class Configuration:
    """The choices of one configuration; what it does not name is as in `mlp_jax.fit`.

    named: the choices by name, as a space, a table of results and a file have them.
    hidden: units of every hidden layer.
    network: activation, loss and precision; the paper's loss until a sweep knows its labels.
    optimizer: with its numbers.
    batch_size: examples a step; None for all of them.
    epochs: how many to train at most.
    patience: epochs without an improvement after which the training stops; None for never.
    tolerance: what an epoch must be better by to be an improvement.
    ties: an epoch that is better by just the tolerance is an improvement too.
    mean_over: outputs that the cost and the validation loss are means over.
    l2: strength of the penalty.
    dropout: share of the hidden units that are dropped.
    dropout_epochs: epochs in which that share falls to 0; None for a share that stays.
    label_smoothing: share by which labels are drawn towards even odds.
    class_weight: "balanced", or a weight for every class; None for all ones.
    seed: of the initial weights; None for those of the sweep.
    init: the scheme of the initial weights.
    """

    named: Mapping[str, Any] = field(hash=False)
    hidden: tuple[int, ...]
    network: Network
    optimizer: Optimizer = field(hash=False)
    batch_size: int | None = None
    epochs: int = 0
    patience: int | None = None
    tolerance: float = 0.0
    ties: bool = False
    mean_over: float = 1
    l2: float = 0.0
    dropout: float = 0.0
    dropout_epochs: float | None = None
    label_smoothing: float = 0.0
    class_weight: Any = field(default=None, hash=False)
    seed: int | None = None
    init: str = UNNAMED_SCHEME


# The fields of a configuration that are called as its choices are.
OF_LOOP = (
    *("batch_size", "epochs", "patience", "tolerance", "ties", "mean_over", "l2", "dropout"),
    *("dropout_epochs", "label_smoothing", "class_weight", "seed", "init"),
)


def whole_number(name: str, value: Any, lowest: int) -> int:
    """`value` as an integer, from `lowest` up; ValueError for what is none."""
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if not whole or isinstance(value, bool) or value < lowest:
        raise ValueError(f"{name} is {as_typed(value)}; expected a whole number, {lowest} or more")
    return int(value)


def checked_choice(name: str, value: Any) -> Any:
    """The value of one of `OF_LOOP`, whole numbers as such; ValueError for one out of range."""
    if value is None and name in OR_NONE:
        return None
    if name in WHOLE:
        return whole_number(name, value, WHOLE[name])
    if name in RANGES:
        check_range(name, value, *RANGES[name])
    elif name == "seed":
        return checked_seed(whole_number("seed", value, 0))
    elif name == "init":
        check_scheme("init", value)
    elif name == "ties" and not isinstance(value, bool):
        raise ValueError(f"ties is {as_typed(value)}; expected True or False")
    return value


def network_of(named: Mapping[str, Any]) -> Network:
    """The network of choices by name, relu where they name no activation.

    Raises:
      ValueError: an unknown name.
    """
    chosen = {k: named[k] for k in ("activation", "loss", "precision") if k in named}
    try:
        return _network(**chosen)
    except TypeError:  # not hashable, and so none that there is
        return Network(**chosen)


_network = lru_cache(maxsize=1024)(Network)


def numbers_of_optimizer(named: Mapping[str, Any]) -> set[str]:
    """The names of the numbers that the optimizer and the schedule of these choices may have."""
    name, schedule = named.get("optimizer", "adam"), named.get("schedule", "constant")
    if not isinstance(name, str) or name not in OPTIMIZERS or schedule not in SCHEDULES:
        optimizer(name, schedule=schedule)  # says what is wrong with it
    kinds = OPTIMIZERS[name], SCHEDULES[schedule]
    return {number for kind in kinds for number in (*kind.numbers, *kind.optional)}


def optimizer_of(named: Mapping[str, Any]) -> Optimizer:
    """The optimizer of choices by name, "adam" where they name none."""
    numbers = {name: named[name] for name in OPTIMIZER_NUMBERS if name in named}
    return optimizer(
        named.get("optimizer", "adam"),
        schedule=named.get("schedule", "constant"),
        nesterov=named.get("nesterov", False),
        **numbers,
    )
