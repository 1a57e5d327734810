"""Is `fit` as fast as the same training written plainly, with `jax.grad` and optax in a scan?

Faster: 0.5 to 0.85 of the time in the same layout. With rows as examples, whose products XLA likes
best on a CPU, the plain program is closer: 0.5 to 0.9 on the two small networks, and on the large
one as fast, 0.98 to 1.10 from run to run. Half of the gain is the order of an epoch, which is
computed and not sorted; the rest is how batches and weights lie in memory. Compiling takes 1.03 to
1.20 times as long, with the guard, the norm, the history and the best epoch in it.

The plain program has one function for the cost, `jax.value_and_grad`, and `optimizer.update` in
one `lax.scan` over the steps within one over the epochs: no guard, no norm, no history but the
cost. It shuffles by `jax.random.permutation`, as anyone would; handed the batches of `fit` it ends
at the same cost, which is checked first. It is written twice: in this library's layout, columns are
examples, with the same arrays; and with rows as examples, as most people would. Times are per step
of a whole call, from NumPy-like arguments to the last parameter, in turn (A B C, C B A, ...) in one
process; ratios are ours to theirs, medians with quartiles. Compile times are of tracing, lowering
and compiling the program.

    python experiments/benchmarks/training_vs_plain.py            # minutes
    python experiments/benchmarks/training_vs_plain.py --small    # one shape, seconds
    python experiments/benchmarks/training_vs_plain.py --readme   # the table goes to README.md here
"""

import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
from measuring import in_turn, keep, options

import mlp_jax
from mlp_jax.training import batch_order

# sizes, examples, batch size, epochs: some 0.1 to 0.5 s a call.
SHAPES = (
    ((30, 64, 32, 16, 1), 4096, 64, 20),
    ((30, 128, 128, 128, 1), 8192, 256, 6),
    ((784, 512, 256, 128, 10), 7680, 256, 2),
)
OPTIMIZERS = {"sgd": optax.sgd, "adam": optax.adam}
RATE = 1e-3
ROUNDS, COMPILATIONS = 15, 5


def as_anyone(key, number, m):
    """The order of an epoch as anyone would draw it."""
    return jax.random.permutation(jax.random.fold_in(key, number), m)


def plain(layout, m, batch_size, epochs, optimizer, permutation, activation=jax.nn.relu):
    """The training as one writes it, jitted: (params, key, X, Y) -> (params, costs).

    What is left of an epoch after its last whole batch is left out.
    """
    columns = layout == "columns"
    whole = m // batch_size * batch_size

    def cost(params, X, Y):
        A = X
        for W, b in params[:-1]:
            A = activation(W.T @ A + b if columns else A @ W + b)
        W, b = params[-1]
        Z = W.T @ A + b if columns else A @ W + b
        L = optax.sigmoid_binary_cross_entropy(Z, Y)
        return jnp.mean(jnp.sum(L, axis=0 if columns else 1))

    def train(params, key, X, Y):
        def epoch(carry, number):
            order = permutation(key, number, m)[:whole]

            def step(carry, chosen):
                params, state = carry
                batch = (X[:, chosen], Y[:, chosen]) if columns else (X[chosen], Y[chosen])
                J, grads = jax.value_and_grad(cost)(params, *batch)
                updates, state = optimizer.update(grads, state, params)
                return (optax.apply_updates(params, updates), state), J

            carry, costs = jax.lax.scan(step, carry, order.reshape(-1, batch_size))
            return carry, jnp.mean(costs)

        carry, costs = jax.lax.scan(epoch, (params, optimizer.init(params)), jnp.arange(epochs))
        return carry[0], costs

    return jax.jit(train)


def programs(sizes, m, batch_size, epochs, name):
    """{name: a call that trains and waits}, all from the same weights."""
    X = jax.random.normal(jax.random.key(1), (sizes[0], m))
    Y = jax.random.bernoulli(jax.random.key(2), 0.5, (sizes[-1], m)).astype(jnp.float32)
    params, key = mlp_jax.init(0, sizes), jax.random.key(3)
    rows = [(W, b[:, 0]) for W, b in params]
    XT, YT = jnp.array(X.T), jnp.array(Y.T)
    optimizer = mlp_jax.optimizer(name, learning_rate=RATE)

    def fit():
        return mlp_jax.fit(
            params, X, Y, optimizer=optimizer, epochs=epochs, batch_size=batch_size, key=key
        )

    def by_hand(permutation):
        by_columns, by_rows = (
            plain(layout, m, batch_size, epochs, OPTIMIZERS[name](RATE), permutation)
            for layout in ("columns", "rows")
        )
        return {
            "columns": lambda: by_columns(params, key, X, Y),
            "rows": lambda: by_rows(rows, key, XT, YT),
        }

    # Handed the same batches the three train alike, or there would be nothing to compare; in later
    # epochs, in which they learn noise by heart, Adam makes a hundredth of a rounding error.
    costs = [fit()[1].cost, *(call()[1] for call in by_hand(batch_order.permutation).values())]
    for epoch, apart in ((0, 1e-4), (-1, 1e-2)):
        np.testing.assert_allclose([cost[epoch] for cost in costs[1:]], costs[0][epoch], apart)
    calls = {"ours": fit} | by_hand(as_anyone)
    return {who: lambda call=call: jax.block_until_ready(call()) for who, call in calls.items()}


def first_calls(calls, times):
    """Seconds of the first call of each, with nothing compiled, less those of a second call."""
    seconds = {who: [] for who in calls}
    for _ in range(times):
        for who, call in calls.items():
            jax.clear_caches()
            began = time.perf_counter()
            call()
            middle = time.perf_counter()
            call()
            seconds[who].append(2 * middle - began - time.perf_counter())
    return seconds


def measured(shape, name, rounds, compilations):
    sizes, m, batch_size, epochs = shape
    calls = programs(*shape, name)
    times = in_turn(calls, rounds)
    compiling = first_calls(calls, compilations)
    row = {"sizes": sizes, "examples": m, "batch": batch_size, "epochs": epochs, "optimizer": name}
    steps = epochs * (m // batch_size)
    for what, measures in (("time", times), ("compile", compiling)):
        mine = np.array(measures["ours"])
        row[what] = {who: float(np.median(values)) for who, values in measures.items()}
        row[f"{what}_ratios"] = {
            who: [float(q) for q in np.quantile(mine / np.array(measures[who]), [0.25, 0.5, 0.75])]
            for who in ("columns", "rows")
        }
    row["microseconds_a_step"] = {who: 1e6 * s / steps for who, s in row["time"].items()}
    return row


def table(rows):
    lines = [
        "| network, batch | optimizer | a step | to plain, same layout | to plain, rows "
        "| compiling | to plain, same layout | to plain, rows |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = []
        for what in ("time", "compile"):
            for who in ("columns", "rows"):
                low, middle, high = row[f"{what}_ratios"][who]
                cells.append(f"{middle:.2f} ({low:.2f} to {high:.2f})")
        lines.append(
            f"| {'-'.join(map(str, row['sizes']))}, {row['batch']} | {row['optimizer']} "
            f"| {row['microseconds_a_step']['ours']:,.0f} µs | {cells[0]} | {cells[1]} "
            f"| {row['compile']['ours']:.1f} s | {cells[2]} | {cells[3]} |"
        )
    return "\n".join(lines) + "\n"


@options(small="One shape, three rounds.")
def main(small: bool, readme: bool, output: Path) -> None:
    """Prints the time of a step and of compiling, and both beside the plain program's."""
    if small:
        rows = [measured(((30, 64, 32, 16, 1), 512, 64, 4), "sgd", 3, 1)]
    else:
        rows = [
            measured(shape, name, ROUNDS, COMPILATIONS) for shape in SHAPES for name in OPTIMIZERS
        ]
    keep("training_vs_plain", {"rows": rows}, None, table(rows), output=output, readme=readme)


if __name__ == "__main__":
    main()
