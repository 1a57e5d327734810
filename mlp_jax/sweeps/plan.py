"""The plan of a sweep: which members share a program, padded to which widths, how many at a time.

Members of different static choices cannot share one. Those that differ in width can, at the price
of the padding, and apart at the price of a compilation: the plan weighs the two.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import numpy as np

from mlp_jax.descent import initial_optimizer_state
from mlp_jax.parameters import Layer
from mlp_jax.sweeps.members import Kind, Row, kind_of, numbers_of, switches
from mlp_jax.sweeps.task import Task

# Of one core, as measured by experiments/benchmarks/sweep_planner.py; the plan needs no more than
# their ratio to be about right.
COMPILE_SECONDS = (1.0, 0.4)  # a program, and for every layer of it
FLOPS_PER_SECOND = 30e9
FLOPS_OF_UPDATE = 60  # time of a parameter's update by the optimizer, in FLOPs of a product
CACHE = 2 << 20  # bytes that a chunk should stay in
WIDEST = 64  # members of a chunk on a CPU; more do not make its products any faster
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
      split: (widths, seconds of a member, seconds of a compilation) -> groups of row numbers; None
        for `split_by_width`.

    Raises:
      ValueError: the memory does not suffice.
    """
    held = _bytes_held(task)
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
        per_epoch = _seconds_per_epoch(task, kind, folds, configs[0])
        parts = (split or split_by_width)(widths, epochs, per_epoch, _compile_seconds(kind))
        for part in parts:
            part = part[np.argsort(epochs[part], kind="stable")]
            some = tuple(rows[i] for i in part)
            buckets.append(_bucket(task, kind, folds, some, chunk, shards, budget, on_cpu))
    # The largest first: what is left at the end is small, and no worker waits long for another.
    buckets.sort(key=lambda bucket: -bucket.flops_issued)
    compiling = sum(_compile_seconds(bucket.kind) for bucket in buckets)
    running = sum(_seconds(task, bucket) for bucket in buckets)
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


def _compile_seconds(kind: Kind) -> float:
    return COMPILE_SECONDS[0] + COMPILE_SECONDS[1] * (kind.depth + 1)


def _ends(task: Task, configuration: Any) -> tuple[int, int]:
    sizes = task.sizes(configuration)
    return sizes[0], sizes[-1]


def _parameters(widths: np.ndarray, ends: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """(weights of all layers, weights of the first) for (..., hidden layers) widths."""
    widths = np.asarray(widths, float)
    columns = [widths[..., i] for i in range(widths.shape[-1])]
    one = np.ones(widths.shape[:-1])
    sizes = [ends[0] * one, *columns, ends[1] * one]
    products = [a * b for a, b in pairwise(sizes)]
    return np.sum(products, axis=0), products[0]


def _flops(widths: Any, ends: tuple[int, int], m: float, m_validation: float) -> np.ndarray:
    """Of the matrix products of an epoch: forward, and two products backward but for layer 1."""
    weights, first = _parameters(widths, ends)
    return m * (6 * weights - 2 * first) + 2 * m_validation * weights


def _seconds_per_epoch(
    task: Task, kind: Kind, folds: Sequence[int], configuration: Any
) -> Callable[[np.ndarray], np.ndarray]:
    """The time of an epoch on all the folds, for (..., hidden layers) widths."""
    ends = _ends(task, configuration)

    def seconds(widths: np.ndarray) -> np.ndarray:
        total: Any = 0.0
        for fold in folds:
            train, held = task.splits[fold]
            batches = -(-len(train) // (kind.batch_size or len(train)))
            total = total + _flops(widths, ends, len(train), len(held))
            total = total + FLOPS_OF_UPDATE * batches * _parameters(widths, ends)[0]
        return total / FLOPS_PER_SECOND

    return seconds


def _seconds(task: Task, bucket: Bucket) -> float:
    configs = [task.configurations[row.configuration] for row in bucket.rows]
    per_epoch = _seconds_per_epoch(task, bucket.kind, bucket.folds, configs[0])
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
) -> Bucket:
    configs = [task.configurations[row.configuration] for row in rows]
    hidden = tuple(int(w) for w in np.array([c["hidden"] for c in configs], int).max(axis=0))
    on = switches(configs)
    ends = _ends(task, configs[0])
    one, shared = _bytes_of_member(task, kind, hidden, ends, folds, on, configs[0])
    if chunk is None:
        widest = WIDEST if on_cpu else ON_ACCELERATOR
        chunk = max(4, min(widest, CACHE // _bytes_of_step(task, kind, hidden, ends)))
        chunk = widest if not on_cpu else chunk
        if budget is not None:
            chunk = min(chunk, (budget - shared) // one)
        if chunk < 1:
            raise ValueError(
                f"memory does not suffice for one network of hidden widths {hidden}, which takes "
                f"{(one + shared) / 2**20:.0f} MiB beside the data and the results: type a larger "
                "memory, or a smaller space"
            )
        # As many in every chunk: 65 rows are not 64 and 1.
        chunk = -(-len(rows) // -(-len(rows) // chunk))
    chunk = -(-chunk // shards) * shards
    epochs = [c["epochs"] for c in configs]
    used = issued = 0.0
    for fold in folds:
        m, held = (len(part) for part in task.splits[fold])
        size = kind.batch_size or m
        used += sum(
            float(_flops(np.array(c["hidden"]), ends, m, held)) * c["epochs"] for c in configs
        )
        padded = float(_flops(np.array(hidden), ends, -(-m // size) * size, held))
        longest = [max(epochs[i : i + chunk]) for i in range(0, len(rows), chunk)]
        issued += padded * chunk * sum(longest)
    chunks = -(-len(rows) // chunk) * len(folds)
    return Bucket(
        *(kind, hidden, rows, folds, on, chunk, chunks), shared + chunk * one, used, issued
    )


def _bytes_of_step(task: Task, kind: Kind, hidden: tuple[int, ...], ends: tuple[int, int]) -> int:
    """What one step of a member reads and writes again and again."""
    weights = int(_parameters(np.array(hidden), ends)[0])
    batch = kind.batch_size or max(len(train) for train, _ in task.splits)
    return task.X.dtype.itemsize * (4 * weights + 2 * batch * (sum(hidden) + ends[1]))


def _bytes_of_member(
    task: Task,
    kind: Kind,
    hidden: tuple[int, ...],
    ends: tuple[int, int],
    folds: tuple[int, ...],
    on: frozenset[str],
    configuration: Any,
) -> tuple[int, int]:
    """(bytes of a member of a running chunk, bytes of the chunk whatever its members)."""
    itemsize = task.X.dtype.itemsize
    sizes = (ends[0], *hidden, ends[1])
    params = tuple(
        Layer(*(jax.ShapeDtypeStruct(shape, task.X.dtype) for shape in ((a, b), (b, 1))))
        for a, b in pairwise(sizes)
    )
    numbers = numbers_of([configuration], on, task.X.dtype)
    one = jax.tree.map(lambda leaf: leaf[0], numbers.optimizer)
    optimizer_state = jax.eval_shape(initial_optimizer_state, one, params)
    own = sum(leaf.size * itemsize for leaf in jax.tree.leaves(params))
    moments = jax.tree.leaves(optimizer_state)
    state = 2 * own + sum(leaf.size * leaf.dtype.itemsize for leaf in moments)
    m = max(len(task.splits[fold][0]) for fold in folds)
    held = max(len(task.splits[fold][1]) for fold in folds)
    batch = kind.batch_size or m
    units = sum(hidden) + ends[1]
    # The state goes in and comes out, and the loop has its own; the gradient beside it.
    working = 3 * state + 2 * own
    activations = itemsize * max(2 * batch * units, held * sum(sorted(sizes[1:])[-2:]))
    weights = itemsize * task.X.shape[1] if kind.weighted else 0
    examples = itemsize * (m + held) * (ends[0] + ends[1])
    return working + activations + weights, examples


def _bytes_held(task: Task) -> int:
    """The examples, and what is kept of every member: its best parameters and its history."""
    itemsize = task.X.dtype.itemsize
    examples = task.X.nbytes + sum(Y.nbytes for Y in task.labels.values())
    kept = 0
    for configuration, seeds in zip(task.configurations, task.seeds, strict=True):
        sizes = task.sizes(configuration)
        numbers = sum(a * b + b for a, b in pairwise(sizes)) + 4 * configuration["epochs"]
        kept += itemsize * numbers * len(seeds) * len(task.splits)
    return 2 * examples + kept
