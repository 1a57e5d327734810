"""Does a sweep take the memory that its plan says, and keep to a budget?

The plan reckons arrays: the examples, what is held of every member, and the chunks that run. What
Python, XLA and its compiled programs take is no part of it. So the programs are compiled by a small
sweep of the same shapes, and measured is by how much the resident memory of the process rises above
that while the large one runs, at its peak.

    python experiments/benchmarks/sweep_memory.py           # 10,000 members in 1 GiB; Linux only
    python experiments/benchmarks/sweep_memory.py --small   # 50 members
"""

import ctypes
import gc
import math
import os
import time
from pathlib import Path
from typing import Any

import click
import numpy as np

import mlp_jax

BUDGET = 1 << 30
CASES = {
    # name: (rows, features, space): many small ones; few large ones; optimizers that hold much.
    "narrow": (2_000, 30, {"hidden": (64, 32, 16), "learning_rate": [1e-2]}),
    "wide": (20_000, 100, {"hidden": (256, 256), "batch_size": 512, "learning_rate": [1e-3]}),
    "full batches": (20_000, 50, {"hidden": (64, 64), "batch_size": None, "learning_rate": [1e-3]}),
}
MEMBERS = {"narrow": 10_000, "wide": 300, "full batches": 300}


def resident(which: str) -> int:
    """Bytes of this process: VmRSS now, VmHWM at the peak."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(which):
            return 1024 * int(line.split()[1])
    raise SystemExit("this needs Linux's /proc")


def forget_peak() -> None:
    """What was freed goes back to the system, and the peak is counted from here.

    XLA's threads free their last arrays when they come to it: so until nothing more goes back.
    """
    before, now = math.inf, resident("VmRSS")
    while now < before - (1 << 20):
        time.sleep(0.05)
        gc.collect()
        ctypes.CDLL("libc.so.6").malloc_trim(0)
        before, now = now, resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")


def measured(name: str, members: int) -> tuple[int, int]:
    """(predicted, measured) bytes at the peak."""
    rows, features, space = CASES[name]
    rng = np.random.default_rng(0)
    X = rng.normal(size=(rows, features)).astype(np.float32)
    y = X[:, 0] * X[:, 1] > 0
    space = space | {"l2": mlp_jax.log_uniform(1e-6, 1e-2)}
    choices: dict[str, Any] = {"validation": 0.2, "epochs": 2, "memory": BUDGET}
    plan = mlp_jax.plan_sweep(X, y, space, n=members, **choices)
    chunk = plan.buckets[0].chunk
    mlp_jax.sweep(X, y, space, n=chunk, chunk=chunk, progress=False, **choices)
    forget_peak()
    before = resident("VmRSS")
    result = mlp_jax.sweep(X, y, space, n=members, chunk=chunk, progress=False, **choices)
    assert result.compilations == 0
    assert sum(map(len, result.outcomes)) == members
    return plan.bytes, resident("VmHWM") - before


@click.command()
@click.option("--small", is_flag=True, help="50 members a case.")
def main(small: bool) -> None:
    """Prints a row a case."""
    print(f"budget {BUDGET / 2**20:,.0f} MiB")
    if small and hasattr(os, "sched_setaffinity"):
        # Where other programs want the cores too, chunks that could run side by side come one after
        # the other. On one core they always do, and the plan knows.
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(f"{'':14} {'members':>8} {'plan, MiB':>10} {'peak, MiB':>10} {'ratio':>6}")
    for name in CASES:
        members = 50 if small else MEMBERS[name]
        predicted, peak = measured(name, members)
        print(
            f"{name:14} {members:8,} {predicted / 2**20:10.1f} {peak / 2**20:10.1f} "
            f"{predicted / peak:6.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
