"""A gradient, by hand or of the user's own, called with the choices that it has arguments for."""

import inspect
from collections.abc import Callable
from typing import Any

from jax import Array

from mlp_jax.cost_function import is_off


def given(**choices: Any) -> dict[str, Any]:
    """Those of weights, l2, ... that are switched on.

    Handed to a jitted function, a literal 0 becomes a traced one, and work is done to add nothing;
    left out, it stays switched off.
    """
    return {name: value for name, value in choices.items() if not is_off(value)}


def call_gradient(
    function: Callable[..., Any],
    params: Any,
    X: Array,
    Y: Array,
    **choices: Any,
) -> Any:
    """function(params, X, Y), with those of `choices` that were made and it has arguments for.

    So a function that knows only the paper's three arguments serves wherever `gradient` does.
    """
    made = given(**choices)
    chosen = {name: value for name, value in made.items() if accepts(function, name)}
    return function(params, X, Y, **chosen)


def accepts(function: Callable[..., Any], name: str) -> bool:
    """Whether `function` takes an argument of that name."""
    arguments = inspect.signature(function).parameters
    return name in arguments or any(
        argument.kind is inspect.Parameter.VAR_KEYWORD for argument in arguments.values()
    )
