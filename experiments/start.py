"""Do `MLPClassifier` and `MLPRegressor` score as scikit-learn's, with only the import changed?

Yes: on 13 of 14 tables the mean difference is within a standard error of zero or above, on segment
it is 1.3 below, and over 16 other seeds +0.0004 ± 0.0010. From He's start the bike rentals lose
0.063 ± 0.006 of R², ten standard errors, and diamonds, computers, college, diabetes, segment and
chile lose too.

Both with scikit-learn's defaults, but for max_iter: one hidden layer of 100 ReLU, Adam at 1e-3,
batches of 200, alpha 1e-4. Ten seeds: each holds out a quarter of its own, and is the random_state
of both. Numbers are standardised by the rows trained on, their gaps filled with the mean, texts are
one-hot; the target of a regression is standardised too. The score is `score`: accuracy, or R².
Beside them `init="he"`, as our estimators began before they began as scikit-learn's.

A difference is of the same seed and split, and holds if its mean over the seeds is not below zero
by more than its standard error. Where nothing differs but chance, one table in six is below that.

    python experiments/start.py           # all tables, needs those of tables.py
    python experiments/start.py --small   # two tables of scikit-learn's, two seeds
"""

import argparse
import json
import time
import warnings
from pathlib import Path

import jax
import numpy as np
import sklearn.neural_network
from sklearn.compose import make_column_transformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from tables import load, texts

import mlp_jax

RESULTS = Path(__file__).parent / "results"
HELD_OUT, SEEDS, SMALL_SEEDS = 0.25, 10, 2
MAX_ITER, SMALL_MAX_ITER = 100, 20  # scikit-learn's 200 would take twice the time
REGRESSIONS = ("bikes", "diamonds", "wage", "computers", "college", "forbes", "diabetes")
CLASSES = ("segment", "chile", "breast_cancer", "caravan", "default", "flchain", "shuttle")
SMALL = ("diabetes", "breast_cancer")
WAYS = {
    "theirs": (sklearn.neural_network, {}),
    "ours": (mlp_jax, {}),
    "he": (mlp_jax, {"init": "he"}),
}


def prepared(table, seed):
    """(inputs and target to train on, inputs and target held out), of that seed."""
    classes = table.task == "classification"
    parts = train_test_split(
        *(table.features, table.y),
        test_size=HELD_OUT,
        stratify=table.y if classes else None,
        random_state=seed,
    )
    inside, outside, y, y_out = parts
    words = texts(table.features)
    numbers = [name for name in table.features if name not in words]
    encode = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), numbers),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), words),
    )
    # The same float32 for both, which both train in.
    X = encode.fit_transform(inside).astype(np.float32)
    X_out = encode.transform(outside).astype(np.float32)
    if not classes:
        y, y_out = ((part - y.mean()) / y.std() for part in (y, y_out))
    return X, y, X_out, y_out


def fitted(way, X, y, task, seed, max_iter):
    home, choices = WAYS[way]
    kind = home.MLPClassifier if task == "classification" else home.MLPRegressor
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it may end after max_iter
        return kind(max_iter=max_iter, random_state=seed, **choices).fit(X, y)


def measured(name, seeds, max_iter):
    table, began = load(name), time.perf_counter()
    scores = {way: [] for way in WAYS}
    losses = {way: [] for way in WAYS}
    seconds = dict.fromkeys(WAYS, 0.0)
    for seed in range(seeds):
        X, y, X_out, y_out = prepared(table, seed)
        for way in WAYS:
            began = time.perf_counter()
            mlp = fitted(way, X, y, table.task, seed, max_iter)
            seconds[way] += time.perf_counter() - began
            scores[way].append(float(mlp.score(X_out, y_out)))
            if table.task == "classification":
                of_classes = mlp.predict_proba(X_out).astype(np.float64)
                of_classes /= of_classes.sum(axis=1, keepdims=True)  # to float64's digits
                losses[way].append(float(log_loss(y_out, of_classes, labels=mlp.classes_)))
    row = {
        "table": name,
        "score": "accuracy" if table.task == "classification" else "R²",
        "rows": len(table.y),
        "inputs": X.shape[1],
        "max_iter": max_iter,
        "scores": scores,
        "seconds": seconds,
        "difference": difference(scores, "ours"),
        "difference_of_he": difference(scores, "he"),
    }
    row["holds"] = row["difference"]["mean"] >= -row["difference"]["standard_error"]
    if losses["ours"]:
        row["log_losses"] = losses
        row["difference_of_log_loss"] = difference(losses, "ours")
    return row


def difference(found, way):
    """Of a way and scikit-learn's, seed by seed."""
    apart = np.subtract(found[way], found["theirs"])
    spread = apart.std(ddof=1) / np.sqrt(len(apart))
    return {"mean": float(apart.mean()), "standard_error": float(spread)}


def in_table(rows):
    lines = [
        "| table | rows x inputs | score | scikit-learn | mlp_jax | difference | with He's start "
        "| log loss, difference |",
        "|---|---|---|---|---|---|---|---|",
    ]

    def told(found):
        return f"{found['mean']:+.4f} ± {found['standard_error']:.4f}"

    for row in rows:
        means = [f"{np.mean(row['scores'][way]):.4f}" for way in ("theirs", "ours")]
        loss = told(row["difference_of_log_loss"]) if "log_losses" in row else ""
        lines.append(
            f"| {row['table']} | {row['rows']:,} x {row['inputs']} | {row['score']} | {means[0]} "
            f"| {means[1]} | {told(row['difference'])}{'' if row['holds'] else ' (below)'} "
            f"| {told(row['difference_of_he'])} | {loss} |"
        )
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--small", action="store_true", help="two tables, two seeds, 20 epochs")
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    path, rows = arguments.output / "start.json", []
    how = (SMALL_SEEDS, SMALL_MAX_ITER) if arguments.small else (SEEDS, MAX_ITER)
    for name in SMALL if arguments.small else (*REGRESSIONS, *CLASSES):
        rows.append(measured(name, *how))
        versions = {"jax": jax.__version__, "scikit-learn": sklearn.__version__}
        path.write_text(json.dumps(versions | {"rows": rows}, indent=1) + "\n")
    print(in_table(rows))


if __name__ == "__main__":
    main()
