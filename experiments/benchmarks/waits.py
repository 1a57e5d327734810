"""How long one waits for the command line: for `start_up.py`, which keeps what is found.

Every command is a process, timed from outside, from an empty folder of kept programs (the first
time) and from the one that it has filled (the next time); where there is an earlier version, it
runs the same in turn. Files are byte-compiled before.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from measuring import quartiles, spelled

HERE = Path(__file__).parents[2]
ROWS = 200
MISSPELT = "labl"
TRAIN = ("train", "t.csv", "--output", "m", "--picture", "p.png")
COMMANDS = {
    "a misspelt column is told": (*TRAIN, "--target", MISSPELT),
    f"`mlp-jax train`, {ROWS} rows": (*TRAIN, "--target", "label"),
    "`mlp-jax sweep --report sweep.html`": ("sweep", "--report", "sweep.html"),
}
ROUNDS = {"a misspelt column is told": 15, f"`mlp-jax train`, {ROWS} rows": 7}  # else 3
TIMES = ("first", "next")
MISTAKE = 2  # the exit code of a misspelt column


def write_table(folder, seed=0):
    """A table of numbers and categories, and of two classes."""
    rng = np.random.default_rng(seed)
    a, b, c = rng.normal(size=(3, ROWS))
    kind = rng.choice(["red", "blue", "green"], ROWS)
    label = np.where(a * b + (kind == "red") > 0.3, "yes", "no")
    lines = [",".join(map(str, row)) for row in zip(a, b, c, kind, label, strict=True)]
    (folder / "t.csv").write_text("\n".join(["a,b,c,kind,label", *lines]) + "\n")


def seconds_of(version, words, folder, programs):
    """How long a command of the version in this folder takes, from start to end."""
    environment = {k: v for k, v in os.environ.items() if k != "JAX_COMPILATION_CACHE_DIR"}
    environment |= {"PYTHONPATH": str(version), "MLP_JAX_CACHE_DIR": str(programs)}
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "mlp_jax", *words],
        **{"cwd": folder, "env": environment, "capture_output": True, "text": True},
        check=False,
    )
    taken = time.perf_counter() - began
    if done.returncode != (MISTAKE if MISSPELT in words else 0):
        raise SystemExit(done.stderr)
    return taken


def in_turn(versions, words, rounds, folder):
    """{version: {"first" or "next": seconds of every round}}."""
    found = {name: {which: [] for which in TIMES} for name in versions}
    for number in range(rounds):
        for name in list(versions)[:: 1 if number % 2 else -1]:
            with tempfile.TemporaryDirectory() as programs:
                for which in TIMES:
                    taken = seconds_of(versions[name], words, folder, programs)
                    found[name][which].append(taken)
    return found


def waits(before, *, small):
    """{command: {version: {"first" or "next": quartiles}, "ratios": {...}}}.

    before: the folder of an earlier version, or None.
    """
    versions = {"now": HERE} | ({} if before is None else {"before": before.absolute()})
    names = list(COMMANDS)[: 1 if small else None]
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        write_table(Path(folder))
        for version in () if small else versions.values():
            seconds_of(version, COMMANDS[names[1]], folder, Path(folder) / "scratch")
        for name in names:
            rounds = 1 if small else ROUNDS.get(name, 3)
            times = in_turn(versions, COMMANDS[name], rounds, folder)
            of_name = {who: {w: quartiles(times[who][w]) for w in TIMES} for who in versions}
            if before is not None:  # of a round, each to the same of the earlier version
                of_name["ratios"] = {
                    which: quartiles(
                        np.array(times["now"][which]) / np.array(times["before"][which])
                    )
                    for which in TIMES
                }
            found[name] = of_name
    return found


def table_of_waits(found):
    """The seconds of every command, and what they are of those of the earlier version."""
    compared = all("ratios" in of_name for of_name in found.values())
    heads = [f"seconds, {which} time" for which in TIMES]
    if compared:
        heads += [f"before, {which} time" for which in TIMES]
        heads += [f"ratio, {which} time" for which in TIMES]
    lines = ["| " + " | ".join(["command", *heads]) + " |", "|---" * (1 + len(heads)) + "|"]
    for name, of_name in found.items():
        shown = ["now", *(["before", "ratios"] if compared else [])]
        cells = [spelled(of_name[who][which]) for who in shown for which in TIMES]
        lines.append("| " + " | ".join([name, *cells]) + " |")
    return "\n".join(lines) + "\n"
