"""What does the answer by default cost: to find it, to keep it, and to predict from its file?

`TableRegressor` and `TableClassifier` with their defaults on 10,000 rows of 20 columns: numbers,
two classes and ten; a process each, compiling included, timed from after the imports. Then their
files, beside that of one network of the largest shape: a process loads the file and predicts one
row or all of them by NumPy, timed from before its first import.

    python experiments/benchmarks/default_answer.py            # ten minutes
    python experiments/benchmarks/default_answer.py --small    # one small table and space: seconds
"""

import tempfile
from pathlib import Path

import click
import numpy as np
from measuring import keep, options, quartiles, spelled
from sklearn.datasets import make_classification, make_friedman1
from start_up import in_a_process, repeated, timed

ROWS, COLUMNS, ROUNDS = 10_000, 20, 9
CLASSES = {"numbers": 0, "two classes": 2, "ten classes": 10}
SMALL = {"space": {"width": [8, 16]}, "epochs": 2, "cv": 2}
# Of the largest shape of the default space; how well it is trained is no matter here.
ALONE = {"space": {"width": 256, "depth": 3}, "epochs": 1, "cv": 2, "ensemble": 1}
FIT = """
import json, resource, time
import numpy, mlp_jax
with numpy.load("{kind}.npz") as table:
    X, y = table["X"], table["y"]
model = mlp_jax.{estimator}(random_state=0, **{choices})
began, used = time.perf_counter(), time.process_time()
model.fit(X, y)
seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - used
model.save("{file}")
print(json.dumps({{
    "seconds": seconds,
    "cpu_seconds": cpu_seconds,
    "mebibytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    "configurations": len(model.leaderboard()),
    "networks": len(model.model_.networks),
    "programs": model.sweep_result_.compilations,
}}))
"""
PREDICT = """
import numpy, mlp_jax
with numpy.load("{kind}.npz") as table:
    X = table["X"][:{rows}]
mlp_jax.load_model("{file}").outputs(X)
"""


def tables(rows):
    """{kind: (X, y)}."""
    found = {"numbers": make_friedman1(rows, COLUMNS, noise=1.0, random_state=0)}
    for kind, classes in CLASSES.items():
        if classes:
            found[kind] = make_classification(
                *(rows, COLUMNS),
                n_informative=8,
                n_classes=classes,
                n_clusters_per_class=1,
                class_sep=0.8,
                random_state=0,
            )
    return found


def fitted(kind, file, folder, **choices):
    """What `FIT` prints of a fit in a process of its own, whose model is then in the file."""
    estimator = "TableClassifier" if CLASSES[kind] else "TableRegressor"
    code = FIT.format(kind=kind, estimator=estimator, file=file, choices=choices)
    return in_a_process(code, folder=folder)


def predictions(files, folder, rows, rounds):
    """{what is predicted: quartiles of milliseconds}; files: {name: (file, kind of its table)}."""
    calls = {"NumPy alone": (timed("import numpy"), None)}
    for name, (file, kind) in files.items():
        for count in (1, rows):
            code = PREDICT.format(file=file, kind=kind, rows=count)
            calls[f"{name}, {count:,} row{'s' * (count > 1)}"] = timed(code), None
    seconds = repeated(calls, rounds + 1, folder=folder)
    # In the first round files are read and byte-compiled.
    return {name: quartiles(1000 * np.array(times[1:])) for name, times in seconds.items()}


def table_of(result):
    lines = [
        f"| {result['rows']:,} rows of {COLUMNS} columns | seconds | of all cores | MiB "
        "| configurations | programs | networks in the file |",
        "|---|---|---|---|---|---|---|",
    ]
    for kind, one in result["fits"].items():
        lines.append(
            f"| {kind} | {one['seconds']:.0f} | {one['cpu_seconds']:.0f} | {one['mebibytes']:.0f} "
            f"| {one['configurations']} | {one['programs']} | {one['networks']} |"
        )
    lines += ["", "| from the start of a process | milliseconds |", "|---|---|"]
    lines += [f"| {name} | {spelled(q, '.0f')} |" for name, q in result["milliseconds"].items()]
    return "\n".join(lines) + "\n"


@options(small="Few rows, one kind of table, a space of two, a round.")
@click.option("--rows", type=int, default=ROWS)
def main(small: bool, rows: int, readme: bool, output: Path) -> None:
    """Prints the seconds of the default search, and of predicting from its file."""
    kinds = ["numbers"] if small else list(CLASSES)
    rows = 100 if small else rows
    files = {f"the ensemble of {kind}": (f"{kind}.model", kind) for kind in kinds}
    with tempfile.TemporaryDirectory() as folder:
        for kind, (X, y) in tables(rows).items():
            np.savez(Path(folder) / f"{kind}.npz", X=X, y=y)
        choices = SMALL if small else {}
        fits = {kind: fitted(kind, file, folder, **choices) for file, kind in files.values()}
        if not small:
            fitted("numbers", "alone.model", folder, **ALONE)
            files = {"one network": ("alone.model", "numbers")} | files
        found = predictions(files, folder, rows, 1 if small else ROUNDS)
    result = {"rows": rows, "fits": fits, "milliseconds": found}
    keep("default_answer", result, None, table_of(result), output=output, readme=readme)


if __name__ == "__main__":
    main()
