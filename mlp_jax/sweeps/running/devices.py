"""Where chunks run: devices, and what all chunks on one of them share.

Each device has programs and a queue of its own, and waits for no other: a chunk that was divided
among devices would be as slow as the slowest of them, segment after segment.
"""

import os
import threading
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax

from mlp_jax.losses import Loss
from mlp_jax.sweeps.folds import Fold
from mlp_jax.sweeps.planning.costs import ACCELERATOR, Rates
from mlp_jax.sweeps.planning.machine import rates_of_machine
from mlp_jax.sweeps.task import Task
from mlp_jax.training.batches import Examples


class DeviceData(NamedTuple):
    """What lies on a device, once for all chunks.

    examples: of the task, by loss; without weights, and X is the same array in all.
    folds: of the task.
    running: lets as many chunks run at a time as suits the device.
    """

    examples: dict[Loss, Examples]
    folds: list[Fold]
    running: threading.Semaphore


SHARE_OF_MEMORY = 0.9  # of a device's; kernels have some of their own
COMPILERS = 4  # threads beside an accelerator; more wait for Python


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def chunks_at_a_time(devices: Sequence[Any]) -> int:
    """How many chunks each device runs: a CPU one a core, for a small product stays on one core."""
    return 1 if devices[0].platform != "cpu" else max(1, _cores() // len(devices))


def workers_of(devices: Sequence[Any]) -> int:
    """How many chunks run at a time on all devices."""
    return len(devices) * chunks_at_a_time(devices)


def slots_of(devices: Sequence[Any]) -> list[Any]:
    """A device for every thread: one a chunk, and beside an accelerator some that compile."""
    beside = 0
    if devices[0].platform != "cpu":
        beside = max(1, min(COMPILERS, _cores() // (2 * len(devices))))
    return list(devices) * (chunks_at_a_time(devices) + beside)


def rates_of(devices: Sequence[Any]) -> Rates:
    """What things take there."""
    return rates_of_machine() if devices[0].platform == "cpu" else ACCELERATOR


def room_of(devices: Sequence[Any]) -> int | None:
    """Bytes that each device can spare for a sweep; None where JAX does not say."""
    known = [device.memory_stats() or {} for device in devices]
    if not all("bytes_limit" in stats for stats in known):
        return None
    free = [
        SHARE_OF_MEMORY * stats["bytes_limit"] - stats.get("bytes_in_use", 0) for stats in known
    ]
    return max(0, int(min(free)))


def put_on_devices(task: Task, folds: list[Fold], devices: Sequence[Any]) -> dict[Any, DeviceData]:
    """What each device has of the task. folds: from `folds.as_folds`."""
    at_a_time = chunks_at_a_time(devices)
    data: dict[Any, DeviceData] = {}
    for device in devices:
        there_X, there_labels, there_rests, there_folds = jax.device_put(
            (task.X, task.labels, task.rests, folds), device
        )
        examples = {
            loss: Examples(there_X, Y, rest=there_rests[loss]) for loss, Y in there_labels.items()
        }
        data[device] = DeviceData(examples, there_folds, threading.Semaphore(at_a_time))
    return data
