"""What the values of a space are drawn from."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from mlp_jax.wording import as_typed


class Distribution(NamedTuple):
    """Something to draw from. `draw(rng)` returns one value; `says` is how it was written."""

    says: str
    draw: Callable[[np.random.Generator], Any]

    def __repr__(self) -> str:
        return self.says

    def rvs(self, random_state: Any = None) -> Any:
        """One value, as scikit-learn's searches ask for it."""
        if hasattr(random_state, "randint"):  # NumPy's older generator
            random_state = random_state.randint(np.iinfo(np.int32).max)
        return self.draw(np.random.default_rng(random_state))


def uniform(low: float, high: float) -> Distribution:
    """Numbers between low and high, all equally likely."""
    _check_ends("uniform", low, high)
    return Distribution(f"uniform({low:g}, {high:g})", lambda rng: float(rng.uniform(low, high)))


def log_uniform(low: float, high: float) -> Distribution:
    """Numbers between low and high whose logarithms are equally likely; for rates and penalties."""
    _check_ends("log_uniform", low, high)
    if low <= 0:
        raise ValueError(f"log_uniform({low:g}, {high:g}): expected ends above 0; see uniform")
    ends = math.log(low), math.log(high)
    return Distribution(
        f"log_uniform({low:g}, {high:g})",
        lambda rng: min(max(math.exp(rng.uniform(*ends)), low), high),
    )


def int_uniform(low: int, high: int) -> Distribution:
    """Whole numbers from low to high, both included."""
    _check_ends("int_uniform", low, high)
    if int(low) != low or int(high) != high:
        raise ValueError(f"int_uniform({low}, {high}): expected whole numbers; see uniform")
    ends = int(low), int(high) + 1
    return Distribution(f"int_uniform({low}, {high})", lambda rng: int(rng.integers(*ends)))


def choice(*options: Any) -> Distribution:
    """One of the options, all equally likely."""
    if not options:
        raise ValueError("choice() has no options; type choice('relu', 'tanh')")
    return Distribution(
        f"choice({', '.join(map(repr, options))})", lambda rng: options[rng.integers(len(options))]
    )


def _check_ends(name: str, low: Any, high: Any) -> None:
    numbers = all(isinstance(end, int | float | np.number) for end in (low, high))
    if not numbers or not -math.inf < low <= high < math.inf:
        raise ValueError(
            f"{name}({as_typed(low)}, {as_typed(high)}): expected two finite numbers, the lower "
            "first"
        )


def of_scipy(frozen: Any) -> Distribution:
    """A frozen distribution of `scipy.stats`."""
    return Distribution(f"scipy.stats.{frozen.dist.name}", lambda rng: frozen.rvs(random_state=rng))
