"""Many networks of one shape, trained as one would without this library: for `equal_shapes.py`.

Each function takes `Members` and returns a call that trains all of them, from their own weights, by
plain gradient descent with their own learning rates, every member in batches of its own order, and
returns the mean cost of the last epoch's batches of each. Rows are examples.
"""

import time
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from training_vs_plain import as_anyone, plain

import mlp_jax
from peers.one_model import Problem, scikit_learn

SIDE_BY_SIDE = 64  # networks whose step stays in the cache, as for a chunk of a sweep


class Members(NamedTuple):
    """Networks and what they learn.

    sizes: units of every layer. X: (m, n[0]), float32. y: 0 or 1, (m,). weights: (W, b) a layer of
    all members, W (members, n_prev, n), b (members, n). rates: (members,), float32.
    """

    sizes: tuple[int, ...]
    X: np.ndarray
    y: np.ndarray
    weights: list[tuple[np.ndarray, np.ndarray]]
    rates: np.ndarray
    batch: int
    epochs: int

    def first(self, count):
        """Those of the lowest numbers."""
        weights = [(W[:count], b[:count]) for W, b in self.weights]
        return self._replace(weights=weights, rates=self.rates[:count])


def plainly_trained(members, layout):
    """(params, rate, key, X, Y) -> (params, cost of the last epoch), of one member."""

    def train(params, rate, key, X, Y):
        run = plain(
            layout, len(members.X), members.batch, members.epochs, optax.sgd(rate), as_anyone
        )
        params, costs = run(params, key, X, Y)
        return params, costs[-1]

    return train


def arguments(members, layout):
    """(params, rates, keys, X, Y) of all members, those of a member on the first axis."""
    columns = layout == "columns"
    params = [
        (jnp.asarray(W), jnp.asarray(b[..., None] if columns else b)) for W, b in members.weights
    ]
    keys = jax.random.split(jax.random.key(0), len(members.rates))
    X, Y = members.X, members.y[:, None].astype(np.float32)
    if columns:
        X, Y = np.ascontiguousarray(X.T), np.ascontiguousarray(Y.T)
    return params, jnp.asarray(members.rates), keys, jnp.asarray(X), jnp.asarray(Y)


def jitted_loop(members, layout):
    """One jitted training, called for one member after the other."""
    train = jax.jit(plainly_trained(members, layout))
    params, rates, keys, X, Y = arguments(members, layout)
    each = [
        (jax.tree.map(lambda leaf, i=i: leaf[i], params), rates[i], keys[i])
        for i in range(len(rates))
    ]

    def call():
        trained = [train(*one, X, Y) for one in each]
        jax.block_until_ready(trained)
        return np.array([cost for _, cost in trained])

    return call


def jitted_loop_of_rows(members):
    return jitted_loop(members, "rows")


def jitted_loop_of_columns(members):
    return jitted_loop(members, "columns")


def loop_of_fit(members):
    """`mlp_jax.fit`, called for one member after the other."""
    X, Y = np.ascontiguousarray(members.X.T), members.y[None].astype(np.float32)
    each = [
        [mlp_jax.Layer(W[i], b[i][:, None]) for W, b in members.weights]
        for i in range(len(members.rates))
    ]

    def call():
        trained = [
            mlp_jax.fit(
                *(params, X, Y),
                optimizer=mlp_jax.optimizer("sgd", learning_rate=rate),
                epochs=members.epochs,
                batch_size=members.batch,
                key=number,
            )
            for number, (params, rate) in enumerate(zip(each, members.rates, strict=True))
        ]
        jax.block_until_ready([state.params for state, _ in trained])
        return np.array([info.cost[-1] for _, info in trained])

    return call


def vmapped(members, side_by_side=None):
    """`jit(vmap(train))` of all members, or of so many at a time."""
    train = plainly_trained(members, "rows")
    *each, X, Y = arguments(members, "rows")

    @jax.jit
    def train_all(each, X, Y):
        if side_by_side is None:
            return jax.vmap(train, in_axes=(0, 0, 0, None, None))(*each, X, Y)
        return jax.lax.map(lambda one: train(*one, X, Y), tuple(each), batch_size=side_by_side)

    def call():
        params, costs = train_all(each, X, Y)
        jax.block_until_ready(params)
        return np.asarray(costs)

    return call


def vmapped_in_parts(members):
    return vmapped(members, SIDE_BY_SIDE)


def _torch_step(sizes):
    """(stacked params, minus the rates, X, y of each) -> costs; a step of all, in place."""
    import torch
    from torch.func import functional_call, grad_and_value, vmap

    layers = []
    for n_prev, n in pairwise(sizes):
        layers += [torch.nn.Linear(n_prev, n), torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1])
    criterion = torch.nn.functional.binary_cross_entropy_with_logits

    def cost(params, X, y):
        return criterion(functional_call(model, params, (X,))[:, 0], y)

    gradients = vmap(grad_and_value(cost))

    def step(params, minus_rates, X, y):
        grads, costs = gradients(params, X, y)
        for name, value in params.items():
            value.addcmul_(grads[name], minus_rates.reshape(-1, *(1,) * (value.dim() - 1)))
        return costs

    return step


def _torch(members, compiled):
    import torch

    torch.compiler.reset()  # or shapes of an earlier call would make these dynamic
    torch._inductor.config.force_disable_caches = True  # else it finds those of an earlier run
    there = partial(torch.tensor, device="cuda" if jax.default_backend() == "gpu" else "cpu")
    X, y = there(members.X), there(members.y.astype(np.float32))
    started = {}
    for number, (W, b) in enumerate(members.weights):
        # Every other module is a ReLU.
        started[f"{2 * number}.weight"] = there(np.ascontiguousarray(W.transpose(0, 2, 1)))
        started[f"{2 * number}.bias"] = there(b)
    minus_rates, count = -there(members.rates), len(members.rates)
    eager = _torch_step(members.sizes)

    def train_part(step, some, epochs):
        params = {name: value[some].clone() for name, value in started.items()}
        for _ in range(epochs):
            orders = torch.rand(len(minus_rates[some]), len(X), device=X.device).argsort(dim=1)
            costs = [
                step(params, minus_rates[some], X[chosen], y[chosen])
                for chosen in orders.split(members.batch, dim=1)
            ]
        return torch.stack(costs).mean(dim=0).cpu()

    def seconds_of_a_member(length):
        train_part(eager, slice(0, length), 1)
        began = time.perf_counter()
        train_part(eager, slice(0, length), 1)
        return (time.perf_counter() - began) / length

    # At its best: all at a time, or as many as suit the cache; lengths that leave no remainder.
    lengths = {max(d for d in range(1, n + 1) if count % d == 0) for n in (count, 256, 64, 16)}
    length = min(lengths, key=seconds_of_a_member)
    parts = [slice(i, i + length) for i in range(0, count, length)]
    step = torch.compile(eager) if compiled else eager

    def call():
        torch.manual_seed(0)
        return torch.cat([train_part(step, part, members.epochs) for part in parts]).numpy()

    return call


def torch_vmapped(members):
    return _torch(members, compiled=False)


def torch_vmapped_compiled(members):
    return _torch(members, compiled=True)


def scikit_learn_in_processes(members):
    """`MLPClassifier`s in as many processes as there are cores, a thread each."""
    from joblib import Parallel, delayed

    def problem(i):
        weights = [(W[i], b[i]) for W, b in members.weights]
        rate = float(members.rates[i])
        return Problem(
            members.sizes, members.X, members.y, weights, members.batch, members.epochs, rate
        )

    problems = [problem(i) for i in range(len(members.rates))]

    def train(problem):
        return scikit_learn(problem)()

    return lambda: np.array(Parallel(n_jobs=-1)(delayed(train)(one) for one in problems))


PEERS = {
    "jitted loop, rows": jitted_loop_of_rows,
    "jitted loop, columns": jitted_loop_of_columns,
    "loop of `fit`": loop_of_fit,
    "`jit(vmap)`": vmapped,
    f"`jit(vmap)`, {SIDE_BY_SIDE} at a time": vmapped_in_parts,
    "`torch.func.vmap`": torch_vmapped,
    "`torch.func.vmap` compiled": torch_vmapped_compiled,
    "scikit-learn, joblib": scikit_learn_in_processes,
}
ONE_BY_ONE = (
    "jitted loop, rows",
    "jitted loop, columns",
    "loop of `fit`",
    "scikit-learn, joblib",
)  # twice as many take twice as long, so a part of them says it
NEEDS = {"`torch.func.vmap`": "torch", "`torch.func.vmap` compiled": "torch"}
