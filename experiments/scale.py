"""How a sweep scales over cores, devices and processes, and what that means for far larger ones.

Four questions; one machine, float32, everything compiled before, start-up apart:

1. Strong scaling: the same networks on one core, on two, on virtual devices; by one and by two
   workers of one core each, of `executor=2` and of Dask; in processes that
   `mlp_jax.distributed` has joined.
2. Weak scaling: as many networks a core.
3. What a checkpoint costs, saved ten times as often as by default, in turns with none.
4. On paper: what a million networks or a billion rows would take on 8 and on 512 accelerators, from
   the FLOPs and bytes of the plan; and where it stops scaling.

    python experiments/scale.py                # half an hour, with pip install '.[all,cluster]'
    python experiments/scale.py --part weak    # one of the first three; the others stay
    python experiments/scale.py --small        # seconds
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import click
import numpy as np

import mlp_jax

HERE = Path(__file__).parent
SIZES = (30, 64, 32, 16, 1)
ROWS, EPOCHS, MEMBERS = 2000, 40, 256
ROUNDS, CALLS = 2, 2
LAYOUTS = {
    # name: (who trains, how many of them, cores of each, devices of each)
    "one core": ("this process", 1, 1, 1),
    "two cores, one device": ("this process", 1, 2, 1),
    "two cores, two devices": ("this process", 1, 2, 2),
    "two cores, eight devices": ("this process", 1, 2, 8),
    "one worker of the pool": ("pool", 1, 1, 1),
    "two workers of the pool": ("pool", 2, 1, 1),
    "one worker of Dask": ("dask", 1, 1, 1),
    "two workers of Dask": ("dask", 2, 1, 1),
    "two joined processes": ("joined", 2, 1, 1),
    "four joined processes on two cores": ("joined", 4, 1, 1),
}
SMALL = ("one core", "one worker of the pool")
# An accelerator on paper: float32 FLOP/s, bytes of memory, bytes a second between two of them. They
# are those of one that is sold; nothing here was measured on one.
FLOPS, MEMORY, LINK = 67e12, 80e9, 50e9
SHARE = 0.1  # of its FLOP/s that small networks reach, a guess
SHARES = (SHARE, 0.5)
PARTS = ("strong", "weak", "checkpoint")
ACCELERATORS = (8, 512)
A_HOST = 8  # accelerators of a process


def problem(members, epochs=EPOCHS, rows=ROWS):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(rows, SIZES[0])).astype("float32")
    space = {
        "hidden": [SIZES[1:-1]],
        "learning_rate": [float(rate) for rate in np.geomspace(1e-4, 1e-2, members)],
    }
    split = [(np.arange(rows - rows // 5), np.arange(rows - rows // 5, rows))]
    return (X, X[:, 0] > 0, space), {"folds": split, "epochs": epochs, "key": 0}


@contextmanager
def executor_of(who, count):
    """Workers of one core each, of those that this process may use."""
    if who == "pool":
        from mlp_jax.processes.pool import Processes

        with Processes(count) as processes:
            yield processes
        return
    from distributed import Client, LocalCluster

    quiet = {"dashboard_address": "127.0.0.1:0", "silence_logs": 50}
    with (
        LocalCluster(n_workers=count, threads_per_worker=1, **quiet) as cluster,
        Client(cluster) as client,
    ):
        cores = sorted(os.sched_getaffinity(0))
        for number, worker in enumerate(client.scheduler_info()["workers"]):
            client.run(os.sched_setaffinity, 0, {cores[number]}, workers=[worker])
        yield client.get_executor()


def trained(how):
    """What a child does: seconds of the calls of one layout, the first of which compiles."""
    if how["who"] in ("pool", "dask"):
        began = time.perf_counter()
        with executor_of(how["who"], how["processes"]) as executor:
            calls_of(how, began, executor=executor)
        return
    import jax

    jax.config.update("jax_num_cpu_devices", how["devices"])
    began = time.perf_counter()
    if "at" in how:
        mlp_jax.distributed(how["at"], how["processes"], how["process"])
    calls_of(how, began, devices=jax.local_devices())


def calls_of(how, began, **where):
    """Prints the seconds of the start with the first call, and of each call that follows."""
    arguments, choices = problem(how["members"], how["epochs"])
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for call in range(how["calls"] + 1):
            saves = {}
            if "every" in how:
                saves = {"checkpoint": f"{folder}/{call}", "checkpoint_seconds": how["every"]}
            result = mlp_jax.sweep(
                *arguments,
                **choices,
                **saves,
                **where,
                progress=False,
            )
            assert {row.status for row in result.ranking} == {"finished"}  # or less was done
            found.append(result.seconds if call else time.perf_counter() - began)
    print(json.dumps(found))


def seconds_of(layout, members, epochs, calls, **more):
    """(of the start, the median of the calls); of processes, of the slowest."""
    who, processes, cores, devices = layout
    with socket.create_server(("127.0.0.1", 0)) as free:
        at = f"127.0.0.1:{free.getsockname()[1]}"
    how = {"members": members, "epochs": epochs, "calls": calls, "devices": devices} | more
    how |= {"who": who, "processes": processes}
    machine = sorted(os.sched_getaffinity(0))
    children = []
    joined = who == "joined"
    cores *= 1 if joined else processes
    for process in range(processes if joined else 1):
        own = how | ({"at": at, "process": process} if joined else {})
        command = [sys.executable, __file__, "--child", json.dumps(own)]
        children.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        chosen = {machine[(process * cores + i) % len(machine)] for i in range(cores)}
        os.sched_setaffinity(children[-1].pid, chosen)
    printed = [child.communicate()[0] for child in children]
    assert all(child.returncode == 0 for child in children)
    starts, *rest = zip(*(json.loads(one.splitlines()[-1]) for one in printed), strict=True)
    middle = max(statistics.median(calls) for calls in zip(*rest, strict=True))
    return max(starts) - middle, middle


def scaling(layouts, members_of, epochs, rounds, calls, title):
    """Seconds of every layout, in turns, and the speed beside one core."""
    times = {name: [] for name in layouts}
    for number in range(rounds):
        for name in layouts[:: 1 if number % 2 else -1]:
            times[name].append(seconds_of(LAYOUTS[name], members_of(name), epochs, calls))
    print(f"\n{title}\n{'':>36} {'networks':>8} {'seconds':>8} {'speed':>6} {'start':>6}")
    middles = {
        name: [statistics.median(values) for values in zip(*seconds, strict=True)]
        for name, seconds in times.items()
    }
    speed_of_one = members_of("one core") / middles["one core"][1]
    rows = []
    for name, (start, middle) in middles.items():
        members, speed = members_of(name), members_of(name) / middle / speed_of_one
        rows.append({"layout": name, "members": members, "seconds": middle, "speed": speed})
        rows[-1]["start"] = start
        print(f"{name:>36} {members:8,} {middle:8.2f} {speed:6.2f} {start:6.1f}", flush=True)
    return rows


def checkpoints(members, epochs, rounds, every):
    """The cost of saving every so many seconds, as a share."""
    shares = []
    for _ in range(rounds):
        layout = LAYOUTS["two cores, one device"]
        _, without = seconds_of(layout, members, epochs, 1)
        _, saving = seconds_of(layout, members, epochs, 1, every=every)
        shares.append(saving / without - 1)
    cost = statistics.median(shares)
    print(f"\na checkpoint every {every:g} s, {members:,} networks, {without:.0f} s: {cost:+.1%}")
    return {"every": every, "members": members, "seconds": without, "cost": cost, "all": shares}


def on_paper(members):
    """The lines of the page, from the plan of what was measured."""
    arguments, choices = problem(members)
    plan = mlp_jax.plan_sweep(*arguments, **choices)
    flops = plan.flops_used / plan.members
    weights = sum((a + 1) * b for a, b in pairwise(SIZES))
    result_bytes = 4 * (weights + 4 * EPOCHS)
    million = 10**6
    lines = [
        "## A million networks",
        "",
        f"Of {'-'.join(map(str, SIZES))} on {ROWS:,} rows, {EPOCHS} epochs: {flops / 1e9:.2f} "
        f"GFLOP and {result_bytes / 1e3:.1f} kB of results each, by the plan. Members never speak "
        "to one another, so their time is divided by the number of accelerators.",
        "",
        "| accelerators | share of their FLOP/s | seconds to train | results of all, GB | "
        "seconds to gather them on every host |",
        "|---|---|---|---|---|",
    ]
    for count in ACCELERATORS:
        for share in SHARES:
            training = million * flops / (count * share * FLOPS)
            gathering = million * result_bytes / LINK if count > A_HOST else 0.0
            lines.append(
                f"| {count} | {share:.0%} | {training:,.1f} | {million * result_bytes / 1e9:.1f} | "
                f"{gathering:.1f} |"
            )
    stops = million * flops / (SHARE * FLOPS) / (million * result_bytes / LINK)
    rows, billion = 10**9, 4 * SIZES[0] * 10**9
    lines += [
        "",
        f"Gathering takes as long on any number of hosts, and every host holds all of it. At about "
        f"{stops:,.0f} accelerators it takes as long as training: there it stops scaling. Beyond, "
        "divide the sweep into shards (`shard=(i, n)`), which gather nothing, and read the folder "
        "where there is room; the workers of an engine (`executor=`) bring all to one process. "
        "Compiling stops it sooner where there are many shapes: every accelerator compiles the "
        "programs that it runs, and they take seconds each.",
        "",
        "## A billion rows",
        "",
        f"{billion / 1e9:.0f} GB of float32. Of a sweep every accelerator holds all rows: "
        f"{MEMORY / (2 * 4 * SIZES[0]) / 1e6:,.0f} million of them fill half of {MEMORY / 1e9:.0f} "
        f"GB, and there it stops, whatever the number of accelerators. One network is trained on "
        "rows that are divided among the accelerators (`mlp_jax.fit` on arrays sharded by "
        "examples); a step then adds up one gradient over all of them.",
        "",
        "| accelerators | GB of rows each | fits | seconds an epoch, full batches | "
        "microseconds to add up a gradient |",
        "|---|---|---|---|---|",
    ]
    epoch = rows * 6 * weights
    for count in ACCELERATORS:
        each = billion / count
        fits = "yes" if each < 0.8 * MEMORY else "no"
        adding = 2 * 4 * weights * (count - 1) / count / LINK
        lines.append(
            f"| {count} | {each / 1e9:.2f} | {fits} | {epoch / (count * SHARE * FLOPS):.3f} | "
            f"{1e6 * adding:.1f} |"
        )
    least = 2 * 4 / LINK * SHARE * FLOPS / 6
    lines += [
        "",
        f"A gradient takes as long to add up as {least:,.0f} rows take an accelerator at "
        f"{SHARE:.0%}: batches of fewer rows each are not worth dividing.",
    ]
    return lines


@click.command()
@click.option("--small", is_flag=True, help="Few networks and layouts, one round.")
@click.option(
    "--part",
    "parts",
    multiple=True,
    default=PARTS,
    type=click.Choice(PARTS),
    help="What to measure anew, all by default; repeatable.",
)
@click.option("--child", hidden=True)
@click.option("--output", type=Path, default=HERE / "results", help="Folder of scale.json.")
@click.option("--page", type=Path, default=HERE / "scale.md")
def main(small, parts, child, output, page):
    """Prints what is measured, and writes it with the page."""
    if child is not None:
        trained(json.loads(child))
        return
    members, epochs = (16, 3) if small else (MEMBERS, EPOCHS)
    rounds, calls = (1, 1) if small else (ROUNDS, CALLS)
    began = time.perf_counter()
    layouts = SMALL if small else tuple(LAYOUTS)
    used = {name: min(2, count * cores) for name, (_, count, cores, _) in LAYOUTS.items()}
    how = epochs, rounds, calls
    ways = {
        "strong": lambda: scaling(layouts, lambda _: members, *how, "the same networks"),
        "weak": lambda: scaling(layouts, lambda name: members * used[name], *how, "as many a core"),
        "checkpoint": lambda: checkpoints(*(16, 3, 1, 0.2) if small else (1024, 60, rounds, 6.0)),
    }
    kept = output / "scale.json"
    if set(parts) != set(PARTS) and not kept.exists():
        raise click.UsageError(f"{kept} has none of the other parts yet: leave --part out")
    found = json.loads(kept.read_text()) if set(parts) != set(PARTS) else {}
    found |= {part: ways[part]() for part in PARTS if part in parts}
    output.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(found, indent=1) + "\n")
    page.write_text(
        "\n".join(["# How far it scales", "", *measured(found), *on_paper(members)]) + "\n"
    )
    print(f"\n{time.perf_counter() - began:.0f} s; wrote {kept} and {page}")


def measured(found):
    """The first part of the page."""
    lines = [
        "Written by `experiments/scale.py`: first what was measured on two CPU cores, with all",
        "programs compiled before, then what follows from it on paper. The start is what the first",
        "call takes more: processes begin, JAX is imported, all is compiled.",
        "",
        "## Measured",
        "",
        "| | seconds, same networks | speed | start | seconds, as many a core | speed |",
        "|---|---|---|---|---|---|",
    ]
    for one, other in zip(found["strong"], found["weak"], strict=True):
        lines.append(
            f"| {one['layout']} | {one['seconds']:.2f} | {one['speed']:.2f} | "
            f"{one['start']:.1f} | {other['seconds']:.2f} | {other['speed']:.2f} |"
        )
    saving = found["checkpoint"]
    return [
        *lines,
        "",
        f"A checkpoint every {saving['every']:g} s costs {saving['cost']:z.1%} of a sweep of "
        f"{saving['members']:,} networks; by default it is every 60 s.",
        "",
    ]


if __name__ == "__main__":
    main()
