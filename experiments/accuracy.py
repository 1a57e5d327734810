"""Is the answer for a table, by default, one that people would keep?

Twenty-five real tables (tables.py), a quarter held out, three seeds, ways side by side
(accuracy_ways.py): linear, gradient boosting, forests, scikit-learn's MLP, RealMLP, ours by default
and ours with each ingredient taken out. What is held out is scored by log loss and accuracy, or by
RMSE and R²; the seconds are those of fitting, on the clock and of all cores together.

    python experiments/accuracy.py                              # what is not there yet; then tells
    python experiments/accuracy.py --ways mlp_jax --tables bikes,wage --seeds 1
    python experiments/accuracy.py --ways mlp_jax --again       # ours has changed
    python experiments/accuracy.py --summary --readme           # puts the tables on the page
    python experiments/accuracy.py --small                      # two tables, seconds

Every score is kept in results/accuracy.jsonl as it comes, a line a (table, seed, way): a run that
was cut goes on, and peers run where they are installed (dependency group `peers`). "loaded" marks
a time that was measured while the machine had more to do than it has cores.
"""

import argparse
import importlib
import json
import os
import sys
import time
import traceback
from pathlib import Path

import numpy as np
from accuracy_scores import SAME_FOR_NUMBERS
from accuracy_summary import told
from accuracy_ways import CHANGES, IMPORTS, OURS, PEERS, SMALL_OURS, WAYS
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from tables import NAMES, REGRESSIONS, load
from threadpoolctl import threadpool_limits

RESULTS = Path(__file__).parent / "results"
HELD_OUT, SEEDS = 0.25, 3
LEAST = (
    1e-6  # a probability: a forest says 0 of what it has not seen, and log loss forgives nothing
)
SMALL = {
    "tables": ("diabetes", "breast_cancer"),
    "ways": ("linear", "gradient boosting", "mlp_jax"),
}


def scores(y, predicted, task):
    """{"loss": log loss or RMSE, "score": accuracy or R²}, of labels and a way's prediction."""
    if not np.isfinite(predicted).all():
        raise ValueError("the prediction holds numbers that are not finite")
    if task == "regression":
        loss = float(np.sqrt(np.mean((y - np.ravel(predicted)) ** 2)))
        return {"loss": loss, "score": float(r2_score(y, np.ravel(predicted)))}
    probabilities = np.clip(np.asarray(predicted, float), LEAST, None)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    classes, indices = np.unique(y, return_inverse=True)
    if probabilities.shape != (len(y), len(classes)):
        raise ValueError(f"expected {len(classes)} classes, the prediction has {predicted.shape}")
    loss = -np.log(probabilities[np.arange(len(y)), indices]).mean()
    accuracy = (probabilities.argmax(axis=1) == indices).mean()
    return {"loss": float(loss), "score": float(accuracy)}


def loaded():
    """Whether more wants to run than the machine has cores."""
    return os.getloadavg()[0] > os.cpu_count() + 0.5


def measured(name, seed, way, threads):
    """What stands in a line of the results for this table, seed and way."""
    table = load(name)
    X, X_out, y, y_out = train_test_split(
        table.features,
        table.y,
        test_size=HELD_OUT,
        random_state=seed,
        stratify=None if table.task == "regression" else table.y,
    )
    X, X_out = X.reset_index(drop=True), X_out.reset_index(drop=True)
    if way in IMPORTS:
        importlib.import_module(IMPORTS[way])
    began, used = time.perf_counter(), time.process_time()
    with threadpool_limits(threads):
        fitted = WAYS[way](X, y, table.task, seed, threads)
    seconds = {
        "seconds": round(time.perf_counter() - began, 3),
        "cpu_seconds": round(time.process_time() - used, 3),
        "loaded": loaded(),
    }
    found = scores(y_out, fitted.predict(X_out), table.task)
    if fitted.single is not None:
        found["single"] = scores(y_out, fitted.single(X_out), table.task)
    if fitted.interval is not None:
        low, high = (np.ravel(end) for end in fitted.interval(X_out))
        found["covered"] = float(np.mean((low <= y_out) & (y_out <= high)))
    return {"task": table.task} | found | seconds


def kept(path):
    """{(table, seed, way): line} of the file; where one was measured twice, the last."""
    if not path.exists():
        return {}
    lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return {(line["table"], line["seed"], line["way"]): line for line in lines}


def missing(arguments, there):
    """What is to be measured: a way after the other, a seed after the other, small tables first."""
    tables = sorted(arguments.tables, key=lambda name: load(name).features.size)
    for way in arguments.ways:
        for seed in range(arguments.seeds):
            for name in tables:
                line = there.get((name, seed, way), {"error": "not yet"})
                if way in SAME_FOR_NUMBERS and name in REGRESSIONS:
                    continue
                if arguments.again or "error" in line:
                    yield name, seed, way


def measure(arguments, path):
    """Appends a line for everything that is missing; returns how many failed."""
    failed = 0
    for name, seed, way in missing(arguments, kept(path)):
        line = {"table": name, "seed": seed, "way": way}
        try:
            line |= measured(name, seed, way, arguments.threads)
            said = f"{line['loss']:.4f} {line['score']:.4f} in {line['seconds']:.1f} s"
        except Exception as error:  # told below, in the summary, and by the exit code
            traceback.print_exc()
            failed += 1
            line["error"] = said = f"{type(error).__name__}: {error}"
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        print(f"{name}, seed {seed}, {way}: {said}", file=sys.stderr, flush=True)
    return failed


def names_of(known):
    def parse(text):
        # The name of a way may have a comma.
        chosen = (text,) if text in known else tuple(text.split(";" if ";" in text else ","))
        unknown = [name for name in chosen if name not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"{unknown} is none of {', '.join(known)}")
        return chosen

    return parse


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--ways", type=names_of(WAYS), help="between commas, or semicolons")
    parser.add_argument("--tables", type=names_of(NAMES), help="between commas")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of the peers")
    parser.add_argument("--again", action="store_true", help="measure what is there already too")
    parser.add_argument("--summary", action="store_true", help="only tell what is there")
    parser.add_argument("--readme", action="store_true", help="put the tables on README.md here")
    parser.add_argument("--small", action="store_true", help="two tables, three ways, one seed")
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    if arguments.small:
        arguments.seeds = arguments.threads = 1
        WAYS["mlp_jax"] = SMALL_OURS
    arguments.ways = arguments.ways or (SMALL["ways"] if arguments.small else tuple(WAYS))
    arguments.tables = arguments.tables or (SMALL["tables"] if arguments.small else NAMES)
    arguments.output.mkdir(parents=True, exist_ok=True)
    path = arguments.output / "accuracy.jsonl"
    failed = 0 if arguments.summary else measure(arguments, path)
    told(kept(path), (*PEERS, *OURS), CHANGES, NAMES, arguments.output, readme=arguments.readme)
    if failed:
        raise SystemExit(f"{failed} could not be measured, see above")


if __name__ == "__main__":
    main()
