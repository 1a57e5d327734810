"""The plan of a sweep on the devices and in the process that run it."""

from collections.abc import Sequence
from typing import Any

import jax

from mlp_jax.processes import engines
from mlp_jax.sweeps.halving import as_halving
from mlp_jax.sweeps.planning.grouping import SHARE_OF_COMPILATION, Widened
from mlp_jax.sweeps.planning.ladder import on_ladder
from mlp_jax.sweeps.planning.plan import SweepPlan, as_plan
from mlp_jax.sweeps.running.devices import rates_of, room_of, workers_of
from mlp_jax.sweeps.shards import Shard, as_shard
from mlp_jax.sweeps.task import Task
from mlp_jax.training.checks import check_count


def plan_of(
    task: Task,
    *,
    memory: int | None = None,
    chunk: int | None = None,
    devices: Sequence[Any] | None = None,
    halving: int | None = None,
    shard: Any = None,
    executor: Any = None,
    widened: Widened = on_ladder,
    chunk_seconds: float | None = None,
    compilation: float = SHARE_OF_COMPILATION,
) -> SweepPlan:
    """The plan of a task, or of its part of a divided one; arguments as for `sweep`.

    widened, chunk_seconds, compilation: see `as_plan`.
    """
    if executor is not None and (devices is not None or shard is not None):
        raise ValueError("executor divides the sweep by itself: leave devices and shard out")
    if shard is not None and halving is not None:
        raise ValueError(
            "halving compares the configurations of all shards, which do not wait for one another: "
            "hand in an executor instead of shard, or leave halving out"
        )
    chosen = as_devices(devices)
    return as_plan(
        task,
        workers=max(workers_of(chosen), engines.workers_of(executor)),
        devices=chosen,
        memory=count_or_none("memory", memory),
        room=room_of(chosen),
        chunk=count_or_none("chunk", chunk),
        rates=rates_of(chosen),
        halving=as_halving(halving),
        shard=_part_of_this_process(shard),
        widened=widened,
        chunk_seconds=chunk_seconds,
        compilation=compilation,
    )


def count_or_none(name: str, value: Any) -> int | None:
    """The value as a number of Python's, or None; ValueError if it is no count."""
    if value is None:
        return None
    check_count(name, value, ", or None")
    return int(value)


def as_devices(devices: Sequence[Any] | None) -> list[Any]:
    """Those of a user, or all accelerators, or one CPU device."""
    if devices is None:
        found = jax.local_devices()
        return found if found[0].platform != "cpu" else found[:1]
    if not len(devices):
        raise ValueError("devices is empty; expected some of jax.devices()")
    return list(devices)


def _part_of_this_process(shard: Any) -> Shard | None:
    """The shard that was asked for, or the share of this process among joined ones."""
    if shard is None and jax.process_count() > 1:
        return Shard(jax.process_index(), jax.process_count(), joined=True)
    return as_shard(shard)
