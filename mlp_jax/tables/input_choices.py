"""How the columns of a table become inputs: what there is to choose. Nothing is imported."""

from dataclasses import dataclass
from typing import Any

SCALINGS = ("standard", "robust")
MOST_BINS = 256  # of a column


@dataclass(frozen=True)
class InputChoices:
    """How numbers and categories become inputs of a network.

    scaling: "standard", (x - mean) / standard deviation; or "robust", z = (x - median) / (distance
      of the quartiles) and then z / sqrt(1 + (z / 3)^2), which no outlier takes beyond 3.
    bins: of how many bins between quantiles a number has an input each beside its own, which grows
      from 0 to 1 within the bin: the piecewise-linear encoding of Gorishniy et al., "On embeddings
      for numerical features in tabular deep learning" (2022). 0 for none.
    binary_as_one: whether a column that would have two inputs, one for each of two categories, has
      one, for the second.

    Raises:
      ValueError: another scaling, or bins that are no whole number from 0 to 256.
    """

    scaling: str = "standard"
    bins: int = 0
    binary_as_one: bool = False

    def __post_init__(self) -> None:
        check_choices(self.scaling, self.bins)


def check_choices(scaling: Any, bins: Any) -> None:
    """Raises ValueError for what `InputChoices` does not take."""
    if not isinstance(scaling, str) or scaling not in SCALINGS:
        raise ValueError(f"scaling is {scaling!r}; expected 'standard' or 'robust'")
    if isinstance(bins, bool) or not hasattr(bins, "__index__") or not 0 <= bins <= MOST_BINS:
        raise ValueError(
            f"bins is {bins!r}; expected a whole number from 0, for no bins, to {MOST_BINS}, such "
            "as 16"
        )


# What tables become unless somebody asks for something else: of the command line, of
# `table_encoder` and of `mlp_jax.NumberEncoder`.
BY_DEFAULT = InputChoices()
