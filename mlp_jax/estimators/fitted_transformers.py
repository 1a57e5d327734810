"""From scikit-learn's fitted transformers to an `Encoding`: what they have learned, read out.

`encoding_of_steps` reads numbers and names, and no code, so a model file can hold any arrangement
of the transformers that it knows.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    RobustScaler,
    StandardScaler,
)

from mlp_jax.models.cells import as_category, is_missing
from mlp_jax.models.encoding import (
    FREE,
    MISSING,
    VALUE,
    Column,
    Encoding,
    Input,
    encoding_of_inputs,
)
from mlp_jax.tables.number_encoder import NumberEncoder
from mlp_jax.wording import as_typed


def encoding_of_steps(steps: Sequence[Any], names: Sequence[str]) -> Encoding:
    """The encoding that fitted transformers amount to, one after the other.

    Args:
      steps: SimpleImputer, OneHotEncoder, StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler,
        NumberEncoder, Pipelines and ColumnTransformers of them, "passthrough" and "drop".
      names: of the table's columns.

    Raises:
      ValueError: another transformer, or a use of one that numbers and names cannot say. A missing
        cell is one thing here, None or NaN.
    """
    columns = [Column(str(name)) for name in names]
    inputs = [Input(place) for place in range(len(columns))]
    for step in steps:
        inputs = _after(step, inputs, columns)
    for one in inputs:
        if one.what == VALUE and columns[one.source].categories is not None:
            raise ValueError(
                f"the column {columns[one.source].name!r} is a category and a number, which no "
                "model file can hold; hand it in twice, under two names"
            )
        if one.what == VALUE and isinstance(one.fill, str):
            raise ValueError(f"the column {columns[one.source].name!r} is of texts, not encoded")
    return encoding_of_inputs(columns, inputs)


def _after(step: Any, inputs: list[Input], columns: list[Column]) -> list[Input]:
    """The inputs after one more step, which may put categories into `columns`."""
    # Columns pass through a ColumnTransformer by a FunctionTransformer without a function.
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
    step: ColumnTransformer, inputs: list[Input], columns: list[Column]
) -> list[Input]:
    if step.transformer_weights:
        raise ValueError("a ColumnTransformer with transformer_weights cannot be written")
    found = []
    for _, transformer, chosen in step.transformers_:
        part = [inputs[place] for place in _places(chosen, step)]
        if part:  # a transformer without columns is not fitted
            found += _after(transformer, part, columns)
    return found


def _places(chosen: Any, step: ColumnTransformer) -> list[int]:
    """The places of the columns that a part of a ColumnTransformer was given."""
    count = step.n_features_in_
    if isinstance(chosen, slice) and not any(
        isinstance(end, str) for end in (chosen.start, chosen.stop)
    ):
        return list(range(count))[chosen]
    listed = np.atleast_1d(np.asarray(chosen, object))
    names = list(getattr(step, "feature_names_in_", ()))
    if len(listed) and all(isinstance(name, str) for name in listed):
        places = {name: place for place, name in enumerate(names)}
        return [places[name] for name in listed]
    if len(listed) and all(isinstance(one, bool | np.bool_) for one in listed):
        return [place for place, one in enumerate(listed) if one]
    if all(isinstance(one, int | np.integer) for one in listed):
        return [int(one) % count for one in listed]
    raise ValueError(
        f"columns chosen by {chosen!r} cannot be written to a model file; name them one by one"
    )


def _after_imputer(step: SimpleImputer, inputs: list[Input], columns: list[Column]) -> list[Input]:
    if not is_missing(step.missing_values):
        raise ValueError(
            f"a SimpleImputer of missing_values={as_typed(step.missing_values)} cannot be "
            "written to a model file; leave such cells empty"
        )
    found = []
    for one, value in zip(inputs, step.statistics_, strict=True):
        empty = isinstance(value, float | np.floating) and np.isnan(value)
        if empty and not step.keep_empty_features:
            continue  # the imputer drops a column without a number
        found.append(_fill_in(one, 0.0 if empty else value))
    if step.indicator_ is not None:
        marked = [inputs[k] for k in step.indicator_.features_]
        if any(one.what != VALUE or one.fill is not None for one in marked):
            raise ValueError("an indicator of cells that were filled in before cannot be written")
        found += [Input(one.source, MISSING) for one in marked]
    return found


def _fill_in(one: Input, value: Any) -> Input:
    """The input with a value for missing cells, unless an earlier step has filled them."""
    if one.what != VALUE or one.fill is not None:
        return one
    if one.scale == 1 and one.mean == 0:
        return one._replace(fill=value)
    return one._replace(fill=value * one.scale + one.mean)


def _after_categories(
    step: OneHotEncoder, inputs: list[Input], columns: list[Column]
) -> list[Input]:
    rare = step.min_frequency is not None or step.max_categories is not None
    drops = step.drop is None or (isinstance(step.drop, str) and step.drop == "if_binary")
    if rare and (not drops or step.handle_unknown != "infrequent_if_exist"):
        raise ValueError(
            "a OneHotEncoder with rare categories can be written to a model file only without "
            "drop, or with drop='if_binary', and with handle_unknown='infrequent_if_exist'"
        )
    found = []
    for k, one in enumerate(inputs):
        seldom = step.infrequent_categories_[k] if rare else None
        dropped = None if step.drop_idx_ is None else step.drop_idx_[k]
        found += _inputs_of_column(step, one, step.categories_[k], seldom, dropped, columns)
    return found


def _inputs_of_column(
    step: OneHotEncoder,
    one: Input,
    all_of_them: np.ndarray,
    seldom: Any,
    dropped: int | None,
    columns: list[Column],
) -> list[Input]:
    """The inputs that a column becomes: one a frequent category, then one for all others."""
    name, before = columns[one.source].name, columns[one.source]
    if one.what != VALUE or one.scale != 1 or one.mean != 0 or one.limit != FREE:
        raise ValueError(f"the column {name!r} is encoded twice, which a model file cannot hold")
    gaps = sum(is_missing(category) for category in all_of_them)
    if all_of_them.dtype.kind in "mM" or gaps > 1 or (gaps and one.fill is not None):
        raise ValueError(
            f"the categories of {name!r} are dates, or miss cells in two ways, which a model file "
            "cannot hold; make them texts first"
        )
    rare = {as_category(category) for category in (() if seldom is None else seldom)}
    kept = [category for category in map(as_category, all_of_them) if category not in rare]
    named = tuple(category for category in kept if category is not None)
    strict = step.handle_unknown == "error"
    if before.categories not in (None, named) or len(set(named)) < len(named):
        raise ValueError(
            f"the column {name!r} is encoded in two ways, which no model file can hold"
        )
    columns[one.source] = Column(name, named, strict or before.strict)
    filled = None if one.fill is None else as_category(one.fill)
    other = float(len(named))
    fill = np.nan if filled is None else float(named.index(filled)) if filled in named else other
    if strict and fill == other:
        fill = np.nan  # then scikit-learn refuses a missing cell, and so does the model
    # Of rare categories none is dropped: "if_binary" drops the first input, and they are the last.
    left_out = [] if dropped is None else [as_category(all_of_them[dropped])]
    found = [
        Input(one.source, MISSING) if category is None else Input(one.source, place, fill)
        for place, category in _places_of_categories(kept, named)
        if category not in left_out
    ]
    if seldom is not None:
        # A missing cell is among the others if missing cells were rare or never seen.
        lost = filled is None and None not in kept
        found.append(Input(one.source, len(named), other if lost else fill))
    return found


def _places_of_categories(
    kept: list[str | None], named: tuple[str, ...]
) -> list[tuple[int, str | None]]:
    """(the place among the texts, the category), for each category."""
    return [(0 if category is None else named.index(category), category) for category in kept]


def _scale(mean: Any, scale: Any, inputs: list[Input]) -> list[Input]:
    """The inputs after a step that makes (x - mean) / scale of each."""
    if any(one.limit != FREE for one in inputs):
        raise ValueError(
            "a scaler after a NumberEncoder cannot be written to a model file; leave the scaler "
            "out, since a NumberEncoder scales"
        )
    means, scales = np.broadcast_to(mean, len(inputs)), np.broadcast_to(scale, len(inputs))
    return [
        one._replace(mean=one.mean + one.scale * float(m), scale=one.scale * float(s))
        for one, m, s in zip(inputs, means, scales, strict=True)
    ]


def _value_or(value: Any, otherwise: float) -> Any:
    return otherwise if value is None else value


def _after_min_max(step: MinMaxScaler, inputs: list[Input], _: list[Column]) -> list[Input]:
    if step.clip:
        raise ValueError("a MinMaxScaler with clip=True cannot be written to a model file")
    return _scale(-step.min_ / step.scale_, 1 / step.scale_, inputs)


def _after_numbers(step: NumberEncoder, inputs: list[Input], _: list[Column]) -> list[Input]:
    found = []
    for source, *of_number in zip(*step.encoding_[1:], strict=True):
        one, before = Input(source, *of_number), inputs[source]
        if one.what == MISSING and (before.what != VALUE or before.fill is not None):
            raise ValueError("an indicator of cells that were filled in before cannot be written")
        if one.what == MISSING:
            before = Input(before.source, MISSING)
        else:
            before = _fill_in(before, float(one.fill))
        found += [
            after._replace(limit=int(one.limit)) for after in _scale(one.mean, one.scale, [before])
        ]
    return found


_KNOWN: dict[type, Any] = {
    ColumnTransformer: _after_columns,
    SimpleImputer: _after_imputer,
    NumberEncoder: _after_numbers,
    OneHotEncoder: _after_categories,
    StandardScaler: lambda s, i, _: _scale(
        s.mean_ if s.with_mean else 0.0, _value_or(s.scale_, 1.0), i
    ),
    MinMaxScaler: _after_min_max,
    MaxAbsScaler: lambda s, i, _: _scale(0.0, s.scale_, i),
    RobustScaler: lambda s, i, _: _scale(_value_or(s.center_, 0.0), _value_or(s.scale_, 1.0), i),
}
