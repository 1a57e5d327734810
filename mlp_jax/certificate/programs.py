"""The certificate's programs, compiled in little time: each of them runs a few times.

Most of the time of a certificate was XLA's. What it does to make a program faster takes longer than
the program runs.
"""

from collections.abc import Callable
from functools import cache, wraps
from typing import Any

import jax
import jaxlib

# Of a platform. LLVM without its passes, a program in one piece, and loops by XLA's older emitters
# where jaxlib still has the choice: the newer ones take half a second of MLIR a program.
OPTIONS: dict[str, dict[str, Any]] = {
    "cpu": {"xla_backend_optimization_level": 0, "xla_cpu_parallel_codegen_split_count": 1}
}
if tuple(map(int, jaxlib.__version__.split(".")[:2])) < (0, 11):
    OPTIONS["cpu"]["xla_cpu_use_fusion_emitters"] = False


def quickly_compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, jitted for a network that is static, with the platform's `OPTIONS`."""

    @cache
    def jitted(platform: str) -> Callable[..., Any]:
        return jax.jit(function, static_argnames="network", compiler_options=OPTIONS.get(platform))

    @wraps(function)
    def called(*arguments: Any, **choices: Any) -> Any:
        return jitted(jax.default_backend())(*arguments, **choices)

    return called
