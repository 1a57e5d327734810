"""The dtypes of parameters: what is formed in 32 bits or more, and where JAX has float64."""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mlp_jax.parameters import Layer, shaped_like


def widened(arrays: Any) -> Any:
    """The arrays of a pytree, in float32 if they are of fewer bits.

    Whatever counts or sums examples is formed in these arrays: 65,520 examples are infinitely many
    in float16, 257 are 256 in bfloat16, and in both 1/m loses its digits even earlier.
    """

    def wide(leaf: Any) -> Any:
        floating = jnp.issubdtype(leaf.dtype, jnp.floating)
        return leaf.astype(jnp.float32) if floating and jnp.finfo(leaf.dtype).bits < 32 else leaf

    return jax.tree.map(wide, arrays)


def narrowed_like(params: Any, layers: Sequence[Layer]) -> Any:
    """`layers`, which were `widened`, in the containers and the dtypes of `params` again."""
    dtypes = [leaf.dtype for leaf in jax.tree.leaves(params)]
    leaves = zip(jax.tree.leaves(layers), dtypes, strict=True)
    return shaped_like(params, [leaf.astype(dtype) for leaf, dtype in leaves])


def check_wide(dtype: Any) -> None:
    """Raises ValueError for params of 16 bits or fewer.

    A small step is rounded away in them, and so are an optimizer's numbers: in bfloat16 Adam's
    0.999 is 1, and nothing is trained without a word.
    """
    if jnp.finfo(dtype).bits < 32:
        raise ValueError(
            f"params is of {dtype}, in which small steps are lost; expected float32 or float64: "
            "type jax.tree.map(lambda leaf: leaf.astype(jnp.float32), params), and "
            'Network(precision="bfloat16") for products in bfloat16'
        )


def scope(dtype: Any) -> Any:
    """A context in which JAX has float64 if `dtype` is float64; otherwise JAX as it is."""
    return jax.enable_x64(True) if np.dtype(dtype) == np.float64 else nullcontext()
