"""Is a sweep the same where workers train it, and where one of them is killed?

A thousand networks in float64, trained by this process alone; then by two processes of this machine
and by two workers of Dask, with and without halving, where nobody is killed and where a worker is,
by SIGKILL, when progress is told for the first, third and sixth time. Found, of each: the largest
difference of a score and of a weight, and whether every network ends with the same status. All
differences are 0.0 on the machine that wrote `results/divided.json`.

    python experiments/divided.py              # ten minutes, with pip install '.[cli,cluster]'
    python experiments/divided.py --rounds 10  # ten times as many kills
    python experiments/divided.py --small      # seconds: few networks, one kill, and no Dask
"""

import faulthandler
import json
import os
import signal
import time
from contextlib import contextmanager
from pathlib import Path

import click
import jax
import numpy as np

import mlp_jax

HERE = Path(__file__).parent
ENGINES = "processes", "dask"
HALVINGS = None, 3
KILLED_AT = None, 1, 3, 6  # calls of progress
STILL = 300  # seconds without a word, after which it is shown where this stands, and ended


@contextmanager
def engine_of(name):
    """(an executor, what lists the processes of its workers)."""
    if name == "processes":
        from mlp_jax.processes.pool import Processes

        with Processes(2) as processes:
            yield processes, processes.pids
        return
    from distributed import Client, LocalCluster

    here = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0", "silence_logs": 60}
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, **here) as cluster,
        Client(cluster) as client,
    ):
        yield client.get_executor(), lambda: list(client.run(os.getpid).values())


class Killing:
    """What is told of progress: at its call number `at` a worker is killed."""

    def __init__(self, pids, at):
        self._pids, self._at, self._calls, self.killed = pids, at, 0, False

    def __call__(self, *_):
        """Called by the sweep."""
        self._calls += 1
        if self._calls == self._at:
            os.kill(self._pids()[0], signal.SIGKILL)
            self.killed = True


def swept(members, halving, **where):
    """The result of two folds of some configurations, of several shapes."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 8))
    space = {
        "depth": [1, 2],
        "width": mlp_jax.int_uniform(4, 24),
        "activation": ["relu", "tanh"],
        "learning_rate": mlp_jax.log_uniform(1e-3, 1e-1),
    }
    choices = {"n": members // 2, "folds": 2, "epochs": 27, "key": 0, "halving": halving}
    return mlp_jax.sweep(X, X[:, 0] * X[:, 1] > 0, space, **choices, **where)


def difference(one, other):
    """(of scores, of weights, whether all statuses are the same)."""
    pairs = list(zip(one.members, other.members, strict=True))
    scores = [abs(a.score - b.score) for a, b in pairs if a.status == "finished"]
    weights = [
        np.abs(np.asarray(u) - np.asarray(v)).max()
        for a, b in pairs
        if a.params is not None and b.params is not None
        for u, v in zip(jax.tree.leaves(a.params), jax.tree.leaves(b.params), strict=True)
    ]
    same = all((a.status, a.params is None) == (b.status, b.params is None) for a, b in pairs)
    return float(max(scores)), float(max(weights)), same


def compared(members, engines, halvings, kills):
    """Prints and returns the differences of each."""
    rows = []
    alone = {halving: swept(members, halving, progress=False) for halving in halvings}
    print(f"{members:,} networks, the largest differences")
    print(f"{'':>10} {'halving':>8} {'killed at':>10} scores weights statuses")
    for engine in engines:
        for halving in halvings:
            for at in kills:
                faulthandler.dump_traceback_later(STILL, exit=True)
                began = time.perf_counter()
                with engine_of(engine) as (executor, pids):
                    told = Killing(pids, at)
                    found = swept(members, halving, executor=executor, progress=told)
                scores, weights, same = difference(found, alone[halving])
                assert told.killed == (at is not None), "it was over before"
                rows.append({"engine": engine, "halving": halving, "killed_at": at})
                rows[-1] |= {"scores": scores, "weights": weights, "statuses": same}
                seconds = time.perf_counter() - began
                print(
                    f"{engine:>10} {halving or 'no':>8} {at or 'nobody':>10} {scores:6.1g} "
                    f"{weights:7.1g} {'same' if same else 'OTHERS'}  {seconds:.0f} s",
                    flush=True,
                )
    faulthandler.cancel_dump_traceback_later()
    return rows


@click.command()
@click.option("--small", is_flag=True, help="Few networks, one kill, and no Dask.")
@click.option("--rounds", default=1, show_default=True, help="Times that each is done.")
@click.option("--output", type=click.Path(path_type=Path), default=HERE / "results")
def main(small, rounds, output):
    """Prints and writes what differs."""
    with jax.enable_x64(True):
        members = 8 if small else 1000
        if small:
            rows = compared(members, ENGINES[:1], HALVINGS[1:], KILLED_AT[1:2])
        else:
            rows = compared(members, ENGINES, HALVINGS, KILLED_AT * rounds)
    output.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"members": members, "rows": rows}, indent=1) + "\n"
    (output / "divided.json").write_text(text)


if __name__ == "__main__":
    main()
