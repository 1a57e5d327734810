"""The certificate's programs, compiled in little time: each of them runs a few times.

Most of the time of a certificate was XLA's. What it does to make a program faster takes longer than
the program runs.
"""

from collections.abc import Callable
from functools import cache, wraps
from typing import Any

import jax

from mlp_jax.processes.compiler_options import QUICKLY

# Of a platform. On a CPU LLVM without its passes too.
OPTIONS: dict[str, dict[str, Any]] = {"cpu": QUICKLY | {"xla_backend_optimization_level": 0}}


def quickly_compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, jitted for a network that is static, with the platform's `OPTIONS`."""

    @cache
    def jitted(platform: str) -> Callable[..., Any]:
        return jax.jit(function, static_argnames="network", compiler_options=OPTIONS.get(platform))

    @wraps(function)
    def called(*arguments: Any, **choices: Any) -> Any:
        return jitted(jax.default_backend())(*arguments, **choices)

    return called
