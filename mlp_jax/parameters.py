"""The parameters of a network, one (W, b) a layer: how they begin, and the checks of their shapes.

Layers are counted as in the paper, from 1 to L; n[0] is the number of features.
"""

import operator
from collections.abc import Iterator, Sequence
from functools import cache, partial
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import DTypeLike

from mlp_jax.keys import as_key
from mlp_jax.wording import as_typed, describe, or_meant


class Layer(NamedTuple):
    """One layer's parameters.

    W: weights, shape (n_prev, n).
    b: biases, a column of shape (n, 1).
    """

    W: Any
    b: Any


# The serialised form of an exported function names its argument types.
jax.export.register_namedtuple_serialization(Layer, serialized_name="mlp_jax.Layer")


class Scheme(NamedTuple):
    """How initial parameters are drawn.

    uniform: between -1 and 1, biases too; else weights are normal of variance 1, and biases zero.
    factor: of the square of what the numbers drawn for a layer are multiplied by.
    """

    uniform: bool
    factor: float

    def numbers(self, sizes: Sequence[int]) -> int:
        """How many numbers parameters of these sizes take."""
        biases = sum(sizes[1:]) if self.uniform else 0
        return sum(n_prev * n for n_prev, n in pairwise(sizes)) + biases

    def draw(self, key: Array, length: int, dtype: Any) -> Array:
        """So many numbers; the first ones of a long draw are those of a short one."""
        if self.uniform:
            return jax.random.uniform(key, (length,), dtype, -1, 1)
        return jax.random.normal(key, (length,), dtype)

    def layers(self, drawn: Any, sizes: Sequence[int]) -> Iterator[tuple[Any, Any]]:
        """(W, b) of every layer from one draw, of JAX or NumPy; b is None where it is zero.

        Biases come after all weights. Several draws, (..., numbers), give several layers.
        """
        # Of normal numbers as JAX would round it, so that He's are the same bits as ever.
        wide = np.float64 if self.uniform else jax.dtypes.canonicalize_dtype(np.float64)
        at, of_bias = 0, sum(n_prev * n for n_prev, n in pairwise(sizes))
        for n_prev, n in pairwise(sizes):
            scale = _scale(self, n_prev, n, drawn.dtype, wide)
            W = drawn[..., at : at + n_prev * n].reshape(*drawn.shape[:-1], n_prev, n) * scale
            b = drawn[..., of_bias : of_bias + n, None] * scale if self.uniform else None
            yield W, b
            at, of_bias = at + n_prev * n, of_bias + n


@cache
def _scale(scheme: Scheme, n_prev: int, n: int, dtype: Any, wide: Any) -> np.ndarray:
    """wide: the dtype from which it is rounded to `dtype`."""
    fan = n_prev + n if scheme.uniform else n_prev
    return np.sqrt(np.asarray(scheme.factor / fan, wide)).astype(dtype)


SCHEMES = {
    "he": Scheme(uniform=False, factor=2.0),
    "glorot": Scheme(uniform=True, factor=6.0),
    "lecun": Scheme(uniform=False, factor=1.0),
    "glorot_sigmoid": Scheme(uniform=True, factor=2.0),
}
DEFAULT_SCHEME = "glorot"  # of `init`, of a sweep and of the command line
UNNAMED_SCHEME = "he"  # of a sweep's file that names none, because it is older than the others


def check_scheme(name: str, scheme: Any) -> None:
    """Raises ValueError, with what is called `name`, for what is none of `SCHEMES`."""
    if isinstance(scheme, str) and scheme in SCHEMES:
        return
    known = ", ".join(map(repr, SCHEMES)) + or_meant(scheme, SCHEMES)
    raise ValueError(f"{name} is {as_typed(scheme)}; expected one of {known}")


def init(
    key: Any,
    sizes: Sequence[int],
    *,
    scheme: str = DEFAULT_SCHEME,
    dtype: DTypeLike = jnp.float32,
) -> tuple[Layer, ...]:
    """Initial weights and biases: Glorot's by default, He's or LeCun's.

    The paper gives no initialisation (errata 18). `experiments/start.py` lays Glorot's and He's
    beside each other on 14 real tables: from He's, networks of 100 ReLU lose 0.063 ± 0.006 of R²
    on bike rentals, 0.051 ± 0.016 on diabetes, 0.027 ± 0.004 on colleges, and gain nothing anywhere
    that stands out of the spread. With layers of n_prev and n units:

    - "he": normal weights of variance 2 / n_prev, so that ReLU, which halves the mean square, keeps
      that of the layer below; zero biases.
    - "lecun": normal weights of variance 1 / n_prev, for activations that halve nothing, such as
      selu; zero biases.
    - "glorot": uniform weights within ±sqrt(6 / (n_prev + n)), a compromise between keeping the
      activations of the layer below and the gradients of the layer above, and biases from the same
      range. scikit-learn's MLP begins so, and so do `MLPClassifier` and `MLPRegressor`. He's are
      sqrt(1 + n / n_prev) times as large: 2.2 times from 26 units to 100.
    - "glorot_sigmoid": the same within ±sqrt(2 / (n_prev + n)), as scikit-learn has it where the
      hidden layers are logistic sigmoids.

    All layers come from one flat draw, because a draw a layer makes every program that contains it
    slower to compile.

    Args:
      key: a key from `jax.random.key`, or a seed.
      sizes: units of every layer, features first, outputs last, such as (30, 64, 32, 16, 1).
      scheme: one of these.
      dtype: floating type of the parameters.

    Returns:
      A tuple of `Layer(W, b)` with W[l] of shape (n[l-1], n[l]) and b[l] of shape (n[l], 1).

    Raises:
      ValueError: sizes, scheme, dtype or key is not as above.

    Example:
      >>> params = init(jax.random.key(0), (30, 64, 32, 16, 1))
      >>> [layer.W.shape for layer in params]
      [(30, 64), (64, 32), (32, 16), (16, 1)]
      >>> params[0].b.shape
      (64, 1)
      >>> bound = (6 / (30 + 64)) ** 0.5
      >>> bool(abs(init(0, (30, 64, 1), scheme="glorot")[0].W).max() <= bound)
      True
    """
    sizes = _checked_sizes(sizes)
    check_scheme("scheme", scheme)
    if not jnp.issubdtype(dtype, jnp.floating):
        raise ValueError(f"dtype is {dtype}; expected a floating type such as jnp.float32")
    if jax.dtypes.canonicalize_dtype(dtype) != jnp.dtype(dtype):
        raise ValueError(
            f"dtype is {jnp.dtype(dtype)}, which JAX has switched off; type "
            "jax.config.update('jax_enable_x64', True) first, or wrap the call in "
            "`with jax.enable_x64(True):`"
        )
    return _drawn(as_key(key), sizes, SCHEMES[scheme], jnp.dtype(dtype))


@partial(jax.jit, static_argnames=("sizes", "scheme", "dtype"))
def _drawn(
    key: Array, sizes: tuple[int, ...], scheme: Scheme, dtype: DTypeLike
) -> tuple[Layer, ...]:
    drawn = scheme.draw(key, scheme.numbers(sizes), dtype)
    return tuple(
        Layer(W, jnp.zeros((W.shape[1], 1), dtype) if b is None else b)
        for W, b in scheme.layers(drawn, sizes)
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


def shaped_like(params: Any, layers: Sequence[Layer]) -> Any:
    """`layers` in the containers of `params`: a list of tuples for a list of tuples."""
    return jax.tree.unflatten(jax.tree.structure(params), jax.tree.leaves(layers))
