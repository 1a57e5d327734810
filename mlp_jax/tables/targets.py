"""The target of a table: classes, or numbers, as it looks; rows without one are left out."""

import re
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from mlp_jax.models.columns import Column
from mlp_jax.models.dates import order_of
from mlp_jax.models.number_spellings import plain_number, spelling_of
from mlp_jax.tables import notes
from mlp_jax.tables.arrow_cells import check_utf8, is_text
from mlp_jax.tables.columns import numbers
from mlp_jax.tables.kinds import AMONG_NUMBERS, AMONG_TEXTS, FEW
from mlp_jax.tables.notes import Note
from mlp_jax.tables.raw_table import RawTable
from mlp_jax.tables.strict import check_commas, check_no_date

TargetKind = Literal["classification", "regression"]
MOST_CLASSES = 1000
_WHOLE = re.compile(r"[-+]?\d+")


class Target(NamedTuple):
    """What a network is to predict.

    classes: what it may be, in order; None for numbers.
    y: (samples,), the place of each row's class, or its number; of the rows that are left.
    raw: the table of these rows.
    notes: what was done.
    """

    classes: tuple[Any, ...] | None
    y: np.ndarray
    raw: RawTable
    notes: tuple[Note, ...]


class _Cells(NamedTuple):
    """The cells of a target.

    values: (samples,) of Python's own, None where one is missing.
    number: from a text to the number that it is; None where the texts are no numbers.
    shown: such as '$1,200.50', where numbers are not written as programs write them.
    """

    values: list[Any]
    number: Callable[[str], float | None] | None = None
    shown: str = ""


def target_of(
    raw: RawTable, name: str, task: TargetKind | None = None, *, categorical: bool = False
) -> Target:
    """The target of a table, and the table of the rows that have one.

    Args:
      raw: the table.
      name: of the column.
      task: what it is; None for what it looks like.
      categorical: it is of classes, as they are written.

    Raises:
      ValueError: it is of something that no network predicts, such as dates; a single class, hardly
        fewer classes than rows, or numbers that are all the same.
    """
    if categorical and task == "regression":
        raise ValueError(
            f"--categorical {name!r} says that the target is of classes, --task regression that it "
            "is of numbers; type one of them"
        )
    _check_type(raw, name)
    cells = _cells(raw, name, as_texts=categorical)
    raw, cells, said = _with_target(raw, name, cells)
    kind = "classification" if categorical else task or _kind(raw, name, cells)
    if kind == "classification":
        classes, y = _labels(raw, name, cells)
        return Target(classes, y, raw, said)
    if cells.shown and cells.number is not None:
        shown = f"{cells.shown!r} is {cells.number(cells.shown):.15g}"
        said = (*said, Note(notes.NUMBERS, shown, name))
    return Target(None, _numbers(raw, name, cells), raw, said)


def _check_type(table: RawTable, name: str) -> None:
    from pyarrow import types

    check_no_date(table, name, "; or choose another --target")
    check_utf8(table, name, "; or choose another --target")
    kind = table.frame.schema.field(name).type
    numeric = (types.is_integer, types.is_floating, types.is_boolean, types.is_decimal)
    if not (is_text(kind) or types.is_null(kind) or any(is_of(kind) for is_of in numeric)):
        raise ValueError(
            f"{table.name}: the target {name!r} is of type {kind}; expected texts or numbers"
        )


def _cells(raw: RawTable, name: str, *, as_texts: bool) -> _Cells:
    """The cells; texts are read as those of a feature are."""
    values = [None if cell == "" else cell for cell in raw.frame[name].to_pylist()]
    if raw.strict:
        return _Cells(values)
    values = [cell.strip() or None if isinstance(cell, str) else cell for cell in values]
    texts = dict.fromkeys(cell for cell in values if isinstance(cell, str))
    if as_texts or not texts:
        return _Cells([None if cell in AMONG_TEXTS else cell for cell in values])
    rest = [text for text in texts if text.lower() not in AMONG_NUMBERS]
    number, shown = None, ""
    if rest and all(plain_number(text) is not None for text in rest):
        number = plain_number if raw.of_text else None
    elif spelling := spelling_of(rest, decimal_comma=raw.decimal_comma):
        number, shown = spelling.number, rest[0]
    gaps = AMONG_TEXTS if number is None else AMONG_NUMBERS
    values = [None if isinstance(c, str) and c.lower() in gaps else c for c in values]
    if raw.of_text and not shown:
        values = _as_typed(values, rest, number)
    return _Cells(values, number, shown)


def _as_typed(values: list[Any], texts: Sequence[str], number: Any) -> list[Any]:
    """Texts of a CSV file as they would be read without words for gaps among them."""
    if number is not None:
        whole = all(map(_WHOLE.fullmatch, texts))
        return [cell if cell is None else (int if whole else float)(cell) for cell in values]
    if texts and {text.lower() for text in texts} <= {"true", "false"}:
        return [cell if cell is None else cell.lower() == "true" for cell in values]
    return values


def _with_target(
    raw: RawTable, name: str, cells: _Cells
) -> tuple[RawTable, _Cells, tuple[Note, ...]]:
    """(the table of the rows whose target is there, its cells, notes)."""
    values = [
        float(cell) if not isinstance(cell, str | bool | int | float | None) else cell
        for cell in cells.values  # of the type decimal
    ]
    there = np.array([cell is not None and cell == cell for cell in values], bool)
    if there.all():
        return raw, cells._replace(values=values), ()
    missing, count = int((~there).sum()), len(values)
    if raw.strict:
        raise ValueError(
            f"{raw.name}, {raw.row(int((~there).argmax()))}: the target {name!r} is missing, as in "
            f"{missing:,} of {count:,} rows; fill it in, or take these rows out"
        )
    if not there.any():
        raise ValueError(f"{raw.name}: the target {name!r} is missing in every row")
    left = [cell for cell, kept in zip(values, there, strict=True) if kept]
    return raw.with_rows(there), cells._replace(values=left), (without(missing, count, name),)


def without(missing: int, count: int, target: str) -> Note:
    """That so many rows of so many are left out, which have no target."""
    return Note(
        notes.NO_TARGET, f"left out {missing:,} of {count:,} rows, which have no {target!r}"
    )


def numbers_in_texts(y: Sequence[Any]) -> np.ndarray | None:
    """Numbers that are written as people write them, float64, in one way; None where y has others.

    Example:
      >>> numbers_in_texts(["$1,200.50", "$999"]).tolist()
      [1200.5, 999.0]
    """
    texts = [one.strip() if isinstance(one, str) else "" for one in y]
    spelling = spelling_of(set(texts))
    if spelling is None:
        return None
    return np.array([spelling.number(text) for text in texts], float)


def _kind(raw: RawTable, name: str, cells: _Cells) -> TargetKind:
    """What a target looks like: words, two values, or a few whole numbers are classes."""
    values = list(dict.fromkeys(cells.values))
    texts = [value for value in values if isinstance(value, str)]
    if cells.shown and cells.number is not None:
        values = list({cells.number(value) for value in values})
    elif texts and not raw.strict and order_of(texts) is not None:
        raise ValueError(
            f"{raw.name}: the target {name!r} is of dates, such as {texts[0]!r}; make numbers of "
            "them, such as days since a day, or choose another --target"
        )
    else:  # some numbers may be written in another way than the others
        check_commas(raw, name, cells.values)
    if any(isinstance(value, str | bool) for value in values):
        return "classification"
    whole = all(float(value).is_integer() for value in values)
    return "classification" if len(values) == 2 or (whole and len(values) <= FEW) else "regression"


def _labels(raw: RawTable, name: str, cells: _Cells) -> tuple[tuple[Any, ...], np.ndarray]:
    """(the classes in order, the place of each row's class)."""
    classes = sorted(set(cells.values), key=lambda label: (isinstance(label, str), label))
    where = f"{raw.name}: the target {name!r} has {len(classes)} value"
    if len(classes) < 2:
        raise ValueError(f"{where}, {classes[0]!r}; expected two classes or more")
    if len(classes) > min(MOST_CLASSES, max(FEW, len(cells.values) / 2)):
        raise ValueError(
            f"{where}s in {len(cells.values):,} rows, such as {classes[0]!r}, too many for "
            "classes; choose another --target, or type --task regression if they are numbers"
        )
    places = {label: place for place, label in enumerate(classes)}
    return tuple(classes), np.array([places[cell] for cell in cells.values])


def _numbers(raw: RawTable, name: str, cells: _Cells) -> np.ndarray:
    """A target of numbers, float64."""
    values = cells.values
    if cells.shown and cells.number is not None:
        values = list(map(cells.number, values))
    found = numbers(raw, Column(name), name, np.array(values, object))
    if found.min() == found.max():
        raise ValueError(f"{raw.name}: the target {name!r} is {found[0]:g} in every row")
    return found
