"""What a fresh process does first: for `start_up.py`, which starts the processes.

The source of a function here is the code of a process: nothing heavy is imported before the clock
runs, and so each function imports what it uses.
"""


def imported(names):
    """All modules are loaded; of `mlp_jax.*`, all that it exports too."""
    import importlib

    for name in names.split(","):
        module = importlib.import_module(name.removesuffix(".*"))
        if name.endswith(".*"):
            for exported in module.__all__:
                getattr(module, exported)


def examples():
    """(X, y): 512 rows of 30 features."""
    import numpy as np

    X = np.random.default_rng(0).normal(size=(512, 30)).astype(np.float32)
    return X, (X[:, 0] > 0).astype(np.float32)


def fitted(_):
    """`fit` makes one step of 30-64-32-16-1."""
    import jax

    import mlp_jax

    X, y = examples()
    params = mlp_jax.init(0, (30, 64, 32, 16, 1))
    state, _ = mlp_jax.fit(params, X.T, y[None], optimizer="adam", epochs=1)
    jax.block_until_ready(state.params)


def plain(_):
    """The same step with jax and optax alone."""
    import jax
    import jax.numpy as jnp
    import optax

    X, y = examples()
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


def swept(_):
    """A sweep of eight networks makes one epoch."""
    import mlp_jax

    space = {"hidden": (64, 32, 16), "learning_rate": mlp_jax.log_uniform(1e-4, 1e-2)}
    mlp_jax.sweep(*examples(), space, n=8, validation=0.2, epochs=1, progress=False)


def compiled(depths):
    """{"fit" or "sweep": {depth: seconds}} to compile, of so many hidden layers of 32, with Adam.

    Of `fit` it is the first call less a second one; of `sweep`, what its thread took to compile.
    """
    import time

    import jax

    import mlp_jax

    X, y = examples()

    def trained(hidden):
        params = mlp_jax.init(0, (30, *hidden, 1))
        began = time.perf_counter()
        choices = {"optimizer": "adam", "epochs": 1, "batch_size": 64, "key": 0}
        state, _ = mlp_jax.fit(params, X.T, y[None], **choices)
        jax.block_until_ready(state.params)
        return time.perf_counter() - began

    def searched(hidden):
        space = {"hidden": hidden, "learning_rate": [1e-3, 1e-2], "batch_size": 64}
        result = mlp_jax.sweep(X, y, space, validation=0.2, epochs=1, progress=False)
        [(compiling, _)] = result.bucket_seconds.values()
        return compiling

    trained(()), searched(())  # what all depths share is compiled
    found = {"fit": {}, "sweep": {}}
    for depth in depths:
        hidden = (32,) * depth
        found["fit"][depth] = trained(hidden) - trained(hidden)
        found["sweep"][depth] = searched(hidden)
    return found
