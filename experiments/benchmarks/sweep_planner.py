"""The planner against its two extremes: a program for every shape, and one for every static choice.

The space: 1 to 4 hidden layers, each with its own width from 8 to 128, relu, tanh or gelu, learning
rate, decay, batches of 64 or 256; a sample of it on 3 folds for 20 epochs, on 10,000 rows of 20
features. Every way starts without compiled programs and its time includes all compilations. One
that is not done when the best before it was is stopped there: its time is marked with >.

    python experiments/benchmarks/sweep_planner.py
    python experiments/benchmarks/sweep_planner.py --way "the plan" --again  # and once more, warm
"""

import time
from typing import Any

import click
import numpy as np

import mlp_jax
from mlp_jax.sweeps.planning.ladder import Padded, on_ladder, own_shapes
from mlp_jax.sweeps.run import plan_of, run
from mlp_jax.sweeps.running import program_cache
from mlp_jax.sweeps.task import as_task


def space() -> dict[str, Any]:
    """The space of the issue that this measures."""
    return {
        "depth": [1, 2, 3, 4],
        "widths": mlp_jax.int_uniform(8, 128),
        "activation": ["relu", "tanh", "gelu"],
        "learning_rate": mlp_jax.log_uniform(1e-4, 1e-2),
        "weight_decay": mlp_jax.log_uniform(1e-6, 1e-2),
        "batch_size": [64, 256],
    }


def table(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """A table of 20 features in float32, of two classes."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(rows, 20)).astype(np.float32)
    return X, (X[:, 0] * X[:, 1] + 0.5 * X[:, 2] > 0).astype(int)


def a_program_a_shape(widths: np.ndarray, _: Any) -> Padded:
    """No padding at all."""
    return own_shapes(widths)


def padded_to_the_widest(widths: np.ndarray, _: Any) -> Padded:
    """No program more than static choices need."""
    return Padded(widths.max(axis=0)[None], np.zeros(len(widths), int))


WAYS = {
    "the plan": on_ladder,
    "one program a static choice": padded_to_the_widest,
    "one program a shape": a_program_a_shape,
}


@click.command()
@click.option("--n", default=1000, show_default=True, help="Configurations.")
@click.option("--rows", default=10_000, show_default=True)
@click.option("--epochs", default=20, show_default=True)
@click.option("--way", "ways", multiple=True, help="One of the ways alone; repeatable.")
@click.option("--again", is_flag=True, help="Then once more: nothing is compiled.")
def main(n: int, rows: int, epochs: int, ways: tuple[str, ...], again: bool) -> None:
    """Prints time, programs and useful share of every way."""
    X, y = table(rows)
    task = as_task(X, y, space(), n=n, folds=3, epochs=epochs)
    print(f"{n} configurations, 3 folds, {epochs} epochs, {rows} rows", flush=True)
    print(f"{'':28} {'seconds':>8} {'planned':>8} {'programs':>8} {'useful':>7} {'GFLOP/s':>8}")
    best = float("inf")
    for name in ways or WAYS:
        program_cache._kept.clear()
        plan = plan_of(task, widened=WAYS[name])
        began = time.perf_counter()
        result = run_for(task, plan, best)
        took = time.perf_counter() - began
        best = min(best, took)
        useful = plan.flops_used / plan.flops_issued
        speed = f"{plan.flops_issued / took / 1e9:8.1f}"
        if not result.interrupted:
            assert result.compilations == plan.compilations
        print(
            f"{name:28} {'>' if result.interrupted else ' '}{took:7.1f} {plan.seconds:8.1f} "
            f"{plan.compilations:8} {useful:7.2f} {'-' if result.interrupted else speed:>8}",
            flush=True,
        )
        if again:
            second = run(task, plan)
            print(f"{'again':28} {second.seconds:8.1f} {second.compilations:17} compiled")
            assert second.compilations == 0


def run_for(task: Any, plan: Any, seconds: float) -> Any:
    """The sweep, interrupted as by Ctrl-C after so many seconds."""
    end = time.perf_counter() + seconds

    def look_at_the_clock(*_: Any) -> None:
        if time.perf_counter() > end:
            raise KeyboardInterrupt

    return run(task, plan, progress=look_at_the_clock)


if __name__ == "__main__":
    main()
