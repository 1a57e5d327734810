"""What the values of a space are drawn from.

The n values of a choice are a Latin hypercube's (McKay et al. 1979): its range is cut into n parts
of the same probability, and every part has one value. So a search of few configurations leaves no
part of a range out, as n values drawn for themselves would.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from mlp_jax.sweeps.columns import Column
from mlp_jax.wording import as_typed

WITHIN = np.finfo(float).tiny, 1 - np.finfo(float).epsneg  # shares that are neither 0 nor 1


class Distribution(NamedTuple):
    """Something to draw from.

    says: how it was written.
    quantiles: shares in [0, 1), (n,) -> the numbers below which lie such shares of what is drawn,
      float64 or int64; of `options`, their places.
    options: what `quantiles` are places of; None where they are the values.
    """

    says: str
    quantiles: Callable[[np.ndarray], np.ndarray]
    options: tuple[Any, ...] | None = None

    def __repr__(self) -> str:
        return self.says

    def column(self, rng: np.random.Generator, n: int) -> Column:
        """The values of n configurations."""
        drawn = self.quantiles(shares(rng, n, level=self.options is not None))
        if self.options is None:
            return Column.of(drawn, np.arange(n))
        return Column.of(self.options, drawn)

    def rvs(self, random_state: Any = None) -> Any:
        """One value, as scikit-learn's searches ask for it."""
        if hasattr(random_state, "randint"):  # NumPy's older generator
            random_state = random_state.randint(np.iinfo(np.int32).max)
        [value] = self.column(np.random.default_rng(random_state), 1).values()
        return value


def shares(rng: np.random.Generator, n: int, *, level: bool = False) -> np.ndarray:
    """A number out of each of n equal parts of [0, 1), in random order: (n,).

    level: at one place in all parts, so that of any parts of one size each has as many of them as
      the others, or one more or less.
    """
    order, within = rng.permutation(n), rng.random(n)
    return (order + (within[:1] if level else within)) / n


def place(share: np.ndarray, of: int) -> np.ndarray:
    """Which of so many equal parts of [0, 1) shares lie in, (n,)."""
    return np.minimum((share * of).astype(np.int64), of - 1)  # a share may be rounded to 1


def uniform(low: float, high: float) -> Distribution:
    """Numbers between low and high, all equally likely."""
    _check_ends("uniform", low, high)
    return Distribution(
        f"uniform({low:g}, {high:g})", lambda share: (1 - share) * low + share * high
    )


def log_uniform(low: float, high: float) -> Distribution:
    """Numbers between low and high whose logarithms are equally likely; for rates and penalties."""
    _check_ends("log_uniform", low, high)
    if low <= 0:
        raise ValueError(f"log_uniform({low:g}, {high:g}): expected ends above 0; see uniform")
    first, last = math.log(low), math.log(high)
    return Distribution(
        f"log_uniform({low:g}, {high:g})",
        lambda share: np.exp((1 - share) * first + share * last).clip(float(low), float(high)),
    )


def int_uniform(low: int, high: int) -> Distribution:
    """Whole numbers from low to high, both included."""
    _check_ends("int_uniform", low, high)
    if int(low) != low or int(high) != high:
        raise ValueError(f"int_uniform({low}, {high}): expected whole numbers; see uniform")
    least, numbers = int(low), int(high) + 1 - int(low)
    return Distribution(f"int_uniform({low}, {high})", lambda share: least + place(share, numbers))


def choice(*options: Any) -> Distribution:
    """One of the options, all equally likely."""
    if not options:
        raise ValueError("choice() has no options; type choice('relu', 'tanh')")
    return Distribution(
        f"choice({', '.join(map(repr, options))})",
        lambda share: place(share, len(options)),
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
    if not hasattr(frozen, "ppf"):
        raise ValueError(
            f"space has {as_typed(frozen)}; expected a frozen distribution of scipy.stats, whose "
            "ppf says its quantiles, or mlp_jax.uniform, log_uniform, int_uniform, choice"
        )
    dtype = np.int64 if hasattr(frozen, "pmf") else np.float64

    def quantiles(share: np.ndarray) -> np.ndarray:
        # Of 0 and 1 SciPy says what is never drawn: infinity, or one less than the least.
        return np.asarray(frozen.ppf(share.clip(*WITHIN))).astype(dtype)

    return Distribution(f"scipy.stats.{frozen.dist.name}", quantiles)
