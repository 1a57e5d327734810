"""How far apart are the gradient by hand, `jax.grad` and differences, by depth, width and dtype?

In float64 the gradient by hand and `jax.grad` are the same to rounding: at most 2e-14 apart, in
twelve layers of width 4, and 2e-15 elsewhere. Differences come to 4e-8 of both at worst, mostly to
1e-9. In float32 both are off by 1e-7 in two layers and 5e-6 in twelve, by hand a little less often
than not. In bfloat16 both are off by up to a half, because ReLUs whose z is near 0 change sides:
compute in it, but keep parameters and sums in float32, and do not check a gradient in it.

Random ReLU networks, sigmoid outputs, 32 examples, five nets a row. Every gradient is compared with
the gradient by hand in float64; the difference of a W[l] or b[l] is taken relative to its largest
entry, and the worst layer of the worst net is printed. In float64 that column is the distance of
hand and `jax.grad`. Differences are central, in float64 with Richardson's extrapolation as the
certificate takes them, on 32 entries of every W[l] and b[l] and without those at a kink.

    python experiments/agreement.py           # a minute or two
    python experiments/agreement.py --small   # seconds
"""

import argparse
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import mlp_jax
from mlp_jax.certificate.differences import central_differences
from mlp_jax.network import PAPER

RESULTS = Path(__file__).parent / "results"
DEPTHS, WIDTHS = (2, 4, 8, 12), (4, 16, 64)
FEATURES, EXAMPLES, NETS, ENTRIES = 8, 32, 5, 32
DTYPES = ("float64", "float32", "bfloat16")


def problem(depth, width, seed):
    """(params, X, Y) in float64, every number one of bfloat16's, so that rounding to it is free."""
    keys = jax.random.split(jax.random.key(seed), 4)
    params = mlp_jax.init(keys[0], (FEATURES, *[width] * (depth - 1), 1), dtype=jnp.float64)
    # Biases that are not all zero, or a dead first layer would make everything below it zero.
    params = [(W, 0.1 * jax.random.normal(keys[1], b.shape)) for W, b in params]
    X = jax.random.normal(keys[2], (FEATURES, EXAMPLES))
    Y = jax.random.bernoulli(keys[3], 0.5, (1, EXAMPLES))
    return *jax.tree.map(lambda a: a.astype(jnp.bfloat16).astype(float), (params, X)), Y


def distance(grads, truth):
    """The largest difference of any leaf, relative to the leaf's largest entry."""
    pairs = zip(jax.tree.leaves(grads), jax.tree.leaves(truth), strict=True)
    return max(float(abs(g.astype(float) - t).max() / abs(t).max()) for g, t in pairs)


def distance_of_differences(params, X, Y, truth):
    layers = tuple(mlp_jax.Layer(*pair) for pair in params)
    rng, start, worst = np.random.default_rng(0), 0, 0.0
    for leaf in jax.tree.leaves(truth):
        chosen = rng.choice(leaf.size, min(ENTRIES, leaf.size), replace=False)
        found = central_differences(
            *(layers, X, Y.astype(float), start + chosen),
            noise_of_J=0.0,  # of labels that are 0 or 1 it is within J's last digits
            network=PAPER,
            weights=None,
            l2=0.0,
        )
        apart = abs(found.slope - leaf.ravel()[chosen]) / abs(leaf).max()
        worst = max(worst, float(jnp.max(jnp.where(found.kink, 0.0, apart))))
        start += leaf.size
    return worst


def measured(depth, width, dtype, nets):
    by_hand, by_autodiff, by_differences = [], [], []
    for seed in range(nets):
        params, X, Y = problem(depth, width, seed)
        truth = mlp_jax.gradient(params, X, Y)
        rounded = jax.tree.map(lambda leaf: leaf.astype(dtype), (params, X))
        by_hand.append(distance(mlp_jax.gradient(*rounded, Y), truth))
        by_autodiff.append(distance(jax.grad(mlp_jax.cost)(*rounded, Y), truth))
        if dtype == "float64":
            by_differences.append(distance_of_differences(params, X, Y, truth))
    return {
        "depth": depth,
        "width": width,
        "dtype": dtype,
        "by_hand": max(by_hand),
        "by_autodiff": max(by_autodiff),
        "by_differences": max(by_differences, default=None),
    }


def table(rows):
    lines = [
        "| dtype | layers | width | by hand | `jax.grad` | differences |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        hand = "reference" if row["dtype"] == "float64" else f"{row['by_hand']:.1e}"
        differences = row["by_differences"]
        lines.append(
            f"| {row['dtype']} | {row['depth']} | {row['width']} | {hand} "
            f"| {row['by_autodiff']:.1e} | "
            f"{'-' if differences is None else f'{differences:.1e}'} |"
        )
    return "\n".join(lines)


def picture(rows):
    figure = Figure(figsize=(9, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, 2, sharey=True)
    ways = {"by_hand": "-", "by_autodiff": "--", "by_differences": ":"}
    names = {"by_hand": "by hand", "by_autodiff": "jax.grad", "by_differences": "differences"}
    for row_axes, dtypes in zip(axes, (("float64",), ("float32", "bfloat16")), strict=True):
        for dtype in dtypes:
            for colour, width in enumerate(sorted({row["width"] for row in rows})):
                chosen = [r for r in rows if (r["dtype"], r["width"]) == (dtype, width)]
                for way, style in ways.items():
                    points = [(r["depth"], r[way]) for r in chosen if r[way]]
                    if points:
                        marker = "s" if dtype == "bfloat16" else "o"
                        label = f"{names[way]}, width {width}" if dtype != "bfloat16" else None
                        row_axes.plot(
                            *zip(*points, strict=True),
                            style,
                            marker=marker,
                            ms=4,
                            color=f"C{colour}",
                            label=label,
                        )
        row_axes.set(yscale="log", xlabel="layers")
        row_axes.grid(alpha=0.3)
        row_axes.legend(fontsize=7)
    axes[0].set(ylabel="largest relative difference to by hand in float64", title="float64")
    axes[1].set_title("float32 (circles), bfloat16 (squares)")
    return figure


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--small", action="store_true", help="two depths, one width, two nets")
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    depths, widths, nets = ((2, 4), (4,), 2) if arguments.small else (DEPTHS, WIDTHS, NETS)
    with jax.enable_x64(True):
        rows = [
            measured(depth, width, dtype, nets)
            for dtype in DTYPES
            for depth in depths
            for width in widths
        ]
    arguments.output.mkdir(parents=True, exist_ok=True)
    path = arguments.output / "agreement.json"
    path.write_text(json.dumps({"jax": jax.__version__, "rows": rows}, indent=1) + "\n")
    picture(rows).savefig(path.with_suffix(".png"), dpi=110)
    print(table(rows))


if __name__ == "__main__":
    main()
