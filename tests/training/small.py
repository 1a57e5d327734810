"""A small network, its examples and plain gradient descent."""

import jax
import jax.numpy as jnp

import mlp_jax
from tests.nets import random_net

SGD = mlp_jax.optimizer("sgd", learning_rate=0.1)


def net(m=24, sizes=(4, 5, 1)):
    params, X, Y = random_net(0, sizes, m)
    return jax.tree.map(jnp.asarray, params), X, Y
