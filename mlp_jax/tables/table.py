"""A user's table: its features and its target, cut in two, encoded. Rows are samples here."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mlp_jax.models.columns import Column
from mlp_jax.models.encoding import Encoding, encode_read
from mlp_jax.tables.encoder import fit_encoding
from mlp_jax.tables.features import features_of
from mlp_jax.tables.files import allowance, check_names, read_table
from mlp_jax.tables.held_out import parts_of
from mlp_jax.tables.input_choices import BY_DEFAULT, InputChoices
from mlp_jax.tables.names import some_names
from mlp_jax.tables.notes import HELD_OUT, Note, lines, what_is_left_out
from mlp_jax.tables.raw_table import RawTable, Rows
from mlp_jax.tables.targets import TargetKind, target_of
from mlp_jax.wording import size_of

BYTES_AN_INPUT = 12  # of a sample, once in float64, and once in float32 to train on


class Table(NamedTuple):
    """What a network is to learn from.

    features: by name the columns of numbers (float64, a missing one NaN) and of categories (texts,
      a missing one None), (samples,) each.
    numeric: the names of the columns of numbers.
    categorical: the names of the columns of categories.
    target: the name of the column to predict.
    classes: what the target may be, None for numbers.
    y: (samples,), the place of each row's class, or the number.
    described: by name how features are read from a table, without their categories.
    notes: what was done that a person should know, such as a column left out.
    name: of the file.
    rows: where they are in the file.
    in_python: see `RawTable`.
    """

    features: dict[str, np.ndarray]
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    target: str
    classes: tuple[Any, ...] | None
    y: np.ndarray
    described: Mapping[str, Column] = {}  # never written to
    notes: tuple[Note, ...] = ()
    name: str = "the table"
    rows: Rows = Rows()
    in_python: bool = False

    def said(self) -> list[str]:
        """The notes, a line for each thing that was done."""
        return lines(self.notes, in_python=self.in_python)


class EncodedTable(NamedTuple):
    """A table cut in two, both parts encoded as the training part says.

    X_train: (samples, n[0]), float64.
    y_train: (samples,), as of `Table`, but numbers are standardised.
    X_test: (samples held out, n[0]), float64.
    y_test: (samples held out,), as y_train.
    encoding: how the rows of a table become those of X.
    mean, scale: of numbers in the target, y is (number - mean) / scale.
    notes: what a person should know of the draw.
    """

    X_train: np.ndarray
    y_train: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    encoding: Encoding
    mean: float
    scale: float
    notes: tuple[Note, ...] = ()

    def said(self) -> list[str]:
        """The notes, a line for each thing that was done."""
        return lines(self.notes)


def read(
    path: Path,
    target: str | None,
    *,
    drop: Sequence[str] = (),
    categorical: Sequence[str] = (),
    task: TargetKind | None = None,
    budget: int | None = None,
    has_header: bool = True,
    strict: bool = False,
) -> Table:
    """The table in a CSV or Parquet file.

    Args:
      path: the file, or "-" for standard input.
      target: the column to predict; None is an error that lists what there is.
      drop: columns to leave out.
      categorical: columns of categories that look like numbers, or like names. The target among
        them is of classes, in a CSV file as they are written.
      task: what the target is; None for what it looks like.
      budget: bytes that the table may take; see `files.read_table`.
      has_header: whether a text begins with the names of its columns; they are 0, 1, ... if not.
      strict: what is neither a number, nor a category, nor empty is refused.

    Raises:
      ValueError: one line that says what is wrong and where.
    """
    wanted = (*(() if target is None else (target,)), *drop, *categorical)
    raw = read_table(
        *(Path(path),),
        budget=budget,
        as_text=categorical,
        wanted=wanted,
        has_header=has_header,
        strict=strict,
    )
    if target is None:
        raise ValueError(
            f"which column of {raw.name} is to be predicted? type --target NAME; it has "
            f"{some_names(raw.frame.column_names)}"
        )
    check_names(raw, wanted)
    target, drop, categorical = (
        raw.spelled(target),
        [raw.spelled(name) for name in drop],
        [raw.spelled(name) for name in categorical],
    )
    names = _feature_names(raw, target, drop)
    found = target_of(raw, target, task, categorical=target in categorical)
    features = features_of(found.raw, names, categorical)
    if not features.columns:
        raise ValueError(
            f"{raw.name} has no feature column that varies beside {target!r}"
            f"{what_is_left_out(features.notes)}"
        )
    return Table(
        features=features.columns,
        numeric=features.numeric,
        categorical=features.categorical,
        target=target,
        classes=found.classes,
        y=found.y,
        described=features.described,
        notes=(*raw.notes, *found.notes, *features.notes),
        name=raw.name,
        rows=found.raw.rows,
    )


def _feature_names(raw: RawTable, target: str, drop: Sequence[str]) -> list[str]:
    names = list(raw.frame.column_names)
    if target in drop:
        raise ValueError(f"{target!r} is the target, and cannot be left out")
    features = [name for name in names if name != target and name not in drop]
    if not features:
        raise ValueError(f"{raw.name} has no feature column beside the target {target!r}")
    return features


def split(
    table: Table,
    held_out: float,
    seed: int,
    budget: float | None = None,
    inputs: InputChoices = BY_DEFAULT,
    *,
    strict: bool = False,
) -> EncodedTable:
    """Holds out a share of the samples, of each class the same share, and encodes both parts.

    Where a class has too few samples for that, they are held out by chance, and a note says so.

    Args:
      table: of both parts.
      held_out: the share.
      seed: of the draw.
      budget: bytes that the inputs may take; None for half of the memory that is free.
      inputs: how columns become inputs.
      strict: a class of too few samples is refused.

    Raises:
      ValueError: too few samples; more inputs than the budget has bytes for, by default half of the
        memory that is free; or an input beyond float32.
    """
    drawn = parts_of(table.y, table.classes, held_out, seed, strict=strict)
    parts = encoded_parts(table, drawn.train, drawn.test, budget, inputs)
    return parts._replace(notes=(Note(HELD_OUT, drawn.note),) if drawn.note else ())


def encoded_parts(
    table: Table,
    train: np.ndarray,
    test: np.ndarray,
    budget: float | None = None,
    inputs: InputChoices = BY_DEFAULT,
) -> EncodedTable:
    """The rows at these places to train on, and those to test on, encoded as the first say.

    Raises:
      ValueError: as for `split`.
    """
    rows = _rows(table, train)
    encoding = fit_encoding(
        *(rows, table.numeric, table.categorical, inputs), described=table.described
    )
    _check_budget(table, len(encoding.source), allowance(budget))
    X_train, X_test = (encode_read(encoding, part) for part in (rows, _rows(table, test)))
    _check_range(table, encoding, train, X_train)
    if len(test):
        _check_range(table, encoding, test, X_test)
    mean, scale = 0.0, 1.0
    if table.classes is None:
        largest = float(np.abs(table.y[train]).max()) or 1.0  # so that no square underflows
        mean = float(table.y[train].mean())
        scale = float((table.y[train] / largest).std()) * largest or 1.0
    y_train, y_test = ((table.y[part] - mean) / scale for part in (train, test))
    if table.classes is not None:
        y_train, y_test = table.y[train], table.y[test]
    return EncodedTable(X_train, y_train, X_test, y_test, encoding, mean, scale)


def _rows(table: Table, part: np.ndarray) -> dict[str, np.ndarray]:
    """The features of the rows at these places."""
    return {name: column[part] for name, column in table.features.items()}


def _check_budget(table: Table, inputs: int, allowed: float) -> None:
    """Raises ValueError for a table whose inputs take more bytes than are allowed."""
    samples = len(table.y)
    taken = BYTES_AN_INPUT * samples * inputs
    if taken > allowed:
        cure = "--memory, fewer --bins, or --drop"
        if table.in_python:
            cure = "memory=, fewer bins, or leave out"
        raise ValueError(
            f"the table becomes {inputs:,} inputs of {samples:,} samples, {size_of(taken)}; "
            f"the budget is {size_of(allowed)}: type a larger {cure} columns of many categories"
        )


def _check_range(table: Table, encoding: Encoding, part: np.ndarray, X: np.ndarray) -> None:
    """Raises ValueError for a number beyond float32, while the row of the file is known.

    part: the places of the rows of X in the table, (samples,).
    """
    beyond = np.maximum(X.max(axis=0), -X.min(axis=0)) > np.finfo(np.float32).max
    if not beyond.any():
        return
    place = int(beyond.argmax())
    row = int(np.abs(X[:, place]).argmax())
    name = encoding.columns[encoding.source[place]].name
    cure = f"type --drop {name!r}" if not table.in_python else "leave the column out"
    raise ValueError(
        f"{table.name}, {table.rows.name(int(part[row]))}, column {name!r}: "
        f"{table.features[name][part[row]]:g} is {X[row, place]:g} when standardised, too "
        f"large for float32; mend it, or {cure}"
    )
