"""Does every command that ends early do so with its own exit code, also on a busy machine?

200 of 200 do. Before, 3 of 60 runs of `mlp-jax check` on a table with a bad cell printed the right
line and were then aborted, with exit code 134: a thread of pyarrow's let go of a buffer that was
Python's while Python ended. What is read is pyarrow's own since.

Every command, a mistake of each kind (a bad cell, a missing column, an option that is found out
after the table was read), a reader of standard output that has gone, a full disk, and Ctrl-C at a
moment drawn at random; tables of text, in UTF-16, in Parquet, and from standard input. Several
processes at a time on two cores, so that threads are kept waiting at any point.

    python experiments/early_ends.py            # 200 ends, four at a time: some 15 minutes
    python experiments/early_ends.py --small    # a few
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas

import mlp_jax

RESULTS = Path(__file__).parent / "results"
AT_A_TIME = 4  # on two cores
ENDS = 200
ROWS = 300
# Seconds before Ctrl-C, which no command comes to its end in: training would take hours, a check
# has JAX to import, and a prediction waits for its rows.
LONGEST_WAIT = {"check": 1.0, "train": 6.0, "sweep": 6.0, "predict": 1.0}
MISTAKE, GONE, INTERRUPTED = 2, 1, 130


SMALL = {("check", ""), ("check", "Ctrl-C"), ("info", "gone")}


class End(NamedTuple):
    """An early end: the words of a command, how it is brought about, its exit code, what is said.

    how: "" by its mistake, "gone" by a closed pipe, "full" by a full disk, "Ctrl-C".
    """

    words: tuple[str, ...]
    how: str
    code: int
    said: str


def tables(folder: Path) -> None:
    """Writes a table that is right, one with a bad cell, and a model of the first."""
    rng = np.random.default_rng(0)
    right = pandas.DataFrame(rng.normal(size=(ROWS, 3)).round(4), columns=["a", "b", "c"])
    right["income"] = (50_000 + 1000 * right["a"]).round().astype(int)
    bad = right.astype(str)
    bad.loc[100, "income"] = "52,510"
    bad.loc[120, "a"] = "x"
    for name, table in (("right", right), ("bad", bad)):
        table.to_csv(folder / f"{name}.csv", index=False)
        table.to_csv(folder / f"{name}16.csv", index=False, encoding="utf-16")
        table.to_parquet(folder / f"{name}.parquet")
    regressor = mlp_jax.MLPRegressor(hidden_layer_sizes=(3,), tol=1, n_iter_no_change=1)
    mlp_jax.save_model(regressor.fit(right[["a", "b"]], right["c"]), folder / "m.safetensors")
    (folder / "broken.safetensors").write_bytes(b"no model")
    (folder / "space.toml").write_text("witdh = [3]\n")


def all_ends() -> list[End]:
    """One of each kind; "{}" is the table, of whatever form."""
    target = ("--target", "income")
    written = ("--output", "out", "--picture", "out.png")
    ends = []
    for command, more in (
        (("check", "{}", *target), ("--hidden", "4")),
        (("train", "{}", *target, *written), ("--hidden", "4", "--epochs", "100000000")),
        (("sweep", "{}", *target), ("--n", "64", "--epochs", "100000")),
    ):
        wrong = ("--space", "space.toml") if "sweep" in command else ("--hidden", "60000,60000")
        ends += [
            End((*command, "bad"), "", MISTAKE, "'x' is not a number; mend it"),
            End((*command, "--drop", "d"), "", MISTAKE, "no column 'd'"),
            End((*command, *wrong), "", MISTAKE, "witdh" if "sweep" in command else "--hidden"),
            End((*command, *more), "gone", GONE, ""),
            End((*command, *more), "full", MISTAKE, "No space left on device"),
            End((*command, *more), "Ctrl-C", INTERRUPTED, "interrupted"),
        ]
    predict = ("predict", "m.safetensors", "{}")
    ends += [
        End((*predict, "bad"), "", MISTAKE, "'x' is not a number"),
        End((*predict, "--id", "d"), "", MISTAKE, "no column 'd'"),
        End((*predict, "--json"), "gone", GONE, ""),
        End(predict, "full", MISTAKE, "No space left on device"),
        End(("predict", "m.safetensors", "-"), "Ctrl-C", INTERRUPTED, "interrupted"),
        End(("info", "broken.safetensors"), "", MISTAKE, "no whole safetensors file"),
        End(("info", "m.safetensors"), "gone", GONE, ""),
        End(("export", "broken.safetensors", "out"), "", MISTAKE, "no whole safetensors file"),
        End(("export", "m.safetensors", "none/out"), "", MISTAKE, "is no folder to write"),
        End(("train", "--help"), "gone", GONE, ""),
    ]
    return ends


FORMS = ("{}.csv", "{}.parquet", "{}16.csv", "-")


def came(end: End, number: int, folder: Path) -> tuple[int, str]:
    """(exit code, standard error) of one process, whose table has the form of this number."""
    name = "bad" if "bad" in end.words else "right"
    table = FORMS[number % len(FORMS)].format(name)
    piped = table == "-" and "{}" in end.words
    words = [table if word == "{}" else word for word in end.words if word != "bad"]
    words = [f"{number}{word}" if word.startswith("out") else word for word in words]
    reads = os.open(folder / f"{name}.csv", os.O_RDONLY) if piped else None
    writes = _output(end.how)
    process = subprocess.Popen(
        [sys.executable, "-m", "mlp_jax", *words],
        cwd=folder,
        stdin=subprocess.PIPE if reads is None else reads,  # a pipe that nothing comes from
        stdout=writes,
        stderr=subprocess.PIPE,
        text=True,
    )
    for file in (reads, writes):
        if file is not None:
            os.close(file)
    if end.how == "Ctrl-C":
        _wait_for_its_table(process)
        time.sleep(random.Random(number).uniform(0, LONGEST_WAIT[end.words[0]]))
        process.send_signal(signal.SIGINT)
        process.wait()
    said = process.communicate()[1]
    return process.returncode, said


def _output(how: str) -> int:
    if how != "gone":
        return os.open("/dev/full" if how == "full" else os.devnull, os.O_WRONLY)
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def _wait_for_its_table(process: subprocess.Popen) -> None:
    """Until it has loaded what reads tables: before, most of a start is Python's own."""
    while "libarrow" not in Path(f"/proc/{process.pid}/maps").read_text():
        time.sleep(0.01)


def judged(ends: list[End], folder: Path) -> list[dict]:
    """What came of every end: whether with its own code and line."""

    def one(number: int) -> dict:
        end = ends[number]
        code, said = came(end, number, folder)
        right = code == end.code and end.said in said and "Traceback" not in said
        how = end.how or "a mistake"
        row = {"command": end.words[0], "how": how, "expected": end.code, "code": code}
        if not right:
            print(
                f"{' '.join(end.words)}, {how}: {code}, {said[-500:]}", file=sys.stderr, flush=True
            )
        return row | {"right": right} | ({} if right else {"said": said[-300:]})

    with ThreadPoolExecutor(AT_A_TIME) as pool:
        return list(pool.map(one, range(len(ends))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="a few ends, for the tests")
    parser.add_argument("--ends", type=int, default=ENDS)
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    # Whoever was started in the background ignores Ctrl-C, and so do all that it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    kinds = all_ends()
    if arguments.small:
        ends = [end for end in kinds if (end.words[0], end.how) in SMALL]
    else:
        ends = (kinds * (1 + arguments.ends // len(kinds)))[: arguments.ends]
        random.Random(0).shuffle(ends)  # so that no form of table always meets the same end
    print(f"{len(ends)} ends, {AT_A_TIME} at a time", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        tables(Path(folder))
        rows = judged(ends, Path(folder))
    counts = Counter((row["command"], row["how"], row["code"]) for row in rows)
    wrong = [row for row in rows if not row["right"]]
    print("| command | ended by | exit code | times |\n| --- | --- | --- | --- |")
    for (command, how, code), times in sorted(counts.items()):
        print(f"| {command} | {how} | {code} | {times} |")
    print(f"{len(rows) - len(wrong)} of {len(rows)} with their own exit code")
    for row in wrong:
        print(row)
    told = [
        {"command": command, "how": how, "code": code, "times": times}
        for (command, how, code), times in sorted(counts.items())
    ]
    result = {"ends": len(rows), "wrong": wrong, "at_a_time": AT_A_TIME, "counts": told}
    (arguments.output / "early_ends.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
