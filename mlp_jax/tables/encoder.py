"""The encoding of a table: what its rows say of every column, computed once and by NumPy alone.

`table_encoder` offers users the same choices as a transformer of scikit-learn.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mlp_jax.models.encoding import MISSING, Column, Encoding, Input, encoding_of_inputs
from mlp_jax.tables.input_choices import BY_DEFAULT, InputChoices
from mlp_jax.tables.number_inputs import inputs_of_numbers

if TYPE_CHECKING:
    from sklearn.compose import ColumnTransformer

SEEN_OFTEN = 5  # samples from which a category has an input of its own; rarer ones share "other"
MOST_CATEGORIES = 64  # that a column has inputs for, "other" included


def table_encoder(
    numeric: Sequence[str],
    categorical: Sequence[str],
    *,
    scaling: str = BY_DEFAULT.scaling,
    bins: int | str = BY_DEFAULT.bins,
    binary_as_one: bool = BY_DEFAULT.binary_as_one,
) -> "ColumnTransformer":
    """The encoder of the command line for a pipeline of scikit-learn: fit, alter or replace it.

    Numbers: a missing one becomes the median, beside an input that says so; then standardised, or
    as a `NumberEncoder` does. Categories: an input each, and one for "other", which stands for the
    rare and the unknown; a missing cell is a category too.

    Args:
      numeric: names of the columns of numbers.
      categorical: names of the columns of categories.
      scaling: of numbers, "standard" or "robust"; see `mlp_jax.NumberEncoder`.
      bins: of a number, each an input beside its own; 0 for none, "auto" for what the rows allow.
      binary_as_one: whether a column that would have two inputs has the second alone.

    Raises:
      ValueError: another scaling, or bins that are no whole number from 0 to 256, nor "auto".

    Example:
      >>> import pandas
      >>> table = pandas.DataFrame({"age": [31, None, 40], "colour": ["red", "blue", "red"]})
      >>> table_encoder(["age"], ["colour"]).fit_transform(table).shape
      (3, 3)
      >>> robust = table_encoder(["age"], ["colour"], scaling="robust", bins=2)
      >>> robust.fit_transform(table)[:, 0].round(3).tolist()
      [-0.949, 0.0, 0.949]
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    from mlp_jax.tables.number_encoder import NumberEncoder

    choices = InputChoices(scaling, bins, binary_as_one)
    of_numbers = NumberEncoder(scaling=choices.scaling, bins=choices.bins)
    if choices.scaling == "standard" and not choices.bins:  # as scikit-learn's own do it
        of_numbers = make_pipeline(
            SimpleImputer(strategy="median", add_indicator=True), StandardScaler()
        )
    of_categories = OneHotEncoder(
        drop="if_binary" if choices.binary_as_one else None,
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
    table: Mapping[str, Any],
    numeric: Sequence[str],
    categorical: Sequence[str],
    choices: InputChoices = BY_DEFAULT,
    *,
    described: Mapping[str, Column] | None = None,
) -> Encoding:
    """The encoding that `table_encoder` would learn from a table.

    The inputs are the numbers, what says that a number is missing, the bins of numbers, and the
    categories, each in the order of the columns that they are of.

    Args:
      table: a column by each name, (samples,): numbers in float64, a missing one NaN; categories as
        texts, a missing one None.
      numeric: names of the columns of numbers.
      categorical: names of the columns of categories.
      choices: how they become inputs.
      described: by name how columns are read; those that are not among them as they are.
    """
    places = {name: place for place, name in enumerate(table)}
    known = {} if described is None else described
    columns = [known.get(name, Column(str(name))) for name in places]
    inputs = []
    if numeric:
        X = np.array([table[name] for name in numeric], np.float64).T  # (m, columns)
        own = [places[name] for name in numeric]
        # A date that is missing misses all its parts.
        first = {columns[place].of: place for place in reversed(own)}
        marked = [first[columns[place].of] == place for place in own]
        inputs = inputs_of_numbers(X, choices, own, marked)
    for name in categorical:
        place = places[name]
        often, has_others = _categories(table[name])
        texts = tuple(category for category in often if category is not None)
        columns[place] = columns[place]._replace(categories=texts)
        of_column = [Input(place, number) for number in range(len(texts))]
        if None in often:
            of_column.append(Input(place, MISSING))
        if has_others:  # missing cells are among the others where they are rare or were never seen
            other = len(texts)
            of_column.append(Input(place, other, None if None in often else float(other)))
        if choices.binary_as_one and len(of_column) == 2:
            del of_column[0]
        inputs += of_column
    return encoding_of_inputs(columns, inputs)


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
