"""The encoding of a table: what its rows say of every column, computed once and by NumPy alone.

`table_encoder` offers users the same choices as a transformer of scikit-learn.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mlp_jax.models.encoding import (
    MISSING,
    VALUE,
    Column,
    Encoding,
    Input,
    encoding_of_inputs,
)

if TYPE_CHECKING:
    from sklearn.compose import ColumnTransformer

SEEN_OFTEN = 5  # samples from which a category has an input of its own; rarer ones share "other"
MOST_CATEGORIES = 64  # that a column has inputs for, "other" included


def table_encoder(numeric: Sequence[str], categorical: Sequence[str]) -> "ColumnTransformer":
    """The encoder of the command line for a pipeline of scikit-learn: fit, alter or replace it.

    Numbers: a missing one becomes the median, beside an input that says so; then standardised.
    Categories: an input each, and one for "other", which stands for the rare and the unknown; a
    missing cell is a category too.

    Args:
      numeric: names of the columns of numbers.
      categorical: names of the columns of categories.

    Example:
      >>> import pandas
      >>> table = pandas.DataFrame({"age": [31, None, 40], "colour": ["red", "blue", "red"]})
      >>> table_encoder(["age"], ["colour"]).fit_transform(table).shape
      (3, 3)
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    of_numbers = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True), StandardScaler()
    )
    of_categories = OneHotEncoder(
        handle_unknown="infrequent_if_exist",
        min_frequency=SEEN_OFTEN,
        max_categories=MOST_CATEGORIES,
        sparse_output=False,
    )
    return ColumnTransformer(
        [("numbers", of_numbers, list(numeric)), ("categories", of_categories, list(categorical))],
        sparse_threshold=0,
    )


def fit_encoding(
    table: Mapping[str, Any], numeric: Sequence[str], categorical: Sequence[str]
) -> Encoding:
    """The encoding that `table_encoder` would learn from a table.

    The inputs are the numbers, what says that a number is missing, and the categories, each in the
    order of the columns that they are of.

    Args:
      table: a column by each name, (samples,): numbers in float64, a missing one NaN; categories as
        texts, a missing one None.
      numeric: names of the columns of numbers.
      categorical: names of the columns of categories.
    """
    places = {name: place for place, name in enumerate(table)}
    columns = [Column(str(name)) for name in places]
    inputs = _inputs_of_numbers(table, [(name, places[name]) for name in numeric])
    for name in categorical:
        place = places[name]
        often, has_others = _categories(table[name])
        texts = tuple(category for category in often if category is not None)
        columns[place] = Column(str(name), texts)
        inputs += [Input(place, number) for number in range(len(texts))]
        if None in often:
            inputs.append(Input(place, MISSING))
        if has_others:  # missing cells are among the others where they are rare or were never seen
            other = len(texts)
            inputs.append(Input(place, other, None if None in often else float(other)))
    return encoding_of_inputs(columns, inputs)


def _inputs_of_numbers(table: Mapping[str, Any], numeric: Sequence[tuple[str, int]]) -> list[Input]:
    """The inputs of the columns of numbers, given as (name, place)."""
    if not numeric:
        return []
    X = np.array([table[name] for name, _ in numeric], np.float64).T  # (m, columns)
    gaps = np.isnan(X)
    known, missing = np.flatnonzero(~gaps.all(axis=0)), np.flatnonzero(gaps.any(axis=0))
    medians = [float(np.median(X[~gaps[:, k], k])) for k in known]
    filled = np.where(gaps[:, known], medians, X[:, known])
    # In one array, as scikit-learn has them: the bits of a sum depend on the order in memory.
    means, scales = _means_and_scales(np.hstack([filled, gaps[:, missing]], dtype=np.float64))
    sources = [numeric[k][1] for k in (*known, *missing)]
    whats = [VALUE] * len(known) + [MISSING] * len(missing)
    fills = [*medians, *[None] * len(missing)]
    return list(map(Input, sources, whats, fills, means.tolist(), scales.tolist()))


def _means_and_scales(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of every column of X, (m, columns), as of StandardScaler.

    The scale is 1 of a column whose numbers may differ by rounding alone.
    """
    m, eps = len(X), np.finfo(np.float64).eps
    means = X.sum(axis=0) / m
    off = X - means
    # The corrected two-pass variance (Chan et al., 1983): with exact means `rounding` would be 0.
    rounding = off.sum(axis=0)
    off **= 2
    variances = (off.sum(axis=0) - rounding**2 / m) / m
    constant = variances <= m * eps * variances + (m * means * eps) ** 2
    return means, np.where(constant, 1.0, np.sqrt(variances))


def _categories(cells: Sequence[str | None]) -> tuple[list[str | None], bool]:
    """(the categories with an input of their own, whether there are others).

    In order, None last, which stands for a missing cell. Of categories that are equally frequent,
    the later ones are kept.
    """
    counts = Counter(cells)
    texts = sorted(text for text in counts if text is not None)
    every: list[str | None] = [*texts, *([None] if None in counts else [])]
    kept = {category for category in every if counts[category] >= SEEN_OFTEN}
    if len(kept) >= MOST_CATEGORIES:
        kept = set(sorted(every, key=counts.__getitem__)[1 - MOST_CATEGORIES :])
    return [category for category in every if category in kept], len(kept) < len(every)
