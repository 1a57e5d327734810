"""All configurations of a space as columns; a `Configuration` is a view, made when asked for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import chain
from typing import Any, overload

import numpy as np

from mlp_jax.network import Network
from mlp_jax.parameters import DEFAULT_SCHEME, UNNAMED_SCHEME
from mlp_jax.sweeps.columns import Column, as_options, choices_of, columns_of, distinct
from mlp_jax.sweeps.configuration import (
    OF_LOOP,
    RANGES,
    WHOLE,
    Configuration,
    checked_choice,
)
from mlp_jax.sweeps.static_choices import networks_of, optimizers_of
from mlp_jax.training.optimizers import Optimizer

# What a number is where a configuration names none; of others it is 0.
_UNNAMED = {"patience": np.inf, "dropout_epochs": np.inf, "batch_size": np.inf, "mean_over": 1.0}


class Configurations(Sequence[Configuration]):
    """The configurations of a space, n of them; they cannot be changed.

    columns: by name, in the order in which every configuration has those that it names; one of
      them is "hidden", tuples of widths.
    """

    def __init__(self, columns: Mapping[str, Column]) -> None:
        """columns: checked; see `checked`."""
        self.columns = dict(columns)
        self._numbers: dict[str, np.ndarray] = {}

    @classmethod
    def of(cls, dicts: Sequence[Mapping[str, Any]]) -> "Configurations":
        """Those of choices by name, which have "hidden" and no other name of the shape.

        Raises:
          ValueError: a value out of range, or an unknown activation, loss, optimizer or schedule.
        """
        return checked(columns_of(dicts))

    def __len__(self) -> int:
        return len(self.columns["hidden"].codes)

    @overload
    def __getitem__(self, index: int) -> Configuration: ...

    @overload
    def __getitem__(self, index: slice) -> "Configurations": ...

    def __getitem__(self, index: int | slice) -> "Configuration | Configurations":
        if isinstance(index, slice):
            return self.take(np.arange(len(self))[index])
        row = range(len(self))[index]
        return self._view(row, self.choices(row))

    def __iter__(self) -> Iterator[Configuration]:
        return map(self._view, range(len(self)), self.all_choices())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{len(self)} configurations of {', '.join(self.columns)}"

    def take(self, rows: np.ndarray) -> "Configurations":
        """The configurations of these numbers."""
        return Configurations({name: one.take(rows) for name, one in self.columns.items()})

    def only(self, rows: np.ndarray) -> "Configurations":
        """The same, without what the others have."""
        return Configurations({name: one.only(rows) for name, one in self.columns.items()})

    # --- One of them.

    def choices(self, row: int) -> dict[str, Any]:
        """The choices that a configuration names."""
        return choices_of(self.columns, row)

    def all_choices(self) -> list[dict[str, Any]]:
        """The choices that every configuration names."""
        names = list(self.columns)
        rows = zip(*(one.values() for one in self.columns.values()), strict=True)
        everywhere = all(one.named.all() for one in self.columns.values())
        if everywhere:
            return [dict(zip(names, row, strict=True)) for row in rows]
        named = zip(*(one.named.tolist() for one in self.columns.values()), strict=True)
        return [
            {name: value for name, value, here in zip(names, row, has, strict=True) if here}
            for row, has in zip(rows, named, strict=True)
        ]

    def _view(self, row: int, named: dict[str, Any]) -> Configuration:
        networks, network_codes = self._networks
        optimizers, optimizer_codes = self._optimizers
        made = optimizers[optimizer_codes[row]]
        numbers = {
            name: named[name] if number is None else number for name, number in made.numbers.items()
        }
        return Configuration(
            *(named, named["hidden"], networks[network_codes[row]], replace(made, numbers=numbers)),
            **{name: named[name] for name in OF_LOOP if name in named},
        )

    # --- Columns.

    def numbers(self, name: str) -> np.ndarray:
        """(n,), float64: a number of `OF_LOOP`; infinity for None, as of a `patience` of never."""
        if name not in self._numbers:
            unnamed = _UNNAMED.get(name, 0.0)
            column = self.columns.get(name, Column((), np.full(len(self), -1)))
            self._numbers[name] = column.numbers(unnamed)
        return self._numbers[name]

    def named(self, name: str) -> np.ndarray:
        """(n,), which configurations name a choice."""
        if name not in self.columns:
            return np.zeros(len(self), bool)
        return self.columns[name].named

    def is_given(self, name: str) -> np.ndarray:
        """(n,), which configurations name a choice that is not None."""
        if name not in self.columns:
            return np.zeros(len(self), bool)
        return self.columns[name].is_given

    @cached_property
    def epochs(self) -> np.ndarray:
        """(n,), int64."""
        return self.numbers("epochs").astype(np.int64)

    @cached_property
    def depths(self) -> np.ndarray:
        """(n,), int64: how many hidden layers each has."""
        column = self.columns["hidden"]
        return np.fromiter(map(len, column.options), np.int64)[column.codes]

    @cached_property
    def widths(self) -> np.ndarray:
        """(n, most hidden layers), int64: the widths of each one's hidden layers, then zeros."""
        column = self.columns["hidden"]
        lengths = np.fromiter(map(len, column.options), np.int64)
        there = np.arange(lengths.max(initial=0)) < lengths[:, None]
        widths = np.zeros(there.shape, np.int64)
        widths[there] = np.fromiter(chain.from_iterable(column.options), np.int64)
        return widths[column.codes]

    @property
    def networks(self) -> tuple[Network, ...]:
        """The different networks."""
        return self._networks[0]

    @property
    def network_codes(self) -> np.ndarray:
        """(n,), int64: the place of each one's network in `networks`."""
        return self._networks[1]

    @property
    def optimizer_codes(self) -> np.ndarray:
        """(n,), int64: the same for optimizers that differ in the values of their numbers alone."""
        return self._optimizers[1]

    def optimizer(self, rows: np.ndarray) -> Optimizer:
        """The optimizer of some configurations of one code, its numbers (rows,) float64 each."""
        optimizers, codes = self._optimizers
        made = optimizers[codes[rows[0]]]
        numbers = {
            name: np.full(len(rows), number, np.float64)
            if number is not None
            else self.columns[name].take(rows).numbers(np.nan)
            for name, number in made.numbers.items()
        }
        return replace(made, numbers=numbers)

    @cached_property
    def _networks(self) -> tuple[tuple[Network, ...], np.ndarray]:
        return networks_of(self.columns)

    @cached_property
    def _optimizers(self) -> tuple[tuple[Optimizer, ...], np.ndarray]:
        return optimizers_of(self.columns)

    # --- Others, of the same length.

    def with_column(self, name: str, column: Column) -> "Configurations":
        """The configurations with another column, which is right as it is."""
        return Configurations({**self.columns, name: column})

    def with_choices(self, dicts: Sequence[Mapping[str, Any]]) -> "Configurations":
        """The configurations with other choices, by name; they are checked."""
        pairs = zip(self.all_choices(), dicts, strict=True)
        return Configurations.of([{**named, **others} for named, others in pairs])

    def completed(
        self, *, loss: str, epochs: int, patience: int | None, batch_size: int
    ) -> "Configurations":
        """The configurations with these choices where they name none; they are right as they are.

        batch_size: but for lbfgs, which takes all examples.
        """
        columns: dict[str, Column] = {}

        def fill(name: str, value: Any, where: np.ndarray | None = None) -> None:
            none = Column((), np.full(len(self), -1))
            columns[name] = columns.get(name, self.columns.get(name, none)).filled(value, where)

        first = {"loss": loss, "optimizer": "adam", "epochs": epochs, "patience": patience}
        for name, value in first.items():
            fill(name, value)
        columns |= {name: one for name, one in self.columns.items() if name not in first}
        fill("batch_size", None, columns["optimizer"].where(lambda name: name == "lbfgs"))
        fill("batch_size", batch_size)
        if DEFAULT_SCHEME != UNNAMED_SCHEME:  # a file names what is not as it was before
            fill("init", DEFAULT_SCHEME)
        return Configurations(columns)


def checked(columns: Mapping[str, Column]) -> Configurations:
    """The configurations of columns whose values are in range.

    Raises:
      ValueError: a value out of range, or an unknown activation, loss, optimizer or schedule.
    """
    of_loop = {name: _in_range(name, one) for name, one in columns.items() if name in OF_LOOP}
    configurations = Configurations({**columns, **of_loop})
    networks = configurations.networks
    first, _ = distinct(len(configurations), configurations.network_codes, configurations.depths)
    for row in first:
        network = networks[configurations.network_codes[row]]
        network.hidden((0,) * (configurations.depths[row] + 1))  # one activation a layer, or one
    assert configurations.optimizer_codes.size  # all of them are made, and so checked
    return configurations


def _in_range(name: str, column: Column) -> Column:
    """The column with whole numbers as such; ValueError for the first value out of range."""
    options = column.options
    if isinstance(options, np.ndarray):
        lowest, below = RANGES.get(name, (WHOLE.get(name, np.inf), np.inf))
        is_whole = options.dtype == np.int64
        if (name in RANGES or is_whole) and ((options >= lowest) & (options < below)).all():
            return column
    found = list(column.as_python())
    for code in column.used:
        found[code] = checked_choice(name, found[code])
    return Column(as_options(found), column.codes)
