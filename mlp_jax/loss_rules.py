"""The losses by name, and what holds for each whoever computes it. NumPy alone.

`losses` has the losses themselves, `models` predicts from a name in a file: both ask here.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

ANY = (-float("inf"), float("inf"))  # labels that may be any finite number
SMALLEST = 1e-7  # probability that a logarithm is taken of


class LossRules(NamedTuple):
    """What holds for a loss.

    name: as users type it, without its numbers.
    output: the name of the output activation, which makes A[L] of Z[L].
    labels: the (lowest, highest) label allowed.
    classes: Y says how much of each class, so that labels can be smoothed and classes weighted.
    exclusive: whether the classes of an example exclude one another; None without classes.
    counts: labels are counts; of these scikit-learn reports half the deviance, summed over outputs.
    quantiles: the numbers in the name are quantiles, of each of which there is an output.
    of_averages: (A, Y), both (samples, K), to the loss of every row, (samples,), for A that is an
      average of outputs and so has no Z; None where Z can be told from A, and L serves.
    """

    name: str
    output: str
    labels: tuple[float, float] = ANY
    classes: bool = False
    exclusive: bool | None = None
    counts: bool = False
    quantiles: bool = False
    of_averages: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None


def _binary_cross_entropy(A: np.ndarray, Y: np.ndarray) -> np.ndarray:
    A = np.clip(A, SMALLEST, 1 - SMALLEST)
    return np.asarray(-(Y * np.log(A) + (1 - Y) * np.log1p(-A)).sum(axis=1))


def _softmax_cross_entropy(A: np.ndarray, Y: np.ndarray) -> np.ndarray:
    return np.asarray(-(Y * np.log(np.maximum(A, SMALLEST))).sum(axis=1))


def _squared_error(A: np.ndarray, Y: np.ndarray) -> np.ndarray:
    return np.asarray(((A - Y) ** 2).sum(axis=1))


RULES = {
    rules.name: rules
    for rules in (
        LossRules(
            *("binary_cross_entropy", "sigmoid", (0.0, 1.0)),
            classes=True,
            exclusive=False,
            of_averages=_binary_cross_entropy,
        ),
        LossRules(
            *("softmax_cross_entropy", "softmax", (0.0, 1.0)),
            classes=True,
            exclusive=True,
            of_averages=_softmax_cross_entropy,
        ),
        LossRules("squared_error", "identity", of_averages=_squared_error),
        LossRules("absolute_error", "identity"),
        LossRules("huber", "identity"),
        LossRules("poisson", "exp", (0.0, ANY[1]), counts=True),
        LossRules("pinball", "identity", quantiles=True),
    )
}


def rules_of(loss: str) -> LossRules:
    """What holds for the loss of this name, which may have numbers, as in "huber(0.5)".

    Raises:
      ValueError: a name that is unknown, such as of a loss of the user's own.
    """
    kind = loss.partition("(")[0]
    if kind not in RULES:
        raise ValueError(f"loss is {loss!r}; expected one of {', '.join(RULES)}")
    return RULES[kind]


def quantiles_of(loss: str) -> tuple[str, ...]:
    """Of each output, as the name of the loss writes it; none of another loss."""
    if not rules_of(loss).quantiles:
        return ()
    listed = loss.partition("(")[2].rstrip(")") or "0.5"
    return tuple(quantile.strip() for quantile in listed.split(","))


def can_be_averaged(loss: str) -> bool:
    """Whether the mean of several networks' outputs is an output of the same meaning.

    Of several quantiles of one label it is none.
    """
    return len(quantiles_of(loss)) < 2


def default_loss(classes: int | None) -> str:
    """The loss of a table that names none. classes: how many there are, None for numbers."""
    if classes is None:
        return "squared_error"
    return "binary_cross_entropy" if classes == 2 else "softmax_cross_entropy"
