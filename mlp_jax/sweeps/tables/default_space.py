"""What is searched on a table where nobody says: the space, how much of it, and for how long.

The numbers are in one place, here; `experiments/accuracy.py` measures what comes of them. How many
configurations are drawn follows from arithmetic, not from a clock, so that a table and a seed
stand for the same networks on every machine.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from mlp_jax.sweeps.distributions import Distribution, log_uniform
from mlp_jax.sweeps.halving import as_halving, share_of_epochs
from mlp_jax.sweeps.space import configurations

# Useful arithmetic of a search, in floating-point operations: a minute or less on two cores.
BUDGET = 4e12
OPERATIONS = 6  # of a weight and an example: two each of forward, of dJ/dW and of dJ/dZ
# Of a fifth of the configurations no hidden layer: of some tables a straight line is all there is
# to learn, of few rows all that can be learned, and it costs next to nothing to know. Equal widths:
# nothing is padded.
HIDDEN = ((), (128, 128), (256, 256), (128, 128, 128), (256, 256, 256))
# Configurations of the default space: one or more of each of these, two of each where rows are few.
# More of them made no ensemble better, on the average of the tables.
LEAST, MOST = 7, 10
MOST_OF_OWN = 1000  # configurations that are drawn of a space of the user's own
SAMPLE = 64  # configurations whose mean size stands for that of a space
FOLDS = 5
HALVING = 3  # of configurations that are drawn of a space of the user's own
ENSEMBLE = 8  # choices of the ensemble
# Rows to train on from which a step has so many examples, for small tables need the steps.
BATCHES = ((0, 32), (2_000, 64), (8_000, 128), (30_000, 256))
# Of a training; the epochs that make as many are at least and at most these. The best epoch guards
# against too many.
STEPS = 4_000
FEWEST_EPOCHS, MOST_EPOCHS = 20, 300
PATIENCE = 4  # a network of the default space stops after 1 / PATIENCE of the epochs in vain


class Search(NamedTuple):
    """What is searched on a table.

    space: as of `mlp_jax.sweep`.
    n: how many configurations are drawn; None for all that the space lists.
    epochs: of every configuration that names none.
    halving: as of `mlp_jax.sweep`.
    """

    space: Any
    n: int | None
    epochs: int
    halving: int | None


def default_space(m: int, epochs: int) -> dict[str, Any]:
    """The space for m rows to train on, all of whose trainings take so many epochs."""
    return {
        "hidden": list(HIDDEN),
        "activation": ["relu", "silu"],
        "optimizer": "adamw",
        "b2": 0.95,
        "learning_rate": log_uniform(5e-4, 5e-3),
        "input_scale_rate": 6.0,
        "schedule": "cosine",
        "decay_epochs": float(epochs),  # of the whole training, however early halving chooses
        "weight_decay": log_uniform(1e-3, 1.0),
        "dropout": [0.0, 0.1, 0.3],
        "batch_size": batch_size(m),
    }


def batch_size(m: int) -> int:
    """Examples a step, of m rows to train on."""
    return next(size for rows, size in reversed(BATCHES) if m >= rows)


def default_epochs(m: int) -> int:
    """Epochs for m rows to train on: so many that there are `STEPS` steps, within bounds."""
    steps = max(1, m // batch_size(m))
    return min(MOST_EPOCHS, max(FEWEST_EPOCHS, -(-STEPS // steps)))


def default_search(
    m: int,
    inputs: int,
    outputs: int,
    *,
    space: Any = None,
    n: int | None = None,
    epochs: int | None = None,
    folds: int = FOLDS,
    halving: Any = "auto",
) -> Search:
    """The search of a table, where the space, n, the epochs or halving are not given.

    Args:
      m: rows of the table.
      inputs: n[0].
      outputs: n[L].
      space: the user's own; None for `default_space`.
      n: how many configurations to draw; None for as many as the budget has arithmetic for.
      epochs: None for `default_epochs`.
      folds: how many networks are trained of a configuration.
      halving: as of `mlp_jax.sweep`; "auto" for `HALVING` where configurations are drawn of a space
        of the user's own, else None: the default space has few configurations, of which most are
        good, and their ensemble is better than that of the few that halving would leave.

    Raises:
      ValueError: a space that `mlp_jax.sweep` would refuse.

    Example:
      >>> search = default_search(10_000, 20, 1)
      >>> search.n, search.epochs, search.halving, search.space["batch_size"]
      (7, 65, None, 128)
      >>> default_search(10_000, 20, 1, space={"width": [8, 16]})[1:]
      (None, 65, None)
    """
    trained = m * (folds - 1) // folds if folds > 1 else m
    lasts = default_epochs(trained) if epochs is None else epochs
    own = space is not None
    least, most = (1, MOST_OF_OWN) if own else (LEAST, MOST)
    if space is None:
        space = default_space(trained, lasts)
    is_drawn = _is_drawn(space)
    if isinstance(halving, str) and halving == "auto":
        halving = HALVING if is_drawn and own else None
    if n is None and is_drawn:
        work = _operations(space, inputs, outputs, lasts) * trained * folds
        work *= share_of_epochs(lasts, as_halving(halving))
        n = int(np.clip(BUDGET / work, least, most))
    return Search(space, n, lasts, halving)


def _is_drawn(space: Any) -> bool:
    """Whether a space has no end: some of it is drawn at random."""
    if not isinstance(space, Mapping):
        return False
    # Widths are drawn for every layer by itself, also from a list.
    return "widths" in space or any(
        isinstance(value, Distribution) or hasattr(value, "rvs") for value in space.values()
    )


def _operations(space: Any, inputs: int, outputs: int, epochs: int) -> float:
    """The mean over the space of what one example costs, of a training."""
    of_each = [
        one.named.get("epochs", epochs)
        * sum(a * b for a, b in pairwise((inputs, *one.hidden, outputs)))
        for one in configurations(space, SAMPLE, seed=0)
    ]
    return OPERATIONS * float(np.mean(of_each))
