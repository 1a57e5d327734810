"""Is one version of the library as fast as another?

Each version trains in a process of its own, with its own `PYTHONPATH`; the two wait for one
another, so that a call of one is followed by the same call of the other (old new, new old, ...).
The calls are those of three benchmarks: networks one by one in batches (`one_model.py`, and
`training_vs_plain.py` with Adam), and 256 networks of one shape in a sweep (`equal_shapes.py`).
Everything is compiled before; ratios are new to old, medians with quartiles of the rounds' ratios.

    git worktree add FOLDER COMMIT
    python experiments/benchmarks/old_and_new.py FOLDER            # and this checkout, minutes
    python experiments/benchmarks/old_and_new.py FOLDER --small    # one call, seconds
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import click
import numpy as np

HERE = Path(__file__).parents[2]
# name: sizes, batch, examples, epochs, optimizer: some tenths of a second a call.
FITS = {
    "30-64-32-16-1, sgd": ((30, 64, 32, 16, 1), 64, 4096, 10, "sgd"),
    "784-256-128-10, sgd": ((784, 256, 128, 10), 128, 7680, 4, "sgd"),
    "784-1024-1024-1024-10, sgd": ((784, 1024, 1024, 1024, 10), 512, 5120, 1, "sgd"),
    "30-64-32-16-1, adam": ((30, 64, 32, 16, 1), 64, 4096, 10, "adam"),
    "30-128-128-128-1, adam": ((30, 128, 128, 128, 1), 256, 8192, 6, "adam"),
    "784-512-256-128-10, adam": ((784, 512, 256, 128, 10), 256, 7680, 2, "adam"),
    "30-64-32-16-1, adam, all examples": ((30, 64, 32, 16, 1), None, 4096, 50, "adam"),
}
SWEEP = "256 of 30-64-32-16-1, sgd"
ROUNDS, PAUSE = 15, 0.2


def fit_of(sizes, batch, m, epochs, optimizer):
    """A call that trains one network of classes that a linear teacher names."""
    import jax

    import mlp_jax

    rng = np.random.default_rng(0)
    X = rng.normal(size=(sizes[0], m)).astype(np.float32)
    Y = np.eye(2)[:1] if sizes[-1] == 1 else np.eye(sizes[-1])
    Y = Y[:, (rng.normal(size=(max(2, sizes[-1]), sizes[0])) @ X).argmax(axis=0)]
    loss = "binary_cross_entropy" if sizes[-1] == 1 else "softmax_cross_entropy"
    params, network = mlp_jax.init(0, sizes), mlp_jax.Network(loss=loss)
    chosen = mlp_jax.optimizer(optimizer, learning_rate=1e-3)

    def train():
        state, info = mlp_jax.fit(
            *(params, X, Y),
            network=network,
            optimizer=chosen,
            epochs=epochs,
            batch_size=batch,
            key=0,
        )
        jax.block_until_ready(state.params)
        return float(info.cost[-1])

    return train


def sweep_of(count, rows=2048, epochs=5):
    """A call that trains networks of one shape side by side."""
    import mlp_jax

    rng = np.random.default_rng(0)
    X = rng.normal(size=(rows, 30)).astype(np.float32)
    y = X @ rng.normal(size=30) > 0
    rates = np.geomspace(0.02, 0.2, count).tolist()
    space = {"hidden": [(64, 32, 16)], "optimizer": "sgd", "learning_rate": rates}
    train, held = X[: rows // 2], X[rows // 2 :]

    def call():
        result = mlp_jax.sweep(
            *(train, y[: rows // 2], space),
            validation=(held, y[rows // 2 :]),
            epochs=epochs,
            progress=False,
        )
        return float(np.mean([member.curves.cost[-1] for member in result.members]))

    return call


def work():
    """Makes the call that is named on a line of standard input, and prints its time and cost."""
    calls = {}
    for line in sys.stdin:
        name = json.loads(line)
        if name not in calls:
            calls[name] = sweep_of(256) if name == SWEEP else fit_of(*FITS[name])
            calls[name]()  # compiles
        began = time.perf_counter()
        cost = calls[name]()
        print(json.dumps([time.perf_counter() - began, cost]), flush=True)


class Version:
    """A process that makes calls with the library in a folder."""

    def __init__(self, folder):
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", __file__, "--work", "."],
            env=os.environ | {"PYTHONPATH": str(folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def call(self, name):
        """(seconds, cost at the end), of a call that was made before."""
        time.sleep(PAUSE)
        self._process.stdin.write(json.dumps(name) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def end(self):
        """Ends the process."""
        self._process.communicate()


def compare(old, new, name, rounds):
    """A row: milliseconds of both, and quartiles of new to old."""
    for version in (old, new):
        version.call(name)
    times, costs = {old: [], new: []}, {}
    for number in range(rounds):
        for version in (old, new)[:: 1 if number % 2 else -1]:
            seconds, costs[version] = version.call(name)
            times[version].append(seconds)
    if abs(costs[new] / costs[old] - 1) > 1e-3:
        raise SystemExit(f"{name}: the costs at the end are {costs.values()}: not the same work")
    ratios = np.array(times[new]) / np.array(times[old])
    low, middle, high = np.quantile(ratios, [0.25, 0.5, 0.75])
    before, now = (1e3 * np.median(times[version]) for version in (old, new))
    return f"{name:<36} {before:8.1f} {now:8.1f} {middle:.3f} ({low:.3f} to {high:.3f})"


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--small", is_flag=True, help="One call, two rounds.")
@click.option("--only", default="", help="Calls whose names have this.")
@click.option("--rounds", default=ROUNDS, show_default=True)
@click.option("--work", "works", is_flag=True, hidden=True)
def main(folder, small, only, rounds, works):
    """Prints a row a call: old ms, new ms, new to old."""
    if works:
        work()
        return
    old, new = Version(folder), Version(HERE)
    print(f"{'':<36} {'old ms':>8} {'new ms':>8} new to old", flush=True)
    names = list(FITS)[:1] if small else [name for name in (*FITS, SWEEP) if only in name]
    for name in names:
        print(compare(old, new, name, 2 if small else rounds), flush=True)
    for version in (old, new):
        version.end()


if __name__ == "__main__":
    main()
