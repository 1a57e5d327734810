"""The table of a sweep, checked: rows are samples."""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from mlp_jax.sweeps.folds import Split
from mlp_jax.sweeps.labels import checked_labels


def as_table(X: Any) -> np.ndarray:
    """X as floating numbers, (samples, features): float64 where it came so and JAX allows it.

    Of 16 bits it becomes float32: parameters are of the dtype of X, and `fit` refuses such.
    """
    try:
        table = np.asarray(X)
        dtype = table.dtype if table.dtype.kind == "f" else np.dtype(np.float64)
        table = table.astype(jax.dtypes.canonicalize_dtype(np.promote_types(dtype, np.float32)))
    except (TypeError, ValueError):
        raise ValueError(
            f"X holds something else than numbers ({np.asarray(X).dtype}); encode words as numbers "
            "first, as with sklearn.preprocessing.OneHotEncoder"
        ) from None
    if table.ndim != 2 or 0 in table.shape:
        raise ValueError(f"X has shape {table.shape}; expected (samples, features)")
    if not np.isfinite(table).all():
        row, column = (int(i) for i in np.argwhere(~np.isfinite(table))[0])
        raise ValueError(
            f"X[{row}, {column}] is {table[row, column]}; expected finite numbers: fill it in first"
        )
    return table


def check_length(table: np.ndarray, labels: np.ndarray, of: str = "") -> None:
    """Raises ValueError if the table and the labels are of other numbers of samples."""
    if len(table) != len(labels):
        turned = "; rows are samples here: type X.T" if table.shape[1] == len(labels) else ""
        raise ValueError(f"{of}X has {len(table)} samples and y {len(labels)}{turned}")


def checked_weights(
    weights: Any, m: int, dtype: np.dtype[Any], *, name: str = "weights"
) -> np.ndarray:
    """The weights of m rows, (samples,), in this dtype.

    Raises:
      ValueError: another shape, or a weight that is below 0 or not finite.
    """
    found = np.asarray(weights)
    if found.shape != (m,) or found.dtype.kind not in "fiub":
        raise ValueError(
            f"{name} is {found.dtype} of shape {found.shape}; expected numbers of shape ({m},), "
            "one a sample"
        )
    found = found.astype(dtype)
    wrong = ~(np.isfinite(found) & (found >= 0))
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(f"{name}[{row}] is {found[row]:g}; expected 0 or more, and finite")
    return found


def weights_of_folds(
    weights: np.ndarray | None, splits: Sequence[Split], m: int
) -> np.ndarray | None:
    """The weights of all m rows, (m,): those of the user's own to validate by count 1 each.

    Raises:
      ValueError: a fold has nothing of any weight to train on or to validate by.
    """
    if weights is None:
        return None
    weights = np.append(weights, np.ones(m - len(weights), weights.dtype))
    for fold, parts in enumerate(splits):
        for rows, purpose in zip(parts, ("trains on", "validates by"), strict=True):
            if not weights[rows].any():
                raise ValueError(
                    f"weights are zero for all that fold {fold} {purpose}; type a weight above "
                    "zero for some of it, or other folds"
                )
    return weights


def with_own_validation(
    table: np.ndarray, labels: np.ndarray, validation: Sequence[Any], folds: Any
) -> tuple[np.ndarray, np.ndarray, list[Split]]:
    """The examples with those of (Xv, yv) after them, and the one split between the two."""
    if folds is not None:
        raise ValueError("both folds and validation are given: leave one out")
    if len(validation) != 2:
        raise ValueError(f"validation has {len(validation)} parts; expected (Xv, yv) or a share")
    own, own_labels = as_table(validation[0]), checked_labels(validation[1], "validation y")
    check_length(own, own_labels, "validation ")
    if own.shape[1] != table.shape[1] or own_labels.ndim != labels.ndim:
        raise ValueError(
            f"validation has X {own.shape} and y {own_labels.shape}; X is {table.shape} and y "
            f"{labels.shape}: expected as many columns"
        )
    m, all_m = len(table), len(table) + len(own)
    split = np.arange(m), np.arange(m, all_m)
    return np.concatenate([table, own]), np.concatenate([labels, own_labels]), [split]
