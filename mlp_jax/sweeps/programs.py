"""Compiled programs of sweeps, kept for the next sweep of equal shapes."""

import threading
from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from mlp_jax.compiled_programs import when_crowded
from mlp_jax.epochs import Plan
from mlp_jax.forward_propagation import Network
from mlp_jax.sweeps.program import Lengths, train_chunk

# On a CPU LLVM's first level compiles for a twelfth less time, and the program is as fast.
OPTIONS = {"xla_backend_optimization_level": 1}
_kept: dict[Any, Any] = {}
_lock = threading.Lock()


def _forget() -> None:
    """A quarter at once, for those that still run let go of theirs only later."""
    with _lock:
        for old in list(_kept)[: -(-len(_kept) // 4)]:  # those that were used longest ago
            del _kept[old]


when_crowded(_forget)


class Devices:
    """Where chunks run: one device, or several that a chunk is divided among."""

    def __init__(self, devices: Sequence[Any]) -> None:
        self.devices = tuple(devices)
        mesh = Mesh(np.array(self.devices), ("members",))
        self._mesh = mesh
        self.replicated = NamedSharding(mesh, PartitionSpec())
        self.divided = NamedSharding(mesh, PartitionSpec("members"))

    def put(self, array: Any) -> Any:
        """The array on every device."""
        return jax.device_put(array, self.replicated)

    def compiled(
        self,
        arguments: tuple[Any, ...],
        plan: Plan,
        lengths: Lengths,
        networks: tuple[Network, ...],
    ) -> tuple[Any, bool]:
        """(`train_chunk` compiled for arguments of these shapes, whether it was new)."""
        leaves, structure = jax.tree.flatten(arguments)
        shapes = tuple((leaf.shape, leaf.dtype) for leaf in leaves)
        name = (self.devices, structure, shapes, plan, lengths, networks)
        with _lock:
            if name in _kept:
                _kept[name] = _kept.pop(name)  # the last to be forgotten
                return _kept[name], False
        lowered = self._program(plan, lengths, networks).lower(*arguments)
        program = lowered.compile(OPTIONS if self.devices[0].platform == "cpu" else None)
        with _lock:
            _kept[name] = program
        return program, True

    def _program(self, plan: Plan, lengths: Lengths, networks: tuple[Network, ...]) -> Any:
        train = partial(train_chunk, plan=plan, lengths=lengths, networks=networks)
        # X, Y, members, state, done, until, fold, draws, which
        of_member = (False, False, True, True, *(False,) * 5)
        if len(self.devices) > 1:
            specs = [PartitionSpec("members") if one else PartitionSpec() for one in of_member]
            # Each device has its own loop, which ends when the last of its own members does.
            train = jax.shard_map(
                train,
                mesh=self._mesh,
                in_specs=tuple(specs),
                out_specs=PartitionSpec("members"),
                check_vma=False,
            )
        shardings = tuple(self.divided if one else self.replicated for one in of_member)
        return jax.jit(train, in_shardings=shardings)
