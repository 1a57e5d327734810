"""How fast is it, in eight lines? README's table, out of the results that the other scripts kept.

    python experiments/benchmarks/summary.py            # prints the table
    python experiments/benchmarks/summary.py --readme   # and writes it into README

Nothing is measured here: each line names the script that measured it, and each figure is a median
of that script, the time of another way over ours.
"""

import argparse
import json
from pathlib import Path

from measuring import RESULTS, write_between

README = Path(__file__).parents[2] / "README.md"
MARKS = "<!-- summary: begin -->\n", "<!-- summary: end -->\n"
NAMES = {  # of a way, as README calls it
    "scikit-learn, joblib": "scikit-learn",
    "`jit(vmap)`": "a `jit(vmap)`",
    "jitted loop, rows": "a jitted loop",
    "`torch.func.vmap` compiled": "that compiled",
    "Flax NNX": "Flax",
}


def result(name):
    """What the script of this name kept."""
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def said(ratios):
    """{way: times our time} in words, the largest first."""
    ranked = sorted(ratios.items(), key=lambda item: -item[1])
    return ", ".join(f"{NAMES.get(way, way)} {times:.2f}" for way, times in ranked)


def medians(ratios, ways):
    """Of these ways, out of {way: (lower quartile, median, upper quartile)}."""
    return {way: ratios[way][1] for way in ways}


def spread(values):
    """From the least to the most."""
    return f"{min(values):.1f} to {max(values):.1f}"


def lines():
    """(what is trained, the time of others over ours, script) of every line."""
    peers = ("scikit-learn", "PyTorch", "Flax NNX", "Equinox")
    for row in result("one_model")["rows"]:
        sizes = "-".join(map(str, row["sizes"]))
        yield (
            f"one network, {sizes}, batches of {row['batch']}",
            said(medians(row["ratios"], peers)),
            "one_model",
        )
    ways = ("scikit-learn, joblib", "`jit(vmap)`", "`torch.func.vmap`", "jitted loop, rows")
    row = result("equal_shapes")["rows"][-1]
    yield (
        f"{row['members']:,} networks of one shape",
        said(medians(row["ratios"], (*ways, "`torch.func.vmap` compiled"))),
        "equal_shapes",
    )
    mixed = result("mixed_shapes")
    seconds = {way: mean for way, (mean, _) in mixed["seconds"].items()}
    cold, halved = seconds["sweep, cold"], seconds["sweep, halving, cold"]
    theirs = {"scikit-learn": seconds["scikit-learn"], "a jitted loop": seconds["jitted loop"]}
    yield (
        f"{mixed['configurations']:,} configurations of {mixed['shapes']} shapes, {mixed['folds']} "
        "folds, compiling included",
        said({way: s / cold for way, s in theirs.items()})
        + f"; with `halving=3` {said({way: s / halved for way, s in theirs.items()})}",
        "mixed_shapes",
    )
    rows = [row["seconds"] for row in result("search_cv")["rows"]]
    plain, halving = (
        spread([row["scikit-learn"] / row[way] for row in rows]) for way in ("cold", "halving")
    )
    yield (
        f"`SweepCV` for `RandomizedSearchCV`, 200 candidates, 5 folds, {len(rows)} tables",
        f"scikit-learn {plain}; with `halving=3` {halving}",
        "search_cv",
    )
    row = result("on_accelerator")["equal"][-1]
    device = result("on_accelerator")["machines"]["equal"]["device"]
    yield (
        f"{row['members']:,} networks of one shape, {device}",
        said(medians(row["ratios"], ways)),
        "on_accelerator",
    )
    rows = result("gradient_vs_autodiff")["rows"]
    ratios = [1 / row["time_ratio"] for row in rows]
    yield (
        f"the gradient by hand, {len(rows)} sizes",
        f"`jax.grad` {min(ratios):.2f} to {max(ratios):.2f}",
        "gradient_vs_autodiff",
    )


def table():
    """The table in Markdown."""
    head = "| trained | time of others over ours | by |\n|---|---|---|\n"
    return head + "".join(f"| {what} | {others} | `{by}.py` |\n" for what, others, by in lines())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--readme", action="store_true", help="write the table into README too")
    arguments = parser.parse_args()
    print(table())
    if arguments.readme:
        write_between(README, MARKS, table())


if __name__ == "__main__":
    main()
