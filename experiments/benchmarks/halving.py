"""Successive halving beside the full sweep: its share of the time, and how good its winner is.

On five real tables that scikit-learn ships, standardised. The winner of the halved sweep is looked
up in the full one; the gap to the full sweep's winner is in standard errors of that one's score
over the folds. Both sweeps start without compiled programs; then both are done again with them, for
on a small table most of the time is that of compiling, of which halving spares little.

Found: within a standard error on all five. A quarter of the epochs takes 29 to 39 % of the time on
four tables and 45 % on wine, of 178 rows; a third of the time of all five together. With the
programs compiled it is 34 to 47 %: chunks are smaller, so that few members go on together, and the
members that are left do not fill them.

    python experiments/benchmarks/halving.py           # 1,000 configurations each, ten minutes
    python experiments/benchmarks/halving.py --small   # one table, seconds
"""

from typing import Any

import click
import numpy as np
from sklearn import datasets

import mlp_jax
from mlp_jax.sweeps.running import program_cache

TABLES = ("breast_cancer", "digits", "wine", "iris", "diabetes")
FOLDS = 5


def table(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Standardised features in float32, and labels; numbers are standardised as well."""
    data = getattr(datasets, f"load_{name}")()
    X, y = data.data, data.target
    X = (X - X.mean(axis=0)) / np.where(X.std(axis=0) > 0, X.std(axis=0), 1.0)
    if name == "diabetes":
        y = (y - y.mean()) / y.std()
    return X.astype(np.float32), y


def space() -> dict[str, Any]:
    """Widths, activation, learning rate and L2."""
    return {
        "depth": [1, 2],
        "widths": mlp_jax.int_uniform(8, 64),
        "activation": ["relu", "tanh"],
        "learning_rate": mlp_jax.log_uniform(1e-4, 3e-2),
        "l2": mlp_jax.log_uniform(1e-6, 1e-1),
    }


def compared(name: str, n: int, epochs: int) -> dict[str, float]:
    """Both sweeps of one table."""
    X, y = table(name)
    choices: dict[str, Any] = {"n": n, "folds": FOLDS, "epochs": epochs, "progress": False}
    program_cache._kept.clear()
    full = mlp_jax.sweep(X, y, space(), **choices)
    full_again = mlp_jax.sweep(X, y, space(), **choices)
    program_cache._kept.clear()
    halved = mlp_jax.sweep(X, y, space(), halving=3, **choices)
    halved_again = mlp_jax.sweep(X, y, space(), halving=3, **choices)
    assert full_again.compilations == halved_again.compilations == 0
    same = [row for row in full.ranking if row.configuration == halved.best.configuration]
    return {
        "full": full.best.score,
        "halved": same[0].score,
        "standard_error": full.best.spread / np.sqrt(FOLDS - 1),
        "seconds": full.seconds,
        "cold": halved.seconds / full.seconds,
        "warm": halved_again.seconds / full_again.seconds,
    }


@click.command()
@click.option("--small", is_flag=True, help="One table, few configurations.")
def main(small: bool) -> None:
    """Prints a row a table."""
    n, epochs = (9, 9) if small else (1000, 100)
    print(f"{n} configurations, {FOLDS} folds, {epochs} epochs")
    print(
        f"{'':14} {'winner':>8} {'halved':>8} {'std err':>8} {'within':>7} {'full, s':>8} "
        f"{'cold':>5} {'warm':>5}"
    )
    for name in TABLES[3:4] if small else TABLES:
        row = compared(name, n, epochs)
        within = row["full"] - row["halved"] <= row["standard_error"]
        print(
            f"{name:14} {row['full']:8.4f} {row['halved']:8.4f} {row['standard_error']:8.4f} "
            f"{'yes' if within else 'no':>7} {row['seconds']:8.1f} {row['cold']:5.0%} "
            f"{row['warm']:5.0%}",
            flush=True,
        )


if __name__ == "__main__":
    main()
