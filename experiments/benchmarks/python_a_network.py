"""What does a network of a sweep cost beside the arithmetic of its training?

Networks 30-64-32-16-1 of one program on a small table, one epoch, and those of the mixed space of
`sweep_planner.py`, with everything compiled: the microseconds a network of `sweep`, less the time
in which its compiled programs run; of what follows a sweep (`ranking`, `to_pandas`, `scores`,
`save_sweep`, `load_sweep`) all. Beside `save_sweep` stands what its file takes anyhow: as many
bytes through SHA-256, and onto the disk. Medians of a few rounds.

    python experiments/benchmarks/python_a_network.py              # five minutes
    python experiments/benchmarks/python_a_network.py --profile    # and where the time goes
"""

import cProfile
import dataclasses
import hashlib
import os
import pstats
import tempfile
import time
from pathlib import Path

import click
import jax
import numpy as np
from measuring import seconds_of
from sweep_planner import space as mixed_space

import mlp_jax
from mlp_jax.sweeps.run import plan_of, run
from mlp_jax.sweeps.running import runner
from mlp_jax.sweeps.running.devices import workers_of
from mlp_jax.sweeps.task import as_task

HIDDEN, FEATURES = (64, 32, 16), 30
ROWS = 256, 64  # to train on and to validate by
ROUNDS = 3
SPACES = {
    "one shape, sgd": {"hidden": HIDDEN, "optimizer": "sgd"},
    "one shape, adam": {"hidden": HIDDEN, "optimizer": "adam"},
    "mixed shapes, adam": mixed_space(),
}


class Timed:
    """Stands in for a compiled program and takes the time of its calls."""

    seconds = 0.0

    def __init__(self, program):
        self.program = program

    def __call__(self, *arguments):
        """What the program returns, once it is there."""
        began = time.perf_counter()
        returned = jax.block_until_ready(self.program(*arguments))
        Timed.seconds += time.perf_counter() - began
        return returned


def timed_programs():
    """Has all sweeps from now on take the time of their programs."""
    program_of = runner.Runner._program
    runner.Runner._program = lambda *arguments: Timed(program_of(*arguments))


def problem(count, space):
    """(arguments of `as_task`, likewise by name): `count` learning rates."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(sum(ROWS), FEATURES)).astype(np.float32)
    y = X[:, 0] * X[:, 1] > 0
    space = space | {"learning_rate": mlp_jax.log_uniform(1e-4, 1e-2)}
    table, held = (X[: ROWS[0]], y[: ROWS[0]]), (X[ROWS[0] :], y[ROWS[0] :])
    return (*table, space), {"n": count, "validation": held, "epochs": 1}


def seconds_of_sweep(count, space):
    """({part: seconds}, the result)."""
    table, choices = problem(count, space)
    drawing, task = seconds_of(lambda: as_task(*table, **choices))
    planning, plan = seconds_of(lambda: plan_of(task))
    Timed.seconds = 0.0
    running, result = seconds_of(lambda: run(task, plan))
    programs = Timed.seconds / workers_of(jax.devices()[:1])
    parts = {
        "drawing and checking": drawing,
        "planning": planning,
        "running, without the programs": running - programs,
        "sweep": drawing + planning + running - programs,
        "(the programs)": programs,
    }
    return parts, result


def seconds_after(result, folder):
    """{part: seconds} of what is asked of a result, each of a fresh one."""
    path = Path(folder) / "sweep.safetensors"

    def ranking_and_table():
        fresh = dataclasses.replace(result)
        return fresh.ranking, fresh.to_pandas()

    calls = {
        "ranking and to_pandas": ranking_and_table,
        "scores": lambda: dataclasses.replace(result).scores,
        "save_sweep": lambda: mlp_jax.save_sweep(result, path),
        "load_sweep": lambda: mlp_jax.load_sweep(path),
    }
    found = {name: seconds_of(call)[0] for name, call in calls.items()}
    content = path.read_bytes()
    found["(SHA-256 of the file)"] = seconds_of(lambda: hashlib.sha256(content).digest())[0]
    found["(its bytes, onto the disk)"] = seconds_of(lambda: written(content, path))[0]
    return found


def written(content, path):
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def profiled(count, space, folder):
    """Prints where the time goes."""
    profile = cProfile.Profile()
    profile.enable()
    _, result = seconds_of_sweep(count, space)
    seconds_after(result, folder)
    profile.disable()
    pstats.Stats(profile).sort_stats("cumulative").print_stats(60)


@click.command()
@click.option("--small", is_flag=True, help="32 networks of the first space.")
@click.option("--profile", is_flag=True, help="Prints where the time goes, too.")
def main(small: bool, profile: bool) -> None:
    """Prints the microseconds a network."""
    count, rounds = (32, 1) if small else (10_000, ROUNDS)
    spaces = dict([*SPACES.items()][:1]) if small else SPACES
    timed_programs()
    print(f"{count:,} networks, microseconds each")
    with tempfile.TemporaryDirectory() as folder:
        for way, space in spaces.items():
            seconds_of_sweep(count, space)  # compiles
            found: dict[str, list[float]] = {}
            for _ in range(rounds):
                parts, result = seconds_of_sweep(count, space)
                for name, seconds in (parts | seconds_after(result, folder)).items():
                    found.setdefault(name, []).append(seconds)
            print(f"\n{way}")
            for name, seconds in found.items():
                print(f"{name:<30} {1e6 * np.median(seconds) / count:8.1f}")
            if profile:
                profiled(count, space, folder)


if __name__ == "__main__":
    main()
