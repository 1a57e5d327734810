"""What a sweep costs: FLOPs, seconds and bytes, reckoned before anything runs."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import numpy as np

from mlp_jax.parameters import Layer
from mlp_jax.processes.compiler_options import HAS_OLDER_EMITTERS
from mlp_jax.sweeps.configuration import Configuration
from mlp_jax.sweeps.planning.kinds import Kind
from mlp_jax.sweeps.planning.segments import ORDERS_KEPT, bytes_of_orders, epochs_of_segment
from mlp_jax.sweeps.task import Task
from mlp_jax.training.state import initial_optimizer_state

# What the mask of a unit takes, of what its activation takes: it is drawn once for all members of a
# chunk, and compared with the rate of each.
MASK = 0.7


USES = 3  # sweeps that a program is compiled for: the next ones find it, in memory or on disk


class Quick(NamedTuple):
    """What it is worth to compile a program in less time than XLA would take for the best one.

    compiling: its time of compiling, in those of the best.
    running: its time of a step, in those of the best.
    """

    compiling: float
    running: float

    def pays(self, compiling: float, running: float) -> bool:
        """Whether it does where the best takes so many seconds, by as many sweeps as `USES`."""
        return (1 - self.compiling) * compiling > USES * (self.running - 1) * running


class NarrowPrograms(NamedTuple):
    """What a program costs whose products are no wider than its members need.

    compiling: its time of compiling, in those of a program of full width.
    running: its time of a step where all units are used, likewise.
    seconds_of_step: a step whatever the member's size; members train one at a time.
    """

    compiling: float
    running: float
    seconds_of_step: float


class Rates(NamedTuple):
    """What a kind of device takes. A plan is good if their ratios are about right.

    compilation: (seconds of a program, seconds that every layer adds).
    flops_per_second: of matrix products.
    flops_of_update: the time that a parameter's update takes, in FLOPs of a product.
    seconds_of_unit: one activation and its derivative, for one example.
    seconds_of_step: a chunk's step whatever its size, for some hundred kernels are started.
    chunk: the most members of a chunk, which may be of different networks; None for as many as
      stay in the cache, of one network.
    quick: of programs that are compiled in less time; None where there is no such choice.
    narrow: of programs whose products are as wide as needed; None where there are none.
    """

    compilation: tuple[float, float]
    flops_per_second: float
    flops_of_update: float
    seconds_of_unit: float
    seconds_of_step: float
    chunk: int | None
    quick: Quick | None = None
    narrow: NarrowPrograms | None = None

    def compile_seconds(self, kind: Kind, *, narrow: bool = False) -> float:
        """The seconds that one core takes for a program of this kind."""
        seconds = self.compilation[0] + self.compilation[1] * (kind.depth + 1)
        return seconds * (self.narrow.compiling if narrow and self.narrow is not None else 1.0)


# Of a thread where each core has one, and AVX-512, as experiments/benchmarks/sweep_costs.py prints
# them; `machine.rates_of_machine` has those of the machine at hand.
QUICK = Quick(0.55, 1.25) if HAS_OLDER_EMITTERS else None
NARROW = NarrowPrograms(1.6, 1.2, 2e-5)
CPU = Rates((1.2, 0.42), 230e9, 120, 2e-9, 5e-5, None, QUICK, NARROW)
# Of an H200, see experiments/benchmarks/NOTES.md; larger chunks were slower there.
ACCELERATOR = Rates((1.0, 0.25), 25e12, 200, 6e-12, 1e-4, 1024)


def ends(task: Task, configuration: Configuration) -> tuple[int, int]:
    """(features, outputs)."""
    sizes = task.sizes(configuration)
    return sizes[0], sizes[-1]


def parameters(widths: np.ndarray, n: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """(weights of all layers, weights of the first) for (..., hidden layers) widths."""
    widths = np.asarray(widths, float)
    columns = [widths[..., i] for i in range(widths.shape[-1])]
    one = np.ones(widths.shape[:-1])
    sizes = [n[0] * one, *columns, n[1] * one]
    products = [a * b for a, b in pairwise(sizes)]
    return np.sum(products, axis=0), products[0]


def flops(widths: Any, n: tuple[int, int], m: float, m_validation: float) -> np.ndarray:
    """FLOPs of an epoch's matrix products: one forward, two backward (one in layer 1)."""
    weights, first = parameters(widths, n)
    return m * (6 * weights - 2 * first) + 2 * m_validation * weights


def seconds_per_epoch(
    rates: Rates,
    task: Task,
    kind: Kind,
    folds: Sequence[int],
    configuration: Configuration,
    share: float = 1.0,
) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """The time of a share of an epoch on all the folds.

    It takes the widths of a program and those that its products have, each (..., hidden layers).
    """
    n = ends(task, configuration)
    m, held = np.sum([[len(part) for part in task.splits[fold]] for fold in folds], axis=0)
    updates = rates.flops_of_update * steps(task, kind, folds)

    def seconds(widths: np.ndarray, of_products: np.ndarray) -> np.ndarray:
        products = flops(of_products, n, m, held) + updates * parameters(widths, n)[0]
        units = np.asarray(widths).sum(axis=-1) * m * (1.0 + MASK * kind.dropout)
        return share * (products / rates.flops_per_second + units * rates.seconds_of_unit)

    return seconds


def seconds_per_step(
    rates: Rates,
    task: Task,
    kind: Kind,
    folds: Sequence[int],
    configuration: Configuration,
    hidden: tuple[int, ...],
) -> float:
    """What a member of these widths adds to a step of its chunk."""
    widths = np.array(hidden)
    epoch = seconds_per_epoch(rates, task, kind, folds[:1], configuration)(widths, widths)
    return float(epoch) / steps(task, kind, folds[:1])


def steps(task: Task, kind: Kind, folds: Sequence[int]) -> int:
    """How many steps an epoch on all the folds has."""
    sizes = [len(task.splits[fold][0]) for fold in folds]
    return sum(-(-m // (kind.batch_size or m)) for m in sizes)


def bytes_of_step(task: Task, kind: Kind, hidden: tuple[int, ...], n: tuple[int, int]) -> int:
    """The bytes that one step of a member reads and writes again and again."""
    weights = int(parameters(np.array(hidden), n)[0])
    batch = kind.batch_size or longest_fold(task)
    return task.X.dtype.itemsize * (4 * weights + 2 * batch * (sum(hidden) + n[1]))


def bytes_of_member(
    task: Task,
    kind: Kind,
    hidden: tuple[int, ...],
    folds: Sequence[int],
    configuration: Configuration,
) -> tuple[int, int, int]:
    """(of a member of a running chunk, of the chunk whatever its members, of a member's state)."""
    itemsize, n = task.X.dtype.itemsize, ends(task, configuration)
    sizes = (n[0], *hidden, n[1])
    params = tuple(
        Layer(*(jax.ShapeDtypeStruct(shape, task.X.dtype) for shape in ((a, b), (b, 1))))
        for a, b in pairwise(sizes)
    )
    optimizer = jax.tree.map(
        lambda number: np.asarray(number, task.X.dtype), configuration.optimizer
    )
    moments = jax.tree.leaves(jax.eval_shape(initial_optimizer_state, optimizer, params))
    own = sum(leaf.size * itemsize for leaf in jax.tree.leaves(params))
    state = 2 * own + sum(leaf.size * leaf.dtype.itemsize for leaf in moments)
    m = max(len(task.splits[fold][0]) for fold in folds)
    held = max(len(task.splits[fold][1]) for fold in folds)
    # Backward needs all activations of a batch, validation those of two layers at a time.
    of_batch = (kind.batch_size or m) * (2 * sum(hidden) + 8 * n[1])
    of_validation = held * (2 * max(hidden, default=0) + 8 * n[1])
    weights = itemsize * len(task.X) * 2 if kind.weighted else 0
    weights += itemsize * held * (task.weights is not None)
    # The state goes in and comes out; the loop works in what comes out, the gradient beside it.
    running = 2 * state + own + itemsize * max(of_batch, of_validation) + weights
    examples = held if kind.batch_size else held + m
    orders = _bytes_of_orders(task) if kind.batch_size else 0
    return running, itemsize * examples * sum(n) + orders, state


def _bytes_of_orders(task: Task) -> int:
    return bytes_of_orders(longest_fold(task))


def longest_fold(task: Task) -> int:
    """The most rows that a fold trains on."""
    return max(len(train) for train, _ in task.splits)


def _bytes_of_examples(task: Task) -> int:
    labels = [*task.labels.values(), *task.rests.values()]
    return task.X.nbytes + sum(Y.nbytes for Y in labels if Y is not None)


def bytes_of_device(task: Task) -> int:
    """The bytes that a device holds beside its chunks: the examples, and batch orders."""
    return _bytes_of_examples(task) + max(ORDERS_KEPT, _bytes_of_orders(task))


def bytes_held(task: Task, numbers: np.ndarray, devices: int) -> int:
    """The examples, here and on every device; draws; every member's best parameters and history.

    numbers: of the configurations to train.
    """
    itemsize, configs = task.X.dtype.itemsize, task.configurations
    seeds = np.array([len(task.seeds[number]) for number in numbers.tolist()], np.int64)
    of_member = task.parameters()[numbers] + 4 * configs.epochs[numbers]
    kept = int(itemsize * (of_member * seeds).sum() * len(task.splits))
    sizes_of_batches = len(np.unique(configs.numbers("batch_size")))
    longest = int(configs.epochs.max())
    epochs = epochs_of_segment(longest_fold(task))
    segments = len(task.splits) * sizes_of_batches * -(-longest // epochs)
    draws = min(ORDERS_KEPT, segments * _bytes_of_orders(task))
    return (1 + devices) * _bytes_of_examples(task) + kept + draws
