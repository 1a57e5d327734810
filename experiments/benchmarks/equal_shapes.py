"""How fast is a sweep over networks of one shape, beside the other ways to train as many?

30-64-32-16-1, plain gradient descent in batches of 64, ReLU, float32, every network with its own
initial weights and learning rate: `sweep` beside a jitted training called in a loop, `jit(vmap)` of
the same, `torch.func.vmap`, and scikit-learn in as many processes as there are cores. All start
from the same weights and do the same steps, in batches of their own order; their mean costs of the
last epoch are compared first. `sweep` validates besides, every epoch by 64 rows.

Calls are in turn (A B C, C B A, ...) in one process; seconds of a call with everything compiled,
medians, and ratios of theirs to ours with quartiles; beside them the first call, which compiles.
What trains one network after the other is measured on 32 of them and scaled. The machine should be
doing nothing else: PyTorch's threads spin while they wait for each other, and then take minutes.

    pip install -e '.[bench]' --group peers                  # pip 25.1 or later
    python experiments/benchmarks/equal_shapes.py            # minutes
    python experiments/benchmarks/equal_shapes.py --large    # and 10,000 networks: an hour
    python experiments/benchmarks/equal_shapes.py --small    # 8 networks, without PyTorch: seconds
    python experiments/benchmarks/equal_shapes.py --readme   # the table goes into README.md here
"""

import importlib.util
from pathlib import Path

import click
import numpy as np
from measuring import (
    figure_of,
    forget_programs,
    in_turn,
    keep,
    options,
    quartiles,
    seconds_of,
    spelled,
)
from peers.equal_shapes import NEEDS, ONE_BY_ONE, PEERS, Members

import mlp_jax
from mlp_jax.sweeps.running.stacking import InitialWeights
from mlp_jax.sweeps.task import as_task

SIZES = (30, 64, 32, 16, 1)
BATCH, ROWS, EPOCHS = 64, 2048, 10
HELD = 64  # rows to validate by: as few as a batch, for the peers do not validate
COUNTS, LARGE = (16, 64, 256, 1024), 10_000
MEASURED = 32  # of those that are trained one by one
ROUNDS, ROUNDS_OF_LARGE = 7, 3
RATES = {"sgd": (0.02, 0.2), "adam": (2e-4, 2e-3)}
# Costs of the last epoch may differ by so much: batches are in another order, and of few networks.
APART = 0.05


def problem_of(
    count,
    rows=ROWS,
    epochs=EPOCHS,
    sizes=SIZES,
    batch=BATCH,
    optimizer="sgd",
    precision="highest",
):
    """(arguments of `sweep`, the same as `Members`): two classes that a linear teacher names."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(rows + HELD, sizes[0])).astype(np.float32)
    y = (X @ rng.normal(size=sizes[0]) + 2 * rng.normal(size=len(X)) > 0).astype(int)
    rates = np.exp(rng.uniform(*np.log(RATES[optimizer]), size=count)).astype(np.float32)
    space = [
        {
            "hidden": sizes[1:-1],
            "optimizer": optimizer,
            "learning_rate": float(rate),
            "batch_size": batch,
            "seed": seed,
            "precision": precision,
        }
        for seed, rate in enumerate(rates)
    ]
    table = X[:rows], y[:rows], space
    choices = {"validation": (X[rows:], y[rows:]), "epochs": epochs}
    drawn = InitialWeights(as_task(*table, **choices))
    weights = drawn.stack([(seed, seed, 0) for seed in range(count)], sizes[1:-1])
    stacked = [(W, b[:, :, 0]) for W, b in weights]
    return (table, choices), Members(sizes, X[:rows], y[:rows], stacked, rates, batch, epochs)


def calls_of(swept, members, peers):
    """({name: a call that returns the members' costs at the end}, {name: how many it trains})."""
    table, choices = swept

    def ours():
        result = mlp_jax.sweep(*table, **choices, progress=False)
        return np.array([member.curves.cost[-1] for member in result.members])

    calls, counts = {"mlp_jax": ours}, {"mlp_jax": len(members.rates)}
    for name in peers:
        counts[name] = (
            min(MEASURED, len(members.rates)) if name in ONE_BY_ONE else counts["mlp_jax"]
        )
        try:
            calls[name] = PEERS[name](members.first(counts[name]))
        except ImportError as missing:
            raise SystemExit(f"{name} is not here: {missing}") from None
    return calls, counts


def first_calls(calls):
    """({name: seconds}, {name: costs}), compilation and all; what does not compile drops out."""
    seconds, costs = {}, {}
    forget_programs()
    for name in list(calls):
        try:
            seconds[name], costs[name] = seconds_of(calls[name])
        except Exception as failed:
            if "compiled" not in name:
                raise
            print(f"{name} does not work here and is left out: {type(failed).__name__}", flush=True)
            del calls[name]
    return seconds, costs


def check_costs(costs):
    """Ends the script if the mean cost of the same members is not about the same."""
    for name, theirs in costs.items():
        mine = costs["mlp_jax"][: len(theirs)].mean()
        if not abs(theirs.mean() / mine - 1) < APART:
            raise SystemExit(f"costs at the end: {name} {theirs.mean()}, mlp_jax {mine}")


def measured(count, rounds, peers, rows=ROWS, epochs=EPOCHS):
    swept, members = problem_of(count, rows, epochs)
    plan = mlp_jax.plan_sweep(*swept[0], **swept[1])
    calls, counts = calls_of(swept, members, peers)
    first, costs = first_calls(calls)
    check_costs(costs)
    times = in_turn(calls, rounds)
    scale = {name: count / counts[name] for name in calls}
    mine = np.array(times["mlp_jax"])
    seconds = {name: float(np.median(values)) * scale[name] for name, values in times.items()}
    # A first call compiles once and trains as many as the others.
    compiling = {name: first[name] - seconds[name] / scale[name] for name in calls}
    return {
        "members": count,
        "steps": epochs * (rows // BATCH),
        "measured": counts,
        "flops": plan.flops_used,
        "seconds": seconds,
        "with_compiling": {name: seconds[name] + compiling[name] for name in calls},
        "ratios": {
            name: quartiles(np.array(values) * scale[name] / mine) for name, values in times.items()
        },
        "costs": {name: [float(values.mean()), len(values)] for name, values in costs.items()},
        "costs_of_ours_on_the_same": {
            name: float(costs["mlp_jax"][: len(values)].mean()) for name, values in costs.items()
        },
    }


def print_row(row):
    count = row["members"]
    print(f"{count:,} members, {row['steps']} steps each")
    print(f"{'':28} {'ms each':>8} {'GFLOP/s':>8} {'times ours':>22} {'compiled':>9} {'cost':>7}")
    for name, seconds in row["seconds"].items():
        compiled = row["with_compiling"][name] / row["with_compiling"]["mlp_jax"]
        part = row["measured"][name]
        print(
            f"{name:28} {1e3 * seconds / count:8.2f} {row['flops'] / seconds / 1e9:8.1f} "
            f"{spelled(row['ratios'][name]):>22} {compiled:9.2f} {row['costs'][name][0]:7.4f}"
            + (f"  measured on {part} and scaled" if part < count else ""),
            flush=True,
        )


def table(rows):
    names = list(dict.fromkeys(name for row in rows for name in row["seconds"]))[1:]
    heads = " | ".join(f"{row['members']:,}" for row in rows)
    ours = [f"{1e3 * row['seconds']['mlp_jax'] / row['members']:.2f} ms" for row in rows]
    speed = [f"{row['flops'] / row['seconds']['mlp_jax'] / 1e9:.0f} GFLOP/s" for row in rows]
    lines = [f"| networks | {heads} |", "|---" * (len(rows) + 1) + "|"]
    lines += [f"| `sweep`, each | {' | '.join(ours)} |", f"| `sweep` | {' | '.join(speed)} |"]
    for name in names:
        cells = [spelled(row["ratios"][name]) if name in row["ratios"] else "-" for row in rows]
        lines.append(f"| {name}, times ours | {' | '.join(cells)} |")
    for name in names:
        cells = [
            f"{row['with_compiling'][name] / row['with_compiling']['mlp_jax']:.2f}"
            if name in row["ratios"]
            else "-"
            for row in rows
        ]
        lines.append(f"| {name}, compiling included | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def picture(rows):
    figure, axes = figure_of(2)
    names = list(dict.fromkeys(name for row in rows for name in row["seconds"]))
    for one, what in zip(axes, ("seconds", "with_compiling"), strict=True):
        for name in names:
            points = [
                (r["members"], 1e3 * r[what][name] / r["members"]) for r in rows if name in r[what]
            ]
            style = "ko-" if name == "mlp_jax" else ".--"
            one.plot(*zip(*points, strict=True), style, label=name.replace("`", ""))
        one.set(xscale="log", yscale="log", xlabel="networks", ylabel="ms a network")
    axes[0].set_title("compiled")
    axes[1].set_title("compiling included")
    axes[1].legend(fontsize=7, loc="upper left", bbox_to_anchor=(1.02, 1.0))  # hides no line
    return figure


@options(small="8 networks, without PyTorch.")
@click.option("--large", is_flag=True, help="10,000 networks too.")
def main(small: bool, large: bool, readme: bool, output: Path) -> None:
    """Prints how many times as long as ours every way takes."""
    missing = [name for name, module in NEEDS.items() if not importlib.util.find_spec(module)]
    if small:
        missing = list(NEEDS)
    if missing:
        why = "left out of the small form" if small else "not installed, so left out"
        print(f"{why}: {', '.join(missing)}", flush=True)
    peers = [name for name in PEERS if name not in missing]
    rows = []
    for count in (8,) if small else COUNTS + (LARGE,) * large:
        rounds = 2 if small else ROUNDS_OF_LARGE if count == LARGE else ROUNDS
        rows.append(measured(count, rounds, peers, *((256, 2) if small else ())))
        print_row(rows[-1])
    keep(
        *("equal_shapes", {"rows": rows}, picture(rows), table(rows)),
        output=output,
        readme=readme,
    )


if __name__ == "__main__":
    main()
