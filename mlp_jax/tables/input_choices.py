"""How the columns of a table become inputs: what there is to choose. Nothing is imported."""

from dataclasses import dataclass, replace
from typing import Any

SCALINGS = ("standard", "robust")
MOST_BINS = 256  # of a column
AUTO = "auto"
FEWEST_BINS, AUTO_BINS, ROWS_A_BIN = 3, 16, 150  # of "auto"


@dataclass(frozen=True)
class InputChoices:
    """How numbers and categories become inputs of a network.

    scaling: "standard", (x - mean) / standard deviation; or "robust", z = (x - median) / (distance
      of the quartiles) and then z / sqrt(1 + (z / 3)^2), which no outlier takes beyond 3.
    bins: of how many bins between quantiles a number has an input each beside its own, which grows
      from 0 to 1 within the bin: the piecewise-linear encoding of Gorishniy et al., "On embeddings
      for numerical features in tabular deep learning" (2022). 0 for none; "auto" for one bin a 150
      rows, from 3 to 16, because many bins of few rows are learned by heart.
    binary_as_one: whether a column that would have two inputs, one for each of two categories, has
      one, for the second.

    Raises:
      ValueError: another scaling, or bins that are no whole number from 0 to 256, nor "auto".
    """

    scaling: str = "standard"
    bins: int | str = 0
    binary_as_one: bool = False

    def __post_init__(self) -> None:
        check_choices(self.scaling, self.bins)

    def with_choices(self, **choices: Any) -> "InputChoices":
        """These choices, but for those that are given and not None."""
        given = {name: value for name, value in choices.items() if value is not None}
        return replace(self, **given)

    def bins_of(self, rows: int) -> int:
        """How many bins a column has at most, of so many rows that have a number in it."""
        if isinstance(self.bins, str):
            return min(AUTO_BINS, max(FEWEST_BINS, rows // ROWS_A_BIN))
        return self.bins


def check_choices(scaling: Any, bins: Any) -> None:
    """Raises ValueError for what `InputChoices` does not take."""
    if not isinstance(scaling, str) or scaling not in SCALINGS:
        raise ValueError(f"scaling is {scaling!r}; expected 'standard' or 'robust'")
    if isinstance(bins, str) and bins == AUTO:
        return
    if isinstance(bins, bool) or not hasattr(bins, "__index__") or not 0 <= bins <= MOST_BINS:
        raise ValueError(
            f"bins is {bins!r}; expected a whole number from 0, for no bins, to {MOST_BINS}, such "
            "as 16, or 'auto'"
        )


# What tables become unless somebody asks for something else: of `mlp-jax train`, of `table_encoder`
# and of `mlp_jax.NumberEncoder`.
BY_DEFAULT = InputChoices()
# The same of `mlp-jax sweep`, `TableClassifier` and `TableRegressor`.
OF_A_SEARCH = InputChoices(scaling="robust", bins="auto", binary_as_one=True)
