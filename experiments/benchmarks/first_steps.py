"""What a fresh process does first, timed within it: for `start_up.py`, which starts the processes.

    python experiments/benchmarks/first_steps.py imports jax,optax,chex
    python experiments/benchmarks/first_steps.py compilations 1,2,3

Each prints JSON. Nothing heavy is imported before the clock runs.
"""

import importlib
import json
import sys
import time

EXAMPLES, BATCH, UNITS = 512, 64, 32
OPTIMIZER = "adam"


def imports(names):
    """Seconds until all modules are there; of `mlp_jax.*`, all that it exports is loaded too."""
    began = time.perf_counter()
    for name in names.split(","):
        module = importlib.import_module(name.removesuffix(".*"))
        if name.endswith(".*"):
            for exported in module.__all__:
                getattr(module, exported)
    return time.perf_counter() - began


def _table():
    import numpy as np

    rng = np.random.default_rng(0)
    X = rng.normal(size=(EXAMPLES, 30)).astype(np.float32)
    return X, (X[:, 0] > 0).astype(np.float32)


def fit(_):
    """Seconds until `fit` has made one step of 30-64-32-16-1."""
    began = time.perf_counter()
    import jax

    import mlp_jax

    X, y = _table()
    state, _ = mlp_jax.fit(
        *(mlp_jax.init(0, (30, 64, 32, 16, 1)), X.T, y[None]), optimizer=OPTIMIZER, epochs=1
    )
    jax.block_until_ready(state.params)
    return time.perf_counter() - began


def plain(_):
    """The same step with jax and optax alone."""
    began = time.perf_counter()
    import jax
    import jax.numpy as jnp
    import optax

    X, y = _table()
    sizes = (30, 64, 32, 16, 1)
    keys = jax.random.split(jax.random.key(0), len(sizes) - 1)
    params = [
        (jax.random.normal(key, (a, b)) * (2 / a) ** 0.5, jnp.zeros(b))
        for key, a, b in zip(keys, sizes[:-1], sizes[1:], strict=True)
    ]
    optimizer = optax.adam(1e-3)

    def cost(params, X, y):
        A = X
        for W, b in params[:-1]:
            A = jax.nn.relu(A @ W + b)
        W, b = params[-1]
        return optax.sigmoid_binary_cross_entropy((A @ W + b)[:, 0], y).mean()

    @jax.jit
    def step(params, state, X, y):
        updates, state = optimizer.update(jax.grad(cost)(params, X, y), state, params)
        return optax.apply_updates(params, updates), state

    jax.block_until_ready(step(params, optimizer.init(params), X, y))
    return time.perf_counter() - began


def sweep(_):
    """Seconds until a sweep of eight networks has made one epoch."""
    began = time.perf_counter()
    import mlp_jax

    space = {"hidden": (64, 32, 16), "learning_rate": mlp_jax.log_uniform(1e-4, 1e-2)}
    mlp_jax.sweep(*_table(), space, n=8, validation=0.2, epochs=1, progress=False)
    return time.perf_counter() - began


def compilations(depths):
    """{depth: seconds} to compile by `fit` and by `sweep`, of so many hidden layers, with Adam.

    Of `fit` it is the first call less a second one; of `sweep`, what its thread took to compile.
    """
    import jax

    import mlp_jax

    X, y = _table()
    found = {"fit": {}, "sweep": {}}

    def trained(hidden):
        params = mlp_jax.init(0, (30, *hidden, 1))
        began = time.perf_counter()
        choices = {"optimizer": OPTIMIZER, "epochs": 1, "batch_size": BATCH, "key": 0}
        state, _ = mlp_jax.fit(params, X.T, y[None], **choices)
        jax.block_until_ready(state.params)
        return time.perf_counter() - began

    def swept(hidden):
        space = {"hidden": hidden, "learning_rate": [1e-3, 1e-2], "batch_size": BATCH}
        result = mlp_jax.sweep(X, y, space, validation=0.2, epochs=1, progress=False)
        [(compiling, _)] = result.bucket_seconds.values()
        return compiling

    for compiled in (trained, swept):
        compiled(())  # what all depths share is compiled
    for depth in map(int, depths.split(",")):
        hidden = (UNITS,) * depth
        found["fit"][depth] = trained(hidden) - trained(hidden)
        found["sweep"][depth] = swept(hidden)
    return found


if __name__ == "__main__":
    what, argument = sys.argv[1:]
    print(json.dumps(globals()[what](argument)))
