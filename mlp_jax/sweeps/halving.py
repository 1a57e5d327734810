"""Successive halving: all configurations train for a part of the epochs, the best of them go on.

Twice a share of the configurations is chosen, 1 in `factor`. Those that go on do so from where they
stand, with the state of their optimizer.
"""

import math
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np

from mlp_jax.sweeps.members import RungScore
from mlp_jax.wording import as_typed

CUTS = 2


def as_halving(factor: Any) -> int | None:
    """The factor to halve by, or None; ValueError for what is none."""
    whole = isinstance(factor, int | np.integer) and not isinstance(factor, bool)
    if factor is not None and (not whole or factor < 2):
        raise ValueError(
            f"halving is {as_typed(factor)}; expected an integer from 2 up, such as 3 for the "
            "best third, or None"
        )
    return None if factor is None else int(factor)


def epochs_of_rungs(epochs: int, factor: int | None) -> list[int]:
    """The epochs at which the best are chosen, the last of all epochs at the end.

    Example:
      >>> epochs_of_rungs(100, 3)
      [12, 34, 100]
      >>> epochs_of_rungs(100, None)
      [100]
    """
    if factor is None:
        return [epochs]
    return sorted({math.ceil(epochs / factor**cut) for cut in range(CUTS + 1)})


def stages(epochs: int, factor: int | None) -> list[tuple[float, float]]:
    """(share of the configurations, share of the epochs that these train) until every rung.

    Example:
      >>> stages(90, 3) == [(1, 1 / 9), (1 / 3, 2 / 9), (1 / 9, 2 / 3)]
      True
    """
    ends = [0, *epochs_of_rungs(epochs, factor)]
    return [
        (1.0 if factor is None else factor**-i, (end - before) / epochs)
        for i, (before, end) in enumerate(pairwise(ends))
    ]


def share_of_epochs(epochs: int, factor: int | None) -> float:
    """The share of all epochs of all configurations that is trained.

    Example:
      >>> round(share_of_epochs(90, 3), 3)
      0.259
    """
    return sum(going * share for going, share in stages(epochs, factor))


def best_of(scores: Iterable[RungScore], factor: int) -> set[int]:
    """The configurations that go on: those of the highest mean score, a share of 1 / factor.

    Args:
      scores: of every member, in any order. Of equal scores, the lower loss is the better.
      factor: one in `factor` configurations goes on.

    Example:
      >>> nan = float("nan")
      >>> rows = (0, 0.5, 1), (0, 0.7, 1), (1, 0.9, 1), (1, nan, nan), (2, 0.6, 0.8)
      >>> best_of([RungScore(*row) for row in rows], 3)
      {2}
    """
    members: dict[int, list[tuple[float, float]]] = {}
    for configuration, score, loss in scores:
        members.setdefault(configuration, []).append((score, loss))
    # Sums without rounding: the same in whatever order the members, or their shards, are.
    means = {
        number: [math.fsum(values) / len(values) for values in zip(*pairs, strict=True)]
        for number, pairs in members.items()
    }

    def order(number: int) -> tuple[bool, float, float, int]:
        score, loss = means[number]
        return bool(np.isnan(score)), -score, loss, number

    return set(sorted(means, key=order)[: math.ceil(len(means) / factor)])
