"""What the values of a space are drawn from."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from mlp_jax.sweeps.columns import Column
from mlp_jax.wording import as_typed


class Distribution(NamedTuple):
    """Something to draw from.

    says: how it was written.
    draw: (rng, how many) -> the numbers, float64 or int64; of `options`, their places.
    options: what `draw` draws the places of; None where it draws the values.
    """

    says: str
    draw: Callable[[np.random.Generator, int], np.ndarray]
    options: tuple[Any, ...] | None = None

    def __repr__(self) -> str:
        return self.says

    def column(self, rng: np.random.Generator, n: int) -> Column:
        """The values of n configurations."""
        drawn = self.draw(rng, n)
        if self.options is None:
            return Column.of(drawn, np.arange(n))
        return Column.of(self.options, drawn)

    def rvs(self, random_state: Any = None) -> Any:
        """One value, as scikit-learn's searches ask for it."""
        if hasattr(random_state, "randint"):  # NumPy's older generator
            random_state = random_state.randint(np.iinfo(np.int32).max)
        [value] = self.column(np.random.default_rng(random_state), 1).values()
        return value


def uniform(low: float, high: float) -> Distribution:
    """Numbers between low and high, all equally likely."""
    _check_ends("uniform", low, high)
    return Distribution(f"uniform({low:g}, {high:g})", lambda rng, n: rng.uniform(low, high, n))


def log_uniform(low: float, high: float) -> Distribution:
    """Numbers between low and high whose logarithms are equally likely; for rates and penalties."""
    _check_ends("log_uniform", low, high)
    if low <= 0:
        raise ValueError(f"log_uniform({low:g}, {high:g}): expected ends above 0; see uniform")
    ends = math.log(low), math.log(high)
    return Distribution(
        f"log_uniform({low:g}, {high:g})",
        lambda rng, n: np.exp(rng.uniform(*ends, n)).clip(float(low), float(high)),
    )


def int_uniform(low: int, high: int) -> Distribution:
    """Whole numbers from low to high, both included."""
    _check_ends("int_uniform", low, high)
    if int(low) != low or int(high) != high:
        raise ValueError(f"int_uniform({low}, {high}): expected whole numbers; see uniform")
    ends = int(low), int(high) + 1
    return Distribution(f"int_uniform({low}, {high})", lambda rng, n: rng.integers(*ends, n))


def choice(*options: Any) -> Distribution:
    """One of the options, all equally likely."""
    if not options:
        raise ValueError("choice() has no options; type choice('relu', 'tanh')")
    return Distribution(
        f"choice({', '.join(map(repr, options))})",
        lambda rng, n: rng.integers(len(options), size=n),
        options,
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

    def draw(rng: np.random.Generator, n: int) -> np.ndarray:
        drawn = np.asarray(frozen.rvs(size=n, random_state=rng))
        return drawn.astype(np.int64 if drawn.dtype.kind in "iu" else np.float64)

    return Distribution(f"scipy.stats.{frozen.dist.name}", draw)
