"""Does a sweep with a limit of time end with it, and how much does it try by then?

Calls with `seconds=60` of two spaces on a small and a middling table, with and without halving,
of `TableClassifier`, and of the command line with its report; a process each, with an empty
compilation cache. Python's calls are timed from after the imports, the command line from its start.
"of the threads' time" is the time in which threads compiled or trained, of the time of all cores.

    python experiments/benchmarks/seconds.py                  # a quarter of an hour
    python experiments/benchmarks/seconds.py --seconds 300    # an hour
    python experiments/benchmarks/seconds.py --small          # seconds, of one call
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
import numpy as np
from measuring import cores, keep, options
from start_up import in_a_process

TABLES = {"small": (500, 10), "middling": (10_000, 20)}  # rows, columns
SPACES = {
    "mixed": {
        "space": "{'depth': [1, 2, 3, 4], 'widths': mlp_jax.int_uniform(8, 128), "
        "'activation': ['relu', 'tanh', 'gelu'], 'batch_size': [64, 256], "
        "'learning_rate': mlp_jax.log_uniform(1e-4, 1e-2)}",
        "epochs": 20,
        "folds": 3,
    },
    "one shape": {
        "space": "{'hidden': [(64, 32)], 'learning_rate': mlp_jax.log_uniform(1e-4, 1e-1), "
        "'l2': mlp_jax.log_uniform(1e-6, 1e-2)}",
        "epochs": 50,
        "folds": 5,
    },
}
SMALL = {"space": "{'width': [3]}", "epochs": 2, "folds": 2}
SWEEP = """
import json, time
import jax, numpy, mlp_jax
with numpy.load("{table}.npz") as table:
    X, y = table["X"], table["y"]
space, sweep = {space}, mlp_jax.sweep
began = time.perf_counter()
result = sweep(X, y, space, epochs={epochs}, folds={folds}, halving={halving}, seconds={seconds},
               progress=False)
wall = time.perf_counter() - began
"""
TABLE = """
import json, time
import jax, numpy, mlp_jax
with numpy.load("{table}.npz") as table:
    X, y = table["X"], table["y"]
model = mlp_jax.TableClassifier(random_state=0, seconds={seconds})
began = time.perf_counter()
model.fit(X, y)
wall = time.perf_counter() - began
result = model.sweep_result_
"""
TOLD = """
spent = numpy.sum(list(result.bucket_seconds.values()), axis=0).tolist()
print(json.dumps(dict(wall=wall, configurations=len(result.ranking), compiling=spent[0],
                      finished=sum(row.status in ("finished", "stopped") for row in result.ranking),
                      halved=result.counts()["halved away"] > 0, programs=result.compilations,
                      training=spent[1], brackets=result.brackets)))
"""


def write_tables(folder, tables):
    """A file for Python and one for the command line of each."""
    for name, (rows, columns) in tables.items():
        rng = np.random.default_rng(0)
        X = rng.normal(size=(rows, columns)).astype(np.float32)
        y = X[:, 0] * X[:, 1] + 0.5 * X[:, 2] + 0.3 * rng.normal(size=rows) > 0
        np.savez(Path(folder) / f"{name}.npz", X=X, y=y)
        lines = [",".join([*(f"c{i}" for i in range(columns)), "y"])]
        lines += [
            ",".join([*(f"{v:.6g}" for v in row), str(t)]) for row, t in zip(X, y, strict=True)
        ]
        (Path(folder) / f"{name}.csv").write_text("\n".join(lines))


def command(table, folder, seconds):
    """What the command line takes, and what it says of itself."""
    words = ["sweep", f"{table}.csv", "--target", "y", "--seconds", seconds, "--report", "r.html"]
    words += ["--output", "m.safetensors", "--no-cache", "--json"]
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "mlp_jax", *map(str, words)],
        **{"cwd": folder, "capture_output": True, "text": True, "check": True},
    )
    told = json.loads(done.stdout)
    wall = time.perf_counter() - began
    return {"wall": wall, "configurations": told["configurations"], "sweep": told["seconds"]}


def measured(folder, seconds, tables, spaces):
    """{what was called: what it took and tried}."""
    found = {}

    def add(name, call):
        found[name] = call()
        print(name, json.dumps(found[name]), flush=True)

    for table in tables:
        for space, choices in spaces.items():
            for halving in (None, 3):
                code = SWEEP.format(table=table, halving=halving, seconds=seconds, **choices)
                name = f"`sweep`, {space}, {table}" + (", halving" if halving else "")
                add(name, lambda code=code: in_a_process(code + TOLD, folder=folder))
        if spaces is SPACES:
            code = TABLE.format(table=table, seconds=seconds) + TOLD
            add(f"`TableClassifier`, {table}", lambda c=code: in_a_process(c, folder=folder))
            add(f"`mlp-jax sweep`, {table}", lambda t=table: command(t, folder, seconds))
    return found


def table_of(result):
    lines = [
        f"| {result['seconds']:g} s | ended after, s | configurations | to the end | programs "
        "| compiling | of the threads' time |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, one in result["calls"].items():
        cells = [name, f"{one['wall']:.1f}", f"{one['configurations']:,}"]
        if "sweep" in one:
            cells += ["", "", "", f"sweep {one['sweep']:.1f} s"]
        else:
            all_of_it = result["cores"] * one["wall"]
            cells += [f"{one['finished']:,}", str(one["programs"])]
            cells.append(f"{one['compiling'] / all_of_it:.0%}")
            cells.append(f"{(one['compiling'] + one['training']) / all_of_it:.0%}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


@options(small="One call, of a space of one configuration.")
@click.option("--seconds", type=float, default=60, show_default=True)
def main(small: bool, seconds: float, readme: bool, output: Path) -> None:
    """Prints when calls with a limit of time ended, and how much they tried."""
    tables = {"tiny": (60, 3)} if small else TABLES
    with tempfile.TemporaryDirectory() as folder:
        write_tables(folder, tables)
        calls = measured(folder, seconds, tables, {"one": SMALL} if small else SPACES)
    result = {"seconds": seconds, "cores": cores(), "calls": calls}
    keep("seconds", result, None, table_of(result), output=output, readme=readme)


if __name__ == "__main__":
    main()
