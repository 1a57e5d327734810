"""The columns of any kind of table, found by their names: frames, dicts, arrays. NumPy alone."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from mlp_jax.wording import as_typed, or_meant


def columns_of(all_of_them: Sequence[str], expected: Sequence[str], rows: Any) -> list[Any]:
    """The columns of these names, in their order.

    Args:
      all_of_them: the names of an array's columns.
      expected: the names that are asked for.
      rows: a frame of pandas or polars, a table of pyarrow, a dict of columns, or an array,
        (samples, columns).

    Raises:
      ValueError: a column is missing, or none, or of another length than the others.
    """
    names = getattr(rows, "column_names", None)  # of a pyarrow table
    if names is None:
        names = list(rows) if isinstance(rows, Mapping) else getattr(rows, "columns", None)
    if names is None:
        array = np.asarray(rows)
        if array.dtype.kind == "U" and not hasattr(rows, "dtype"):  # see `cells.places_of`
            array = np.asarray(rows, object)
        if array.ndim != 2 or array.shape[1] != len(all_of_them):
            raise ValueError(f"X has shape {array.shape}; expected (samples, {len(all_of_them)})")
        at = {name: place for place, name in enumerate(all_of_them)}
        return [array[:, at[name]] for name in expected]
    own = list(names)
    named = different_names(list(map(str, own)))
    places = {name: place for place, name in enumerate(named)}
    found = [spelled(places, name) for name in expected]
    if None in found:
        missing = expected[found.index(None)]
        trained = ", ".join(map(repr, expected[:10])) + or_meant(missing, named)
        raise ValueError(
            f"the table has no column {missing!r}; the network was trained with {trained}"
        )
    columns = [_column(rows, own, places[str(name)]) for name in found]
    for name, values in zip(expected, columns, strict=True):
        if isinstance(values, str) or not hasattr(values, "__len__"):
            raise ValueError(f"{name!r} is {as_typed(values)}; expected a column, such as a list")
    if len({len(values) for values in columns}) > 1:
        lengths = sorted({len(values) for values in columns})
        raise ValueError(f"the columns have {lengths[0]} to {lengths[-1]} rows; expected as many")
    return columns


def _column(rows: Any, names: list[Any], place: int) -> Any:
    """A column by its place, since two may have one name."""
    if hasattr(rows, "iloc"):
        return rows.iloc[:, place]
    values = rows.column(place) if hasattr(rows, "column_names") else rows[names[place]]
    # Of pyarrow's dictionaries NumPy takes gaps for the last word.
    is_coded = str(getattr(values, "type", "")).startswith("dictionary<")
    return values.to_pylist() if is_coded else values


def different_names(names: Sequence[str]) -> list[str]:
    """The names, the second of two that are alike as "name.1", the third as "name.2".

    Example:
      >>> different_names(["a", "b", "a", "a", "a.1"])
      ['a', 'b', 'a.2', 'a.3', 'a.1']
    """
    taken, found = set(names), list[str]()
    seen = dict.fromkeys(names, 0)
    for name in names:
        new = name
        seen[name] += 1
        if seen[name] > 1:
            number = seen[name] - 1
            while (new := f"{name}.{number}") in taken:
                number += 1
            taken.add(new)
        found.append(new)
    return found


def spelled(names: Collection[str], name: str) -> str | None:
    """The name that is meant: this one, or the only one that differs by the spaces around it."""
    if name in names:  # quick where names are the keys of a dict
        return name
    alike = [one for one in names if one.strip() == name.strip()]
    return alike[0] if len(alike) == 1 else None
