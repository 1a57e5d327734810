"""The plan of a sweep: who shares a program, padded to which widths, how many at a time."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from mlp_jax.sweeps.costs import (
    CPU,
    Rates,
    bytes_held,
    bytes_of_member,
    bytes_of_step,
    ends,
    flops,
    seconds_per_epoch,
    seconds_per_step,
)
from mlp_jax.sweeps.grouping import Group, cheapest, families, split_by_width
from mlp_jax.sweeps.halving import share_of_epochs, stages
from mlp_jax.sweeps.members import Kind, Row, switches
from mlp_jax.sweeps.task import Task

CACHE = 2 << 20  # bytes that a chunk should stay in
WIDEST = 64  # members of a chunk on a CPU; more do not make its products any faster
CHUNKS_OF_WAVE = 8  # of which early stopping can make fewer


class Bucket(NamedTuple):
    """Members that share a program.

    kind: their static choices. hidden: the widths they are padded to. rows: the members, each
    trained on every one of `folds`, in the order of their networks and epochs. which: the number of
    each one's network in `kind.networks`. on: see `members.switches`. chunk: how many train side by
    side. alike: all of a chunk are of one network, which the program then chooses once; else it
    chooses for each. bytes: what a chunk needs while it runs. flops_used, flops_issued: of the
    matrix products of all, without and with padding, filled batches and chunks. seconds, compiling:
    of one thread, to train all of them, and for the program; rough guesses.
    """

    kind: Kind
    hidden: tuple[int, ...]
    rows: tuple[Row, ...]
    which: tuple[int, ...]
    folds: tuple[int, ...]
    on: frozenset[str]
    chunk: int
    alike: bool
    bytes: int = 0
    flops_used: float = 0.0
    flops_issued: float = 0.0
    seconds: float = 0.0
    compiling: float = 0.0

    @property
    def chunks(self) -> int:
        """How many are trained, over all folds."""
        return len(self.parts(self.chunk)) * len(self.folds)

    def parts(self, length: int) -> list[tuple[int, int]]:
        """(first row, row after the last) of parts of at most this length, each for one chunk."""
        parts, first = [], 0
        for count in self.counts.tolist():
            last = first + count
            parts += [(start, min(start + length, last)) for start in range(first, last, length)]
            first = last
        return parts

    @property
    def counts(self) -> np.ndarray:
        """Of rows that may share a chunk: by network, or all."""
        if not self.alike:
            return np.array([len(self.rows)])
        return np.unique(self.which, return_counts=True)[1]


class SweepPlan(NamedTuple):
    """What a sweep is going to do.

    buckets: programs, and who is trained by them. bytes: the most that is held at a time, examples
    and results included. seconds: a rough guess.
    """

    buckets: tuple[Bucket, ...]
    bytes: int
    seconds: float

    @property
    def members(self) -> int:
        """How many trainings there are: configurations x seeds x folds."""
        return sum(len(bucket.rows) * len(bucket.folds) for bucket in self.buckets)

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
            f"{self.members} members in {self.compilations} programs, "
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
            members = len(bucket.rows) * len(bucket.folds)
            useful = bucket.flops_used / bucket.flops_issued
            lines.append(
                f"{widths:>18} {name:>15} {batch:>6} {members:>8} {bucket.chunk:>6} {useful:.0%}"
            )
        return "\n".join(lines)


class _Size(NamedTuple):
    """What decides the size of chunks.

    chunk: what it is to be, or None. workers: chunks of one bucket that run at the same time.
    at_a_time: chunks of all buckets that do. held: bytes beside them. memory: bytes of all, or
    None.
    """

    chunk: int | None
    workers: int
    at_a_time: int
    held: int
    memory: int | None

    @property
    def budget(self) -> int | None:
        """Bytes of a chunk."""
        return None if self.memory is None else (self.memory - self.held) // self.at_a_time


def as_plan(
    task: Task,
    *,
    workers: int = 1,
    memory: int | None = None,
    chunk: int | None = None,
    devices: int = 1,
    rates: Rates = CPU,
    halving: int | None = None,
    split: Callable[..., list[np.ndarray]] | None = None,
) -> SweepPlan:
    """The plan of a task.

    Args:
      task: what to do.
      workers: chunks that run at the same time, on all devices.
      devices: how many, each with a copy of the examples.
      memory: bytes that all of it may take, or None.
      chunk: members of a chunk, or None for what suits the cache.
      rates: of the devices.
      halving: as for `sweep`; it wants chunks small enough to become fewer.
      split: (widths, epochs, seconds of one, seconds of another program) -> groups of row numbers;
        None for `split_by_width`.

    Raises:
      ValueError: the memory does not suffice.
    """
    held = bytes_held(task, devices)
    # At a given chunk a member is the same to the last bit whatever its neighbours, and so is its
    # program.
    groups = [
        group
        for family in families(task, apart=chunk is not None)
        for group in cheapest(rates, task, family, split or split_by_width, halving)
    ]
    size = _Size(
        chunk=chunk,
        # Where there are several buckets none has to wait for another, and halving trains all that
        # a bucket has on a fold one after the other.
        workers=workers if len(groups) == 1 and halving is None else 1,
        at_a_time=workers,
        held=held,
        memory=memory,
    )
    buckets = [_bucket(rates, task, group, size, halving) for group in groups]
    # The largest first: what is left at the end is small, and no worker waits long for another.
    buckets.sort(key=lambda bucket: -bucket.flops_issued)
    compiling = sum(bucket.compiling for bucket in buckets)
    running = sum(bucket.seconds for bucket in buckets)
    most = held + workers * max((bucket.bytes for bucket in buckets), default=0)
    return SweepPlan(tuple(buckets), most, (compiling + running) / workers)


def _seconds(rates: Rates, task: Task, bucket: Bucket, halving: int | None) -> float:
    configs = [task.configurations[row.configuration] for row in bucket.rows]
    share = share_of_epochs(max(c["epochs"] for c in configs), halving)
    per_epoch = seconds_per_epoch(rates, task, bucket.kind, bucket.folds, configs[0], share)
    return float(per_epoch(np.array(bucket.hidden))) * sum(c["epochs"] for c in configs)


def _bucket(rates: Rates, task: Task, group: Group, size: _Size, halving: int | None) -> Bucket:
    kind, folds, rows = group

    def place(row: Row) -> tuple[int, int]:
        configuration = task.configurations[row.configuration]
        return kind.networks.index(task.network(configuration)), configuration["epochs"]

    rows = sorted(rows, key=place)
    configs = [task.configurations[row.configuration] for row in rows]
    bucket = Bucket(
        kind=kind,
        hidden=tuple(int(w) for w in np.array([c["hidden"] for c in configs], int).max(axis=0)),
        rows=tuple(rows),
        which=tuple(place(row)[0] for row in rows),
        folds=folds,
        on=switches(configs),
        chunk=size.chunk or 0,
        alike=rates.chunk is None,
    )
    bucket = _with_chunk(rates, task, bucket, size, halving)
    return _with_costs(rates, task, bucket, halving)


def _with_chunk(
    rates: Rates, task: Task, bucket: Bucket, size: _Size, halving: int | None
) -> Bucket:
    """With a chunk that suits the cache and the memory, and its bytes."""
    kind, hidden, rows, chunk = bucket.kind, bucket.hidden, bucket.rows, bucket.chunk
    configuration = task.configurations[rows[0].configuration]
    one, shared, state = bytes_of_member(task, kind, hidden, bucket.folds, bucket.on, configuration)
    # With those that wait for their turn: of the wave, or all of them for a share of the memory.
    waiting = -(-len(rows) // (chunk or 4))
    if halving is None:
        waiting = min(CHUNKS_OF_WAVE, waiting) if "patience" in bucket.on else 1
    one += waiting * state if halving is None else waiting * len(bucket.folds) * state
    if not chunk:
        touched = bytes_of_step(task, kind, hidden, ends(task, configuration))
        chunk = rates.chunk or max(4, min(WIDEST, CACHE // touched))
        if size.budget is not None:
            chunk = int(min(chunk, (size.budget - shared) // one))
        if chunk < 1:
            least = size.held + size.at_a_time * (one + shared)
            raise ValueError(
                f"memory={size.memory} does not suffice: with data and results, {size.at_a_time} "
                f"networks at a time of hidden widths {hidden} take {least} bytes; type "
                f"memory={least} or more, or a smaller space"
            )
        epochs = max(task.configurations[row.configuration]["epochs"] for row in rows)
        step = seconds_per_step(rates, task, kind, bucket.folds, configuration, hidden)
        seconds = rates.seconds_of_step, step
        side_by_side = size.workers / len(bucket.folds)
        chunk = _quickest(bucket.counts, chunk, seconds, stages(epochs, halving), side_by_side)
    return bucket._replace(chunk=chunk, bytes=shared + chunk * one)


def _quickest(
    counts: np.ndarray,
    most: int,
    seconds: tuple[float, float],
    stages: list[tuple[float, float]],
    side_by_side: float,
) -> int:
    """The chunk in which the members are soonest done: 65 are not 64 and 1.

    counts: of members that may share a chunk. most: the largest that is allowed. seconds: of a
    chunk's step, whatever its size, and what every member adds. stages: of halving. side_by_side:
    chunks of a fold that run at the same time.
    """
    chunks = np.arange(most, 0, -1)
    turns = _chunks(counts, chunks, stages, side_by_side)
    return int(chunks[np.argmin(turns * (seconds[0] + chunks * seconds[1]))])


def _chunks(
    counts: np.ndarray, chunk: Any, stages: list[tuple[float, float]], side_by_side: float = 1.0
) -> Any:
    """How many turns chunks take in an epoch of a fold, on average; counts: see `_quickest`."""
    of_stage = [
        share * np.ceil(np.ceil(going * counts[:, None] / chunk).sum(axis=0) / side_by_side)
        for going, share in stages
    ]
    return sum(of_stage)


def _with_costs(rates: Rates, task: Task, bucket: Bucket, halving: int | None) -> Bucket:
    """With what its products take, without and with padding and filled batches, and its seconds."""
    configs = [task.configurations[row.configuration] for row in bucket.rows]
    n = ends(task, configs[0])
    epochs = np.array([c["epochs"] for c in configs])
    share = share_of_epochs(int(epochs.max()), halving)
    if halving is None:
        epochs_of_chunks = sum(epochs[i:j].max() for i, j in bucket.parts(bucket.chunk))
    else:
        chunks = _chunks(bucket.counts, bucket.chunk, stages(int(epochs.max()), halving))
        epochs_of_chunks = float(chunks[0]) * epochs.max()
    widths = np.array([c["hidden"] for c in configs], int).reshape(len(configs), -1)
    used = issued = 0.0
    for fold in bucket.folds:
        m, held = (len(part) for part in task.splits[fold])
        size = bucket.kind.batch_size or m
        used += share * float(np.sum(flops(widths, n, m, held) * epochs))
        padded = float(flops(np.array(bucket.hidden), n, -(-m // size) * size, held))
        issued += padded * bucket.chunk * epochs_of_chunks
    return bucket._replace(
        flops_used=used,
        flops_issued=issued,
        seconds=_seconds(rates, task, bucket, halving),
        compiling=rates.compile_seconds(bucket.kind),
    )
