"""The plan of a sweep: which members share a program, padded to which widths, how many at a time.

Members of different static choices cannot share one. Those that differ in width can, at the price
of the padding, and apart at the price of a compilation: the plan weighs the two.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from mlp_jax.sweeps.costs import (
    bytes_held,
    bytes_of_member,
    bytes_of_step,
    compile_seconds,
    ends,
    flops,
    seconds_per_epoch,
)
from mlp_jax.sweeps.halving import CUTS, share_of_epochs
from mlp_jax.sweeps.members import Kind, Row, kind_of, switches
from mlp_jax.sweeps.task import Task

# What the plan counts a compilation as, of what it takes: near the least total time is flat (a
# sixth more at this share), and the arithmetic is a quarter more useful for it.
SHARE_OF_COMPILATION = 0.22
CACHE = 2 << 20  # bytes that a chunk should stay in
WIDEST = 64  # members of a chunk on a CPU; more do not make its products any faster
CHUNKS_OF_WAVE = 8  # of which early stopping can make fewer
ON_ACCELERATOR = 1024  # members of a chunk elsewhere: what fills a large GPU


class Bucket(NamedTuple):
    """Members that share a program.

    kind: their static choices. hidden: the widths they are padded to. rows: the members, each
    trained on every one of `folds`, in the order of their epochs. on: see `members.switches`.
    chunk: how many train side by side. chunks: how many times that, over all folds. bytes: what a
    chunk needs while it runs. flops_used, flops_issued: of the matrix products of all, without and
    with padding, filled batches and chunks.
    """

    kind: Kind
    hidden: tuple[int, ...]
    rows: tuple[Row, ...]
    folds: tuple[int, ...]
    on: frozenset[str]
    chunk: int
    chunks: int
    bytes: int
    flops_used: float
    flops_issued: float


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
        """How many programs are compiled, if none is known yet."""
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
        lines = [
            f"{self.members} members in {self.compilations} programs, "
            f"{self.flops_used / self.flops_issued:.0%} of the arithmetic useful, "
            f"{self.bytes / 2**20:.0f} MiB, about {self.seconds:.0f} s",
            f"{'widths':>18} {'activation':>12} {'batch':>6} {'members':>8} {'chunk':>6} useful",
        ]
        for bucket in self.buckets:
            widths = "-".join(map(str, bucket.hidden)) or "none"
            activation = bucket.kind.network.activation
            name = activation.name if hasattr(activation, "name") else "several"
            batch = bucket.kind.batch_size or "all"
            members = len(bucket.rows) * len(bucket.folds)
            useful = bucket.flops_used / bucket.flops_issued
            lines.append(
                f"{widths:>18} {name:>12} {batch:>6} {members:>8} {bucket.chunk:>6} {useful:.0%}"
            )
        return "\n".join(lines)


def as_plan(
    task: Task,
    *,
    workers: int = 1,
    shards: int = 1,
    memory: int | None = None,
    chunk: int | None = None,
    on_cpu: bool = True,
    halving: int | None = None,
    split: Callable[..., list[np.ndarray]] | None = None,
) -> SweepPlan:
    """The plan of a task.

    Args:
      task: what to do.
      workers: chunks that run at the same time.
      shards: devices a chunk is divided among.
      memory: bytes that all of it may take, or None.
      chunk: members of a chunk, or None for what suits the cache.
      on_cpu: what the chunks are to suit.
      halving: as for `sweep`; it wants chunks small enough to become fewer.
      split: (widths, seconds of a member, seconds of a compilation) -> groups of row numbers; None
        for `split_by_width`.

    Raises:
      ValueError: the memory does not suffice.
    """
    held = bytes_held(task)
    budget = None if memory is None else (memory - held) // workers
    groups: dict[tuple[Kind, tuple[int, ...]], list[Row]] = {}
    for number, configuration in enumerate(task.configurations):
        folds_of: dict[Kind, list[int]] = {}
        for fold, (train, _) in enumerate(task.splits):
            folds_of.setdefault(kind_of(task, configuration, len(train)), []).append(fold)
        for kind, numbers in folds_of.items():
            rows = [Row(number, seed) for seed in task.seeds[number]]
            groups.setdefault((kind, tuple(numbers)), []).extend(rows)
    buckets = []
    for (kind, folds), rows in groups.items():
        configs = [task.configurations[row.configuration] for row in rows]
        epochs = np.array([c["epochs"] for c in configs])
        widths = np.array([c["hidden"] for c in configs], int).reshape(len(rows), kind.depth)
        share = share_of_epochs(int(epochs.max()), halving)
        per_epoch = seconds_per_epoch(task, kind, folds, configs[0], share)
        parts = (split or split_by_width)(
            widths, epochs, per_epoch, SHARE_OF_COMPILATION * compile_seconds(kind)
        )
        for part in parts:
            part = part[np.argsort(epochs[part], kind="stable")]
            some = tuple(rows[i] for i in part)
            buckets.append(_bucket(task, kind, folds, some, chunk, shards, budget, on_cpu, halving))
    # The largest first: what is left at the end is small, and no worker waits long for another.
    buckets.sort(key=lambda bucket: -bucket.flops_issued)
    compiling = sum(compile_seconds(bucket.kind) for bucket in buckets)
    running = sum(_seconds(task, bucket, halving) for bucket in buckets)
    most = held + workers * max(bucket.bytes for bucket in buckets)
    return SweepPlan(tuple(buckets), most, (compiling + running) / max(workers, shards))


def split_by_width(
    widths: np.ndarray,
    epochs: np.ndarray,
    seconds: Callable[[np.ndarray], np.ndarray],
    compile_seconds: float,
) -> list[np.ndarray]:
    """Rows in groups, so that padding each to its widest and compiling a program for each is cheap.

    A tree: at every node the rows are cut in two by the width of one layer, where it saves most,
    and then a node keeps its cut if it pays for the programs below it.

    Args:
      widths: (rows, hidden layers).
      epochs: (rows,).
      seconds: (..., hidden layers) widths -> (...,) time of one epoch.
      compile_seconds: what a further program costs.
    """

    def best(rows: np.ndarray) -> tuple[float, list[np.ndarray]]:
        whole = compile_seconds + float(seconds(widths[rows].max(axis=0)) * epochs[rows].sum())
        if whole < 2 * compile_seconds:  # no cut can save that much
            return whole, [rows]
        cut = _best_cut(widths[rows], epochs[rows], seconds)
        if cut is None:
            return whole, [rows]
        (left, left_groups), (right, right_groups) = best(rows[cut]), best(rows[~cut])
        if left + right < whole:
            return left + right, left_groups + right_groups
        return whole, [rows]

    return best(np.arange(len(widths)))[1]


def _best_cut(
    widths: np.ndarray, epochs: np.ndarray, seconds: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray | None:
    """Which rows are on the narrow side of the best cut; None if all are of one shape."""
    lowest, found = np.inf, None
    for layer in range(widths.shape[1]):
        order = np.argsort(widths[:, layer], kind="stable")
        ordered, steps = widths[order], epochs[order]
        at = np.flatnonzero(np.diff(ordered[:, layer]))  # the last row of the narrow side
        if len(at) == 0:
            continue
        narrow = np.maximum.accumulate(ordered, axis=0)[at]
        wide = np.maximum.accumulate(ordered[::-1], axis=0)[::-1][at + 1]
        steps_narrow = np.cumsum(steps)[at]
        total = seconds(narrow) * steps_narrow + seconds(wide) * (steps.sum() - steps_narrow)
        if total.min() < lowest:
            lowest = total.min()
            found = widths[:, layer] <= ordered[at[total.argmin()], layer]
    return found


def _seconds(task: Task, bucket: Bucket, halving: int | None) -> float:
    configs = [task.configurations[row.configuration] for row in bucket.rows]
    share = share_of_epochs(max(c["epochs"] for c in configs), halving)
    per_epoch = seconds_per_epoch(task, bucket.kind, bucket.folds, configs[0], share)
    return float(per_epoch(np.array(bucket.hidden))) * sum(c["epochs"] for c in configs)


def _bucket(
    task: Task,
    kind: Kind,
    folds: tuple[int, ...],
    rows: tuple[Row, ...],
    chunk: int | None,
    shards: int,
    budget: int | None,
    on_cpu: bool,
    halving: int | None,
) -> Bucket:
    configs = [task.configurations[row.configuration] for row in rows]
    hidden = tuple(int(w) for w in np.array([c["hidden"] for c in configs], int).max(axis=0))
    on = switches(configs)
    n = ends(task, configs[0])
    one, shared, state = bytes_of_member(task, kind, hidden, folds, on, configs[0])
    # With those that wait for their turn: of the wave, or all of them for a share of the memory.
    waiting = -(-len(rows) // (chunk or 4))
    if halving is None:
        waiting = min(CHUNKS_OF_WAVE, waiting) if "patience" in on else 1
    one += waiting * state if halving is None else waiting * len(folds) * state
    if chunk is None:
        widest = WIDEST if on_cpu else ON_ACCELERATOR
        chunk = max(4, min(widest, CACHE // bytes_of_step(task, kind, hidden, n)))
        chunk = widest if not on_cpu else chunk
        if budget is not None:
            chunk = min(chunk, (budget - shared) // one)
        if chunk < 1:
            raise ValueError(
                f"memory does not suffice for one network of hidden widths {hidden}, which takes "
                f"{(one + shared) / 2**20:.0f} MiB beside the data and the results: type a larger "
                "memory, or a smaller space"
            )
        if halving is not None:
            chunk = max(1, min(chunk, len(rows) // halving**CUTS))
        # As many in every chunk: 65 rows are not 64 and 1.
        chunk = -(-len(rows) // -(-len(rows) // chunk))
    chunk = -(-chunk // shards) * shards
    share = share_of_epochs(max(c["epochs"] for c in configs), halving)
    epochs = [c["epochs"] * share for c in configs]
    used = issued = 0.0
    for fold in folds:
        m, held = (len(part) for part in task.splits[fold])
        size = kind.batch_size or m
        used += sum(float(flops(np.array(c["hidden"]), n, m, held)) * c["epochs"] for c in configs)
        padded = float(flops(np.array(hidden), n, -(-m // size) * size, held))
        longest = [max(epochs[i : i + chunk]) for i in range(0, len(rows), chunk)]
        issued += padded * chunk * sum(longest)
    chunks = -(-len(rows) // chunk) * len(folds)
    return Bucket(
        *(kind, hidden, rows, folds, on, chunk, chunks), shared + chunk * one, used, issued
    )
