"""The plan of a sweep: who shares a program, padded to which widths, how many at a time."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mlp_jax.sweeps.halving import share_of_epochs, stages
from mlp_jax.sweeps.planning.buckets import Bucket
from mlp_jax.sweeps.planning.chunks import Size, check_chunk, needs_of, turns_of, with_chunk
from mlp_jax.sweeps.planning.costs import (
    CPU,
    Quick,
    Rates,
    bytes_held,
    ends,
    flops,
    seconds_per_epoch,
    steps,
)
from mlp_jax.sweeps.planning.grouping import (
    PROGRAMS,
    SHARE_OF_COMPILATION,
    Group,
    Widened,
    cheapest,
    families,
    share_before_patience,
)
from mlp_jax.sweeps.planning.kinds import switches
from mlp_jax.sweeps.planning.ladder import as_used, on_ladder
from mlp_jax.sweeps.shards import Shard, configurations_of_shard
from mlp_jax.sweeps.task import Task

BEST = Quick(1.0, 1.0)  # as quick as itself


@dataclass(frozen=True)
class SweepPlan:
    """What a sweep is going to do.

    buckets: programs, and the members that each of them trains.
    bytes: about the most that is held at a time, examples and results included, and with halving
      the states of all members.
    seconds: a rough guess of what all of it takes.
    devices: those that train. In a plan that a user gets they are empty, and what follows is None.
    halving: one of so many configurations goes on where halving chooses; None for all.
    shard: the part of the sweep that is planned; None for all.
    memory: bytes that all of it may take; None for no limit.
    """

    buckets: tuple[Bucket, ...]
    bytes: int
    seconds: float
    devices: tuple[Any, ...] = field(default=(), compare=False, repr=False)
    halving: int | None = field(default=None, compare=False, repr=False)
    shard: Shard | None = field(default=None, compare=False, repr=False)
    memory: int | None = field(default=None, compare=False, repr=False)

    def portable(self) -> "SweepPlan":
        """The plan as users have it: without devices, halving, shard and memory.

        It can be pickled, and equals the plan in the file of the sweep.
        """
        return SweepPlan(self.buckets, self.bytes, self.seconds)

    @property
    def members(self) -> int:
        """How many trainings there are: configurations x seeds x folds."""
        return sum(bucket.per_fold * len(bucket.folds) for bucket in self.buckets)

    @property
    def compilations(self) -> int:
        """How many programs there are, and are compiled if none is known yet.

        A device that has nothing left to do helps another and compiles its program once more, so on
        several devices there may be more compilations.
        """
        return len(self.buckets)

    @property
    def flops_used(self) -> float:
        """Of the matrix products, if no member stops early."""
        return sum(bucket.flops_used for bucket in self.buckets)

    @property
    def flops_issued(self) -> float:
        """The same with all padding."""
        return sum(bucket.flops_issued for bucket in self.buckets)

    def __str__(self) -> str:
        if not self.members:  # more shards than configurations
            return "0 members"
        lines = [
            f"{self.members} members in {self.compilations} "
            f"program{'s' * (self.compilations != 1)}, "
            f"{self.flops_used / self.flops_issued:.0%} of the arithmetic useful, "
            f"{self.bytes / 2**20:.0f} MiB, about {self.seconds:.0f} s",
            f"{'widths':>18} {'activation':>15} {'batch':>6} {'members':>8} {'chunk':>6} useful",
        ]
        for bucket in self.buckets:
            widths = "-".join(map(str, bucket.hidden)) or "none"
            name = " ".join(
                getattr(network.activation, "name", "several") for network in bucket.kind.networks
            )
            batch = bucket.kind.batch_size or "all"
            members = bucket.per_fold * len(bucket.folds)
            useful = bucket.flops_used / bucket.flops_issued
            lines.append(
                f"{widths:>18} {name:>15} {batch:>6} {members:>8} {bucket.chunk:>6} {useful:.0%}"
            )
        return "\n".join(lines)


def as_plan(
    task: Task,
    *,
    workers: int = 1,
    memory: int | None = None,
    room: int | None = None,
    chunk: int | None = None,
    devices: Sequence[Any] = (None,),
    rates: Rates = CPU,
    halving: int | None = None,
    shard: Shard | None = None,
    widened: Widened = on_ladder,
    chunk_seconds: float | None = None,
    compilation: float = SHARE_OF_COMPILATION,
) -> SweepPlan:
    """The plan of a task.

    Args:
      task: what to do.
      workers: chunks that run at the same time, on all devices.
      devices: each has a copy of the examples.
      memory: bytes that all of it may take, or None.
      room: bytes that each device has free, or None.
      chunk: members of a chunk, or None for what suits the devices.
      rates: of the devices.
      halving: as for `sweep`; it wants chunks small enough to become fewer.
      shard: the part of the sweep to plan, or None.
      widened: (widths, price) -> the programs of the members of one kind.
      chunk_seconds: that a thread may take for a chunk, or None.
      compilation: what a compilation counts, of what it takes.

    Raises:
      ValueError: the memory does not suffice.
    """
    numbers = configurations_of_shard(task, shard, halving)
    groups = _groups(rates, task, numbers, widened, halving, compilation, chunk)
    buckets = [_bucket(rates, task, group) for group in groups]
    needs = [needs_of(task, bucket) for bucket in buckets]
    held = bytes_held(task, numbers, len(devices))
    if halving is not None:  # all states are held until it is known who goes on
        held += sum(
            bucket.per_fold * len(bucket.folds) * one.waiting
            for bucket, one in zip(buckets, needs, strict=True)
        )
    size = Size(
        chunk=chunk,
        # Where there are several buckets none has to wait for another, and halving trains all that
        # a bucket has on a fold one after the other.
        workers=workers if len(groups) == 1 and halving is None else 1,
        at_a_time=workers,
        held=held,
        memory=memory,
        room=room,
        halving=halving,
        seconds=chunk_seconds,
    )
    check_chunk(buckets, needs, size)
    buckets = [
        with_costs(rates, task, with_chunk(rates, task, bucket, one, size), halving)
        for bucket, one in zip(buckets, needs, strict=True)
    ]
    if chunk is None:  # at a given chunk a member is the same whatever else its program trains
        buckets = [_quick_if_that_pays(rates, task, bucket) for bucket in buckets]
    # The largest first: what is left at the end is small, and no worker waits long for another.
    buckets.sort(key=lambda bucket: -bucket.flops_issued)
    compiling = sum(bucket.compiling for bucket in buckets)
    running = sum(bucket.seconds for bucket in buckets)
    most = held + workers * max((bucket.bytes for bucket in buckets), default=0)
    seconds = (compiling + running) / workers
    return SweepPlan(tuple(buckets), most, seconds, tuple(devices), halving, shard, memory)


def _groups(
    rates: Rates,
    task: Task,
    numbers: np.ndarray,
    widened: Widened,
    halving: int | None,
    compilation: float,
    chunk: int | None,
) -> list[Group]:
    """Who shares a program. Arguments as of `as_plan`; numbers: of the configurations to train."""
    if chunk is not None:
        # At a given chunk a member is the same to the last bit whatever its neighbours, and so is
        # its program.
        rates = rates._replace(narrow=None)
    found = families(task, numbers, apart=chunk is not None)
    most = max(1, PROGRAMS // max(1, len(found)))  # of a family; few ones may have more
    return [
        group
        for family in found
        for group in cheapest(rates, task, family, widened, halving, most, compilation)
    ]


def _bucket(rates: Rates, task: Task, group: Group) -> Bucket:
    """The bucket of a group, its chunks of no size yet."""
    alike, configs = rates.chunk is None, task.configurations
    places = {configs.networks.index(one): place for place, one in enumerate(group.kind.networks)}
    place_of = np.array([places.get(code, -1) for code in range(len(configs.networks))])
    which = place_of[configs.network_codes[group.numbers]]
    epochs = configs.epochs[group.numbers]
    order = np.lexsort((epochs, which) if alike else (which, epochs))
    return Bucket(
        kind=group.kind,
        hidden=group.hidden,
        configurations=group.numbers[order],
        seeds=group.seeds[order],
        which=which[order],
        folds=group.folds,
        on=switches(configs, group.numbers),
        chunk=0,
        alike=alike,
        narrow=group.narrow,
    )


def with_costs(rates: Rates, task: Task, bucket: Bucket, halving: int | None) -> Bucket:
    """With what its products take, without and with padding and filled batches, and its seconds."""
    configs, kind = task.configurations, bucket.kind
    first = configs[int(bucket.configurations[0])]
    n = ends(task, first)
    epochs = configs.epochs[bucket.configurations]
    share = share_of_epochs(int(epochs.max()), halving)
    if halving is None:
        epochs_of_chunks = sum(int(epochs[i:j].max()) for i, j in bucket.parts(bucket.chunk))
    else:
        chunks = turns_of(bucket.counts, bucket.chunk, stages(int(epochs.max()), halving))
        epochs_of_chunks = float(chunks[0]) * epochs.max()
    widths = configs.widths[bucket.configurations, : kind.depth]
    hidden = np.broadcast_to(np.array(bucket.hidden), widths.shape)
    of_products = as_used(widths, hidden) if bucket.narrow else hidden
    used = issued = 0.0
    for fold in bucket.folds:
        m, held = (len(part) for part in task.splits[fold])
        size = kind.batch_size or m
        used += share * float(np.sum(flops(widths, n, m, held) * epochs))
        padded = flops(of_products, n, -(-m // size) * size, held)
        issued += float(np.average(padded, weights=epochs)) * bucket.chunk * epochs_of_chunks
    price = seconds_per_epoch(rates, task, kind, bucket.folds, first)
    per_epoch = float(np.average(price(hidden, of_products), weights=epochs))
    running, of_step = 1.0, rates.seconds_of_step
    if bucket.narrow and rates.narrow is not None:
        _, running, of_step = rates.narrow
    per_step = of_step * steps(task, kind, bucket.folds)
    of_best = epochs_of_chunks * (per_step + bucket.chunk * running * per_epoch)
    quick = rates.quick if bucket.quick and rates.quick is not None else BEST
    return bucket._replace(
        flops_used=used,
        flops_issued=issued,
        seconds=quick.running * of_best,
        compiling=quick.compiling * rates.compile_seconds(kind, narrow=bucket.narrow),
    )


def _quick_if_that_pays(rates: Rates, task: Task, bucket: Bucket) -> Bucket:
    """The bucket, its program compiled quickly if it runs for little.

    bucket: with the costs of the best program.
    """
    quick, expected = rates.quick, share_before_patience(task, bucket.configurations)
    expected *= bucket.seconds
    if quick is None or bucket.narrow or not quick.pays(bucket.compiling, expected):
        return bucket
    return bucket._replace(
        quick=True,
        seconds=quick.running * bucket.seconds,
        compiling=quick.compiling * bucket.compiling,
    )
