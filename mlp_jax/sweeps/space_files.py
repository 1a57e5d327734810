"""A space in a file: TOML or JSON, where a distribution is a table of its name and numbers.

And what the command line has to know of it before it is searched.
"""

import json
import tomllib
from pathlib import Path
from typing import Any

from mlp_jax.sweeps.distributions import int_uniform, log_uniform, uniform

NAMED = {
    "uniform": uniform,
    "log_uniform": log_uniform,
    "int_uniform": int_uniform,
}


def read_space(path: Path) -> Any:
    """The space in a file.

    Such as this one in TOML:

        depth = [1, 2, 3]
        widths = {int_uniform = [8, 64]}
        learning_rate = {log_uniform = [1e-4, 1e-1]}

    Raises:
      ValueError: no such file, another suffix, or what is wrong in it.
    """
    if path.suffix not in (".toml", ".json"):
        raise ValueError(f"{path} ends in {path.suffix or 'nothing'}; expected .toml or .json")
    try:
        text = path.read_text(encoding="utf-8")
        space = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ValueError(f"{path} is no {path.suffix[1:]}: {error}") from None
    if isinstance(space, list):
        return space
    if not isinstance(space, dict):
        raise ValueError(f"{path} holds a {type(space).__name__}; expected names and values")
    return {name: _value(path, name, value) for name, value in space.items()}


def check_number(space: Any, n: int | None) -> None:
    """Raises ValueError for an n that is not the length of a list of configurations."""
    if isinstance(space, list) and n not in (None, len(space)):
        raise ValueError(f"--space lists {len(space)} configurations and --n is {n}: leave --n out")


def losses_of(space: Any) -> list[Any]:
    """The losses that the space names; none of no space."""
    parts = space if isinstance(space, list) else [space]
    named = [part.get("loss", []) for part in parts if isinstance(part, dict)]
    return [loss for one in named for loss in (one if isinstance(one, list) else [one])]


def _value(path: Path, name: str, value: Any) -> Any:
    if not isinstance(value, dict) or name == "class_weight":  # a weight for every class
        return value
    if len(value) != 1 or next(iter(value)) not in NAMED:
        raise ValueError(
            f"{path}: {name} is {value}; expected one of {', '.join(NAMED)}, such as "
            f"{name} = {{uniform = [0, 1]}}"
        )
    ((kind, numbers),) = value.items()
    try:
        return NAMED[kind](*numbers)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: {name}: {error}") from None
