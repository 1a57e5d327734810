"""One configuration of a space, parsed once: a value of checked choices."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from mlp_jax.keys import checked_seed
from mlp_jax.network import Network
from mlp_jax.parameters import DEFAULT_SCHEME, UNNAMED_SCHEME, check_scheme
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
_RANGES = {
    "l2": (0, math.inf),
    "dropout": (0, 1),
    "label_smoothing": (0, 1),
    "tolerance": (0, math.inf),
    "mean_over": (1, math.inf),
}


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

    @classmethod
    def of(cls, named: Mapping[str, Any]) -> "Configuration":
        """The configuration of choices by name, which have "hidden" and no other name of the shape.

        Raises:
          ValueError: a value out of range, or an unknown activation, loss, optimizer or schedule.
        """
        named = dict(named)
        network = network_of(named)
        activation = named.get("activation")
        if isinstance(activation, tuple) and not all(map(callable, activation)):
            network.hidden((0,) * (len(named["hidden"]) + 1))
        for name in ("epochs", "patience", "batch_size"):
            if name in named and (name == "epochs" or named[name] is not None):
                named[name] = whole_number(name, named[name], 1)
        if "seed" in named:
            named["seed"] = checked_seed(whole_number("seed", named["seed"], 0))
        check_scheme("init", named.get("init", UNNAMED_SCHEME))
        if not isinstance(named.get("ties", False), bool):
            raise ValueError(f"ties is {as_typed(named['ties'])}; expected True or False")
        for name, (lowest, below) in _RANGES.items():
            check_range(name, named.get(name, lowest), lowest, below)
        if named.get("dropout_epochs") is not None:
            check_range("dropout_epochs", named["dropout_epochs"], 1, math.inf)
        loop = {name: named[name] for name in _OF_LOOP if name in named}
        return cls(named, named["hidden"], network, _optimizer_of(named), **loop)

    def with_choices(self, **choices: Any) -> "Configuration":
        """The configuration with other choices, by name."""
        return Configuration.of({**self.named, **choices})

    def completed(
        self, *, loss: str, epochs: int, patience: int | None, batch_size: int
    ) -> "Configuration":
        """The configuration with these choices where it names none; they are right as they are.

        batch_size: but for lbfgs, which takes all examples.
        """
        first = {"loss": loss, "optimizer": "adam", "epochs": epochs, "patience": patience}
        named: dict[str, Any] = {**first, **self.named}
        named.setdefault("batch_size", None if named["optimizer"] == "lbfgs" else batch_size)
        if DEFAULT_SCHEME != UNNAMED_SCHEME:  # a file names what is not as it was before
            named.setdefault("init", DEFAULT_SCHEME)
        return replace(
            self,
            named=named,
            network=self.network if "loss" in self.named else network_of(named),
            epochs=named["epochs"],
            patience=named["patience"],
            batch_size=named["batch_size"],
            init=named.get("init", UNNAMED_SCHEME),
        )

    def with_class_weight(self, class_weight: Any) -> "Configuration":
        """The configuration with class weights by class number."""
        named = {**self.named, "class_weight": class_weight}
        return replace(self, named=named, class_weight=class_weight)


# The fields of a configuration that are called as its choices are.
_OF_LOOP = (
    *("batch_size", "epochs", "patience", "tolerance", "ties", "mean_over", "l2", "dropout"),
    *("dropout_epochs", "label_smoothing", "class_weight", "seed", "init"),
)


def whole_number(name: str, value: Any, lowest: int) -> int:
    """`value` as an integer, from `lowest` up; ValueError for what is none."""
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if not whole or isinstance(value, bool) or value < lowest:
        raise ValueError(f"{name} is {as_typed(value)}; expected a whole number, {lowest} or more")
    return int(value)


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


_network = lru_cache(maxsize=1024)(Network)  # of ten thousand configurations few differ in these


def numbers_of_optimizer(named: Mapping[str, Any]) -> set[str]:
    """The names of those numbers that the optimizer and the schedule of these choices have."""
    name, schedule = named.get("optimizer", "adam"), named.get("schedule", "constant")
    if not isinstance(name, str) or name not in OPTIMIZERS or schedule not in SCHEDULES:
        optimizer(name, schedule=schedule)  # says what is wrong with it
    kinds = OPTIMIZERS[name], SCHEDULES[schedule]
    known = {number for kind in kinds for number in (*kind.numbers, *kind.optional)}
    return {number for number in OPTIMIZER_NUMBERS if number in named and number in known}


def _optimizer_of(named: Mapping[str, Any]) -> Optimizer:
    """The optimizer of choices by name, "adam" where they name none."""
    numbers = {name: named[name] for name in OPTIMIZER_NUMBERS if name in named}
    return optimizer(
        named.get("optimizer", "adam"),
        schedule=named.get("schedule", "constant"),
        nesterov=named.get("nesterov", False),
        **numbers,
    )
