"""Products of padded layers, as wide as the units that a chunk uses, to a quarter of the layer.

Members of many shapes share a program that is padded to the widest, and most of its products would
be of zeros. Here each product is one of up to 16, for the quarters that are used of the layer below
and of its own, and which one is chosen when the program runs (`lax.switch`). What is written is as
wide as the layer, zeros where no unit is used: that costs less than the product saves, but of W and
an optimizer's moments as much as their update. So biases, activations and updates stay as wide as
the program (experiments/benchmarks/NOTES.md). Factors are taken as they lie, for a corner is copied
anyway.
"""

from collections.abc import Callable
from dataclasses import astuple, dataclass, field
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from mlp_jax.products import Products
from mlp_jax.sweeps.planning.ladder import quarters


@dataclass(frozen=True)
class ProductsAsUsed(Products):
    """Products of a program that computes no more than it needs; static, see `of_widths`."""

    def of_widths(self, sizes: tuple[int, ...], widest: Array) -> Products:
        """These products once it is known how wide the members of a chunk are.

        Args:
          sizes: n[0] to n[L], as padded.
          widest: (L - 1,), int32, the most units that a member has in every hidden layer; traced.
        """
        hidden = (Units.of(n, widest[l]) for l, n in enumerate(sizes[1:-1]))
        layers = (Units((sizes[0],), 0), *hidden, Units((sizes[-1],), 0))
        return _OfLayers(*astuple(self), layers=layers)


@dataclass(frozen=True, eq=False)
class Units:
    """How many units of a layer are used.

    choices: to compute with, ascending; the last is all of them.
    which: the number of the least that is enough, traced.
    """

    choices: tuple[int, ...]
    which: Any

    @classmethod
    def of(cls, n: int, used: Array) -> "Units":
        """Of a hidden layer of n units, of which so many are used."""
        choices = quarters(n)
        return cls(choices, sum((used > choice).astype(jnp.int32) for choice in choices[:-1]))


@dataclass(frozen=True, eq=False)
class _OfLayers(Products):
    """Products of one trace. layers: the units of layers 0 to L."""

    layers: tuple[Units, ...] = field(kw_only=True)

    def of_layer(self, l: int) -> Products:
        """Those of layer l."""
        sides = self.layers[l - 1], self.layers[l]
        static = self.precision, self.rows, self.as_they_lie
        if all(len(units.choices) == 1 for units in sides):
            return Products(*static)
        return _OfLayer(*static, sides=sides)


@dataclass(frozen=True, eq=False)
class _OfLayer(Products):
    """Products of one layer of a trace. sides: the units of the layer below, and its own."""

    sides: tuple[Units, Units] = field(kw_only=True)

    def forward(self, W: Array, A: Array) -> Array:
        """Wᵀ A, (n, m), for A of the layer below, (n_prev, m)."""

        def of_used(n_prev: int, n: int, W: Array, A: Array) -> Array:
            return Products.forward(self, W[:n_prev, :n], A[:n_prev])

        return self._chosen(of_used, (W, A), (W.shape[1], A.shape[1]))

    def backward(self, W: Array, dZ: Array) -> Array:
        """W dZ, (n_prev, m), for the errors dZ, (n, m)."""

        def of_used(n_prev: int, n: int, W: Array, dZ: Array) -> Array:
            return Products.backward(self, W[:n_prev, :n], dZ[:n])

        return self._chosen(of_used, (W, dZ), (W.shape[0], dZ.shape[1]))

    def gradients(self, A: Array, dZ: Array) -> tuple[Array, Array]:
        """(A dZᵀ, dZ 1ᵀ), (n_prev, n) and (n, 1), for A of the layer below and the errors dZ."""

        def of_used(n_prev: int, n: int, A: Array, dZ: Array) -> Array:
            return Products.gradients(self, A[:n_prev], dZ[:n])[0]

        grad_W = self._chosen(of_used, (A, dZ), (A.shape[0], dZ.shape[0]))
        return grad_W, Products.gradients(self, A, dZ)[1]

    def _chosen(
        self,
        of_used: Callable[[int, int, Array, Array], Array],
        factors: tuple[Array, Array],
        shape: tuple[int, int],
    ) -> Array:
        """The product of the units that are used, with zeros up to this shape."""

        def padded(n_prev: int, n: int) -> Callable[[Array, Array], Array]:
            def of_factors(first: Array, second: Array) -> Array:
                value = of_used(n_prev, n, first, second)
                missing = [
                    (0, whole - some) for whole, some in zip(shape, value.shape, strict=True)
                ]
                return jnp.pad(value, missing)

            return of_factors

        below, own = self.sides
        branches = [padded(n_prev, n) for n_prev, n in product(below.choices, own.choices)]
        product_: Array = jax.lax.switch(
            below.which * len(own.choices) + own.which, branches, *factors
        )
        return product_
