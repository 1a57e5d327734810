"""A search over networks of many shapes, end to end: how long, beside the ways without a sweep?

The space of `sweep_planner.py`: 1,000 configurations on 3 folds of 10,000 rows for 20 epochs, Adam,
float32. `sweep`, and with `halving=3`, with an empty compilation cache, and again with one that
has all programs; then a search with halving and another seed, by that cache, which has what both
need; beside scikit-learn's `RandomizedSearchCV` on all cores and a jitted training in a
loop, compiling a program for every shape. These two are measured on a part of the configurations,
half of it before our sweeps and half after, and scaled: the configurations in the order of batch
size and parameters are cut in parts of equal number, and one drawn from each; the standard error is
that of the pairs of neighbours. scikit-learn has no gelu, so tanh is in its place.

Useful FLOPs are those of the products without padding, over all seconds; the machine's own are
those of its fastest matrix product, measured here as well.

    python experiments/benchmarks/mixed_shapes.py            # half an hour
    python experiments/benchmarks/mixed_shapes.py --small    # 4 configurations of few rows
    python experiments/benchmarks/mixed_shapes.py --readme   # the table goes into README.md here
"""

import tempfile
from contextlib import contextmanager
from pathlib import Path

import click
import jax
import numpy as np
from jax.experimental.compilation_cache import compilation_cache
from measuring import figure_of, forget_programs, keep, largest_product, options
from peers.mixed_shapes import IN_PROCESSES, PEERS, Searched, program_of
from sweep_planner import space, table

import mlp_jax
from mlp_jax.sweeps.planning.costs import parameters
from mlp_jax.sweeps.task import as_task

N, FOLDS, EPOCHS, ROWS = 1000, 3, 20, 10_000
ANOTHER = "sweep, halving, another seed, warm"
SAMPLE, SEED = 40, 0  # configurations that the peers are measured on, and what draws them
APART = 0.02  # of the mean accuracy of the sample, ours and that of the jitted loop


@contextmanager
def compilation_cache_in(folder):
    """Programs are written to the folder, and read from it. Nothing else is compiled already."""
    names = {
        "jax_compilation_cache_dir": str(folder),
        "jax_persistent_cache_min_compile_time_secs": 0.0,
    }
    before = {name: getattr(jax.config, name) for name in names}
    try:
        for name, value in names.items():
            jax.config.update(name, value)
        compilation_cache.reset_cache()
        forget_programs()
        yield
    finally:
        for name, value in before.items():
            jax.config.update(name, value)
        compilation_cache.reset_cache()
        forget_programs()


def representative(configurations, features, count, seed=SEED):
    """Numbers of so many configurations, one from each of as many parts of about equal cost."""

    def cost(i):
        c = configurations[i]
        return c.batch_size, float(parameters(np.array(c.hidden), (features, 1))[0])

    rng = np.random.default_rng(seed)
    parts = np.array_split(sorted(range(len(configurations)), key=cost), count)
    return [int(rng.choice(part)) for part in parts]


def scaled(measured, n, programs):
    """(seconds of n configurations in so many programs, standard error)."""
    seconds = measured.seconds + measured.compiling * programs / n
    pairs = seconds[: len(seconds) // 2 * 2].reshape(-1, 2)
    error = np.sqrt(np.sum((pairs[:, 0] - pairs[:, 1]) ** 2)) * n / len(seconds)
    return float(seconds.mean() * n), float(error)


def measured_peers(task, numbers, peers):
    """{name: `Measured` of these configurations}."""
    configurations = [task.configurations[i].named for i in numbers]
    y = next(iter(task.labels.values()))[:, 0].astype(int)
    searched = Searched(configurations, task.X, y, task.splits, configurations[0]["epochs"])
    found = {}
    for name in peers:
        if name in IN_PROCESSES:  # they are there before the clock runs
            PEERS[name](searched._replace(configurations=configurations[:1], epochs=1))
        found[name] = PEERS[name](searched)
        took = found[name].seconds.sum() + found[name].compiling.sum()
        print(f"{name}: {len(numbers)} configurations, {took:.1f} s", flush=True)
    return found


def both_halves(before, after):
    """Numbers of neighbours, one measured before and one after, side by side."""
    return type(before)(*(np.stack(two, 1).ravel() for two in zip(before, after, strict=True)))


def swept(name, arguments, choices, folder):
    """The result of a sweep with this compilation cache."""
    before = len(list(folder.glob("*-cache")))
    with compilation_cache_in(folder):
        result = mlp_jax.sweep(*arguments, **choices, progress=False)
    written = len(list(folder.glob("*-cache"))) - before
    print(
        f"{name}: {result.seconds:.1f} s, {result.compilations} programs of chunks; of those and "
        f"smaller ones {written} were not in the cache",
        flush=True,
    )
    return result


def ours(arguments, choices, folder, between):
    """{name: result}, cold and warm; `between` is called between the two."""
    halved = choices | {"halving": 3}
    ways = {"sweep": choices, "sweep, halving": halved}
    results = {}
    for state in ("cold", "warm"):
        for number, (way, chosen) in enumerate(ways.items()):
            name = f"{way}, {state}"
            results[name] = swept(name, arguments, chosen, Path(folder) / str(number))
        if state == "cold":
            between()
    kept = Path(folder) / str(list(ways).index("sweep, halving"))
    results[ANOTHER] = swept(ANOTHER, arguments, halved | {"key": 1}, kept)
    return results


def measured(n, rows, epochs, sample, products, choices_of_space=None):
    arguments = (*table(rows), space() | (choices_of_space or {}))
    choices = {"n": n, "folds": FOLDS, "epochs": epochs}
    task = as_task(*arguments, **choices)
    numbers = representative(task.configurations, task.X.shape[1], sample)
    before, after = numbers[0::2], numbers[1::2]
    halves = [measured_peers(task, before, PEERS)]
    with tempfile.TemporaryDirectory() as folder:
        results = ours(
            *(arguments, choices, folder),
            between=lambda: halves.append(measured_peers(task, after, PEERS)),
        )
    peers = {name: both_halves(halves[0][name], halves[1][name]) for name in PEERS}
    programs = len({program_of(c.named) for c in task.configurations})
    own = accuracies(results["sweep, cold"])[numbers].mean()
    scores = {name: float(found.scores.mean()) for name, found in peers.items()}
    apart = abs(scores["jitted loop"] - own)
    if not apart <= APART and rows == ROWS:
        raise SystemExit(f"accuracy {own} and that of the jitted loop {scores['jitted loop']}")
    plan, product = results["sweep, cold"].plan, largest_product(*products)
    seconds = {name: [result.seconds, 0.0] for name, result in results.items()}
    seconds |= {name: list(scaled(found, n, programs)) for name, found in peers.items()}
    return {
        **{"configurations": n, "folds": FOLDS, "epochs": epochs, "rows": rows},
        **{"sample": sample, "shapes": programs, "programs": plan.compilations},
        "useful_share_of_flops": plan.flops_used / plan.flops_issued,
        "seconds": seconds,
        "product": product,
        "useful": {
            name: plan.flops_used / seconds[name][0] for name in seconds if "halving" not in name
        },
        "accuracy_of_sample": scores | {"sweep": float(own)},
        "best_score": {name: result.best.score for name, result in results.items()},
    }


def accuracies(result):
    """Held-out accuracy after the last epoch, the mean over the folds, of every configuration."""
    last = np.array([member.curves.metric[-1] for member in result.members])
    return last.reshape(len(result.task.configurations), -1).mean(axis=1)


def table_of(result):
    n, cold = result["configurations"], result["seconds"]["sweep, cold"][0]
    halved = result["seconds"]["sweep, halving, cold"][0]
    lines = [
        "| way | seconds | to `sweep`, cold | to `halving=3`, cold | useful GFLOP/s "
        "| share of the largest product |",
        "|---|---|---|---|---|---|",
    ]
    for name, (seconds, error) in result["seconds"].items():
        spelled = f"{seconds:,.1f}"
        if error:
            spelled += f" ± {error:,.1f}, {result['sample']} of {n:,} scaled"
        useful = result["useful"].get(name)
        speed = f"{useful / 1e9:.1f} | {useful / result['product']:.0%}" if useful else "- | -"
        lines.append(
            f"| {name} | {spelled} | {seconds / cold:.2f} | {seconds / halved:.2f} | {speed} |"
        )
    return "\n".join(lines) + "\n"


def picture(result):
    figure, [axes] = figure_of(1, width=8)
    names = list(result["seconds"])
    seconds, errors = np.array(list(result["seconds"].values())).T
    colours = ["C0" if name.startswith("sweep") else "C1" for name in names]
    axes.barh(names[::-1], seconds[::-1], xerr=errors[::-1], color=colours[::-1])
    axes.set(xlabel=f"seconds for {result['configurations']:,} configurations, compiling included")
    return figure


@options(small="4 configurations of few rows.")
@click.option("--sample", default=SAMPLE, show_default=True, help="Measured of the peers; even.")
def main(small: bool, sample: int, readme: bool, output: Path) -> None:
    """Prints seconds of every way, and useful GFLOP/s."""
    if sample % 2:
        raise click.BadParameter("half of the sample is measured before and half after: type 40")
    if small:
        few = {"depth": [1], "activation": ["relu", "gelu"], "batch_size": [64]}
        result = measured(4, 300, 2, 2, ((256,), 2), few)
    else:
        result = measured(N, ROWS, EPOCHS, sample, ())
    print(f"{result['shapes']} of {result['configurations']} configurations differ in shape")
    print(f"accuracy of the sample at the end: {result['accuracy_of_sample']}")
    print("scikit-learn has no gelu: tanh in its place")
    print(f"largest matrix product: {result['product'] / 1e9:.1f} GFLOP/s")
    keep(*("mixed_shapes", result, picture(result), table_of(result)), output=output, readme=readme)


if __name__ == "__main__":
    main()
