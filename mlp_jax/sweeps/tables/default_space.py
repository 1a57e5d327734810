"""What is searched on a table where nobody says: the space, how much of it, and for how long.

The numbers are in one place, here, and were chosen by an experiment, `experiments/accuracy.py`. How
many configurations are drawn follows from arithmetic, not from a clock, so that a table and a seed
stand for the same networks on every machine.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from mlp_jax.sweeps.distributions import log_uniform
from mlp_jax.sweeps.halving import as_halving, share_of_epochs
from mlp_jax.sweeps.space import configurations

# Useful arithmetic of a search, in floating-point operations: some four minutes on two cores.
BUDGET = 1e13
LEAST, MOST = 12, 100  # configurations of the default space
MOST_OF_OWN = 1000  # configurations that are drawn of a space of the user's own
FOLDS = 5
HALVING = 3
ENSEMBLE = 8  # choices of the ensemble
EPOCHS = 60
# Rows to train on from which a step has so many examples: small tables need the steps.
BATCHES = ((0, 32), (1_000, 64), (3_000, 128), (20_000, 256))
OPERATIONS = 6  # of a weight and an example: two each of forward, of dJ/dW and of dJ/dZ
SAMPLE = 64  # configurations whose mean size stands for that of a space


class Search(NamedTuple):
    """What is searched on a table.

    space: as of `mlp_jax.sweep`.
    n: how many configurations are drawn; None for all that the space lists.
    epochs: of every configuration that names none.
    """

    space: Any
    n: int | None
    epochs: int


def default_space(m: int, epochs: int) -> dict[str, Any]:
    """The space for a table of m rows to train on, all of whose trainings take so many epochs."""
    return {
        "depth": [2, 3],
        "widths": [64, 128, 256],
        "activation": ["relu", "silu", "mish", "selu"],
        "optimizer": "adamw",
        "b2": 0.95,
        "learning_rate": log_uniform(1e-3, 1e-2),
        "schedule": "cosine",
        "decay_epochs": float(epochs),  # of the whole training, however early halving chooses
        "weight_decay": log_uniform(1e-4, 1e-1),
        "dropout": [0.0, 0.1, 0.3],
        "batch_size": next(size for rows, size in reversed(BATCHES) if m >= rows),
    }


def default_search(
    m: int,
    inputs: int,
    outputs: int,
    *,
    space: Any = None,
    n: int | None = None,
    epochs: int | None = None,
    folds: int = FOLDS,
    halving: int | None = HALVING,
) -> Search:
    """The search of a table, where the space, n or the epochs are not given.

    Args:
      m: rows of the table.
      inputs: n[0].
      outputs: n[L].
      space: the user's own; None for `default_space`.
      n: how many configurations to draw; None for as many as the budget has arithmetic for.
      epochs: None for `EPOCHS`.
      folds: how many networks are trained of a configuration.
      halving: of the sweep.

    Raises:
      ValueError: a space that `mlp_jax.sweep` would refuse.

    Example:
      >>> search = default_search(10_000, 20, 1)
      >>> search.n, search.epochs, sorted(search.space)[:2]
      (64, 60, ['activation', 'b2'])
      >>> default_search(200, 5, 1).n, default_search(10**6, 50, 1).n
      (100, 12)
    """
    lasts = EPOCHS if epochs is None else epochs
    trained = m * (folds - 1) // folds if folds > 1 else m
    least, most = (LEAST, MOST) if space is None else (1, MOST_OF_OWN)
    if space is None:
        space = default_space(trained, lasts)
    if n is None and _is_drawn(space):
        work = _operations(space, inputs, outputs, lasts) * trained * folds
        work *= share_of_epochs(lasts, as_halving(halving))
        n = int(np.clip(BUDGET / work, least, most))
    return Search(space, n, lasts)


def _is_drawn(space: Any) -> bool:
    """Whether a space has no end: some of it is drawn at random."""
    if not isinstance(space, Mapping):
        return False
    # Widths are drawn for every layer by itself, also from a list.
    return "widths" in space or any(
        hasattr(value, "draw") or hasattr(value, "rvs") for value in space.values()
    )


def _operations(space: Any, inputs: int, outputs: int, epochs: int) -> float:
    """The mean over the space of what one example costs, of a training."""
    of_each = [
        one.named.get("epochs", epochs)
        * sum(a * b for a, b in pairwise((inputs, *one.hidden, outputs)))
        for one in configurations(space, SAMPLE, seed=0)
    ]
    return OPERATIONS * float(np.mean(of_each))
