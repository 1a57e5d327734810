"""A choice of all configurations of a space, as a column."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np


class Column(NamedTuple):
    """One choice of n configurations.

    options: its values, each of which some configurations may have: a NumPy array of float64 or
      int64 where all are Python's numbers of one of these types, else a tuple.
    codes: (n,), int64, the place of every configuration's value in `options`; -1 where a
      configuration does not name the choice.
    """

    options: Any
    codes: np.ndarray

    @classmethod
    def of(cls, options: Sequence[Any] | np.ndarray, codes: Any) -> "Column":
        """The column of options of any types."""
        return cls(as_options(options), np.asarray(codes, np.int64))

    @classmethod
    def of_all(cls, value: Any, n: int) -> "Column":
        """The column of n configurations that have the same value."""
        return cls.of((value,), np.zeros(n, np.int64))

    @property
    def named(self) -> np.ndarray:
        """(n,), which configurations name the choice."""
        return self.codes >= 0

    @property
    def is_given(self) -> np.ndarray:
        """(n,), which configurations name a value that is not None."""
        if isinstance(self.options, np.ndarray):
            return self.named
        return self.where(lambda value: value is not None)

    @property
    def used(self) -> np.ndarray:
        """The codes that occur, in the order in which they do first."""
        codes, first = np.unique(self.codes, return_index=True)
        codes = codes[np.argsort(first, kind="stable")]
        return codes[codes >= 0]

    def option(self, code: int) -> Any:
        """The option of a code, as Python has it."""
        found = self.options[code]
        return found.item() if isinstance(self.options, np.ndarray) else found

    def as_python(self) -> Sequence[Any]:
        """The options as Python has them."""
        return self.options.tolist() if isinstance(self.options, np.ndarray) else self.options

    def values(self) -> list[Any]:
        """The value of every configuration, as Python has it; None where it names none."""
        options = [*self.as_python(), None]  # of the code -1
        return [options[code] for code in self.codes.tolist()]

    def numbers(self, otherwise: float) -> np.ndarray:
        """(n,), float64: the values, None as infinity; `otherwise` where none is named."""
        options = self.options
        if not isinstance(options, np.ndarray):
            options = [np.inf if option is None else option for option in options]
        return np.append(np.asarray(options, np.float64), otherwise)[self.codes]

    def where(self, condition: Callable[[Any], bool]) -> np.ndarray:
        """(n,), which configurations name a value of which this is true."""
        found = [bool(condition(option)) for option in self.as_python()]
        return np.array([*found, False])[self.codes]

    def take(self, rows: Any) -> "Column":
        """The column of some configurations."""
        return Column(self.options, self.codes[rows])

    def only(self, rows: Any) -> "Column":
        """The column of some configurations, with those options alone that they have."""
        used, codes = np.unique(self.codes[rows], return_inverse=True)
        found = [self.options[code] for code in used if code >= 0]
        options = np.array(found) if isinstance(self.options, np.ndarray) else tuple(found)
        return Column(options, codes - int((used < 0).any()))

    def filled(self, value: Any, where: np.ndarray | None = None) -> "Column":
        """The column with this value where none is named, or in those of these places."""
        missing = ~self.named if where is None else where & ~self.named
        if not missing.any():
            return self
        options = [*self.as_python(), value]
        return Column.of(options, np.where(missing, len(options) - 1, self.codes))


def end_to_end(parts: Sequence[Column]) -> Column:
    """One column of the configurations of several; options that all of them list stay as they are.

    parts: one or more.
    """
    first = parts[0].options
    if all(type(one.options) is type(first) and _alike(one.options, first) for one in parts):
        return Column(first, np.concatenate([one.codes for one in parts]))
    arrays = [one.options for one in parts if isinstance(one.options, np.ndarray)]
    if len(arrays) == len(parts) and len({options.dtype for options in arrays}) == 1:
        begins = np.cumsum([0, *map(len, arrays[:-1])])
        codes = [
            np.where(one.named, one.codes + at, -1) for one, at in zip(parts, begins, strict=True)
        ]
        return Column(np.concatenate(arrays), np.concatenate(codes))
    values = [value for one in parts for value in one.values()]
    named = np.flatnonzero(np.concatenate([one.named for one in parts]))
    return column_of((values[row] for row in named), named.tolist(), len(values))


def _alike(options: Any, others: Any) -> bool:
    if isinstance(options, np.ndarray):
        return options.dtype == others.dtype and np.array_equal(options, others)
    return bool(options == others)


def as_options(values: Sequence[Any] | np.ndarray) -> Any:
    """The values as the options of a column."""
    if isinstance(values, np.ndarray) and values.dtype in (np.float64, np.int64):
        return values
    kinds = set(map(type, values))
    if kinds == {float}:
        return np.array(values, np.float64)
    if kinds == {int} and max(map(abs, values)) < 2**63:
        return np.array(values, np.int64)
    return tuple(values)


def column_of(values: Iterable[Any], rows: Sequence[int], n: int) -> Column:
    """The column of values of some of n configurations, equal values one option.

    rows: the numbers of the configurations that have them.
    """
    places: dict[Any, int] = {}
    options: list[Any] = []
    found = []
    for value in values:
        name = (type(value), value)
        try:
            place = places.setdefault(name, len(options))
        except TypeError:  # not hashable, such as a dict
            place = places.setdefault((type(value), repr(value)), len(options))
        if place == len(options):
            options.append(value)
        found.append(place)
    codes = np.full(n, -1, np.int64)
    codes[rows] = found
    return Column.of(options, codes)


def columns_of(dicts: Sequence[Any]) -> dict[str, Column]:
    """The columns of configurations that are dicts of choices by name, in the order of their names.

    A name that the first ones do not have comes behind the one that it follows where it comes
    first.
    """
    names: list[str] = []
    values: dict[str, list[Any]] = {}
    rows: dict[str, list[int]] = {}
    for row, named in enumerate(dicts):
        at = 0
        for name, value in named.items():
            if name not in values:
                names.insert(at, name)
                values[name], rows[name] = [], []
                at += 1
            else:
                at = names.index(name) + 1
            values[name].append(value)
            rows[name].append(row)
    return {name: column_of(values[name], rows[name], len(dicts)) for name in names}


def choices_of(columns: Mapping[str, Column], row: int) -> dict[str, Any]:
    """The choices that a configuration names."""
    codes = ((name, one, int(one.codes[row])) for name, one in columns.items())
    return {name: one.option(code) for name, one, code in codes if code >= 0}


def distinct(n: int, *codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct combinations in n rows of some columns, in the order in which they come first.

    codes: each (n,), integers or truths.

    Returns:
      (the first row of every combination, (n,) the number of each row's combination).
    """
    together = np.zeros(n, np.int64)
    for column in codes:
        _, own = np.unique(column, return_inverse=True)
        _, together = np.unique(together * (own.max(initial=0) + 1) + own, return_inverse=True)
    _, first, number = np.unique(together, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    return first[order], np.argsort(order, kind="stable")[number]
