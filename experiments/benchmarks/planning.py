"""What does planning cost, and what comes of it: programs, useful arithmetic, the same ones again?

The space of `sweep_planner.py` on 3 folds of 10,000 rows. Planning is all of `plan_sweep`: drawing,
checking, grouping and costing, by one thread; medians of the rounds, in the processor's time, in
which other programs do not count. "new" are the programs of a sweep of another seed that the first
one has not compiled. Then 10,000 networks of one shape.

    python experiments/benchmarks/planning.py
    python experiments/benchmarks/planning.py --lists  # of planning/ladder.py, found anew
    python experiments/benchmarks/planning.py --limits  # what more programs would be good for
    python experiments/benchmarks/planning.py --machine  # do a plan's seconds hold here?
    python experiments/benchmarks/planning.py --small  # seconds
"""

import itertools
import time
from functools import partial
from unittest.mock import patch

import click
import numpy as np
from sweep_planner import space, table

import mlp_jax
from mlp_jax.sweeps.planning import costs, ladder, machine
from mlp_jax.sweeps.planning import plan as plan_module
from mlp_jax.sweeps.planning.grouping import families
from mlp_jax.sweeps.run import plan_of, run
from mlp_jax.sweeps.task import as_task

COUNTS = (1_000, 5_000, 20_000)
ROWS, FOLDS, EPOCHS = 10_000, 3, 20
ONE_SHAPE = 10_000
LENGTH = 8  # of a list of widths
LIMITS = (16, 32, 64)
SHAPES = ((32,), (128, 128), (122, 84, 90, 102), (256, 256))
OF_BUCKET = ("seconds", "compiling")
DRAWN = 2_000  # networks that a list is chosen for


def programs_of(plan):
    """What tells the programs of a plan apart."""
    return {(bucket.kind, bucket.hidden, bucket.on, bucket.chunk) for bucket in plan.buckets}


def print_row(n, arguments, choices, rounds):
    plan = mlp_jax.plan_sweep(*arguments, n=n, **choices)
    other = mlp_jax.plan_sweep(*arguments, n=n, **choices, key=1)
    again = partial(mlp_jax.plan_sweep, *arguments, n=n, **choices)
    seconds = float(np.median([processor_seconds(again) for _ in range(rounds)]))
    new = len(programs_of(other) - programs_of(plan))
    print(
        f"{n:7,} {seconds:8.2f} {1e6 * seconds / n:9.1f} {plan.compilations:8} {new:4} "
        f"{plan.flops_used / plan.flops_issued:7.2f} {plan.seconds:10,.0f}",
        flush=True,
    )


def print_limits(rows, n):
    """What more programs, or fewer, would be good for, by the rates of this machine."""
    task = as_task(*table(rows), space(), n=n, folds=FOLDS, epochs=EPOCHS)
    print("at most  halving programs useful  running, s  compiling, s  (of a core)")
    for most, halving in itertools.product(LIMITS, (None, 3)):
        with patch.object(plan_module, "PROGRAMS", most):
            plan = plan_of(task, halving=halving)
        running, compiling = (sum(getattr(b, name) for b in plan.buckets) for name in OF_BUCKET)
        print(
            f"{most:7} {halving or 'none':>8} {plan.compilations:8} "
            f"{plan.flops_used / plan.flops_issued:6.2f} {running:11,.0f} {compiling:13,.0f}",
            flush=True,
        )


def list_of(depth, rows):
    """Shapes in quarters of the widest, each the one that saves the most beside those before it."""
    one = space() | {"depth": [depth], "activation": "relu", "batch_size": 64}
    task = as_task(*table(rows), one, n=DRAWN, folds=FOLDS)
    [[group]] = families(task, np.arange(DRAWN), apart=False)
    price = costs.seconds_per_epoch(
        costs.CPU, task, group.kind, group.folds, task.configurations[0]
    )
    quarters = np.array(list(itertools.product(range(1, ladder.QUARTERS + 1), repeat=depth)))
    shapes = quarters * 128 // ladder.QUARTERS
    fits = (task.configurations.widths[:, None] <= shapes).all(axis=2)
    seconds = np.where(fits, price(shapes, shapes), np.inf)
    chosen = [len(shapes) - 1]  # the widest, which all members fit
    while len(chosen) < min(LENGTH, len(shapes)):
        best = seconds[:, chosen].min(axis=1)
        chosen.append(int(np.minimum(best[:, None], seconds).sum(axis=0).argmin()))
    return [tuple(row) for row in quarters[chosen].tolist()]


def print_rates(rows, shapes):
    """The rates of this machine, and what trainings take beside what they say.

    In the processor's time, so that other programs do not count; of the second of two sweeps, and
    for compiling the difference of the two.
    """
    print(machine.measured())
    print("batch           hidden  training, s   said  ratio  compiling   said")
    for batch, hidden in itertools.product((64, 256), shapes):
        space = {"hidden": [hidden], "activation": ["relu", "tanh", "gelu"], "batch_size": batch}
        space |= {"learning_rate": [1e-3, 2e-3, 3e-3, 4e-3], "weight_decay": 1e-4}
        task = as_task(*table(rows), space, validation=1 / 3, epochs=4)
        plan = plan_of(task)
        cold, warm = (processor_seconds(lambda: run(task, plan)) for _ in range(2))  # noqa: B023
        said, compiling = (sum(getattr(b, name) for b in plan.buckets) for name in OF_BUCKET)
        print(
            f"{batch:5} {'-'.join(map(str, hidden)):>16} {warm:12.2f} {said:6.2f} "
            f"{said / warm:6.2f} {cold - warm:10.1f} {compiling:6.1f}",
            flush=True,
        )


def processor_seconds(call):
    began = time.process_time()
    call()
    return time.process_time() - began


@click.command()
@click.option("--lists", is_flag=True, help="The lists of planning/ladder.py.")
@click.option("--limits", is_flag=True, help="More programs, or fewer.")
@click.option("--machine", "rates", is_flag=True, help="Do a plan's seconds hold here?")
@click.option("--small", is_flag=True, help="Few configurations of few rows.")
def main(lists: bool, limits: bool, rates: bool, small: bool) -> None:
    """Prints seconds of planning, microseconds a configuration, programs and useful share."""
    rows = 300 if small else ROWS
    if lists:
        for depth in (1, 2, 3, 4):
            print(depth, *list_of(depth, rows))
        return
    if limits:
        print_limits(rows, 50 if small else COUNTS[0])
        return
    if rates:
        print_rates(rows, SHAPES[:1] if small else SHAPES)
        return
    print("configurations  seconds µs each programs  new  useful  predicted s")
    for halving in (None, 3):
        print("all to the end" if halving is None else f"halving={halving}")
        choices = {"folds": FOLDS, "epochs": EPOCHS, "halving": halving}
        for n in (50,) if small else COUNTS:
            print_row(n, (*table(rows), space()), choices, 1 if small else 5)
    one = {"hidden": [(32, 16)], "learning_rate": mlp_jax.log_uniform(1e-4, 1e-1)}
    print("one shape")
    print_row(
        100 if small else ONE_SHAPE, (*table(rows), one), {"validation": 0.2}, 1 if small else 5
    )


if __name__ == "__main__":
    main()
