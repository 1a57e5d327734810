"""A gradient, by hand or of the user's own, called with the choices that it has arguments for."""

import inspect
from collections.abc import Callable
from typing import Any

from jax import Array

from mlp_jax.cost_function import is_off


def switched_on(**choices: Any) -> dict[str, Any]:
    """The choices, such as weights and l2, that are neither None nor a literal 0.

    A literal 0 that is handed to a jitted function becomes a traced 0, and the function works to
    add nothing. A choice that is left out stays switched off.
    """
    return {name: value for name, value in choices.items() if not is_off(value)}


def call_gradient(
    function: Callable[..., Any],
    params: Any,
    X: Array,
    Y: Array,
    **choices: Any,
) -> Any:
    """function(params, X, Y), with the choices that are switched on and that it has arguments for.

    So a function that knows only the paper's three arguments serves wherever `gradient` does.
    """
    made = switched_on(**choices)
    known = {name: value for name, value in made.items() if accepts(function, name)}
    return function(params, X, Y, **known)


def accepts(function: Callable[..., Any], name: str) -> bool:
    """Whether `function` takes an argument of that name."""
    arguments = inspect.signature(function).parameters
    return name in arguments or any(
        argument.kind is inspect.Parameter.VAR_KEYWORD for argument in arguments.values()
    )
