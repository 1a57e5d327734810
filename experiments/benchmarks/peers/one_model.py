"""One network trained by other libraries, each at its best: the peers of `one_model.py`.

Each function here takes a `Problem` and returns a call that trains the network from the same
weights, by plain gradient descent in batches drawn anew every epoch, and returns the mean cost of
the last epoch's batches. Rows are examples.
"""

import warnings
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax


class Problem(NamedTuple):
    """A network and what it learns.

    sizes: units of every layer. X: (m, n[0]), float32. y: class numbers. weights: (W, b) a layer,
    W (n_prev, n), b (n,); the same for all who train. One output stands for two classes.
    """

    sizes: tuple[int, ...]
    X: np.ndarray
    y: np.ndarray
    weights: list[tuple[np.ndarray, np.ndarray]]
    batch: int
    epochs: int
    rate: float


def scikit_learn(problem):
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    class Started(MLPClassifier):
        """From given weights; the solver's state is that of a fresh fit."""

        def _initialize(self, y, layer_units, dtype):
            super()._initialize(y, layer_units, dtype)
            self.coefs_ = [W.copy() for W, _ in problem.weights]
            self.intercepts_ = [b.copy() for _, b in problem.weights]

    def train():
        model = Started(
            hidden_layer_sizes=problem.sizes[1:-1],
            solver="sgd",
            momentum=0.0,
            nesterovs_momentum=False,
            alpha=0.0,
            learning_rate_init=problem.rate,
            batch_size=problem.batch,
            max_iter=problem.epochs,
            n_iter_no_change=problem.epochs + 1,
            tol=0.0,
            random_state=0,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            return model.fit(problem.X, problem.y).loss_

    return train


def _torch_parts(problem):
    import torch

    layers = []
    for W, b in problem.weights:
        layer = torch.nn.Linear(*W.shape)
        with torch.no_grad():
            layer.weight.copy_(torch.tensor(W.T))
            layer.bias.copy_(torch.tensor(b))
        layers += [layer, torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1])
    binary = problem.sizes[-1] == 1
    criterion = torch.nn.BCEWithLogitsLoss() if binary else torch.nn.CrossEntropyLoss()
    y = torch.tensor(problem.y, dtype=torch.float32 if binary else torch.int64)
    return model, criterion, torch.tensor(problem.X), y[:, None] if binary else y


def _torch(problem, compiled):
    import torch

    def loss_of(model, criterion, X, y):
        return criterion(model(X), y)

    # Compiled once: it is kept from call to call, as a user's would be.
    forward = torch.compile(loss_of) if compiled else loss_of

    def step(optimizer, X, y):
        optimizer.zero_grad(set_to_none=True)
        loss = forward(model, criterion, X, y)
        loss.backward()
        optimizer.step()
        return loss.detach()

    model, criterion, X, y = _torch_parts(problem)
    first = {name: value.clone() for name, value in model.state_dict().items()}

    def train():
        torch.manual_seed(0)
        model.load_state_dict(first)
        optimizer = torch.optim.SGD(model.parameters(), lr=problem.rate)
        for _ in range(problem.epochs):
            order = torch.randperm(len(X))
            losses = [step(optimizer, X[batch], y[batch]) for batch in order.split(problem.batch)]
        return float(torch.stack(losses).mean())

    return train


def pytorch(problem):
    return _torch(problem, compiled=False)


def pytorch_compiled(problem):
    return _torch(problem, compiled=True)


def _scanned(problem, params, logits):
    """Params through all epochs and steps in one program; logits(params, X) -> (batch, K)."""
    optimizer = optax.sgd(problem.rate)
    m, batch = len(problem.X), problem.batch

    def loss(params, X, y):
        Z = logits(params, X)
        if problem.sizes[-1] == 1:
            return optax.sigmoid_binary_cross_entropy(Z[:, 0], y.astype(Z.dtype)).mean()
        return optax.softmax_cross_entropy_with_integer_labels(Z, y).mean()

    @jax.jit
    def train(params, key, X, y):
        def epoch(carry, key):
            order = jax.random.permutation(key, m).reshape(-1, batch)

            def step(carry, chosen):
                params, state = carry
                J, grads = jax.value_and_grad(loss)(params, X[chosen], y[chosen])
                updates, state = optimizer.update(grads, state, params)
                return (optax.apply_updates(params, updates), state), J

            carry, costs = jax.lax.scan(step, carry, order)
            return carry, costs.mean()

        keys = jax.random.split(key, problem.epochs)
        (params, _), costs = jax.lax.scan(epoch, (params, optimizer.init(params)), keys)
        return params, costs

    def call():
        data = jnp.asarray(problem.X), jnp.asarray(problem.y)  # as `fit`, from NumPy
        params_, costs = train(params, jax.random.key(0), *data)
        jax.block_until_ready(params_)
        return float(costs[-1])

    return call


def flax_nnx(problem):
    from flax import nnx

    class MLP(nnx.Module):
        def __init__(self):
            rngs = nnx.Rngs(0)
            self.layers = nnx.List([nnx.Linear(*W.shape, rngs=rngs) for W, _ in problem.weights])
            for layer, (W, b) in zip(self.layers, problem.weights, strict=True):
                layer.kernel.value, layer.bias.value = jnp.asarray(W), jnp.asarray(b)

        def __call__(self, X):
            for layer in self.layers[:-1]:
                X = nnx.relu(layer(X))
            return self.layers[-1](X)

    definition, params = nnx.split(MLP())
    return _scanned(problem, params, lambda params, X: nnx.merge(definition, params)(X))


def equinox(problem):
    import equinox as eqx

    layers = [eqx.nn.Linear(*W.shape, key=jax.random.key(0)) for W, _ in problem.weights]
    layers = [
        eqx.tree_at(lambda l: (l.weight, l.bias), layer, (jnp.asarray(W.T), jnp.asarray(b)))
        for layer, (W, b) in zip(layers, problem.weights, strict=True)
    ]

    def logits(layers, X):
        def one(x):
            for layer in layers[:-1]:
                x = jax.nn.relu(layer(x))
            return layers[-1](x)

        return jax.vmap(one)(X)

    params, static = eqx.partition(layers, eqx.is_array)
    return _scanned(problem, params, lambda params, X: logits(eqx.combine(params, static), X))


PEERS = {
    "scikit-learn": scikit_learn,
    "PyTorch": pytorch,
    "PyTorch compiled": pytorch_compiled,
    "Flax NNX": flax_nnx,
    "Equinox": equinox,
}
