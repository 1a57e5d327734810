"""A user's table: read, checked, split and standardised. Rows are samples here.

Every complaint is one line that says which file, line and column, and what to type.
"""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np


class Table(NamedTuple):
    """A binary classification table.

    X: features, shape (samples, features), float64. y: 0 or 1, shape (samples,). features: the
    columns' names. classes: the two labels as written in the table; the second is y = 1.
    """

    X: np.ndarray
    y: np.ndarray
    features: tuple[str, ...]
    classes: tuple[str, str]


class Split(NamedTuple):
    """A table cut in two, both parts standardised by the mean and scale of the training part."""

    X_train: np.ndarray
    y_train: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    mean: np.ndarray
    scale: np.ndarray


def breast_cancer() -> Table:
    """The Wisconsin breast-cancer table that scikit-learn ships: 569 samples, 30 features."""
    from sklearn.datasets import load_breast_cancer

    data = load_breast_cancer()
    names = tuple(str(name) for name in data.feature_names)
    return Table(data.data, data.target.astype(float), names, ("malignant", "benign"))


def read(path: Path, target: str, drop: Sequence[str] = ()) -> Table:
    """The table in a CSV or Parquet file.

    Args:
      path: the file; its suffix, .csv or .parquet, says which kind.
      target: the column to predict, of two values; sorted, the second is y = 1.
      drop: columns to leave out.

    Raises:
      ValueError: one line that says what is wrong and where.
    """
    frame = _frame(Path(path))
    names = [str(name) for name in frame.column_names]
    _check_names(path, names, target, drop)
    if frame.num_rows == 0:
        raise ValueError(f"{path} has no rows; expected a header and one line a sample")
    features = [name for name in names if name != target and name not in drop]
    if not features:
        raise ValueError(f"{path} has no feature column beside the target {target!r}")
    classes, y = _labels(path, frame[names.index(target)].to_pylist(), target)
    columns = [_numbers(path, frame[names.index(name)], name) for name in features]
    return Table(np.stack(columns, axis=1), y, tuple(features), classes)


def split(table: Table, held_out: float, seed: int) -> Split:
    """Cuts off a stratified share `held_out` of the samples and standardises both parts.

    Raises:
      ValueError: a class has too few samples, or a column is constant in the training part.
    """
    from sklearn.model_selection import train_test_split

    few = min(int(table.y.sum()), int((1 - table.y).sum()))
    if few * held_out < 1 or few < 2:
        raise ValueError(
            f"the rarer class has {few} samples, too few to hold out a share of {held_out:g}; "
            "expected one or more of them held out"
        )
    X_train, X_test, y_train, y_test = train_test_split(
        table.X, table.y, test_size=held_out, random_state=seed, stratify=table.y
    )
    mean, scale = X_train.mean(0), X_train.std(0)
    for name, deviation in zip(table.features, scale, strict=True):
        if deviation == 0:
            raise ValueError(
                f"column {name!r} is constant in the samples to train on: leave it out, type "
                f"--drop {name!r}"
            )
    parts = (X_train - mean) / scale, y_train, (X_test - mean) / scale, y_test
    return Split(*parts, mean=mean, scale=scale)


def _frame(path: Path) -> Any:
    import pyarrow
    import pyarrow.csv
    import pyarrow.parquet

    readers = {".csv": pyarrow.csv.read_csv, ".parquet": pyarrow.parquet.read_table}
    if not path.exists():
        raise ValueError(f"{path} does not exist; expected a CSV or Parquet file")
    if not path.is_file() or path.suffix.lower() not in readers:
        raise ValueError(f"{path} is not a file that ends in .csv or .parquet")
    if path.stat().st_size == 0:
        raise ValueError(f"{path} is empty; expected a header and one line a sample")
    try:
        return readers[path.suffix.lower()](path)
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read: {str(error).splitlines()[0]}") from error


def _check_names(path: Path, names: list[str], target: str, drop: Sequence[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{path} has two columns named {twice[0]!r}; expected different names")
    for name in (target, *drop):
        if name not in names:
            close = difflib.get_close_matches(name, names, n=1)
            meant = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(names[:10])}"
            raise ValueError(f"{path} has no column {name!r}; {meant}")
    if target in drop:
        raise ValueError(f"{target!r} is the target and cannot be dropped")


def _labels(path: Path, values: list[Any], target: str) -> tuple[tuple[str, str], np.ndarray]:
    for line, value in enumerate(values, start=2):
        if value is None or value == "" or value != value:
            raise ValueError(f"{path}, line {line}: the target {target!r} is missing")
    classes = sorted(set(values))
    if len(classes) != 2:
        raise ValueError(
            f"{path}: the target {target!r} has {len(classes)} value{'s' * (len(classes) > 1)}, "
            f"such as {classes[0]!r}; expected two classes"
        )
    y = np.array([value == classes[1] for value in values], float)
    return (str(classes[0]), str(classes[1])), y


def _numbers(path: Path, column: Any, name: str) -> np.ndarray:
    """A column as float64, its first cell that is not a finite number named by its line."""
    numbers = []
    for line, value in enumerate(column.to_pylist(), start=2):
        where = f"{path}, line {line}, column {name!r}"
        if value is None or value == "":
            raise ValueError(f"{where}: the cell is empty; fill it in or type --drop {name!r}")
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise ValueError(
                f"{where}: {str(value)!r} is not a number; encode it or type --drop {name!r}"
            ) from None
        if not np.isfinite(number):
            raise ValueError(f"{where}: {number} is not finite")
        numbers.append(number)
    if min(numbers) == max(numbers):
        raise ValueError(
            f"{path}: column {name!r} is constant ({numbers[0]:g}): leave it out, type "
            f"--drop {name!r}"
        )
    return np.array(numbers)
