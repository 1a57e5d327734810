"""Do the costs that a sweep is planned by hold on this machine? What would they be here?

The constants of `mlp_jax/sweeps/planning/costs.py` are seconds of a thread of a sweep, which runs
as many as there are cores. Here a sample of the planner's space is swept, a program for every few
shapes, and the seconds that its threads spent compiling and training are laid beside the
constants, and fitted by least squares. Then all of it again with every program compiled quickly,
beside `QUICK`.

    python experiments/benchmarks/sweep_costs.py
"""

import dataclasses

import click
import jax
import numpy as np
from sweep_planner import space, table

from mlp_jax.sweeps.planning import costs
from mlp_jax.sweeps.planning.buckets import Bucket
from mlp_jax.sweeps.planning.ladder import Padded
from mlp_jax.sweeps.run import plan_of, run
from mlp_jax.sweeps.running import program_cache
from mlp_jax.sweeps.running.devices import rates_of
from mlp_jax.sweeps.task import as_task


def narrow_groups(widths: np.ndarray, _: object) -> Padded:
    """Eight networks a program, similar in width."""
    order = np.argsort(widths.sum(axis=1), kind="stable")
    parts = np.array_split(order, max(1, len(order) // 8))
    places = np.empty(len(widths), int)
    for place, part in enumerate(parts):
        places[part] = place
    return Padded(np.array([widths[part].max(axis=0) for part in parts]), places)


@click.command()
@click.option("--n", default=192, show_default=True, help="Configurations.")
@click.option("--rows", default=10_000, show_default=True)
@click.option("--epochs", default=20, show_default=True)
def main(n: int, rows: int, epochs: int) -> None:
    """Prints the constants as they are and as they would be."""
    X, y = table(rows)
    task = as_task(X, y, space(), n=n, folds=3, epochs=epochs)
    now = rates_of(jax.devices())
    plan = plan_of(task, widened=narrow_groups)
    result, quickly = (swept(task, plan, quick=quick) for quick in (False, True))
    compiling, training, depth, terms = [], [], [], []
    for number, bucket in enumerate(result.plan.buckets):
        seconds = result.bucket_seconds[number]
        compiling.append(seconds[0])
        training.append(seconds[1])
        depth.append(bucket.kind.depth + 1)
        first = task.configurations[int(bucket.configurations[0])]
        terms.append(_terms(task, bucket, first, epochs))
    fitted = np.linalg.lstsq(np.stack([np.ones(len(depth)), depth], 1), compiling, rcond=None)[0]
    print(f"{len(depth)} programs, {result.seconds:.0f} s")
    print(f"compiling: {sum(compiling):.1f} s of a thread; a program {fitted.round(2)} a layer")
    print(f"  now {now.compilation}")
    design, y = np.array(terms), np.array(training)
    weighted = np.linalg.lstsq(design / y[:, None], np.ones(len(y)), rcond=None)[0]
    per_flop, per_parameter, per_unit = weighted
    speed = result.plan.flops_issued / y.sum() / 1e9
    print(f"training: {y.sum():.1f} s of a thread, {speed:.0f} GFLOP/s issued")
    print(f"  FLOPS_PER_SECOND {1 / per_flop:.3g}, now {now.flops_per_second:.3g}")
    print(f"  FLOPS_OF_UPDATE {per_parameter / per_flop:.0f}, now {now.flops_of_update}")
    print(f"  SECONDS_OF_UNIT {per_unit:.2g}, now {now.seconds_of_unit:.2g}")
    print(f"  spread of predicted over taken {np.std(design @ weighted / y):.2f}")
    spent = [np.sum(list(one.bucket_seconds.values()), axis=0) for one in (result, quickly)]
    compiled, trained = spent[1] / spent[0]
    print(f"QUICK: {compiled:.2f} of compiling, {trained:.2f} of training, now {now.quick}")


def swept(task, plan, *, quick):
    """The result of the plan, all of whose programs are compiled anew."""
    buckets = tuple(bucket._replace(quick=quick) for bucket in plan.buckets)
    program_cache._kept.clear()
    return run(task, dataclasses.replace(plan, buckets=buckets))


def _terms(task: object, bucket: Bucket, first: dict[str, object], epochs: int) -> list[float]:
    """FLOPs, parameters updated and units computed, of all members with their padding."""
    n = costs.ends(task, first)
    widths = np.array(bucket.hidden)
    total = np.zeros(3)
    for fold in bucket.folds:
        train, held = task.splits[fold]
        batches = -(-len(train) // bucket.kind.batch_size)
        total[0] += costs.flops(widths, n, len(train), len(held))
        total[1] += batches * costs.parameters(widths, n)[0]
        total[2] += widths.sum() * len(train)
    filled = -(-bucket.per_fold // bucket.chunk) * bucket.chunk
    return list(total * filled * epochs)


if __name__ == "__main__":
    main()
