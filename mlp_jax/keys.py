"""Keys of random numbers, and the seeds that they are made of."""

import operator
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from mlp_jax.wording import describe


def as_key(key: Any) -> Array:
    """`key`, a key from `jax.random.key` or a seed, as a key.

    Raises:
      ValueError: a seed outside of [0, 2³²): without x64, JAX takes it modulo 2³² and says nothing.
    """
    if hasattr(key, "dtype") and jnp.issubdtype(key.dtype, jax.dtypes.prng_key):
        if jnp.shape(key):
            raise ValueError(f"key has shape {jnp.shape(key)}; expected one key: use jax.vmap")
        return key
    if hasattr(key, "dtype") and key.dtype == jnp.uint32 and jnp.shape(key) == (2,):
        return jax.random.wrap_key_data(key)  # of the older jax.random.PRNGKey
    try:
        seed = operator.index(key)
    except TypeError:
        raise ValueError(
            f"key is {describe(key)}; expected a key or a seed: type jax.random.key(0)"
        ) from None
    return jax.random.key(checked_seed(seed))


def checked_seed(seed: int) -> int:
    """The seed, of which no key is made yet.

    Raises:
      ValueError: outside of [0, 2³²).
    """
    if not 0 <= seed < 2**32:
        raise ValueError(f"the seed is {seed}; expected 0 or more and less than 2**32")
    return seed
