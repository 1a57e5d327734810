"""The space of a sweep: which configurations there are to train.

A space is a dict of lists (every combination of them), of distributions (random samples), or an
explicit list of configurations, each a dict of choices by name.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mlp_jax.activations import Activation
from mlp_jax.losses import Loss
from mlp_jax.sweeps.columns import Column, choices_of, columns_of, distinct, end_to_end
from mlp_jax.sweeps.configuration import OPTIMIZER_NUMBERS, numbers_of_optimizer, whole_number
from mlp_jax.sweeps.configurations import Configurations, checked
from mlp_jax.sweeps.distributions import Distribution, of_scipy, place, shares
from mlp_jax.wording import as_typed, or_meant

SHAPE = ("hidden", "depth", "width", "widths")
STATIC = ("activation", "loss", "precision", "batch_size", "optimizer", "schedule", "nesterov")
LOOP = (
    *("epochs", "patience", "tolerance", "ties", "mean_over", "l2", "dropout", "dropout_epochs"),
    *("label_smoothing", "class_weight", "seed", "init"),
)
NAMES = (*SHAPE, *STATIC, *LOOP, *OPTIMIZER_NUMBERS)
HIDDEN = (100,)  # of a space that names no width, as in scikit-learn
# Configurations of a stream that are drawn together; the next ones are as many as all before them,
# up to the most. So a beginning of any length is spread evenly.
FIRST_BLOCK, BLOCK = 8, 1024
LARGEST = 1 << 20  # combinations of a space of lists that are shuffled


def configurations(
    space: Any, n: int | None = None, *, seed: int = 0, stream: bool = False
) -> Configurations:
    """The configurations of a space.

    Args:
      space: a dict from names to values, or a list of configurations. A value is a list (all of
        it), `uniform`, `log_uniform`, `int_uniform`, `choice`, a frozen distribution of
        `scipy.stats`, or a single value. Names are those of `mlp_jax.fit`, `mlp_jax.optimizer` and
        `Network`, and of the shape: "hidden", a tuple of widths; or "depth", the number of hidden
        layers, with "width" (one for all layers) or "widths" (drawn for each layer by itself).
        A number that the optimizer or schedule of a configuration does not have is left out of it.
      n: how many to draw: of every distribution, and of every list beside one, evenly over its
        range (`mlp_jax.sweeps.distributions`). Without distributions it may be None, for every
        combination.
      seed: of the drawing.
      stream: the first n, or fewer where there are not as many, in an order that does not depend on
        n: all combinations of lists are shuffled, and a list of configurations is in its order.

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
      {'l2': 0.0002..., 'hidden': (6, 6)}
    """
    if n is not None and (not isinstance(n, int | np.integer) or isinstance(n, bool) or n < 1):
        raise ValueError(f"n is {as_typed(n)}; expected an integer from 1 up: how many to draw")
    if isinstance(space, Mapping):
        known = _checked_space(space)
        drawn = (known, n, np.random.default_rng(seed))
        columns = _streamed(known, n, seed) if stream else _drawn(*drawn)
    elif isinstance(space, Sequence) and not isinstance(space, str):
        columns = _listed(space[:n] if stream else space, None if stream else n)
    else:
        raise ValueError(
            f"space is {space!r}; expected a dict such as {{'width': [16, 32]}}, or a list of dicts"
        )
    return checked(_but_for_numbers_of_others(columns))


def _listed(space: Sequence[Any], n: int | None) -> dict[str, Column]:
    """The columns of a list of configurations."""
    if not all(isinstance(configuration, Mapping) for configuration in space):
        raise ValueError(
            "space is a list of something else than dicts; expected [{'width': 32}, ...]"
        )
    if n is not None and n != len(space):
        raise ValueError(f"space lists {len(space)} configurations and n is {n}: leave n out")
    if not space:
        raise ValueError("space is empty; expected one configuration or more")
    for configuration in space:
        for name in configuration:
            _check_name(name)
    return columns_of(
        [
            _with_hidden({name: _python(value) for name, value in configuration.items()})
            for configuration in space
        ]
    )


def _check_name(name: Any) -> None:
    if name in NAMES:
        return
    known = ", ".join(NAMES) + or_meant(name, NAMES)
    raise ValueError(f"space names {as_typed(name)}; expected some of {known}")


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
            checked[name] = [_python(one) for one in value]
            if not checked[name]:
                raise ValueError(
                    f"space has an empty list for {as_typed(name)}; expected a value or more"
                )
        else:
            checked[name] = [_python(value)]
    return checked


def _at_random(space: dict[str, Any]) -> list[str]:
    """The names that have no end of values; widths are drawn for every layer, also from a list."""
    random = [name for name, value in space.items() if isinstance(value, Distribution)]
    return random or [name for name in ("widths",) if name in space]


def _drawn(space: dict[str, Any], n: int | None, rng: np.random.Generator) -> dict[str, Column]:
    """The columns of n configurations of a space, or of all combinations of its values."""
    random = _at_random(space)
    if random:
        if n is None:
            alike = ", or width, which all layers have alike" * (random == ["widths"])
            raise ValueError(
                f"space draws {', '.join(random)} at random, and n is None; type n=100{alike}"
            )
        return _randomly(space, n, rng)
    total = math.prod(len(values) for values in space.values())
    if n is None or n >= total:
        return _combined(space, np.arange(total))
    # Some of the grid, none of it twice, without making all of it.
    return _combined(space, np.sort(rng.choice(total, n, replace=False)))


def _streamed(space: dict[str, Any], n: int | None, seed: int) -> dict[str, Column]:
    """The columns of the first n configurations of a space, the same ones however many follow."""
    total = math.prod(len(values) for values in space.values() if isinstance(values, list))
    if not _at_random(space) and total <= LARGEST:
        return _combined(space, np.random.default_rng(seed).permutation(total)[:n])
    assert n is not None
    parts: list[dict[str, Column]] = []
    drawn = 0
    while drawn < n:
        size = min(max(drawn, FIRST_BLOCK), BLOCK)
        parts.append(_randomly(space, size, np.random.default_rng([seed, len(parts)])))
        drawn += size
    columns = {name: end_to_end([part[name] for part in parts]) for name in parts[0]}
    return {name: column.take(np.arange(n)) for name, column in columns.items()}


def _randomly(space: dict[str, Any], n: int, rng: np.random.Generator) -> dict[str, Column]:
    """The columns of n configurations, every value drawn by itself."""
    columns = {name: _draw(value, n, rng) for name, value in space.items() if name != "widths"}
    return _shaped(columns, n, space.get("widths"), rng)


def _combined(space: dict[str, Any], picked: np.ndarray) -> dict[str, Column]:
    """The columns of some combinations of lists, by their numbers."""
    sizes = [len(values) for values in space.values()]
    places = zip(space.items(), np.unravel_index(picked, sizes), strict=True)
    columns = {name: _column(values, at) for (name, values), at in places}
    return _shaped(columns, len(picked))


def _draw(value: Any, n: int, rng: np.random.Generator) -> Column:
    """N values of a list or a distribution."""
    if not isinstance(value, Distribution):
        return _column(value, place(shares(rng, n, level=True), len(value)))
    drawn = value.column(rng, n)
    return drawn if isinstance(drawn.options, np.ndarray) else _column(drawn.options, drawn.codes)


def _column(options: Sequence[Any], codes: np.ndarray) -> Column:
    """A column of what a user typed."""
    return Column.of([_python(option) for option in options], codes)


def _python(value: Any) -> Any:
    """NumPy's numbers as Python's; lists as tuples, which can be static."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, Loss | Activation):
        return value
    return tuple(_python(one) for one in value) if isinstance(value, list | tuple) else value


def _shaped(
    columns: dict[str, Column], n: int, widths: Any = None, rng: Any = None
) -> dict[str, Column]:
    """The columns of n configurations with "hidden", at the end, in place of depth and width.

    widths: what the width of every layer is drawn from, by rng; None for one width of all.
    """
    shape = {name: columns[name] for name in SHAPE if name in columns}
    others = {name: column for name, column in columns.items() if name not in shape}
    first, codes = distinct(n, *(column.codes for column in shape.values()))
    named = [choices_of(shape, row) for row in first]
    if widths is None:
        hidden = [_with_hidden(one)["hidden"] for one in named]
        return others | {"hidden": Column.of(hidden, codes)}
    _check_shape([*shape, "widths"])
    depths = np.array([whole_number("depth", one.get("depth", 1), 0) for one in named])[codes]
    drawn = _whole_widths(_draw(widths, int(depths.sum()), rng)).values()
    pairs = zip(depths.tolist(), np.cumsum(depths).tolist(), strict=True)
    hidden = [tuple(drawn[end - depth : end]) for depth, end in pairs]
    return others | {"hidden": Column.of(hidden, np.arange(n))}


def _whole_widths(column: Column) -> Column:
    """Widths of layers, checked."""
    options = column.options
    if isinstance(options, np.ndarray) and options.dtype == np.int64 and (options >= 1).all():
        return column
    whole = {int(c): whole_number("a hidden width", column.option(c), 1) for c in column.used}
    return Column.of([whole.get(code, 1) for code in range(len(options))], column.codes)


def _check_shape(names: Sequence[str]) -> None:
    """Raises ValueError where these names of the shape say one thing twice."""
    if "hidden" in names and len(names) > 1:
        raise ValueError(f"a configuration has {', '.join(names)}: 'hidden' says all of it")
    if "width" in names and "widths" in names:
        raise ValueError("a configuration has both 'width', for all layers, and 'widths', for each")


def _with_hidden(configuration: dict[str, Any]) -> dict[str, Any]:
    """The configuration with "hidden" in place of depth, width and widths."""
    shape = {name: configuration.pop(name) for name in SHAPE if name in configuration}
    _check_shape(list(shape))
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


def _but_for_numbers_of_others(columns: dict[str, Column]) -> dict[str, Column]:
    """The columns without the numbers that a configuration's optimizer and schedule do not have.

    Raises:
      ValueError: no configuration has one of them.
    """
    n = len(columns["hidden"].codes)
    names = ("optimizer", "schedule")
    chosen: dict[str, Column] = {name: columns[name] for name in names if name in columns}
    first, codes = distinct(n, *(column.codes for column in chosen.values()))
    named = [choices_of(chosen, row) for row in first]
    known = [numbers_of_optimizer(one) for one in named]
    kept, unused = dict(columns), []
    for name in (name for name in columns if name in OPTIMIZER_NUMBERS):
        has_it = np.array([name in names for names in known])[codes]
        column = columns[name]
        kept[name] = Column(column.options, np.where(has_it, column.codes, -1))
        if not kept[name].named.any():
            unused.append(name)
    if unused:
        optimizers = {one.get("optimizer", "adam") for one in named}
        raise ValueError(
            f"space names {', '.join(sorted(unused))}, which none of its optimizers "
            f"({', '.join(sorted(optimizers))}) and their schedules have"
        )
    return kept
