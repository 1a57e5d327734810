"""Compiled programs of sweeps, kept for the next sweep of equal shapes."""

import threading
from functools import partial
from typing import Any

import jax

from mlp_jax.network import Network
from mlp_jax.processes.compiled_programs import when_crowded
from mlp_jax.processes.compiler_options import QUICKLY
from mlp_jax.sweeps.folds import Lengths
from mlp_jax.sweeps.running.chunk_program import train_chunk
from mlp_jax.training.recipe import Recipe

# Of a platform. On a CPU LLVM's first level compiles for a twelfth less time, and the programs are
# about as fast; vectors of 512 bits, where there are any, run a step in 0.92 to 0.95 of the time.
# On a GPU XLA's search for the fastest kernel of every product takes 20 s a program, and finds
# nothing much faster than what cuBLAS takes by itself.
OPTIONS: dict[str, dict[str, Any]] = {
    "cpu": {"xla_backend_optimization_level": 1, "xla_cpu_prefer_vector_width": 512},
    "gpu": {"xla_gpu_autotune_level": 0, "xla_gpu_enable_triton_gemm": False},
}
QUICK_OPTIONS = OPTIONS | {"cpu": OPTIONS["cpu"] | QUICKLY}  # of programs that run for seconds
_kept: dict[Any, Any] = {}
_lock = threading.Lock()
_one_at_a_time: dict[Any, threading.Lock] = {}  # of programs that are being compiled


def _forget() -> None:
    """A quarter at once, for those that still run let go of theirs only later."""
    with _lock:
        for old in list(_kept)[: -(-len(_kept) // 4)]:  # those that were used longest ago
            del _kept[old]


when_crowded(_forget)


class ProgramName:
    """What tells programs apart, hashed once: the shapes of a program's arguments are many."""

    def __init__(
        self,
        device: Any,
        arguments: tuple[Any, ...],
        recipe: Recipe,
        lengths: Lengths,
        networks: tuple[Network, ...],
        quick: bool,
    ) -> None:
        """As for `compile_program`."""
        leaves, structure = jax.tree.flatten(arguments)
        shapes = tuple((leaf.shape, leaf.dtype) for leaf in leaves)
        self._parts = (device, structure, shapes, recipe, lengths, networks, quick)
        self._hash = hash(self._parts)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, ProgramName) and self._parts == other._parts)


def kept_program(name: ProgramName) -> Any:
    """The program of this name, if it is still there, or None."""
    with _lock:
        if name in _kept:
            _kept[name] = _kept.pop(name)  # the last to be forgotten
        return _kept.get(name)


def compile_program(
    device: Any,
    arguments: tuple[Any, ...],
    recipe: Recipe,
    lengths: Lengths,
    networks: tuple[Network, ...],
    quick: bool,
) -> tuple[Any, bool]:
    """(`train_chunk` compiled for arguments of these shapes, whether it was new).

    device: on which the examples are, and so the program.
    quick: compiled in less time, for a program that takes more.
    """
    name = ProgramName(device, arguments, recipe, lengths, networks, quick)
    with _lock:
        alone = _one_at_a_time.setdefault(name, threading.Lock())
    with alone:  # whoever comes second waits, and finds it
        program = kept_program(name)
        if program is not None:
            with _lock:
                _one_at_a_time.pop(name, None)
            return program, False
        train = partial(train_chunk, recipe=recipe, lengths=lengths, networks=networks)
        options = (QUICK_OPTIONS if quick else OPTIONS).get(device.platform)
        program = jax.jit(train).lower(*arguments).compile(options)
        with _lock:
            _one_at_a_time.pop(name, None)
            _kept[name] = program
    return program, True
