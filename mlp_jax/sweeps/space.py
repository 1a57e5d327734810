"""The space of a sweep: which configurations there are to train.

A configuration is a dict of choices; what it does not name is as in `mlp_jax.fit`. A space is a
dict of lists (every combination of them), of distributions (random samples), or an explicit list of
configurations.
"""

import difflib
import itertools
import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from mlp_jax.activations import Activation
from mlp_jax.keys import checked_seed
from mlp_jax.losses import Loss
from mlp_jax.network import Network
from mlp_jax.sweeps.distributions import Distribution, of_scipy
from mlp_jax.training.checks import check_range
from mlp_jax.training.optimizers import OPTIMIZERS, SCHEDULES, optimizer
from mlp_jax.wording import as_typed

Configuration = dict[str, Any]

SHAPE = ("hidden", "depth", "width", "widths")
STATIC = ("activation", "loss", "precision", "batch_size", "optimizer", "schedule", "nesterov")
LOOP = (
    *("epochs", "patience", "tolerance", "ties", "mean_over", "l2", "dropout", "label_smoothing"),
    *("class_weight", "seed"),
)
OPTIMIZER_NUMBERS = tuple(
    dict.fromkeys(
        number
        for kind in (*OPTIMIZERS.values(), *SCHEDULES.values())
        for number in (*kind.numbers, *kind.optional)
    )
)
NAMES = (*SHAPE, *STATIC, *LOOP, *OPTIMIZER_NUMBERS)
HIDDEN = (100,)  # of a space that names no width, as in scikit-learn


def configurations(space: Any, n: int | None = None, *, seed: int = 0) -> list[Configuration]:
    """The configurations of a space, each checked.

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
      Dicts with "hidden" in place of the other names of the shape.

    Raises:
      ValueError: a misspelt name, a value out of range, nothing to choose from.

    Example:
      >>> space = {"hidden": [(8,), (8, 8)], "learning_rate": [0.1, 0.01]}
      >>> [c["hidden"] for c in configurations(space)]
      [(8,), (8,), (8, 8), (8, 8)]
      >>> from mlp_jax.sweeps.distributions import int_uniform, log_uniform
      >>> configurations({"depth": 2, "widths": int_uniform(4, 8), "l2": log_uniform(1e-5, 1)}, 1)
      [{'l2': 0.0153..., 'hidden': (6, 5)}]
    """
    if n is not None and (not isinstance(n, int | np.integer) or isinstance(n, bool) or n < 1):
        raise ValueError(f"n is {as_typed(n)}; expected an integer from 1 up: how many to draw")
    if isinstance(space, Mapping):
        drawn = _drawn(_checked_space(space), n, np.random.default_rng(seed))
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
    configs = [_shaped(_plain(configuration)) for configuration in drawn]
    return _checked(configs)


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


def _drawn(space: dict[str, Any], n: int | None, rng: np.random.Generator) -> list[dict[str, Any]]:
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
    return [_one_drawn(space, rng) for _ in range(n)]


def _one_drawn(space: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    def draw(value: Any) -> Any:
        if isinstance(value, Distribution):
            return value.draw(rng)
        return value[rng.integers(len(value))]

    drawn = {name: draw(value) for name, value in space.items() if name != "widths"}
    if "widths" in space:
        depth = _integer("depth", _python(drawn.get("depth", 1)), 0)
        drawn["widths"] = tuple(draw(space["widths"]) for _ in range(depth))
    return drawn


def _python(value: Any) -> Any:
    """NumPy's numbers as Python's; lists as tuples, which can be static."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, Loss | Activation):
        return value
    return tuple(_python(one) for one in value) if isinstance(value, list | tuple) else value


def _plain(configuration: Mapping[str, Any]) -> Configuration:
    return {name: _python(value) for name, value in configuration.items()}


def _integer(name: str, value: Any, lowest: int) -> int:
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if not whole or isinstance(value, bool) or value < lowest:
        raise ValueError(f"{name} is {as_typed(value)}; expected a whole number, {lowest} or more")
    return int(value)


def _shaped(configuration: Configuration) -> Configuration:
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
        depth = _integer("depth", shape.get("depth", 1), 0)
        hidden = (shape.get("width", HIDDEN[0]),) * depth
    configuration["hidden"] = tuple(_integer("a hidden width", width, 1) for width in hidden)
    return configuration


# name: (lowest, below)
_RANGES = {
    "l2": (0, math.inf),
    "dropout": (0, 1),
    "label_smoothing": (0, 1),
    "tolerance": (0, math.inf),
    "mean_over": (1, math.inf),
}


def _checked(configs: list[Configuration]) -> list[Configuration]:
    """The configurations with the numbers that apply to them; nothing is left to fail later."""
    used: set[str] = set()
    checked = []
    for config in configs:
        network_of(config)
        activation = config.get("activation")
        if isinstance(activation, tuple) and not all(map(callable, activation)):
            Network(activation).hidden((0,) * (len(config["hidden"]) + 1))
        for name in ("epochs", "patience", "batch_size"):
            if name in config and (name == "epochs" or config[name] is not None):
                config[name] = _integer(name, config[name], 1)
        if "seed" in config:
            config["seed"] = checked_seed(_integer("seed", config["seed"], 0))
        if not isinstance(config.get("ties", False), bool):
            raise ValueError(f"ties is {as_typed(config['ties'])}; expected True or False")
        for name, (lowest, below) in _RANGES.items():
            check_range(name, config.get(name, lowest), lowest, below)
        applying = _of_optimizer(config)
        used |= applying
        checked.append(
            {k: v for k, v in config.items() if k not in OPTIMIZER_NUMBERS or k in applying}
        )
    named = {k for config in configs for k in config if k in OPTIMIZER_NUMBERS}
    if named - used:
        names = {config.get("optimizer", "adam") for config in configs}
        raise ValueError(
            f"space names {', '.join(sorted(named - used))}, which none of its optimizers "
            f"({', '.join(sorted(names))}) and their schedules have"
        )
    return checked


def network_of(config: Configuration) -> Network:
    """The network of a configuration, relu where it names no activation; its loss may come later.

    Raises:
      ValueError: an unknown name.
    """
    chosen = {k: config[k] for k in ("activation", "loss", "precision") if k in config}
    try:
        return _network(**chosen)
    except TypeError:  # not hashable, and so none that there is
        return Network(**chosen)


_network = lru_cache(maxsize=1024)(Network)  # of ten thousand configurations few differ in these


def _of_optimizer(config: Configuration) -> set[str]:
    """Those numbers of the configuration that its optimizer and schedule have, checked."""
    name, schedule = config.get("optimizer", "adam"), config.get("schedule", "constant")
    if not isinstance(name, str) or name not in OPTIMIZERS or schedule not in SCHEDULES:
        optimizer(name, schedule=schedule)  # says what is wrong with it
    kinds = OPTIMIZERS[name], SCHEDULES[schedule]
    known = {number for kind in kinds for number in (*kind.numbers, *kind.optional)}
    applying = {number for number in OPTIMIZER_NUMBERS if number in config and number in known}
    optimizer_of({k: v for k, v in config.items() if k not in OPTIMIZER_NUMBERS or k in applying})
    return applying


def optimizer_of(config: Configuration) -> Any:
    """The `mlp_jax.Optimizer` of a configuration, "adam" where it names none."""
    numbers = {k: config[k] for k in OPTIMIZER_NUMBERS if k in config}
    return optimizer(
        config.get("optimizer", "adam"),
        schedule=config.get("schedule", "constant"),
        nesterov=config.get("nesterov", False),
        **numbers,
    )
