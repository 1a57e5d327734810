"""Does the certificate pass for every loss, activation and way to weight or regularise?

Yes, all 408: `jax.grad` differs by at most 1.8e-13 and central differences by at most 1.2e-8; where
no label is smoothed, by at most 2.7e-15 and 2.2e-9.

Every loss (two Hubers, three quantiles at once), every activation, each with example weights, with
the L2 penalty, with dropout, the cross-entropies with label smoothing too, and with all of these:
a network 4-6-5-K on 9 examples, one of them all zeros, in float64. The largest difference over all
W[l] and b[l], relative to the leaf's scale.

A dropout rate that changes by the step is another mask, and the rate of biases, the schedules and
the momenta are no part of the gradient.

    python experiments/certificates.py           # 408 certificates, twenty minutes
    python experiments/certificates.py --small   # two of them
"""

import argparse
import json
from itertools import pairwise
from pathlib import Path

import jax
import numpy as np

import mlp_jax
from mlp_jax.activations import ACTIVATIONS
from mlp_jax.labels import smoothed

RESULTS = Path(__file__).parent / "results"
EXAMPLES = 9
LOSSES = {  # with the number of outputs
    "binary_cross_entropy": 2,
    "softmax_cross_entropy": 3,
    "squared_error": 3,
    "absolute_error": 2,
    "huber": 2,
    "huber(0.3)": 1,
    "poisson": 2,
    "pinball(0.1, 0.5, 0.9)": 3,
}
WAYS = ("weights", "l2", "dropout", "smoothing", "all")
SMOOTHED = ("binary_cross_entropy", "softmax_cross_entropy")
SMOOTHING = 0.2


def problem(loss, rng):
    outputs, m = LOSSES[loss], EXAMPLES
    params = [
        (rng.normal(size=(n_prev, n)) / np.sqrt(n_prev), 0.3 * rng.normal(size=(n, 1)))
        for n_prev, n in pairwise((4, 6, 5, outputs))
    ]
    X = rng.normal(size=(4, m))
    X[:, 0] = 0
    if loss == "softmax_cross_entropy":
        Y = np.eye(outputs)[:, rng.integers(0, outputs, m)]
    elif loss == "binary_cross_entropy":
        Y = rng.integers(0, 2, (outputs, m)) * 1.0
    elif loss == "poisson":
        Y = rng.poisson(2.0, (outputs, m)) * 1.0
    else:
        Y = rng.normal(size=(1 if "pinball" in loss else outputs, m))
    return params, X, Y


def measured(loss, activation, way):
    rng = np.random.default_rng(0)
    params, X, Y = problem(loss, rng)
    choices = {
        "weights": rng.integers(0, 3, (1, EXAMPLES)),
        "l2": 0.1,
        "masks": mlp_jax.dropout_masks(3, params, EXAMPLES, 0.3),
    }
    if way != "all":
        name = "masks" if way == "dropout" else way
        choices = {key: choice for key, choice in choices.items() if key == name}
    network = mlp_jax.Network(activation, loss)
    if loss in SMOOTHED and way in ("smoothing", "all"):
        Y = np.asarray(smoothed(Y, SMOOTHING, network.loss))
    certificate = mlp_jax.certify(params, X, Y, network=network, **choices)
    return {
        "loss": loss,
        "activation": activation,
        "way": way,
        "right": all(leaf.verdict == "right" for leaf in certificate.leaves),
        "autodiff": max(leaf.error_autodiff for leaf in certificate.leaves),
        "differences": max(leaf.error_differences for leaf in certificate.leaves),
    }


def table(rows):
    lines = [
        "| loss | certificates | right | to `jax.grad` at most | to differences at most |",
        "|---|---|---|---|---|",
    ]
    for loss in dict.fromkeys(row["loss"] for row in rows):
        chosen = [row for row in rows if row["loss"] == loss]
        lines.append(
            f"| {loss} | {len(chosen)} | {sum(row['right'] for row in chosen)} "
            f"| {max(row['autodiff'] for row in chosen):.1e} "
            f"| {max(row['differences'] for row in chosen):.1e} |"
        )
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--small", action="store_true", help="two certificates")
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    combinations = [
        (loss, activation, way)
        for loss in LOSSES
        for activation in ACTIVATIONS
        for way in WAYS
        if way != "smoothing" or loss in SMOOTHED
    ]
    if arguments.small:
        combinations = [combinations[8], combinations[-1]]  # with label smoothing, and with all
    with jax.enable_x64(True):
        rows = []
        for combination in combinations:
            rows.append(measured(*combination))
            jax.clear_caches()  # programs of no further use
    arguments.output.mkdir(parents=True, exist_ok=True)
    path = arguments.output / "certificates.json"
    path.write_text(json.dumps({"jax": jax.__version__, "rows": rows}, indent=1) + "\n")
    print(table(rows))


if __name__ == "__main__":
    main()
