"""How near does training come to the machine's own matrix product? And does it keep to its plan?

Three questions, all of `sweep`, float32, compiled before:

1. FLOP/s of the products of training as a share of the machine's largest product, by members, width
   of three hidden layers, batch and optimizer. 30 features, one output; networks of one shape, so
   nothing is padded. As many epochs as take about a second, and the whole call is counted.
2. Memory at the peak beside what the plan says, of the cases of `sweep_memory.py`; Linux only.
3. Milliseconds a member of 30-64-32-16-1 in batches of 64, SGD, from 1 to 10,000 members; calls
   from the fewest to the most and back, medians and quartiles. Flat is the goal.

    python experiments/benchmarks/limit.py            # half an hour
    python experiments/benchmarks/limit.py --small    # a few cells, seconds
    python experiments/benchmarks/limit.py --readme   # the tables go into README.md here
"""

from functools import partial
from itertools import product
from pathlib import Path

import click
import numpy as np
import sweep_memory
from equal_shapes import BATCH, EPOCHS, problem_of
from equal_shapes import ROWS as ROWS_OF_COST
from measuring import (
    figure_of,
    in_turn,
    keep,
    largest_product,
    options,
    quartiles,
    seconds_of,
    spelled,
)

import mlp_jax

COUNTS, WIDTHS, BATCHES = (1, 16, 256), (8, 32, 64, 128, 512), (32, 128, 512)
OPTIMIZERS = ("sgd", "adam")
DEPTH = 3  # as many hidden layers as the paper's network has
ROWS = 2048
SECONDS, LEAST, MOST = 1.0, 2, 1000  # of a call; epochs
CALLS = 3
GROWING = (1, 4, 16, 64, 256, 1024, 4096, 10_000)
FLAT_FROM = 64  # members, which fill the cores
ROUNDS = 3


def swept(swept_arguments):
    table, choices = swept_arguments
    return mlp_jax.sweep(*table, **choices, progress=False)


def sustained(
    optimizer, count, width, batch, seconds=SECONDS, calls=CALLS, precision="highest", rows=ROWS
):
    """A cell of the first question."""
    sizes = (30, *(width,) * DEPTH, 1)
    problem = partial(problem_of, count, rows=rows, sizes=sizes, batch=batch)
    problem = partial(problem, optimizer=optimizer, precision=precision)
    probe = problem(epochs=4)[0]
    swept(probe)  # compiles
    one = seconds_of(lambda: swept(probe))[0] / 4
    epochs = int(np.clip(seconds / one, LEAST, MOST))
    arguments, _ = problem(epochs=epochs)
    plan = mlp_jax.plan_sweep(*arguments[0], **arguments[1])
    results = [swept(arguments) for _ in range(calls)]
    assert all(result.compilations == 0 for result in results)
    assert {row.status for row in results[0].ranking} == {"finished"}  # or less was done
    took = np.array([result.seconds for result in results])
    return {
        **{"optimizer": optimizer, "members": count, "width": width, "batch": batch},
        **{"epochs": epochs, "chunk": plan.buckets[0].chunk, "seconds": float(np.median(took))},
        "precision": precision,
        "useful_share_of_flops": plan.flops_used / plan.flops_issued,
        "flops_per_second": quartiles(plan.flops_issued / took),
    }


def print_sustained(row, most):
    speed = [f / 1e9 for f in row["flops_per_second"]]
    print(
        f"{row['optimizer']:>5} {row['members']:8,} {row['width']:6} {row['batch']:6} "
        f"{row['chunk']:6} {row['epochs']:7,} {spelled(speed, '.1f'):>24} "
        f"{1e9 * speed[1] / most:6.0%}",
        flush=True,
    )


def all_sustained(small, most, widths):
    print(f"\nlargest product: {most / 1e9:.1f} GFLOP/s")
    print(
        f"{'':>5} {'members':>8} {'width':>6} {'batch':>6} {'chunk':>6} {'epochs':>7} "
        f"{'GFLOP/s':>24} {'share':>6}",
        flush=True,
    )
    grid = product(OPTIMIZERS, COUNTS, widths, BATCHES)
    if small:
        grid = [("sgd", 4, 32, 128)]
    rows = []
    for cell in grid:
        rows.append(sustained(*cell, *((0.05, 2) if small else ())))
        print_sustained(rows[-1], most)
    return rows


def all_memory(small):
    """The second question; empty where there is no Linux."""
    if not Path("/proc/self/clear_refs").exists():
        print("no memory is measured: that needs Linux's /proc", flush=True)
        return []
    print(f"\n{'':14} {'members':>8} {'plan, MiB':>10} {'peak, MiB':>10} {'ratio':>6}", flush=True)
    rows = []
    for name in ("narrow",) if small else sweep_memory.CASES:
        members = 200 if small else sweep_memory.MEMBERS[name]
        planned, peak = sweep_memory.measured(name, members)
        rows.append({"case": name, "members": members, "planned": planned, "peak": peak})
        print(
            f"{name:14} {members:8,} {planned / 2**20:10.1f} {peak / 2**20:10.1f} "
            f"{planned / peak:6.2f}",
            flush=True,
        )
    return rows


def all_growing(counts, rounds, rows=ROWS_OF_COST, epochs=EPOCHS):
    """The third question."""
    calls = {}
    for count in counts:
        arguments, _ = problem_of(count, rows=rows, epochs=epochs)
        calls[count] = partial(swept, arguments)
        calls[count]()  # compiles
    times = in_turn(calls, rounds)
    print(f"\n{'members':>8}   ms a member, {epochs} epochs of {rows} rows")
    found = []
    for count in counts:
        each = 1e3 * np.array(times[count]) / count
        found.append({"members": count, "milliseconds": quartiles(each)})
        print(f"{count:8,}   {spelled(found[-1]['milliseconds'], '.3f')}", flush=True)
    full = [row["milliseconds"][1] for row in found if row["members"] >= FLAT_FROM]
    if full:
        print(f"from {FLAT_FROM} members on: highest {max(full) / min(full) - 1:.0%} over lowest")
    return found


def tables(result):
    """Three, of the shares, of memory and of a member's cost."""
    most, cells = result["product"], result["sustained"]
    widths = sorted({row["width"] for row in cells})
    lines = [
        "| optimizer | networks | batch | " + " | ".join(f"width {w}" for w in widths) + " |",
        "|---" * (3 + len(widths)) + "|",
    ]
    share = {
        (r["optimizer"], r["members"], r["batch"], r["width"]): r["flops_per_second"][1] / most
        for r in cells
    }
    for row in dict.fromkeys(key[:3] for key in share):
        of_row = " | ".join(f"{share[*row, w]:.0%}" if (*row, w) in share else "-" for w in widths)
        lines.append(f"| {row[0]} | {row[1]:,} | {row[2]} | {of_row} |")
    if result["memory"]:
        lines += ["", "| memory | networks | plan, MiB | peak, MiB |", "|---|---|---|---|"]
    for row in result["memory"]:
        mib = f"{row['planned'] / 2**20:.0f} | {row['peak'] / 2**20:.0f}"
        lines.append(f"| {row['case']} | {row['members']:,} | {mib} |")
    lines += ["", f"| 30-64-32-16-1, batches of {BATCH} | ms a network |", "|---|---|"]
    lines += [
        f"| {row['members']:,} | {spelled(row['milliseconds'], '.2f')} |"
        for row in result["growing"]
    ]
    return "\n".join(lines) + "\n"


def picture(result):
    cells = result["sustained"]
    figure, axes = figure_of(3)
    for one, name in zip(axes, OPTIMIZERS, strict=False):
        chosen = [row for row in cells if row["optimizer"] == name]
        lines = dict.fromkeys((row["members"], row["batch"]) for row in chosen)
        for number, line in enumerate(lines):
            points = [
                (row["width"], row["flops_per_second"][1] / result["product"])
                for row in chosen
                if (row["members"], row["batch"]) == line
            ]
            label = f"{line[0]:,} network{'s' * (line[0] > 1)}, batch {line[1]}"
            one.plot(*zip(*points, strict=True), "o-", ms=4, color=f"C{number}", label=label)
        one.set(xscale="log", ylim=(0, None), xlabel="width", title=name)
        one.set_ylabel("share of the largest product")
        if chosen:
            one.legend(fontsize=7, ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.16))
    points = [(row["members"], row["milliseconds"][1]) for row in result["growing"]]
    axes[2].plot(*zip(*points, strict=True), "ko-")
    axes[2].set(xscale="log", ylim=(0, None), xlabel="networks", ylabel="ms a network")
    return figure


@options(small="A few cells.")
@click.option(
    "--up-to", type=int, default=WIDTHS[-1], show_default=True, help="Widest; it takes long."
)
def main(small: bool, up_to: int, readme: bool, output: Path) -> None:
    """Prints GFLOP/s, bytes and milliseconds."""
    memory = all_memory(small)  # the first: what others leave behind would count as taken
    most = largest_product(*(((256, 512), 2) if small else ()))
    result = {
        "product": most,
        "sustained": all_sustained(small, most, [width for width in WIDTHS if width <= up_to]),
        "memory": memory,
        "growing": all_growing((2, 8), 2, 256, 2) if small else all_growing(GROWING, ROUNDS),
    }
    keep(*("limit", result, picture(result), tables(result)), output=output, readme=readme)


if __name__ == "__main__":
    main()
