"""Is the gradient by hand as fast as `jax.grad`, and does it do the same work?

Both are compiled ahead of time and called in turn (A B, B A, ...) in one process, in float32. The
ratio is that of the two times of a round, so that a machine busy with something else slows both.

Answer, on two CPU cores, jax 0.10.2: yes. See the table in README.md here, which `--readme` writes
from the results; the largest gain is on the large network, whose weights are transposed by a copy
before the product.
"""

import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from measuring import keep, options

import mlp_jax

# The paper's network at a mini-batch and at the whole breast-cancer table; and one that is large.
SHAPES = (
    ((30, 64, 32, 16, 1), 64),
    ((30, 64, 32, 16, 1), 569),
    ((784, 512, 256, 128, 10), 256),
)
ROUNDS = 101  # odd, so that the median is a round; many, for its quartiles
ROUND_SECONDS = 0.03  # long against the clock, short against the machine's moods


def measured(sizes, m, rounds):
    params = mlp_jax.init(jax.random.key(0), sizes)
    X = jax.random.normal(jax.random.key(1), (sizes[0], m))
    Y = jax.random.bernoulli(jax.random.key(2), 0.5, (sizes[-1], m)).astype(jnp.float32)
    programs = {
        "by hand": mlp_jax.gradient.lower(params, X, Y).compile(),
        "jax.grad": jax.jit(jax.grad(mlp_jax.cost)).lower(params, X, Y).compile(),
    }

    def seconds(program, repeats):
        start = time.perf_counter()
        for _ in range(repeats):
            jax.block_until_ready(program(params, X, Y))
        return (time.perf_counter() - start) / repeats

    warm = [seconds(program, 5) for program in programs.values()]
    repeats = max(3, int(ROUND_SECONDS / min(warm)))
    times = {name: [] for name in programs}
    for i in range(rounds):
        for name in list(programs)[:: 1 if i % 2 else -1]:
            times[name].append(seconds(programs[name], repeats))
    ratios = np.array(times["by hand"]) / np.array(times["jax.grad"])
    flops = {name: p.cost_analysis()["flops"] for name, p in programs.items()}
    temporary = {name: p.memory_analysis().temp_size_in_bytes for name, p in programs.items()}
    return {
        "sizes": sizes,
        "batch": m,
        "microseconds": {name: 1e6 * float(np.median(t)) for name, t in times.items()},
        "time_ratio": float(np.median(ratios)),
        "time_ratio_quartiles": [float(q) for q in np.quantile(ratios, [0.25, 0.75])],
        "flops": flops,
        "flops_ratio": flops["by hand"] / flops["jax.grad"],
        "temporary_bytes": temporary,
    }


def table(rows):
    lines = [
        "| network, batch | by hand | `jax.grad` | time ratio (quartiles) | FLOPs ratio "
        "| temporary bytes |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        low, high = row["time_ratio_quartiles"]
        us, temporary = row["microseconds"], row["temporary_bytes"]
        lines.append(
            f"| {'-'.join(map(str, row['sizes']))}, {row['batch']} | {us['by hand']:,.0f} µs "
            f"| {us['jax.grad']:,.0f} µs | {row['time_ratio']:.2f} ({low:.2f} to {high:.2f}) "
            f"| {row['flops_ratio']:.3f} "
            f"| {temporary['by hand']:,} against {temporary['jax.grad']:,} |"
        )
    return "\n".join(lines) + "\n"


@options(small="One shape, three rounds.")
def main(small: bool, readme: bool, output: Path) -> None:
    """Prints both times, their ratio, and the work and the memory of both."""
    shapes, rounds = (SHAPES[:1], 3) if small else (SHAPES, ROUNDS)
    rows = [measured(*shape, rounds=rounds) for shape in shapes]
    keep("gradient_vs_autodiff", {"rows": rows}, None, table(rows), output=output, readme=readme)


if __name__ == "__main__":
    main()
