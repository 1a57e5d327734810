"""How fast this machine's processor is, measured once, so that a plan's seconds are its own."""

import json
import os
import platform
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import lru_cache, partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from mlp_jax.activations import ACTIVATIONS
from mlp_jax.processes.cache_folder import cache_folder
from mlp_jax.storage.array_files import replace
from mlp_jax.sweeps.planning.costs import CPU, Rates

FORMAT = 1  # of the file; one of another format is measured anew
NETWORKS, WIDTH, BATCH = 4, 128, 64  # of a chunk whose step stays on one core
TURNS, ROUNDS = 40, 3
NAMES = ("relu", "tanh", "gelu")
# How much more a sweep takes than what is measured here: for a parameter's update, a unit, and a
# program beside the three small ones. `experiments/benchmarks/planning.py --machine` prints both.
UPDATE, UNIT, PROGRAM = 1.2, 1.9, (5.5, 1.2)


@lru_cache(maxsize=1)
def rates_of_machine() -> Rates:
    """What things take on a core of this machine while all cores are busy.

    They are measured in half a second, if the platform's cache folder has no file of them for this
    processor and this version of JAX.
    """
    with suppress(OSError, ValueError, TypeError, LookupError):
        return _rates(**json.loads(_file().read_text(encoding="utf-8")))
    found = measured()
    keep(found)
    return found


def keep(rates: Rates) -> None:
    """Writes the rates of this machine to the cache folder, if it can be written to."""
    content = {name: getattr(rates, name) for name in _KEPT}
    with suppress(OSError, ValueError):
        _file().parent.mkdir(parents=True, exist_ok=True)
        replace(_file(), json.dumps(content).encode())


_KEPT = ("compilation", "flops_per_second", "flops_of_update", "seconds_of_unit")


def _rates(**measured: Any) -> Rates:
    """`CPU` with numbers of a file; an error of several kinds for what are none."""
    if set(measured) != set(_KEPT):
        raise ValueError(f"the file has {sorted(measured)}; expected {sorted(_KEPT)}")
    first, layer = measured["compilation"]
    numbers = [first, layer, *(measured[name] for name in _KEPT[1:])]
    if not all(0 < number < np.inf for number in numbers):
        raise ValueError(f"the file has {numbers}; expected positive numbers")
    return CPU._replace(**{**measured, "compilation": (first, layer)})


def _file() -> Path:
    """Of this processor, as many cores of it, and this version of JAX."""
    processor = platform.processor() or platform.machine()
    with suppress(OSError):  # Linux has its name here
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        names = ("model name", "flags", "Features")
        processor = repr([next((one for one in lines if one.startswith(n)), "") for n in names])
    name = repr((FORMAT, processor, _cores(), jax.__version__))
    return cache_folder() / f"machine-{sha256(name.encode()).hexdigest()[:16]}.json"


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def measured() -> Rates:
    """The rates as they are measured now."""
    rng = np.random.default_rng(0)
    W, A = (rng.normal(size=(NETWORKS, WIDTH, n)).astype(np.float32) for n in (WIDTH, BATCH))
    # A constant that no program had before, so that JAX finds none on disk.
    tiny = float(np.random.default_rng().uniform(1e-3, 2e-3))
    turns = np.int32(TURNS)
    began = time.process_time()
    calls = [
        partial(jax.jit(partial(f, tiny)).lower(turns, *arrays).compile(), turns, *arrays)
        for f, arrays in ((_products, (W, A)), (_updates, (W,)), (_units, (A,)))
    ]
    compiling = time.process_time() - began
    of_products, of_updates, of_units = (_seconds(call) / TURNS for call in calls)
    per_second = 6 * W.size * BATCH / of_products
    return CPU._replace(
        compilation=(PROGRAM[0] * compiling, PROGRAM[1] * compiling),
        flops_per_second=per_second,
        flops_of_update=UPDATE * of_updates / W.size * per_second,
        seconds_of_unit=UNIT * of_units / (A.size * len(NAMES)),
    )


def _seconds(call: Callable[[], Any]) -> float:
    """Of a core for a call, the least of some rounds, while the other cores do the same.

    It is the processor's time: other programs that run, or that wait, do not count.
    """
    cores = _cores()
    times = []
    with ThreadPoolExecutor(cores) as threads:
        for _ in range(ROUNDS):
            began = time.process_time()
            list(threads.map(lambda _: jax.block_until_ready(call()), range(cores)))
            times.append((time.process_time() - began) / cores)
    return min(times)


def _products(tiny: float, turns: Array, W: Array, A: Array) -> tuple[Array, Array]:
    """The three products of a layer, again and again."""

    def one(_: Any, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        A, _ = carry
        Z = W @ A
        grad_W = jnp.einsum("nij,nkj->nik", Z, A)
        return jnp.einsum("nij,nik->njk", W, Z) * tiny, grad_W

    return jax.lax.fori_loop(0, turns, one, (A, jnp.zeros_like(W)))


def _updates(tiny: float, turns: Array, W: Array) -> tuple[Array, Array, Array]:
    """Adam's update of some weights, again and again."""

    def one(t: Array, carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        p, m, v = carry
        g = p * tiny
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        unbiased = m / (1 - 0.9 ** (t + 1.0)), v / (1 - 0.999 ** (t + 1.0))
        return p - 1e-3 * unbiased[0] / (jnp.sqrt(unbiased[1]) + 1e-8), m, v

    return jax.lax.fori_loop(0, turns, one, (W, jnp.zeros_like(W), jnp.zeros_like(W)))


def _units(tiny: float, turns: Array, Z: Array) -> Array:
    """Some activations and their derivatives, again and again."""

    def one(_: Any, Z: Array) -> Array:
        for name in NAMES:
            A = ACTIVATIONS[name].f(Z)
            Z = A + ACTIVATIONS[name].derivative(Z, A) * tiny
        return Z

    return jax.lax.fori_loop(0, turns, one, Z)
