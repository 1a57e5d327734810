"""Columns of numbers as inputs of a network, for pipelines of scikit-learn."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted, validate_data

from mlp_jax.models.encoding import Column, encoded_in_blocks, encoding_of_inputs
from mlp_jax.tables.input_choices import BY_DEFAULT, InputChoices
from mlp_jax.tables.number_inputs import inputs_of_numbers


class NumberEncoder(TransformerMixin, BaseEstimator):
    """Numbers, gaps among them, as inputs of a network: scaled, and in bins where asked for.

    Of every column comes first the number, scaled; a missing one is the median. Then, for every
    column that had gaps, an input for whether the number is missing. Then the bins. A column
    without any number has no number and no bins.

    Where this and scikit-learn's `SplineTransformer(degree=1, knots="quantile",
    extrapolation="constant")` have the same edges, a linear function of either's inputs is the same
    set of functions: the continuous ones, piecewise linear between the edges, constant outside. Its
    inputs are hats, of which a number has two; these are ramps, of which a number has all that are
    below, so that a weight is a slope. It keeps edges that fall together, where many rows share a
    number, as inputs of zeros, and takes no gaps. And a hat is a difference of two ramps, a ramp
    one number between limits, which is all that a model file holds of an input: `save_model` knows
    this transformer.

    Args:
      scaling: "standard", (x - mean) / standard deviation; or "robust", z = (x - median) /
        (distance of the quartiles), half the range where that distance is 0, and then
        z / sqrt(1 + (z / 3)^2), which no outlier takes beyond 3, as in RealMLP (Holzmüller et al.,
        2024). What says that a number is missing is standardised, or stays 0 and 1.
      bins: how many between quantiles a column has at most. Each is an input that grows from 0 to 1
        within the bin: the piecewise-linear encoding of Gorishniy et al., "On embeddings for
        numerical features in tabular deep learning" (2022). 0 for none; "auto" for one bin for
        every 150 rows, from 3 to 16.

    Attributes:
      n_features_in_: columns that were seen.
      feature_names_in_: their names, where they were texts.
      encoding_: what was learned, a `mlp_jax.models.encoding.Encoding`.

    Example:
      >>> X = np.array([[18.0], [20], [30], [np.nan], [1e9]])
      >>> encoder = NumberEncoder(scaling="robust", bins=2).fit(X)
      >>> print(*encoder.get_feature_names_out(["age"]), sep="; ")
      age; age is missing; age from 18 to 20; age from 20 to 1e+09
      >>> encoder.transform([[19.0], [np.nan], [-1e300]])[:, [1, 2]]
      array([[0. , 0.5],
             [1. , 1. ],
             [0. , 0. ]])
    """

    def __init__(
        self, *, scaling: str = BY_DEFAULT.scaling, bins: int | str = BY_DEFAULT.bins
    ) -> None:
        self.scaling = scaling
        self.bins = bins

    def fit(self, X: Any, y: Any = None) -> "NumberEncoder":
        """Learns centres, scales and edges.

        Args:
          X: numbers, (samples, columns); a frame or an array. A missing one is NaN or None.
          y: not looked at.

        Raises:
          ValueError: another scaling or other bins than the class says, or a cell that is no
            number.
        """
        choices = InputChoices(self.scaling, self.bins)
        X = self._checked(X, reset=True)
        names = getattr(self, "feature_names_in_", [f"x{k}" for k in range(X.shape[1])])
        columns = [Column(str(name)) for name in names]
        self.encoding_ = encoding_of_inputs(columns, inputs_of_numbers(X, choices))
        return self

    def transform(self, X: Any) -> np.ndarray:
        """The inputs, (samples, inputs), float64.

        Args:
          X: as of `fit`.
        """
        check_is_fitted(self)
        return encoded_in_blocks(self.encoding_, self._checked(X, reset=False))

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """A name for each input, such as "age", "age is missing", "age from 18 to 25".

        Args:
          input_features: names of the columns; by default as they were in `fit`.
        """
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        columns = tuple(Column(str(name)) for name in names)
        return np.array(self.encoding_._replace(columns=columns).inputs(), object)

    def _checked(self, X: Any, *, reset: bool) -> np.ndarray:
        found: np.ndarray = validate_data(
            self, X, reset=reset, dtype=np.float64, ensure_all_finite="allow-nan"
        )
        return found

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
