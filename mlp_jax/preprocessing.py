"""From scikit-learn's transformers to an `Encoding`: what they have learned, read out of them.

`table_encoder` is what the command line fits. A file can hold any arrangement of the transformers
that `encoding_of` knows, for it reads numbers and names, and no code.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    RobustScaler,
    StandardScaler,
)

from mlp_jax.encoding import MISSING, VALUE, Column, Encoding, as_category

SEEN_OFTEN = 5  # samples of a category that has an input of its own; rarer ones share "other"
MOST_CATEGORIES = 64  # of a column, "other" included
_OTHER = "\0"  # no category of a table


def table_encoder(numeric: Sequence[str], categorical: Sequence[str]) -> ColumnTransformer:
    """What the command line makes of a table, to be fitted, altered or replaced.

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


class _Input(NamedTuple):
    """What is known of an output of the steps so far; see `Encoding`. It is (x - mean) / scale."""

    source: int
    what: int = VALUE
    fill: Any = np.nan  # a number, or a category
    mean: float = 0.0
    scale: float = 1.0


def encoding_of(steps: Sequence[Any], names: Sequence[str]) -> Encoding:
    """The encoding that fitted transformers amount to, one after the other.

    Args:
      steps: SimpleImputer, OneHotEncoder, StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler,
        Pipelines and ColumnTransformers of them, "passthrough" and "drop".
      names: of the table's columns.

    Raises:
      ValueError: another transformer, or a use of one that numbers and names cannot say.
    """
    columns = [Column(str(name)) for name in names]
    inputs = [_Input(place) for place in range(len(columns))]
    for step in steps:
        inputs = _after(step, inputs, columns)
    return Encoding(
        tuple(columns),
        source=np.array([i.source for i in inputs], np.int32),
        what=np.array([i.what for i in inputs], np.int32),
        fill=np.array([_coded(i.fill, columns[i.source]) for i in inputs], np.float64),
        mean=np.array([i.mean for i in inputs], np.float64),
        scale=np.array([i.scale for i in inputs], np.float64),
    )


def _after(step: Any, inputs: list[_Input], columns: list[Column]) -> list[_Input]:
    """The inputs after one more step; `columns` learn their categories."""
    # What passes through a ColumnTransformer is a FunctionTransformer of no function.
    if step is None or (isinstance(step, FunctionTransformer) and step.func is None):
        return inputs
    if isinstance(step, str) and step == "passthrough":
        return inputs
    if isinstance(step, str) and step == "drop":
        return []
    if isinstance(step, Pipeline):
        for _, inner in step.steps:
            inputs = _after(inner, inputs, columns)
        return inputs
    for kind, after in _KNOWN.items():
        if type(step) is kind:
            return after(step, inputs, columns)
    known = ", ".join(kind.__name__ for kind in (Pipeline, *_KNOWN))
    raise ValueError(
        f"a {type(step).__name__} cannot be written to a model file, which holds no code; it can "
        f"hold {known}. Keep the whole pipeline with pickle or joblib instead"
    )


def _after_columns(
    step: ColumnTransformer, inputs: list[_Input], columns: list[Column]
) -> list[_Input]:
    found = []
    for _, transformer, chosen in step.transformers_:
        part = [inputs[place] for place in _places(chosen, step)]
        if part:  # else it was not fitted
            found += _after(transformer, part, columns)
    return found


def _places(chosen: Any, step: ColumnTransformer) -> list[int]:
    """The columns that a part of a ColumnTransformer was given, as places."""
    count = step.n_features_in_
    if isinstance(chosen, slice) and not any(
        isinstance(end, str) for end in (chosen.start, chosen.stop)
    ):
        return list(range(count))[chosen]
    listed = np.atleast_1d(np.asarray(chosen, object))
    names = list(getattr(step, "feature_names_in_", ()))
    if len(listed) and all(isinstance(name, str) for name in listed):
        return [names.index(name) for name in listed]
    if len(listed) and all(isinstance(one, bool | np.bool_) for one in listed):
        return [place for place, one in enumerate(listed) if one]
    if all(isinstance(one, int | np.integer) for one in listed):
        return [int(one) % count for one in listed]
    raise ValueError(
        f"columns chosen by {chosen!r} cannot be written to a model file; name them one by one"
    )


def _after_imputer(
    step: SimpleImputer, inputs: list[_Input], columns: list[Column]
) -> list[_Input]:
    missing = step.missing_values
    if not (missing is None or missing != missing):
        raise ValueError(
            f"a SimpleImputer of missing_values={missing!r} cannot be written to a model file; "
            "leave such cells empty"
        )
    found = []
    for one, value in zip(inputs, step.statistics_, strict=True):
        number = isinstance(value, float | int | np.number)
        if number and np.isnan(value):  # an empty column, which goes
            if not step.keep_empty_features:
                continue
            value = 0.0
        found.append(one._replace(fill=value * one.scale + one.mean if number else str(value)))
    if step.indicator_ is not None:
        found += [_Input(inputs[k].source, MISSING) for k in step.indicator_.features_]
    return found


def _after_categories(
    step: OneHotEncoder, inputs: list[_Input], columns: list[Column]
) -> list[_Input]:
    rare = step.min_frequency is not None or step.max_categories is not None
    if rare and (step.drop is not None or step.handle_unknown == "ignore"):
        raise ValueError(
            "a OneHotEncoder with rare categories can be written to a model file only without "
            "drop, and with handle_unknown='infrequent_if_exist'"
        )
    found = []
    for k, one in enumerate(inputs):
        infrequent = step.infrequent_categories_[k] if rare else None
        own = {as_category(c) for c in (infrequent if infrequent is not None else ())}
        kept = [as_category(c) for c in step.categories_[k]]
        kept = [category for category in kept if category not in own]
        named = tuple(category for category in kept if category is not None)
        column = Column(columns[one.source].name, named, step.handle_unknown == "error")
        if columns[one.source].categories not in (None, named) or one.scale != 1 or one.mean != 0:
            raise ValueError(
                f"the column {column.name!r} is encoded twice, which a model file cannot hold"
            )
        columns[one.source] = column
        dropped = None if step.drop_idx_ is None else step.drop_idx_[k]
        for place, category in enumerate(kept):
            if place == dropped:
                continue
            if category is None:
                found.append(_Input(one.source, MISSING))
            else:
                fill = one.fill if isinstance(one.fill, str) else np.nan
                found.append(_Input(one.source, named.index(category), fill))
        if infrequent is not None:
            # A missing cell that was never seen, or seldom, is of the others.
            fill = one.fill if isinstance(one.fill, str) else np.nan if None in kept else _OTHER
            found.append(_Input(one.source, len(named), fill))
    return found


def _scaled(mean: Any, scale: Any, inputs: list[_Input]) -> list[_Input]:
    """After (x - mean) / scale."""
    means, scales = np.broadcast_to(mean, len(inputs)), np.broadcast_to(scale, len(inputs))
    return [
        one._replace(mean=one.mean + one.scale * float(m), scale=one.scale * float(s))
        for one, m, s in zip(inputs, means, scales, strict=True)
    ]


def _or(value: Any, otherwise: float) -> Any:
    return otherwise if value is None else value


def _after_min_max(step: MinMaxScaler, inputs: list[_Input], _: list[Column]) -> list[_Input]:
    if step.clip:
        raise ValueError("a MinMaxScaler with clip=True cannot be written to a model file")
    return _scaled(-step.min_ / step.scale_, 1 / step.scale_, inputs)


_KNOWN: dict[type, Any] = {
    ColumnTransformer: _after_columns,
    SimpleImputer: _after_imputer,
    OneHotEncoder: _after_categories,
    StandardScaler: lambda s, i, _: _scaled(s.mean_ if s.with_mean else 0.0, _or(s.scale_, 1.0), i),
    MinMaxScaler: _after_min_max,
    MaxAbsScaler: lambda s, i, _: _scaled(0.0, s.scale_, i),
    RobustScaler: lambda s, i, _: _scaled(_or(s.center_, 0.0), _or(s.scale_, 1.0), i),
}


def _coded(fill: Any, column: Column) -> float:
    """What stands for a missing cell, as a number."""
    if not isinstance(fill, str):
        return float(fill)
    categories = column.categories or ()
    return float(categories.index(fill) if fill in categories else len(categories))
