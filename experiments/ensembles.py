"""Is an ensemble of a sweep's networks better than its best network? What does it cost?

On eight real tables a third is held out, stratified by class; 100 configurations are swept on 5
folds of the rest. `result.refit()`, the best configuration trained on all of it, beside
`result.ensemble(8)`, whose networks each saw four fifths, and beside the mean of the eight best.
Scores are of the rows held out, means over the seeds: accuracy or R², and the loss (cross-entropy,
or half the squared error), which tells more of few rows. The time is that of choosing, as a share
of the sweep's.

    python experiments/ensembles.py            # ten minutes, needs pip install '.[bench]'
    python experiments/ensembles.py --small    # one table, seconds
"""

import json
import sys
import time
from pathlib import Path

import click
import numpy as np
from paper_network import banana
from scikit_learn_scores import flights, randhie
from sklearn import datasets
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split

import mlp_jax
from mlp_jax.sweeps.results.ensemble_selection import loss_of_outputs

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))
from search_cv import segment

RESULTS = Path(__file__).parent / "results"
SIZE, N, FOLDS, EPOCHS, SEEDS = 8, 100, 5, 60, 5
SOME = 4000  # rows of the largest tables
TABLES = {
    "breast cancer": lambda: datasets.load_breast_cancer(return_X_y=True),
    "digits": lambda: datasets.load_digits(return_X_y=True),
    "wine": lambda: datasets.load_wine(return_X_y=True),
    "diabetes": lambda: datasets.load_diabetes(return_X_y=True),
    "segment": segment,
    "banana": banana,
    "flights": lambda: tuple(part[:SOME] for part in flights()),
    "randhie": lambda: tuple(part[:SOME] for part in randhie()),
}
NUMBERS = ("diabetes", "randhie")


def space():
    return {
        "depth": [1, 2],
        "widths": mlp_jax.int_uniform(8, 64),
        "activation": ["relu", "tanh", "gelu"],
        "learning_rate": mlp_jax.log_uniform(3e-4, 3e-2),
        "l2": mlp_jax.log_uniform(1e-6, 1e-1),
    }


def split(name, seed):
    """(X, y, X held out, y held out), standardised by the first two."""
    X, y = TABLES[name]()
    y = np.asarray(y, float) if name in NUMBERS else np.unique(y, return_inverse=True)[1]
    strata = None if name in NUMBERS else y
    X, X_test, y, y_test = train_test_split(
        X, y, test_size=1 / 3, random_state=seed, stratify=strata
    )
    mean, scale = X.mean(axis=0), X.std(axis=0)
    scale[scale == 0] = 1.0
    if name in NUMBERS:
        y, y_test = (y - y.mean()) / y.std(), (y_test - y.mean()) / y.std()
    return ((X - mean) / scale).astype(np.float32), y, (X_test - mean) / scale, y_test


def measured(name, seed, n, epochs):
    X, y, X_test, y_test = split(name, seed)
    result = mlp_jax.sweep(X, y, space(), n=n, folds=FOLDS, epochs=epochs, key=seed, progress=False)
    began = time.perf_counter()
    greedy = result.ensemble(SIZE)
    took = time.perf_counter() - began
    ways = {
        "best": result.refit(),
        "ensemble": greedy,
        "eight best": result.ensemble(SIZE, greedy=False),
    }
    loss = result.best.members[0].network.loss.name
    found = {}
    for way, one in ways.items():
        A = one.outputs(X_test)
        if name in NUMBERS:
            score, Y = r2_score(y_test, A[:, 0]), y_test[:, None]
        else:
            score = float((one.predict(X_test) == y_test).mean())
            Y = y_test[:, None] if A.shape[1] == 1 else np.eye(A.shape[1])[y_test]
        found[way] = [score, loss_of_outputs(A, Y, loss)]
    return {"scores": found, "share": took / result.seconds}


def compared(name, seeds, n, epochs):
    runs = [measured(name, seed, n, epochs) for seed in range(seeds)]
    ways = runs[0]["scores"]
    means = {way: np.mean([run["scores"][way] for run in runs], axis=0).tolist() for way in ways}
    return {
        "data": name,
        "seeds": seeds,
        "score": "R²" if name in NUMBERS else "accuracy",
        "means": means,
        "share_of_time": float(np.median([run["share"] for run in runs])),
    }


def print_row(row):
    cells = "".join(f"{score:9.4f} {loss:9.4f}" for score, loss in row["means"].values())
    print(f"{row['data']:14} {row['score']:9}{cells} {row['share_of_time']:9.2%}", flush=True)


@click.command()
@click.option("--small", is_flag=True, help="One table, 4 configurations.")
@click.option("--output", type=Path, default=RESULTS)
def main(small: bool, output: Path) -> None:
    """Prints scores and losses of the best network and of ensembles."""
    heads = "".join(f"{way:>9} {'loss':>9}" for way in ("best", "ensemble", "8 best"))
    print(f"{'':14} {'':9}{heads} {'time':>9}")
    rows = []
    for name in ("wine",) if small else TABLES:
        rows.append(compared(name, *((1, 4, 5) if small else (SEEDS, N, EPOCHS))))
        print_row(rows[-1])
    for at, what in enumerate(("score", "loss")):
        better = [
            (row["means"]["ensemble"][at] > row["means"]["best"][at]) == (what == "score")
            for row in rows
        ]
        print(f"the ensemble has the better {what} on {sum(better)} of {len(rows)}")
    output.mkdir(parents=True, exist_ok=True)
    (output / "ensembles.json").write_text(json.dumps({"rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
