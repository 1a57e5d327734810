"""The parameters of a network, one (W, b) a layer, and the shape checks at the door.

Layers are counted as in the paper, from 1 to L; n[0] is the number of features, m the number of
examples. Columns are examples.
"""

import operator
from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import DTypeLike

from mlp_jax.wording import as_typed


class Layer(NamedTuple):
    """One layer's parameters.

    W: weights, shape (n_prev, n). b: biases, a column of shape (n, 1).
    """

    W: Any
    b: Any


# The serialised form of an exported function names its argument types.
jax.export.register_namedtuple_serialization(Layer, serialized_name="mlp_jax.Layer")


def init(key: Any, sizes: Sequence[int], *, dtype: DTypeLike = jnp.float32) -> tuple[Layer, ...]:
    """He-normal weights, of variance 2 / n_prev, and zero biases.

    The paper gives no initialisation (errata 18). All layers come from one flat draw, because a
    draw a layer makes every program that contains it slower to compile.

    Args:
      key: a key from `jax.random.key`, or a seed.
      sizes: units of every layer, features first, outputs last, such as (30, 64, 32, 16, 1).
      dtype: floating type of the parameters.

    Returns:
      A tuple of `Layer(W, b)` with W[l] of shape (n[l-1], n[l]) and b[l] of shape (n[l], 1).

    Raises:
      ValueError: sizes, dtype or key is not as above.

    Example:
      >>> params = init(jax.random.key(0), (30, 64, 32, 16, 1))
      >>> [layer.W.shape for layer in params]
      [(30, 64), (64, 32), (32, 16), (16, 1)]
      >>> params[0].b.shape
      (64, 1)
    """
    sizes = _checked_sizes(sizes)
    if not jnp.issubdtype(dtype, jnp.floating):
        raise ValueError(f"dtype is {dtype}; expected a floating type such as jnp.float32")
    if jax.dtypes.canonicalize_dtype(dtype) != jnp.dtype(dtype):
        raise ValueError(
            f"dtype is {jnp.dtype(dtype)}, which JAX has switched off; type "
            "jax.config.update('jax_enable_x64', True) first, or wrap the call in "
            "`with jax.enable_x64(True):`"
        )
    return _he_normal(as_key(key), sizes, jnp.dtype(dtype))


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


@partial(jax.jit, static_argnames=("sizes", "dtype"))
def _he_normal(key: Array, sizes: tuple[int, ...], dtype: DTypeLike) -> tuple[Layer, ...]:
    shapes = list(pairwise(sizes))
    ends = np.cumsum([n_prev * n for n_prev, n in shapes])
    draws = jnp.split(jax.random.normal(key, (ends[-1],), dtype), ends[:-1])
    return tuple(
        Layer(
            W=draw.reshape(n_prev, n) * jnp.sqrt(2 / n_prev).astype(dtype),
            b=jnp.zeros((n, 1), dtype),
        )
        for draw, (n_prev, n) in zip(draws, shapes, strict=True)
    )


def _checked_sizes(sizes: Sequence[int]) -> tuple[int, ...]:
    try:
        checked = tuple(operator.index(n) for n in sizes)
    except TypeError:
        checked = ()
    if len(checked) < 2 or min(checked) < 1:
        raise ValueError(
            f"sizes is {as_typed(sizes)}; expected two or more positive integers, features first "
            "and outputs last, such as (30, 64, 32, 16, 1)"
        )
    return checked


def layer_sizes(params: Any) -> tuple[int, ...]:
    """(n[0], ..., n[L]) of `params`.

    Example:
      >>> layer_sizes(init(jax.random.key(0), (4, 3, 2)))
      (4, 3, 2)
    """
    layers = as_layers(params)
    return (layers[0].W.shape[0], *(layer.W.shape[1] for layer in layers))


def as_layers(params: Any) -> tuple[Layer, ...]:
    """`params`, any sequence of (W, b) pairs, as a tuple of `Layer`, its shapes checked.

    Raises:
      ValueError: naming the first layer that does not fit and what was expected of it.
    """
    if isinstance(params, Layer):
        raise ValueError("params is a single Layer; expected a sequence of them: type (layer,)")
    if not isinstance(params, Sequence) or len(params) == 0:
        raise ValueError(
            f"params is {describe(params)}; expected one or more (W, b) pairs, as from mlp_jax.init"
        )
    layers: list[Layer] = []
    for index, pair in enumerate(params, start=1):
        if not isinstance(pair, Sequence) or len(pair) != 2:
            raise ValueError(f"layer {index} of params is {describe(pair)}; expected a pair (W, b)")
        layers.append(_checked_layer(index, Layer(*pair), layers[-1] if layers else None))
    dtypes = {str(leaf.dtype) for layer in layers for leaf in layer}
    if len(dtypes) > 1:
        raise ValueError(
            f"params mixes {' and '.join(sorted(dtypes))}; expected one dtype: type "
            "jax.tree.map(lambda leaf: leaf.astype(jnp.float32), params)"
        )
    return tuple(layers)


def widened(arrays: Any) -> Any:
    """The arrays of a pytree, in float32 if they are of fewer bits.

    What counts or sums examples is formed in these: 65,520 examples are infinitely many in float16,
    257 are 256 in bfloat16, and 1/m has lost its digits in both before.
    """

    def wide(leaf: Any) -> Any:
        floating = jnp.issubdtype(leaf.dtype, jnp.floating)
        return leaf.astype(jnp.float32) if floating and jnp.finfo(leaf.dtype).bits < 32 else leaf

    return jax.tree.map(wide, arrays)


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


def narrowed_like(params: Any, layers: Sequence[Layer]) -> Any:
    """`layers` in the containers of `params` and, after `widened`, in the dtype of them again."""
    dtypes = [leaf.dtype for leaf in jax.tree.leaves(params)]
    leaves = zip(jax.tree.leaves(layers), dtypes, strict=True)
    return shaped_like(params, [leaf.astype(dtype) for leaf, dtype in leaves])


def _checked_layer(index: int, layer: Layer, below: Layer | None) -> Layer:
    W, b = layer
    for name, leaf in (("W", W), ("b", b)):
        if not hasattr(leaf, "shape") or not hasattr(leaf, "dtype"):
            raise ValueError(
                f"{name}[{index}] is {describe(leaf)}; expected an array: type jnp.asarray(...)"
            )
        if not jnp.issubdtype(leaf.dtype, jnp.floating):
            raise ValueError(
                f"{name}[{index}] has dtype {leaf.dtype}; expected a floating type: type "
                f"{name}.astype(jnp.float32)"
            )
    if len(W.shape) == 3:
        raise ValueError(
            f"W[{index}] has shape {W.shape}; expected (n_prev, n). For a stack of networks type "
            "jax.vmap(mlp_jax.forward, in_axes=(0, None))(params, X)"
        )
    if len(W.shape) != 2 or 0 in W.shape:
        raise ValueError(f"W[{index}] has shape {W.shape}; expected (n_prev, n), both positive")
    n_prev, n = W.shape
    if below is not None and n_prev != below.W.shape[1]:
        turned = f": type W[{index}].T" if n == below.W.shape[1] else ""
        raise ValueError(
            f"W[{index}] has shape {W.shape}, but W[{index - 1}] of shape {below.W.shape} gives "
            f"{below.W.shape[1]} units; expected ({below.W.shape[1]}, n){turned}"
        )
    if b.shape != (n, 1):
        # A (n,) bias would be added along the examples when n = m, without a word (errata 23).
        turned = f": type b[{index}].reshape(-1, 1)" if b.shape in ((n,), (1, n)) else ""
        raise ValueError(f"b[{index}] has shape {b.shape}; expected a column ({n}, 1){turned}")
    return layer


def as_examples(layers: tuple[Layer, ...], X: Any, numpy: Any = jnp) -> Array:
    """X checked against the first layer and cast to the dtype of the parameters, (n[0], m).

    numpy: jnp, or np for what is to stay in NumPy.

    Raises:
      ValueError: X is not (n[0], m) with at least one example.
    """
    n_0 = layers[0].W.shape[0]
    shape = _shape("X", X)
    if len(shape) == 2 and shape[0] != n_0 and shape[1] == n_0:
        raise ValueError(
            f"X has shape {shape}; expected ({n_0}, m): columns are examples here. "
            "If the rows of your X are examples, type X.T"
        )
    if len(shape) == 1 and shape[0] == n_0:
        raise ValueError(
            f"X has shape {shape}; expected ({n_0}, m). For one example type X.reshape(-1, 1)"
        )
    if len(shape) != 2 or shape[0] != n_0:
        raise ValueError(f"X has shape {shape}; expected ({n_0}, m), features by examples")
    if shape[1] == 0:
        raise ValueError(f"X has shape {shape}: no example")
    return numpy.asarray(X, layers[0].W.dtype)


def as_labels(
    layers: tuple[Layer, ...], X: Array, Y: Any, *, one: bool = False, numpy: Any = jnp
) -> Array:
    """Y checked against the last layer and X, in the dtype of the parameters, (n[L], m).

    With `one`, all outputs are compared with one row of labels, (1, m). numpy: as in `as_examples`.

    Raises:
      ValueError: Y is not (n[L], m).
    """
    n_L, m = 1 if one else layers[-1].W.shape[1], X.shape[1]
    shape = _shape("Y", Y)
    if shape != (n_L, m):
        hint = ""
        if shape == (m,) and n_L == 1:
            hint = ": type Y.reshape(1, -1)"
        elif shape == (m, n_L):
            hint = ": columns are examples here; type Y.T"
        elif shape in ((m,), (1, m)):
            hint = f": for class numbers from 0 to {n_L - 1} type mlp_jax.one_hot(Y, {n_L})"
        raise ValueError(f"Y has shape {shape}; expected {(n_L, m)}, (outputs, examples){hint}")
    return numpy.asarray(Y, layers[0].W.dtype)


def as_weights(X: Array, weights: Any) -> Array | None:
    """Example weights w checked against X, in its dtype, (1, m); None stands for all ones.

    Raises:
      ValueError: weights is not (1, m).
    """
    if weights is None:
        return None
    m = X.shape[1]
    shape = _shape("weights", weights)
    if shape != (1, m):
        hint = ": type weights.reshape(1, -1)" if shape in ((m,), (m, 1)) else ""
        raise ValueError(f"weights has shape {shape}; expected (1, {m}), one an example{hint}")
    return jnp.asarray(weights, X.dtype)


def shaped_like(params: Any, layers: Sequence[Layer]) -> Any:
    """`layers` in the containers of `params`: a list of tuples for a list of tuples."""
    return jax.tree.unflatten(jax.tree.structure(params), jax.tree.leaves(layers))


def _shape(name: str, value: Any) -> tuple[int, ...]:
    if not hasattr(value, "shape"):
        raise ValueError(
            f"{name} is {describe(value)}; expected an array: type jnp.asarray({name})"
        )
    return tuple(value.shape)


def describe(value: Any) -> str:
    """What an error message calls `value`: its type, with its length if it has one."""
    kind = type(value).__name__
    return f"a {kind} of length {len(value)}" if isinstance(value, Sequence | dict) else f"a {kind}"


def scope(dtype: Any) -> Any:
    """JAX with float64, where numbers are of that; otherwise JAX as it is."""
    return jax.enable_x64(True) if np.dtype(dtype) == np.float64 else nullcontext()
