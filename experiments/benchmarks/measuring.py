"""What the benchmarks share: calls in turn, the machine's matrix product, where results go."""

import json
import os
import time
from pathlib import Path

import click
import jax
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mlp_jax.sweeps.running import program_cache

RESULTS = Path(__file__).parent / "results"
PAGE = Path(__file__).parent / "README.md"
PAUSE = 0.2  # seconds
PRODUCTS = (512, 1024, 2048, 4096)  # larger ones are no faster, and take seconds each


def in_turn(calls, rounds):
    """{name: seconds of every round}: A B C, C B A, ... so that a slow moment slows all.

    Before each a pause, in which the threads of the one before stop spinning.
    """
    times = {name: [] for name in calls}
    for number in range(rounds):
        for name in list(calls)[:: 1 if number % 2 else -1]:
            time.sleep(PAUSE)
            times[name].append(seconds_of(calls[name])[0])
    return times


def seconds_of(call):
    """(seconds, what the call returns)."""
    began = time.perf_counter()
    returned = call()
    return time.perf_counter() - began, returned


def quartiles(values):
    """The lower quartile, the median, the upper quartile, as a list."""
    return [float(q) for q in np.quantile(np.asarray(values), [0.25, 0.5, 0.75])]


def spelled(three, form=".2f"):
    """Quartiles as a cell of a table: the median (from to)."""
    low, middle, high = (format(value, form) for value in three)
    return f"{middle} ({low} to {high})"


def forget_programs():
    """Nothing is compiled any more, neither by JAX nor by the sweeps of this process."""
    program_cache._kept.clear()
    jax.clear_caches()


def cores():
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def largest_product(sizes=PRODUCTS, repeats=5, precision="highest"):
    """FLOP/s of the fastest square float32 matrix product found, on all cores of a device.

    precision: "highest" is exact to the dtype; at "default" a GPU uses TF32.
    """
    product = jax.jit(lambda A, B: jax.numpy.matmul(A, B, precision=precision))
    best = 0.0
    for size in sizes:
        A = jax.random.normal(jax.random.key(size), (size, size))
        jax.block_until_ready(product(A, A))
        for _ in range(repeats):
            seconds, _ = seconds_of(lambda A=A: jax.block_until_ready(product(A, A)))
            best = max(best, 2 * size**3 / seconds)
    return best


def figure_of(columns, width=4.5, height=4.0):
    """(figure, axes): so many axes beside each other."""
    figure = Figure(figsize=(width * columns, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, columns, squeeze=False)[0]
    for one in axes:
        one.grid(alpha=0.3)
    return figure, axes


def this_machine():
    """What a result says of where it was measured."""
    return {"jax": jax.__version__, "device": jax.devices()[0].device_kind, "cores": cores()}


def write_between(path, marks, content):
    """Puts `content` between the two marks in the file, in place of what is there."""
    text = path.read_text()
    begin, end = marks
    if text.count(begin) != 1 or text.count(end) != 1:
        raise SystemExit(f"{path.name} has no place for the table: expected {begin.strip()}")
    before, rest = text.split(begin)
    path.write_text(before + begin + content + end + rest.split(end)[1])


def options(small, readme="Write the tables into README.md here too."):
    """A command with --small, --readme and --output; `small` says what the first of them does."""

    def command(main):
        main = click.option("--output", type=Path, default=RESULTS)(main)
        main = click.option("--readme", is_flag=True, help=readme)(main)
        return click.command()(click.option("--small", is_flag=True, help=small)(main))

    return command


def keep(name, result, figure, table, *, output, readme, machine=None):
    """Writes NAME.json and NAME.png, prints the table, and puts it on its page if asked to.

    figure: None for no picture.
    machine: {} where the result says itself where it was measured; None for this one.
    """
    machine = this_machine() if machine is None else machine
    output.mkdir(parents=True, exist_ok=True)
    (output / f"{name}.json").write_text(json.dumps(machine | result, indent=1) + "\n")
    if figure is not None:
        figure.savefig(output / f"{name}.png", dpi=110)
    print(f"\n{table}", flush=True)
    if readme:
        marks = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->\n"
        write_between(PAGE, marks, table)
