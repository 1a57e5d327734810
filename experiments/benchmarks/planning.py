"""What does planning cost, and what comes of it: programs, useful arithmetic, the same ones again?

The space of `sweep_planner.py` on 3 folds of 10,000 rows. Planning is all of `plan_sweep`: drawing,
checking, grouping and costing; medians of the rounds. "new" are the programs of a sweep of another
seed that the first one has not compiled. Then 10,000 networks of one shape, whose planning is all
that a sweep does before it compiles.

    python experiments/benchmarks/planning.py
    python experiments/benchmarks/planning.py --lists  # of planning/ladder.py, found anew
    python experiments/benchmarks/planning.py --small  # seconds
"""

import itertools

import click
import numpy as np
from measuring import seconds_of
from sweep_planner import space, table

import mlp_jax
from mlp_jax.sweeps.planning import costs, ladder
from mlp_jax.sweeps.planning.grouping import families
from mlp_jax.sweeps.task import as_task

COUNTS = (1_000, 5_000, 20_000)
ROWS, FOLDS, EPOCHS = 10_000, 3, 20
ONE_SHAPE = 10_000
LENGTH = 8  # of a list of widths
DRAWN = 2_000  # networks that a list is chosen for


def programs_of(plan):
    """What tells the programs of a plan apart."""
    return {(bucket.kind, bucket.hidden, bucket.on, bucket.chunk) for bucket in plan.buckets}


def print_row(n, arguments, choices, rounds):
    plan = mlp_jax.plan_sweep(*arguments, n=n, **choices)
    other = mlp_jax.plan_sweep(*arguments, n=n, **choices, key=1)
    times = [
        seconds_of(lambda: mlp_jax.plan_sweep(*arguments, n=n, **choices))[0] for _ in range(rounds)
    ]
    seconds = float(np.median(times))
    new = len(programs_of(other) - programs_of(plan))
    print(
        f"{n:7,} {seconds:8.2f} {1e6 * seconds / n:9.1f} {plan.compilations:8} {new:4} "
        f"{plan.flops_used / plan.flops_issued:7.2f} {plan.seconds:10,.0f}",
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
    seconds = np.where(fits, price(shapes), np.inf)
    chosen = [len(shapes) - 1]  # the widest, which all members fit
    while len(chosen) < min(LENGTH, len(shapes)):
        best = seconds[:, chosen].min(axis=1)
        chosen.append(int(np.minimum(best[:, None], seconds).sum(axis=0).argmin()))
    return [tuple(row) for row in quarters[chosen].tolist()]


@click.command()
@click.option("--lists", is_flag=True, help="The lists of planning/ladder.py.")
@click.option("--small", is_flag=True, help="Few configurations of few rows.")
def main(lists: bool, small: bool) -> None:
    """Prints seconds of planning, microseconds a configuration, programs and useful share."""
    rows = 300 if small else ROWS
    if lists:
        for depth in (1, 2, 3, 4):
            print(depth, *list_of(depth, rows))
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
