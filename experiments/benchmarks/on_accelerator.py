"""What of the benchmarks a GPU does: equal shapes, mixed shapes, and how near to its products.

The questions of `equal_shapes.py`, `mixed_shapes.py` and `limit.py`, by their own functions, with
fewer peers, rounds and cells, for such a machine is often lent by the minute. Exact float32, and
TF32 where it says so. PyTorch computes on the same device, scikit-learn on all cores beside it; a
loop of jitted trainings over mixed shapes is left out, for XLA takes half a minute a shape.

Each part can be run by itself; the results are gathered in one file, and a part that is stopped
amid its rows has those that it measured.

    python experiments/benchmarks/on_accelerator.py                  # all parts, ten minutes
    python experiments/benchmarks/on_accelerator.py --part mixed     # or equal, limit
    python experiments/benchmarks/on_accelerator.py --part none --readme  # what is kept, as tables
    python experiments/benchmarks/on_accelerator.py --small          # seconds, on any device
"""

import json
import tempfile
from datetime import UTC, datetime
from importlib.util import find_spec
from itertools import product
from pathlib import Path

import click
import equal_shapes
import mixed_shapes
import numpy as np
from limit import sustained
from measuring import figure_of, keep, largest_product, options, spelled, this_machine
from peers.equal_shapes import NEEDS
from sweep_planner import space, table

from mlp_jax.sweeps.task import as_task

NAME = "on_accelerator"
PRECISIONS = {"highest": "float32", "default": "TF32"}
PRODUCTS = (4096, 8192)
COUNTS, ROUNDS = (256, 1024, 10_000), 3
PEERS = ("jitted loop, rows", "`jit(vmap)`", "`torch.func.vmap`", "scikit-learn, joblib")
OPTIMIZERS, WIDTHS, BATCHES, MEMBERS = ("sgd", "adam"), (64, 128), (128, 512), 1024
SECONDS = 2.0  # of a call of `limit`, most of which is then training
WAYS = {"sweep": {}, "sweep, halving": {"halving": 3}}
SAMPLE = 32  # configurations that scikit-learn is measured on


def equal(small):
    """A row a number of networks."""
    here = [name for name in PEERS if name not in NEEDS or find_spec(NEEDS[name])]
    rows = []
    for count in (8,) if small else COUNTS:
        how = (2, ["`jit(vmap)`"], 256, 2) if small else (ROUNDS, here)
        rows.append(equal_shapes.measured(count, *how))
        equal_shapes.print_row(rows[-1])
        yield rows


def mixed(small):
    """Seconds of the sweeps with an empty compilation cache and a full one, and of scikit-learn."""
    n, rows, epochs, sample = (4, 300, 2, 2) if small else (1000, 10_000, 20, SAMPLE)
    few = {"depth": [1], "activation": ["relu", "gelu"], "batch_size": [64]} if small else {}
    arguments = (*table(rows), space() | few)
    choices = {"n": n, "folds": 3, "epochs": epochs}
    found = {"configurations": n, "sample": sample, "seconds": {}, "best_score": {}}
    with tempfile.TemporaryDirectory() as folder:
        for state, way in product(("cold", "warm"), WAYS):
            name, cache = f"{way}, {state}", Path(folder) / way
            result = mixed_shapes.swept(name, arguments, choices | WAYS[way], cache)
            plan = result.plan
            found["seconds"][name] = [result.seconds, 0.0]
            found["best_score"][name] = result.best.score
            if way == "sweep":
                found["programs"], found["flops"] = plan.compilations, plan.flops_used
                found["useful_share_of_flops"] = plan.flops_used / plan.flops_issued
            yield found
    task = as_task(*arguments, **choices)
    numbers = mixed_shapes.representative(task.configurations, task.X.shape[1], sample)
    measured = mixed_shapes.measured_peers(task, numbers, ["scikit-learn"])["scikit-learn"]
    found["seconds"]["scikit-learn"] = list(mixed_shapes.scaled(measured, n, n))
    yield found


def limit(small):
    """Largest products, and rows of `limit.sustained`, in both precisions."""
    products = {
        name: largest_product((256,) if small else PRODUCTS, 2 if small else 5, precision)
        for precision, name in PRECISIONS.items()
    }
    rows = []
    cells = product(PRECISIONS, OPTIMIZERS, WIDTHS, BATCHES)
    for precision, optimizer, width, batch in [("highest", "sgd", 64, 128)] if small else cells:
        cell = (optimizer, 4 if small else MEMBERS, width, batch)
        rows.append(sustained(*cell, *((0.05, 2) if small else (SECONDS,)), precision=precision))
        speed, name = rows[-1]["flops_per_second"][1], PRECISIONS[precision]
        print(
            f"{name} {cell}: {speed / 1e9:,.0f} GFLOP/s, {speed / products[name]:.0%}", flush=True
        )
        yield {"products": products, "rows": rows}


PARTS = {"mixed": mixed, "equal": equal, "limit": limit}


def table_of(result):
    """All parts that there are."""
    made = {"equal": equal_shapes.table, "mixed": _mixed_table, "limit": _limit_table}
    return "\n".join(make(result[part]) for part, make in made.items() if part in result)


def _mixed_table(found):
    cold = found["seconds"]["sweep, cold"][0]
    shapes = f"{found['configurations']:,} shapes"
    lines = [f"| {shapes} | seconds | to `sweep`, cold |", "|---|---|---|"]
    for name, (seconds, error) in found["seconds"].items():
        of = f" ± {error:,.0f}, {found['sample']} of {found['configurations']:,} scaled"
        lines.append(f"| {name} | {seconds:,.1f}{of if error else ''} | {seconds / cold:.1f} |")
    return "\n".join(lines) + "\n"


def _limit_table(found):
    lines = [
        "| precision | optimizer | batch | "
        + " | ".join(f"width {width}" for width in WIDTHS)
        + " | largest product |",
        "|---" * (4 + len(WIDTHS)) + "|",
    ]
    cells = {}
    for row in found["rows"]:
        name = PRECISIONS[row["precision"]], row["optimizer"], row["batch"]
        speed = [value / 1e12 for value in row["flops_per_second"]]
        cells.setdefault(name, {})[row["width"]] = spelled(speed, ".1f")
    for (name, optimizer, batch), of_row in cells.items():
        speeds = " | ".join(of_row.get(width, "-") for width in WIDTHS)
        largest = found["products"][name] / 1e12
        lines.append(f"| {name} | {optimizer} | {batch} | {speeds} | {largest:.0f} TFLOP/s |")
    return "\n".join(lines) + "\n"


def picture(result):
    figure, axes = figure_of(1 + ("mixed" in result), width=6)
    if "equal" in result:
        for name in result["equal"][-1]["seconds"]:
            points = [
                (row["members"], 1e3 * row["seconds"][name] / row["members"])
                for row in result["equal"]
            ]
            style = "ko-" if name == "mlp_jax" else ".--"
            axes[0].plot(*zip(*points, strict=True), style, label=name.replace("`", ""))
        axes[0].set(xscale="log", yscale="log", xlabel="networks", ylabel="ms a network")
        axes[0].legend(fontsize=7, ncols=3, loc="lower left", bbox_to_anchor=(0.0, 1.0))
    if "mixed" in result:
        names = list(result["mixed"]["seconds"])
        seconds = np.array([result["mixed"]["seconds"][name][0] for name in names])
        axes[-1].barh(names[::-1], seconds[::-1])
        axes[-1].set(xscale="log", xlabel="seconds for all configurations on 3 folds")
    return figure


@options(small="Seconds, on any device.")
@click.option("--part", type=click.Choice([*PARTS, "all", "none"]), default="all")
def main(part: str, small: bool, readme: bool, output: Path) -> None:
    """Prints the tables of all parts that were ever run into this folder."""
    kept = output / f"{NAME}.json"
    output.mkdir(parents=True, exist_ok=True)
    result = json.loads(kept.read_text()) if kept.exists() else {}
    machine = this_machine() | {"date": datetime.now(UTC).date().isoformat()}
    for name, measure in PARTS.items():
        if part in (name, "all"):
            for so_far in measure(small):
                result[name] = so_far
                result.setdefault("machines", {})[name] = machine  # each part has its own
                kept.write_text(json.dumps(result) + "\n")
    how = {"output": output, "readme": readme, "machine": {}}
    keep(NAME, result, picture(result), table_of(result), **how)


if __name__ == "__main__":
    main()
