"""How a training is done: the numbers that are traced, and the choices that are static."""

from collections.abc import Callable
from typing import Any, NamedTuple

from mlp_jax.metrics import Metric
from mlp_jax.network import Network


class Numbers(NamedTuple):
    """What is traced: another number compiles nothing. A field is None where it is switched off.

    Every number is a scalar, and has an axis of members before that in a sweep.

    optimizer: an `Optimizer`, whose leaves are its numbers; None for one of optax's.
    l2: strength of the L2 penalty.
    dropout: share of the hidden units dropped in every step; a `FallingRate` where it falls.
    label_smoothing: ε, from 0 to 1.
    patience: epochs without an improvement after which a training stops.
    tolerance: what an epoch must be better by to be an improvement.
    widths: (L - 1,), how many units of every hidden layer there are, where the network is padded
      with units of zero weights.
    ties: above 0, an epoch that is better by just the tolerance is an improvement.
    mean_over: outputs that the cost and the validation loss of the history are means over.
    """

    optimizer: Any
    l2: Any
    dropout: Any
    label_smoothing: Any
    patience: Any
    tolerance: Any
    widths: Any = None
    ties: Any = None
    mean_over: Any = None


JUDGES = ("validation_loss", "metric", "cost")


class Recipe(NamedTuple):
    """What is static in a training.

    network: the network.
    gradient: what to descend by, as of `fit`.
    optimizer: optax's, where `Numbers` has none.
    batch_size: examples of a step, None for all of them.
    metric: of the validation set, or None.
    capacity: epochs that the history has room for.
    best_by: what the best epoch and patience go by, one of `JUDGES`.
    shuffle: every epoch has its own order of examples.
    """

    network: Network
    gradient: Callable[..., Any]
    optimizer: Any
    batch_size: int | None
    metric: Metric | None
    capacity: int
    best_by: str
    shuffle: bool
