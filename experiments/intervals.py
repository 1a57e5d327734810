"""Do intervals of 90 % have 90 % of the rows that no network has seen?

Of every table of numbers a quarter is held out; a small sweep is run on 3 folds of the rest, and
its ensemble is the model. The residuals are those out of fold, the half-width is theirs (split
conformal), and the share of the rows held out that lie within is counted: means over the seeds, and
the standard deviation that counting so few rows brings with it.

    python experiments/intervals.py            # minutes, needs pip install '.[bench]'
    python experiments/intervals.py --small    # one table, seconds
"""

import json
from pathlib import Path

import click
import numpy as np
import pandas as pd
import tables

import mlp_jax
from mlp_jax.models.intervals import covered
from mlp_jax.sweeps.results.answer import explained
from mlp_jax.tables.model_of_table import model_of_table
from mlp_jax.tables.table import Table, split

RESULTS = Path(__file__).parent / "results"
LEVELS = (0.5, 0.9, 0.95)
HELD_OUT = 0.25
N, FOLDS, EPOCHS, SEEDS = 12, 3, 30, 3  # a small search: it is the coverage that is asked for
SIZE = 8  # of the ensemble
WITHIN = (0.87, 0.93)  # that the mean coverage of 90 % is to lie in


def space():
    """Of few shapes, so that most of the time goes to training."""
    return {
        "hidden": [(64,), (64, 32)],
        "learning_rate": mlp_jax.log_uniform(1e-3, 2e-2),
        "l2": mlp_jax.log_uniform(1e-6, 1e-2),
    }


def as_table(name):
    """The table as `mlp-jax sweep` would have read it from a file."""
    real = tables.load(name)
    texts = tables.texts(real.features)
    columns = {}
    for column in real.features:
        cells = real.features[column]
        if column in texts:
            columns[str(column)] = [None if pd.isna(one) else str(one) for one in cells]
        else:
            columns[str(column)] = cells.to_numpy(float)
    numeric = tuple(name for name in columns if name not in set(map(str, texts)))
    frame = pd.DataFrame(
        {
            key: pd.Series(cells, dtype=None if key in numeric else object)
            for key, cells in columns.items()
        }
    )
    return Table(frame, numeric, tuple(map(str, texts)), "y", None, real.y)


def coverage(name, seed, n, epochs):
    """The share of the rows held out that intervals of every level have, and the half-width."""
    table = as_table(name)
    parts = split(table, HELD_OUT, seed)
    X = parts.X_train.astype(np.float32)
    choices = {"n": n, "folds": FOLDS, "epochs": epochs, "key": seed, "progress": False}
    result = mlp_jax.sweep(X, parts.y_train, space(), **choices)
    ensemble = result.ensemble(SIZE)
    model = model_of_table(table, parts, ensemble.networks, ensemble.weights)
    model = explained(model, result, ensemble).model
    predicted = model.predicted(model.outputs_of_inputs(parts.X_test))
    true = parts.y_test * parts.scale + parts.mean
    halves = [float(model.half_widths(level)[0]) for level in LEVELS]
    shares = [covered(true, predicted - half, predicted + half) for half in halves]
    return shares, halves[1] / parts.scale, len(true)


def measured(name, seeds, n, epochs):
    runs = [coverage(name, seed, n, epochs) for seed in range(seeds)]
    rows = runs[0][2]
    return {
        "table": name,
        "rows_held_out": rows,
        "seeds": seeds,
        "coverage": dict(
            zip(map(str, LEVELS), np.mean([run[0] for run in runs], axis=0), strict=True)
        ),
        "of_each_seed": [run[0][1] for run in runs],
        "half_width": float(np.mean([run[1] for run in runs])),
        "spread_of_counting": float(np.sqrt(0.9 * 0.1 / rows)),
    }


def printed(row):
    shares = " | ".join(f"{row['coverage'][str(level)]:.3f}" for level in LEVELS)
    return (
        f"| {row['table']} | {row['rows_held_out']:,} | {shares} | {row['spread_of_counting']:.3f} "
        f"| {row['half_width']:.2f} |"
    )


@click.command()
@click.option("--small", is_flag=True, help="One table, 3 configurations.")
@click.option("--output", type=Path, default=RESULTS)
def main(small: bool, output: Path) -> None:
    """Prints the coverage on every table of numbers."""
    print(
        "| table | rows held out | 0.5 | 0.9 | 0.95 | spread | half-width, in standard deviations |"
    )
    print("|---|---|---|---|---|---|---|")
    rows = []
    for name in ("diabetes",) if small else tables.REGRESSIONS:
        rows.append(measured(name, *((1, 3, 5) if small else (SEEDS, N, EPOCHS))))
        print(printed(rows[-1]), flush=True)
    shares = [row["coverage"]["0.9"] for row in rows]
    inside = sum(WITHIN[0] <= share <= WITHIN[1] for share in shares)
    print(
        f"intervals of 90 % have {np.mean(shares):.1%} of the rows held out; the share is from "
        f"{WITHIN[0]:.0%} to {WITHIN[1]:.0%} on {inside} of {len(rows)} tables"
    )
    found = {"rows": rows, "mean": float(np.mean(shares)), "levels": LEVELS}
    output.mkdir(parents=True, exist_ok=True)
    (output / "intervals.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
