"""Outcomes of members as a few arrays, for files; see `array_codec`."""

from itertools import pairwise

import numpy as np

from mlp_jax.parameters import Layer
from mlp_jax.storage.array_codec import join, split
from mlp_jax.sweeps.members import STATUSES, Member, Outcome
from mlp_jax.sweeps.task import Task


def arrays_of_outcomes(outcomes: dict[Member, Outcome], dtype: np.dtype) -> dict[str, np.ndarray]:
    """The outcomes in the order of the members; threads finish members in any order.

    Returns:
      names: (members, 3), configuration, seed and fold.
      best_epochs: (members,)
      scores: (members,)
      statuses: (members,), each a place in `STATUSES`.
      histories: the entries of all histories, and histories_lengths: (members,)
      params: the entries of all parameters, and params_lengths: (members,)
    """
    names = sorted(outcomes)
    found = [outcomes[name] for name in names]
    arrays = {
        "names": np.array(names, np.int64).reshape(len(names), 3),
        "best_epochs": np.array([outcome.best_epoch for outcome in found], np.int64),
        "scores": np.array([outcome.score for outcome in found], np.float64),
        "statuses": np.array([STATUSES.index(outcome.status) for outcome in found], np.int64),
    }
    arrays |= join("histories", (outcome.history for outcome in found), dtype)
    return arrays | join("params", (_flat(outcome.params) for outcome in found), dtype)


def outcomes_of(
    task: Task, statuses: list[str], arrays: dict[str, np.ndarray]
) -> dict[Member, Outcome]:
    """The outcomes by member.

    Args:
      task: of the sweep; has the sizes of the networks.
      statuses: the names of the statuses, as the file has them.
      arrays: of `arrays_of_outcomes`.
    """
    columns = (arrays[name].tolist() for name in ("names", "best_epochs", "scores", "statuses"))
    parts = split(arrays, "histories"), split(arrays, "params")
    outcomes = {}
    for name, best_epoch, score, status, history, flat in zip(*columns, *parts, strict=True):
        number, seed, fold = name
        params = _layers(flat, task.sizes(task.configurations[number], fold))
        lines = history.reshape(-1, 4)
        member = Member(number, seed, fold)
        outcomes[member] = Outcome(params, lines, best_epoch, score, statuses[status])
    return outcomes


def _flat(params: tuple[Layer, ...] | None) -> np.ndarray | tuple[()]:
    """All weights and biases in a row; nothing for a member without parameters."""
    if params is None:
        return ()
    return np.concatenate([np.ravel(leaf) for layer in params for leaf in layer])


def _layers(flat: np.ndarray, sizes: tuple[int, ...]) -> tuple[Layer, ...] | None:
    """The parameters that `_flat` was given, of a network of these sizes."""
    if not flat.size:
        return None
    shapes = [shape for n_prev, n in pairwise(sizes) for shape in ((n_prev, n), (n, 1))]
    ends = np.cumsum([rows * columns for rows, columns in shapes])
    if ends[-1] != flat.size:
        raise ValueError(f"{flat.size} parameters of a network of sizes {sizes}")
    parts = zip(np.split(flat, ends[:-1]), shapes, strict=True)
    leaves = [part.reshape(shape) for part, shape in parts]
    return tuple(Layer(W, b) for W, b in zip(leaves[::2], leaves[1::2], strict=True))
