"""The samples that an estimator trains on or validates by, a row each."""

from typing import Any, NamedTuple

import numpy as np
from sklearn.model_selection import train_test_split


class Data(NamedTuple):
    """Samples with their labels.

    X: (samples, features).
    Y: (samples, K).
    weights: (samples,), or None for all ones.
    """

    X: np.ndarray
    Y: np.ndarray
    weights: np.ndarray | None

    @property
    def mean_weight(self) -> float:
        """The mean weight of a sample; 1 where there are no weights."""
        return 1.0 if self.weights is None else float(np.mean(self.weights))

    def columns(self) -> tuple[Any, Any, Any]:
        """(X, Y, weights) as `mlp_jax.fit` takes them: an example a column."""
        weights = None if self.weights is None else self.weights[None].astype(self.X.dtype)
        return self.X.T, self.Y.T, weights


def split_data(
    data: Data, share: float, strata: np.ndarray | None, random: np.random.RandomState
) -> tuple[Data, Data]:
    """(the samples to train on, the samples to validate by).

    Args:
      data: all samples.
      share: of the samples that validate, from 0 to 1.
      strata: a value for every sample, of which both parts get the same share; None for no regard.
      random: what draws the parts.

    Raises:
      ValueError: a part is too small, or has no weight.
    """
    train, held = train_test_split(
        np.arange(len(data.X)), random_state=random, test_size=share, stratify=strata
    )
    if len(held) < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' or the size of your "
            "dataset."
        )
    parts = []
    for part, purpose in ((train, "train on"), (held, "validate by")):
        weights = None if data.weights is None else data.weights[part]
        if weights is not None and not weights.sum() > 0:
            raise ValueError(
                f"all {len(part)} samples to {purpose} have a sample_weight of 0; type another "
                "random_state or validation_fraction, or X_val and y_val"
            )
        parts.append(Data(data.X[part], data.Y[part], weights))
    return parts[0], parts[1]


def in_dtype(Y: np.ndarray, dtype: Any) -> np.ndarray:
    """Labels in this dtype, or in float64 if they have more digits, which scores need."""
    rounded = np.ascontiguousarray(Y, dtype)
    return rounded if np.array_equal(rounded, Y) else np.ascontiguousarray(Y, np.float64)


def dense(X: Any) -> np.ndarray:
    """A table as an array, also if it is a sparse matrix."""
    return X.toarray() if hasattr(X, "toarray") else np.asarray(X)
