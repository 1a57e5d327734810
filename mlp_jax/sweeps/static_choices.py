"""The networks and optimizers of all configurations, each made once, however many have it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mlp_jax.network import Network
from mlp_jax.sweeps.columns import Column, choices_of, distinct
from mlp_jax.sweeps.configuration import OPTIMIZER_NUMBERS, network_of, optimizer_of
from mlp_jax.training.optimizers import Optimizer
from mlp_jax.wording import as_typed

_OF_NETWORK = ("activation", "loss", "precision")
_OF_OPTIMIZER = ("optimizer", "schedule", "nesterov")


def networks_of(columns: Mapping[str, Column]) -> tuple[tuple[Network, ...], np.ndarray]:
    """(the different networks, (n,) the number of each configuration's network).

    Raises:
      ValueError: an unknown name.
    """
    first, codes = distinct(len(columns["hidden"].codes), *_codes(columns, _OF_NETWORK))
    places: dict[Network, int] = {}
    found = [
        places.setdefault(network_of(_some(columns, row, _OF_NETWORK)), len(places))
        for row in first
    ]
    return tuple(places), np.array(found, np.int64)[codes]


def optimizers_of(columns: Mapping[str, Column]) -> tuple[tuple[Optimizer, ...], np.ndarray]:
    """(optimizers, their numbers None where columns have them; (n,) the place of each one's).

    Raises:
      ValueError: an unknown name, or a number out of range.
    """
    given = {name: columns[name].is_given for name in OPTIMIZER_NUMBERS if name in columns}
    n = len(columns["hidden"].codes)
    first, codes = distinct(n, *_codes(columns, _OF_OPTIMIZER), *given.values())
    made = []
    for code, row in enumerate(first):
        names = [name for name, there in given.items() if there[row]]
        one = _checked_optimizer(columns, np.flatnonzero(codes == code), names)
        made.append(replace(one, numbers=one.numbers | dict.fromkeys(names)))
    return tuple(made), codes


def _checked_optimizer(
    columns: Mapping[str, Column], rows: np.ndarray, names: Sequence[str]
) -> Optimizer:
    """The optimizer of rows that have these numbers, checked for all of them at once."""
    own = {name: columns[name].take(rows) for name in names}
    first = _some(columns, rows[0], (*_OF_OPTIMIZER, *names))
    for name, column in own.items():
        if not isinstance(column.options, np.ndarray):  # of several types, or no numbers
            for code in column.used:
                option = column.option(code)
                if np.shape(option):
                    raise ValueError(f"{name} is {as_typed(option)}; expected a number")
                optimizer_of(first | {name: option})
    numbers = {name: column.numbers(np.nan) for name, column in own.items()}
    try:
        return optimizer_of(first | numbers)
    except ValueError:
        for row in rows:  # says which number is wrong
            optimizer_of(_some(columns, row, (*_OF_OPTIMIZER, *names)))
        raise


def _codes(columns: Mapping[str, Column], names: Sequence[str]) -> list[np.ndarray]:
    return [columns[name].codes for name in names if name in columns]


def _some(columns: Mapping[str, Column], row: int, names: Sequence[str]) -> dict[str, Any]:
    """The choices of these names of a configuration."""
    return choices_of({name: columns[name] for name in names if name in columns}, row)
