"""Is there a size at which a sweep is slower than a jitted training called in a loop?

A grid of members x width of two hidden layers x batch; plain gradient descent, float32, 30 features
and one output. The loop is a plain `lax.scan` with `jax.grad` and optax, jitted once, its learning
rate traced, in whichever layout is the faster: columns or rows as examples. It is measured on some
of the members and scaled to all. Both have compiled before; calls are in turn, with as many epochs
as give the sweep about a second. Speed-up is the loop's time over the sweep's, medians and
quartiles of the rounds. `sweep` validates besides, every epoch by 64 rows.

    python experiments/benchmarks/never_slower.py            # half an hour
    python experiments/benchmarks/never_slower.py --small    # two cells, seconds
    python experiments/benchmarks/never_slower.py --readme   # the table goes into README.md here
"""

from itertools import product
from pathlib import Path

import numpy as np
from equal_shapes import problem_of
from measuring import figure_of, in_turn, keep, options, quartiles, seconds_of, spelled
from peers.equal_shapes import jitted_loop

import mlp_jax

COUNTS, WIDTHS, BATCHES = (1, 8, 64, 1000), (8, 32, 64, 256), (32, 128, 512)
ROWS = 1024  # two of the largest batches: the most members of the widest take seconds an epoch
MEASURED = 16  # members of the loop
SECONDS, LEAST, MOST = 1.0, 4, 1000  # of a call of the sweep; epochs
ROUNDS = 5
FLOOR = 0.95


def shape_of(width):
    return (30, width, width, 1)


def epochs_of(count, width, batch, seconds):
    """As many as take about so long."""
    probe = 8
    table, choices = problem_of(count, ROWS, probe, shape_of(width), batch)[0]
    run = lambda: mlp_jax.sweep(*table, **choices, progress=False)  # noqa: E731
    run()  # compiles
    return int(np.clip(probe * seconds / seconds_of(run)[0], LEAST, MOST))


def measured(count, width, batch, rounds=ROUNDS, seconds=SECONDS):
    epochs = epochs_of(count, width, batch, seconds)
    (table, choices), members = problem_of(count, ROWS, epochs, shape_of(width), batch)
    some = members.first(min(MEASURED, count))

    def ours():
        result = mlp_jax.sweep(*table, **choices, progress=False)
        return np.array([member.curves.cost[-1] for member in result.members])

    calls = {"mlp_jax": ours}
    calls |= {layout: jitted_loop(some, layout) for layout in ("rows", "columns")}
    costs = {name: call()[: len(some.rates)].mean() for name, call in calls.items()}
    # The same work: of one network that learns its table by heart, the order of batches is a part.
    assert np.ptp(list(costs.values())) < 0.05 * min(costs.values()) + 0.02, costs
    times = in_turn(calls, rounds)
    layout = min(("rows", "columns"), key=lambda name: np.median(times[name]))
    scale = count / len(some.rates)
    each = 1e6 / (count * epochs)
    return {
        "members": count,
        "width": width,
        "batch": batch,
        "epochs": epochs,
        "measured": len(some.rates),
        "layout": layout,
        "microseconds": each * float(np.median(times["mlp_jax"])),
        "microseconds_of_loop": each * scale * float(np.median(times[layout])),
        "speed_up": quartiles(scale * np.array(times[layout]) / np.array(times["mlp_jax"])),
        "costs": {name: float(cost) for name, cost in costs.items()},
    }


def print_row(row):
    print(
        f"{row['members']:7,} {row['width']:6} {row['batch']:6} {row['epochs']:7,} "
        f"{row['microseconds']:9,.0f} {row['microseconds_of_loop']:9,.0f} {row['layout']:>8} "
        f"{spelled(row['speed_up']):>22} {row['costs']['mlp_jax']:8.4f} "
        f"{row['costs'][row['layout']]:8.4f}"
        + (f"  loop measured on {row['measured']} and scaled" * (row["measured"] < row["members"])),
        flush=True,
    )


def verdict(rows):
    below = [row for row in rows if row["speed_up"][1] < FLOOR]
    worst = min(rows, key=lambda row: row["speed_up"][1])
    where = f"{worst['members']:,} of width {worst['width']} in batches of {worst['batch']}"
    return (
        f"{len(below)} of {len(rows)} sizes below {FLOOR}; the lowest speed-up is "
        f"{spelled(worst['speed_up'])}, of {where}"
    )


def table(rows):
    counts = sorted({row["members"] for row in rows})
    heads = " | ".join(f"{count:,} network{'s' * (count > 1)}" for count in counts)
    lines = [f"| width, batch | {heads} |", "|---" * (len(counts) + 1) + "|"]
    for width, batch in sorted({(row["width"], row["batch"]) for row in rows}):
        cells = {
            row["members"]: spelled(row["speed_up"])
            for row in rows
            if (row["width"], row["batch"]) == (width, batch)
        }
        cells = " | ".join(cells.get(count, "-") for count in counts)
        lines.append(f"| {width}, {batch} | {cells} |")
    return "\n".join(lines) + "\n"


def picture(rows):
    batches = sorted({row["batch"] for row in rows})
    figure, axes = figure_of(len(batches))
    for one, batch in zip(axes, batches, strict=True):
        for width in sorted({row["width"] for row in rows}):
            points = [
                (row["members"], row["speed_up"][1])
                for row in rows
                if (row["width"], row["batch"]) == (width, batch)
            ]
            if points:
                one.plot(*zip(*points, strict=True), "o-", label=f"width {width}")
        one.axhline(FLOOR, color="k", lw=0.8, ls=":")
        one.set(xscale="log", xlabel="networks", title=f"batches of {batch}")
        one.legend(fontsize=7)
    axes[0].set_ylabel("times as fast as a jitted loop")
    return figure


@options(small="Two cells, a twentieth of a second each.")
def main(small: bool, readme: bool, output: Path) -> None:
    """Prints how many times as fast as the loop the sweep is, for every cell."""
    print(
        f"{'members':>7} {'width':>6} {'batch':>6} {'epochs':>7} {'µs, ours':>9} {'µs, loop':>9} "
        f"{'layout':>8} {'speed-up':>22} {'cost':>8} {'theirs':>8}   (µs of a member and epoch)",
        flush=True,
    )
    grid = [(1, 8, 128), (32, 8, 128)] if small else product(COUNTS, WIDTHS, BATCHES)
    rows = []
    for cell in grid:
        rows.append(measured(*cell, *((2, 0.05) if small else ())))
        print_row(rows[-1])
    print(verdict(rows))
    keep(
        *("never_slower", {"floor": FLOOR, "rows": rows}, picture(rows), table(rows)),
        output=output,
        readme=readme,
    )


if __name__ == "__main__":
    main()
