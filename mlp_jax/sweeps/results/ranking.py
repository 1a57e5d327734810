"""Configurations in the order of their scores: what each of them reached, and which is better."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mlp_jax.sweeps.members import STATUSES
from mlp_jax.sweeps.outcomes import CODES
from mlp_jax.sweeps.results.member import SweepMember


def status_of(members: Sequence[Any]) -> str:
    """That of a configuration of such members, each with a status of its own."""
    statuses = {member.status for member in members}
    return next(status for status in STATUSES if status in statuses)


def order_of(statuses: np.ndarray, scores: np.ndarray, *, chosen: Any = False) -> np.ndarray:
    """The places in a ranking of what has these statuses and scores, the lower the better.

    Args:
      statuses: places in `STATUSES`.
      scores: NaN where there is none.
      chosen: halving has made a choice, among all or among those marked. What was interrupted after
        it has survived the choice, and ranks with what has finished.
    """
    order = np.where(statuses == CODES["halved away"], 2, 0)
    order[(statuses == CODES["interrupted"]) & ~np.asarray(chosen)] = 1
    order[np.isnan(scores)] = 3
    order[statuses == CODES["diverged"]] = 4
    return order


@dataclass(frozen=True)
class Ranked:
    """A configuration and how it did on all its folds with all its seeds.

    rank: from 1, the best.
    configuration: its choices by name.
    score: the mean of its members'.
    spread: the standard deviation of its members' scores.
    best_epoch: the mean of its members'.
    status: as its members'; of different ones, the first of `STATUSES`.
    members: one a seed and fold, each made when it is asked for.
    """

    rank: int
    configuration: dict[str, Any]
    score: float
    spread: float
    best_epoch: float
    status: str
    members: Sequence[SweepMember] = field(repr=False)

    def in_words(self, name: str) -> str:
        """The choice of this name in a few characters; "-" if the configuration has none."""
        value = self.configuration.get(name)
        if value is None:
            return "all" if name == "batch_size" else "-"
        if name == "hidden":
            return "-".join(map(str, value)) or "none"
        return f"{value:.3g}" if isinstance(value, float) else str(value)
