"""The space of a sweep: which configurations there are to train.

A space is a dict of lists (every combination of them), of distributions (random samples), or an
explicit list of configurations, each a dict of choices by name.
"""

import difflib
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mlp_jax.activations import Activation
from mlp_jax.losses import Loss
from mlp_jax.sweeps.configuration import (
    OPTIMIZER_NUMBERS,
    Configuration,
    numbers_of_optimizer,
    whole_number,
)
from mlp_jax.sweeps.distributions import Distribution, of_scipy
from mlp_jax.wording import as_typed

SHAPE = ("hidden", "depth", "width", "widths")
STATIC = ("activation", "loss", "precision", "batch_size", "optimizer", "schedule", "nesterov")
LOOP = (
    *("epochs", "patience", "tolerance", "ties", "mean_over", "l2", "dropout", "dropout_epochs"),
    *("label_smoothing", "class_weight", "seed", "init"),
)
NAMES = (*SHAPE, *STATIC, *LOOP, *OPTIMIZER_NUMBERS)
HIDDEN = (100,)  # of a space that names no width, as in scikit-learn


def configurations(space: Any, n: int | None = None, *, seed: int = 0) -> list[Configuration]:
    """The configurations of a space.

    Args:
      space: a dict from names to values, or a list of configurations. A value is a list (all of
        it), `uniform`, `log_uniform`, `int_uniform`, `choice`, a frozen distribution of
        `scipy.stats`, or a single value. Names are those of `mlp_jax.fit`, `mlp_jax.optimizer` and
        `Network`, and of the shape: "hidden", a tuple of widths; or "depth", the number of hidden
        layers, with "width" (one for all layers) or "widths" (drawn for each layer by itself).
        A number that the optimizer or schedule of a configuration does not have is left out of it.
      n: how many to draw. Without distributions it may be None, for every combination.
      seed: of the drawing.

    Returns:
      Configurations that name "hidden" in place of the other names of the shape.

    Raises:
      ValueError: a misspelt name, a value out of range, nothing to choose from.

    Example:
      >>> space = {"hidden": [(8,), (8, 8)], "learning_rate": [0.1, 0.01]}
      >>> [configuration.hidden for configuration in configurations(space)]
      [(8,), (8,), (8, 8), (8, 8)]
      >>> from mlp_jax.sweeps.distributions import int_uniform, log_uniform
      >>> space = {"depth": 2, "widths": int_uniform(4, 8), "l2": log_uniform(1e-5, 1)}
      >>> configurations(space, 1)[0].named
      {'l2': 0.0153..., 'hidden': (6, 5)}
    """
    if n is not None and (not isinstance(n, int | np.integer) or isinstance(n, bool) or n < 1):
        raise ValueError(f"n is {as_typed(n)}; expected an integer from 1 up: how many to draw")
    if isinstance(space, Mapping):
        drawn = _draw(_checked_space(space), n, np.random.default_rng(seed))
    elif isinstance(space, Sequence) and not isinstance(space, str):
        if not all(isinstance(configuration, Mapping) for configuration in space):
            raise ValueError(
                "space is a list of something else than dicts; expected [{'width': 32}, ...]"
            )
        if n is not None and n != len(space):
            raise ValueError(f"space lists {len(space)} configurations and n is {n}: leave n out")
        drawn = [dict(configuration) for configuration in space]
    else:
        raise ValueError(
            f"space is {space!r}; expected a dict such as {{'width': [16, 32]}}, or a list of dicts"
        )
    if not drawn:
        raise ValueError("space is empty; expected one configuration or more")
    for configuration in drawn:
        for name in configuration:
            _check_name(name)
    return _checked([_with_hidden(_in_python(configuration)) for configuration in drawn])


def _check_name(name: Any) -> None:
    if name in NAMES:
        return
    close = difflib.get_close_matches(str(name), NAMES, n=1)
    meant = f"; did you mean {close[0]!r}?" if close else ""
    raise ValueError(f"space names {as_typed(name)}; expected some of {', '.join(NAMES)}{meant}")


def _checked_space(space: Mapping[str, Any]) -> dict[str, Any]:
    """Every value a list or something to draw from."""
    if not space:
        raise ValueError("space is empty; expected a dict such as {'width': [16, 32]}")
    checked: dict[str, Any] = {}
    for name, value in space.items():
        _check_name(name)
        if isinstance(value, Distribution):
            checked[name] = value
        elif hasattr(value, "rvs"):
            checked[name] = of_scipy(value)
        elif isinstance(value, list | np.ndarray | range):
            checked[name] = list(value)
            if not checked[name]:
                raise ValueError(
                    f"space has an empty list for {as_typed(name)}; expected a value or more"
                )
        else:
            checked[name] = [value]
    return checked


def _draw(space: dict[str, Any], n: int | None, rng: np.random.Generator) -> list[dict[str, Any]]:
    random = [name for name, value in space.items() if isinstance(value, Distribution)]
    own_draw = [name for name in ("widths",) if name in space and name not in random]
    if not random and not own_draw:
        sizes = [len(values) for values in space.values()]
        total = math.prod(sizes)
        if n is None or n >= total:
            grid = itertools.product(*space.values())
            return [dict(zip(space, values, strict=True)) for values in grid]
        # Some of the grid, none of it twice, without making all of it.
        picked = np.sort(rng.choice(total, n, replace=False))
        at = np.unravel_index(picked, sizes)
        columns = zip(*(indices.tolist() for indices in at), strict=True)
        return [
            {name: space[name][i] for name, i in zip(space, row, strict=True)} for row in columns
        ]
    if n is None:
        raise ValueError(
            f"space draws {', '.join(random or own_draw)} at random, and n is None; type n=100"
        )
    return [_draw_one(space, rng) for _ in range(n)]


def _draw_one(space: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    def draw(value: Any) -> Any:
        if isinstance(value, Distribution):
            return value.draw(rng)
        return value[rng.integers(len(value))]

    drawn = {name: draw(value) for name, value in space.items() if name != "widths"}
    if "widths" in space:
        depth = whole_number("depth", _python(drawn.get("depth", 1)), 0)
        drawn["widths"] = tuple(draw(space["widths"]) for _ in range(depth))
    return drawn


def _python(value: Any) -> Any:
    """NumPy's numbers as Python's; lists as tuples, which can be static."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, Loss | Activation):
        return value
    return tuple(_python(one) for one in value) if isinstance(value, list | tuple) else value


def _in_python(configuration: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _python(value) for name, value in configuration.items()}


def _with_hidden(configuration: dict[str, Any]) -> dict[str, Any]:
    """The configuration with "hidden" in place of depth, width and widths."""
    shape = {name: configuration.pop(name) for name in SHAPE if name in configuration}
    if "hidden" in shape and len(shape) > 1:
        raise ValueError(f"a configuration has {', '.join(shape)}: 'hidden' says all of it")
    if "width" in shape and "widths" in shape:
        raise ValueError("a configuration has both 'width', for all layers, and 'widths', for each")
    if "hidden" in shape:
        hidden = shape["hidden"]
        hidden = hidden if isinstance(hidden, tuple) else (hidden,)
    elif "widths" in shape:
        hidden = shape["widths"]
        hidden = hidden if isinstance(hidden, tuple) else (hidden,) * shape.get("depth", 1)
        if len(hidden) != shape.get("depth", len(hidden)):
            raise ValueError(f"widths is {hidden} and depth {shape['depth']}: expected as many")
    else:
        depth = whole_number("depth", shape.get("depth", 1), 0)
        hidden = (shape.get("width", HIDDEN[0]),) * depth
    configuration["hidden"] = tuple(whole_number("a hidden width", width, 1) for width in hidden)
    return configuration


def _checked(drawn: list[dict[str, Any]]) -> list[Configuration]:
    """The configurations of what was drawn, with the numbers that apply to each."""
    used: set[str] = set()
    checked = []
    for named in drawn:
        applying = numbers_of_optimizer(named)
        used |= applying
        own = {k: v for k, v in named.items() if k not in OPTIMIZER_NUMBERS or k in applying}
        checked.append(Configuration.of(own))
    all_named = {k for named in drawn for k in named if k in OPTIMIZER_NUMBERS}
    if all_named - used:
        names = {named.get("optimizer", "adam") for named in drawn}
        raise ValueError(
            f"space names {', '.join(sorted(all_named - used))}, which none of its optimizers "
            f"({', '.join(sorted(names))}) and their schedules have"
        )
    return checked
