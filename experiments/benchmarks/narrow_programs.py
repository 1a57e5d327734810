"""What does a network cost in a program wider than it, which chooses how wide its products are?

Networks with Adam, of relu, tanh and gelu, on 10,000 rows of 20 features, a third to validate by:
in a program of their own shape, in one padded to the widest, and in a narrow one of that width,
whose products are as wide as needed. Microseconds of a thread for a network and step, validation
included, while another thread does the same; medians of rounds in turn, everything compiled; and
the seconds of a thread that compiles, the first time, 0 for a shape that is the widest. From these
and from whole sweeps (`sweep_planner.py`) are the constants `NARROW` of `planning/costs.py`.

    python experiments/benchmarks/narrow_programs.py            # five minutes
    python experiments/benchmarks/narrow_programs.py --small    # one network, seconds
    python experiments/benchmarks/narrow_programs.py --readme   # the table goes into README.md here
"""

import dataclasses
from itertools import product
from pathlib import Path

import numpy as np
from measuring import forget_programs, keep, options, spelled
from sweep_planner import table

from mlp_jax.sweeps.planning.ladder import Padded
from mlp_jax.sweeps.run import plan_of, run
from mlp_jax.sweeps.task import as_task

WIDEST = (128, 128, 128, 128)
SHAPES = (WIDEST, (96,) * 4, (32, 128, 64, 96), (64,) * 4, (32,) * 4)
BATCHES = 64, 256
ROWS, EPOCHS, ROUNDS = 10_000, 4, 5
RATES = np.geomspace(1e-3, 2e-3, 4).tolist()


def ways_of(shape, widest):
    """{way: the programs of networks of this shape}."""

    def of(widths, narrow):
        return lambda members, _: Padded(
            np.array([widths]), np.zeros(len(members), np.int64), narrow
        )

    return {"its own": of(shape, False), "padded": of(widest, False), "narrow": of(widest, True)}


def planned(task, widened):
    """The plan of these programs, each the best that XLA compiles."""
    plan = plan_of(task, widened=widened)
    buckets = tuple(bucket._replace(quick=False) for bucket in plan.buckets)
    return dataclasses.replace(plan, buckets=buckets)


def measured(shape, widest, batch, rows, epochs, rounds):
    """A row: of every way the quartiles of microseconds, and the seconds of compiling."""
    space = {"hidden": [shape], "activation": ["relu", "tanh", "gelu"], "batch_size": batch}
    task = as_task(*table(rows), space | {"learning_rate": RATES}, validation=1 / 3, epochs=epochs)
    plans = {way: planned(task, made) for way, made in ways_of(shape, widest).items()}
    forget_programs()
    compiling, micros = {}, {way: [] for way in plans}
    for turn in range(1 + rounds):
        for way in list(plans)[:: 1 if turn % 2 else -1]:
            found = run(task, plans[way]).bucket_seconds[0]
            if not turn:
                compiling[way] = found[0]
                continue
            train, _ = task.splits[0]
            steps = -(-len(train) // batch) * epochs
            micros[way].append(found[1] / plans[way].members / steps * 1e6)
    quartiles = {way: np.quantile(all_, [0.25, 0.5, 0.75]).tolist() for way, all_ in micros.items()}
    return {"shape": shape, "batch": batch, "micros": quartiles, "compiling": compiling}


def table_of(result):
    ways = list(result["rows"][0]["micros"])
    lines = [
        f"| a network, batches | {' | '.join(ways)} | compiling {', '.join(ways)} |",
        f"|---|{'---|' * len(ways)}---|",
    ]
    for row in result["rows"]:
        cells = [f"{spelled(row['micros'][way], ',.0f')} µs" for way in ways]
        seconds = ", ".join(f"{row['compiling'][way]:.1f}" for way in ways)
        name = "-".join(map(str, row["shape"]))
        lines.append(f"| {name}, {row['batch']} | {' | '.join(cells)} | {seconds} s |")
    return "\n".join(lines) + "\n"


@options(small="One small network.")
def main(small: bool, readme: bool, output: Path) -> None:
    """Prints microseconds of a thread, and seconds of compiling."""
    if small:
        cells = [((9, 33), (40, 40), 64, 300, 1, 1)]
    else:
        cells = [
            (shape, WIDEST, batch, ROWS, EPOCHS, ROUNDS)
            for batch, shape in product(BATCHES, SHAPES)
        ]
    rows = [measured(*cell) for cell in cells]
    keep(
        "narrow_programs",
        {"rows": rows},
        None,
        table_of({"rows": rows}),
        output=output,
        readme=readme,
    )


if __name__ == "__main__":
    main()
