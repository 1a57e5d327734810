"""Outcomes of members as a few arrays, for files; see `array_codec`."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from mlp_jax.storage.array_files import EndToEnd
from mlp_jax.sweeps.members import STATUSES
from mlp_jax.sweeps.outcomes import FlatParams, Outcomes, joined, padded
from mlp_jax.sweeps.task import Task


def arrays_of_outcomes(outcomes: Iterable[Outcomes], dtype: Any) -> dict[str, np.ndarray]:
    """The outcomes in arrays of `parts_of_outcomes`, their parameters in one."""
    arrays = parts_of_outcomes(outcomes, dtype)
    return {n: one.whole() if isinstance(one, EndToEnd) else one for n, one in arrays.items()}


def parts_of_outcomes(outcomes: Iterable[Outcomes], dtype: Any) -> dict[str, Any]:
    """The outcomes, in whatever order threads came to their ends in the order of first members.

    Parameters are most of what a sweep has found, and are not copied into one array.

    Returns:
      names: (members, 3), configuration, seed and fold.
      best_epochs: (members,)
      scores: (members,)
      statuses: (members,), each a place in `STATUSES`.
      histories: the entries of all histories, and histories_lengths: (members,)
      params: the entries of all parameters, and params_lengths: (members,)
    """
    parts = sorted((part for part in outcomes if len(part)), key=lambda p: p.members[0].tolist())
    none = np.empty(0, np.int64)
    epochs = joined([part.lengths for part in parts], none)
    lengths = joined([part.params.lengths for part in parts], none)

    def params() -> Iterator[np.ndarray]:
        return (part.params.entries(dtype) for part in parts)

    return {
        "names": joined([part.members for part in parts], none.reshape(0, 3)),
        "best_epochs": joined([part.best_epochs for part in parts], none),
        "scores": joined([part.scores for part in parts], np.empty(0)),
        "statuses": joined([part.statuses for part in parts], none),
        "histories": joined([_lines(part).ravel() for part in parts], np.empty(0, dtype)),
        "histories_lengths": 4 * epochs,
        "params": EndToEnd(np.dtype(dtype), int(lengths.sum()), params),
        "params_lengths": lengths,
    }


def _lines(part: Outcomes) -> np.ndarray:
    """The epochs that the members have trained, (epochs of all members, 4)."""
    return part.histories[np.arange(part.histories.shape[1]) < part.lengths[:, None]]


def outcomes_of(task: Task, statuses: Sequence[str], arrays: dict[str, np.ndarray]) -> Outcomes:
    """The outcomes.

    Args:
      task: of the sweep; has the sizes of the networks.
      statuses: the names of the statuses, as the file has them.
      arrays: of `arrays_of_outcomes`.

    Raises:
      ValueError: the arrays do not fit one another, or the networks.
    """
    names, histories = arrays["names"], arrays["histories"]
    epochs, lengths = arrays["histories_lengths"] // 4, arrays["params_lengths"]
    for name in ("best_epochs", "scores", "statuses", "histories_lengths", "params_lengths"):
        if arrays[name].shape != (len(names),):
            raise ValueError(f"{name} has shape {arrays[name].shape} and there are {len(names)}")
    for name, counts in (("histories", 4 * epochs), ("params", lengths)):
        if counts.min(initial=0) < 0 or counts.sum() != arrays[name].size:
            raise ValueError(f"{name} has {arrays[name].size} entries and its parts {counts.sum()}")
    _check_sizes(task, names, lengths)
    codes = np.array([STATUSES.index(status) for status in statuses], np.int64)
    return Outcomes(
        members=names,
        statuses=codes[arrays["statuses"]],
        best_epochs=arrays["best_epochs"],
        scores=arrays["scores"],
        params=FlatParams(arrays["params"], lengths),
        histories=padded(histories.reshape(-1, 4), epochs),
        lengths=epochs,
    )


def _check_sizes(task: Task, names: np.ndarray, lengths: np.ndarray) -> None:
    """Raises ValueError for parameters that are none of a network of the member's sizes."""
    for fold in range(len(task.splits)):
        of_fold = names[:, 2] == fold
        numbers, which = np.unique(names[of_fold, 0], return_inverse=True)
        sizes = [task.sizes(task.configurations[number], fold) for number in numbers.tolist()]
        expected = np.array([sum((a + 1) * b for a, b in pairwise(one)) for one in sizes], np.int64)
        found = lengths[of_fold]
        wrong = np.flatnonzero((found != 0) & (found != expected[which]))
        if len(wrong):
            raise ValueError(f"{found[wrong[0]]} parameters of a network of another size")
