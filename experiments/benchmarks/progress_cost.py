"""What does a progress bar cost?

Nothing that can be told from noise: the ratio was 0.975 (0.956 to 0.987), on 4 s of training.

The same training of some seconds with `progress=True` and without, in turn, the bar drawn into a
file as it would be into a terminal; ratio of the times, median and quartiles.

    python experiments/benchmarks/progress_cost.py           # a minute
    python experiments/benchmarks/progress_cost.py --small   # seconds
"""

import argparse
import contextlib
import json
import tempfile
import time
from pathlib import Path

import jax
import numpy as np

import mlp_jax

SIZES, EXAMPLES, BATCH = (30, 64, 32, 16, 1), 4096, 64
EPOCHS, SMALL_EPOCHS = 600, 20  # of some 5 ms
ROUNDS, SMALL_ROUNDS = 9, 1
RESULTS = Path(__file__).parent / "results"


def measured(epochs, rounds):
    X = jax.random.normal(jax.random.key(1), (SIZES[0], EXAMPLES))
    Y = jax.random.bernoulli(jax.random.key(2), 0.5, (1, EXAMPLES))
    params = mlp_jax.init(0, SIZES)

    def seconds(progress):
        began = time.perf_counter()
        state, _ = mlp_jax.fit(
            params,
            X,
            Y,
            optimizer="adam",
            epochs=epochs,
            batch_size=BATCH,
            key=0,
            progress=progress,
        )
        jax.block_until_ready(state)
        return time.perf_counter() - began

    seconds(False)
    times = {True: [], False: []}
    with tempfile.TemporaryFile("w") as file, contextlib.redirect_stderr(file):
        for number in range(rounds):
            for progress in (True, False) if number % 2 else (False, True):
                times[progress].append(seconds(progress))
    ratios = np.array(times[True]) / np.array(times[False])
    return {
        "seconds": float(np.median(times[False])),
        "ratio": float(np.median(ratios)),
        "quartiles": [float(q) for q in np.quantile(ratios, [0.25, 0.75])],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--small", action="store_true", help="one short round")
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    small = arguments.small
    result = measured(*((SMALL_EPOCHS, SMALL_ROUNDS) if small else (EPOCHS, ROUNDS)))
    arguments.output.mkdir(parents=True, exist_ok=True)
    path = arguments.output / "progress_cost.json"
    path.write_text(json.dumps({"jax": jax.__version__} | result, indent=1) + "\n")
    low, high = result["quartiles"]
    print(
        f"{result['seconds']:.2f} s; with a bar x {result['ratio']:.3f} ({low:.3f} to {high:.3f})"
    )


if __name__ == "__main__":
    main()
