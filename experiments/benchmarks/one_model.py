"""How fast does `fit` train one network, beside the libraries that people use?

Plain gradient descent from the same weights in batches, ReLU, float32, at three sizes; all do the
same steps, and end at the same mean cost of the last epoch, which is checked. Calls are in turn
(A B C, C B A, ...) in one process; seconds of a call with everything compiled, from NumPy arrays to
the last cost, medians, and ratios of theirs to ours; and the first call beside.

    pip install -e '.[bench]' --group peers               # pip 25.1 or later
    python experiments/benchmarks/one_model.py            # minutes
    python experiments/benchmarks/one_model.py --small    # the smallest, ours and scikit-learn
    python experiments/benchmarks/one_model.py --readme   # the table goes into README.md here
"""

import importlib.util
import time
from pathlib import Path

import jax
import numpy as np
from measuring import in_turn, keep, options
from peers.one_model import PEERS, Problem

import mlp_jax

# sizes, batch, examples, epochs: a second or less for ours.
# Sizes, batch, examples, epochs, learning rate: small enough for the order of the batches not to
# show in the cost.
SHAPES = (
    ((30, 64, 32, 16, 1), 64, 4096, 10, 0.05),
    ((784, 256, 128, 10), 128, 7680, 4, 0.05),
    ((784, 1024, 1024, 1024, 10), 512, 5120, 2, 0.005),
)
ROUNDS = 7
MODULES = {
    "scikit-learn": "sklearn",
    "PyTorch": "torch",
    "PyTorch compiled": "torch",
    "Flax NNX": "flax",
    "Equinox": "equinox",
}


def problem_of(sizes, batch, m, epochs, rate):
    """Classes that a linear teacher names, with some noise."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(m, sizes[0])).astype(np.float32)
    K = max(2, sizes[-1])
    y = (X @ rng.normal(size=(sizes[0], K)) + rng.normal(size=(m, K))).argmax(axis=1)
    params = mlp_jax.init(0, sizes)
    weights = [(np.asarray(W), np.asarray(b)[:, 0]) for W, b in params]
    return Problem(sizes, X, y, weights, batch, epochs, rate)


def ours(problem):
    """`fit` from the same weights, in this library's layout."""
    params = tuple(mlp_jax.Layer(W, b[:, None]) for W, b in problem.weights)
    binary = problem.sizes[-1] == 1
    network = mlp_jax.Network(loss="binary_cross_entropy" if binary else "softmax_cross_entropy")
    classes = problem.sizes[-1]

    def train():
        Y = problem.y[None] if binary else mlp_jax.one_hot(problem.y, classes)
        state, info = mlp_jax.fit(
            *(params, problem.X.T, Y),
            network=network,
            optimizer=mlp_jax.optimizer("sgd", learning_rate=problem.rate),
            epochs=problem.epochs,
            batch_size=problem.batch,
            key=0,
        )
        jax.block_until_ready(state.params)
        return float(info.cost[-1])

    return train


def measured(shape, rounds, peers):
    problem = problem_of(*shape)
    calls = {"mlp_jax": ours(problem)} | {name: PEERS[name](problem) for name in peers}
    first, costs = {}, {}
    for name, call in calls.items():
        began = time.perf_counter()
        costs[name] = call()
        first[name] = time.perf_counter() - began
    apart = max(costs.values()) / min(costs.values())
    if apart > 1.05:
        raise SystemExit(f"the costs at the end are {costs}: not the same work")
    times = in_turn(calls, rounds)
    mine = np.array(times["mlp_jax"])
    return {
        "sizes": problem.sizes,
        "batch": problem.batch,
        "steps": problem.epochs * (len(problem.X) // problem.batch),
        "costs": costs,
        "first": first,
        "seconds": {name: float(np.median(values)) for name, values in times.items()},
        "ratios": {
            name: [float(q) for q in np.quantile(np.array(values) / mine, [0.25, 0.5, 0.75])]
            for name, values in times.items()
        },
    }


def table(rows):
    names = list(rows[0]["seconds"])
    lines = [
        "| network, batch | a step of mlp_jax | " + " | ".join(names[1:]) + " |",
        "|---" * (len(names) + 1) + "|",
    ]
    for row in rows:
        cells = []
        for name in names[1:]:
            low, middle, high = row["ratios"][name]
            cells.append(f"{middle:.2f} ({low:.2f} to {high:.2f})")
        step = 1e6 * row["seconds"]["mlp_jax"] / row["steps"]
        shape = f"{'-'.join(map(str, row['sizes']))}, {row['batch']}"
        lines.append(f"| {shape} | {step:,.0f} µs | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


@options(small="The smallest network beside scikit-learn alone.")
def main(small: bool, readme: bool, output: Path) -> None:
    """Prints how many times as long as ours every peer takes."""
    missing = [name for name, module in MODULES.items() if not importlib.util.find_spec(module)]
    peers = ["scikit-learn"] if small else [name for name in PEERS if name not in missing]
    if missing and not small:
        print(f"not installed, so left out: {', '.join(missing)}")
    shapes = [((30, 64, 32, 16, 1), 64, 512, 4, 0.05)] if small else SHAPES
    rows = [measured(shape, 2 if small else ROUNDS, peers) for shape in shapes]
    keep("one_model", {"rows": rows}, None, table(rows), output=output, readme=readme)


if __name__ == "__main__":
    main()
