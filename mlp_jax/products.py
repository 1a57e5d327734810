"""The three products of a layer: how precise they are, and how their factors lie in memory.

On paper, and in every formula, examples are columns. In memory they may be columns or rows, which
changes no formula. XLA's fast products on a CPU run over the last axis of the first factor and the
first axis of the second. Wᵀ A has W the other way, and so costs a copy of W and, in every batch, a
copy of X: a tenth of a step of 784-256-128-10. With rows in memory the same product is (Aᵀ W)ᵀ,
which costs no copy, because both transpositions are another way to read the same memory.

So measured (experiments/benchmarks/NOTES.md): one network with a layer of 128 x 128 weights or
more, trained in batches, is faster by rows, in 0.88 of the time for 784-256-128-10 at batch 128.
Smaller layers gain nothing, and networks side by side (`vmap`, sweeps) are 10 to 20 % slower. A
full batch that came as columns stays columns: else it would be turned first. `fit` chooses by these
facts.

On an accelerator the factors of networks side by side are taken as they lie, in the hope that what
is not turned takes no time: tests/sweeps/running/test_step.py counts what a step is made of there,
and nothing was timed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from mlp_jax.parameters import Layer

PRECISIONS = ("default", "high", "highest", "bfloat16")

LARGE = 128 * 128  # weights of a layer, from which on it matters how factors lie in memory
FEW = 128  # examples, up to which a copy of any W pays


@dataclass(frozen=True)
class Products:
    """The products of a layer's weights W, (n_prev, n), activations and errors.

    A static value: a program that is compiled for one is not taken for another.

    precision: one of `PRECISIONS`; `Network` describes them.
    rows: examples are rows in memory, though columns on paper.
    as_they_lie: no factor is turned before a product, which names the axes that it runs over.
    """

    precision: str = "highest"
    rows: bool = False
    as_they_lie: bool = False

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise ValueError(
                f"precision is {self.precision!r}; expected one of {', '.join(PRECISIONS)}"
            )

    def of_batches(self, layers: Sequence[Layer]) -> "Products":
        """These products for one network of these layers that is trained in batches.

        Not by rows in bfloat16: behind a barrier XLA's CPU has no product of such factors.
        """
        large = any(W.size >= LARGE for W, _ in layers)
        return Products(self.precision, large and self.precision != "bfloat16")

    def side_by_side(self, platform: str, *, by_entry: bool) -> "Products":
        """These products for many networks that are trained together on a platform.

        The products of accelerators read a factor either way at the same speed. To turn one there
        is a pass over memory that takes as long as a small product.

        by_entry: they are trained in batches, by an optimizer that takes every weight by itself.
        """
        if platform != "cpu":
            return Products(self.precision, as_they_lie=True)
        return FirstTurned(self.precision) if by_entry else self

    def turned(self, trees: Any) -> Any:
        """Trees of layers as on paper, as they are between the steps of a training; or back."""
        return trees

    def of_layer(self, l: int) -> "Products":
        """Those of layer l: the same of all layers here."""
        return self

    def forward(self, W: Array, A: Array) -> Array:
        """Wᵀ A, (n, m), for A of the layer below, (n_prev, m)."""
        if self.as_they_lie:
            return self._over(W, 0, A, 0)
        if self.rows:
            return jax.lax.optimization_barrier(self._product(_as_rows(A), W)).T
        # XLA folds a transposition into the product, and on a CPU a product that runs over the
        # first axis of both factors takes up to twice as long as a copy and a product; but for a
        # small W and many examples, where it is the faster one.
        m = A.shape[1]  # of an exported program any number, which is no int
        copied = W.size >= LARGE or (isinstance(m, int) and m <= FEW)
        return self._product(jax.lax.optimization_barrier(W.T) if copied else W.T, A)

    def backward(self, W: Array, dZ: Array) -> Array:
        """W dZ, (n_prev, m), for the errors dZ, (n, m)."""
        if self.as_they_lie:
            return self._over(W, 1, dZ, 0)
        if self.rows:
            return jax.lax.optimization_barrier(self._product(_as_rows(dZ), W.T)).T
        return self._product(W, dZ)

    def gradients(self, A: Array, dZ: Array) -> tuple[Array, Array]:
        """(A dZᵀ, dZ 1ᵀ), (n_prev, n) and (n, 1), for A of the layer below and the errors dZ."""
        if self.rows:
            dZ_T = _as_rows(dZ)
            return self._product(_as_rows(A).T, dZ_T), jnp.sum(dZ_T, axis=0)[:, None]
        if self.as_they_lie:
            return self._over(A, 1, dZ, 1), jnp.sum(dZ, axis=1, keepdims=True)
        # Not dZ 1ᵀ as a product, for which networks side by side would be turned in memory.
        return self._product(A, dZ.T), jnp.sum(dZ, axis=1, keepdims=True)

    def columns(self, X: Array, Y: Array) -> tuple[Array, Array]:
        """(Xᵀ, Yᵀ) of a batch of rows, X (m, n[0]) and Y (m, K), as these products want them."""
        if self.rows:
            return jax.lax.optimization_barrier(X).T, jax.lax.optimization_barrier(Y).T
        if self.as_they_lie:
            return X.T, Y.T
        # Turned at once: if XLA takes the turn into the products, they take up to half as long
        # again.
        return jax.lax.optimization_barrier((X.T, Y.T))

    def _product(self, A: Array, B: Array) -> Array:
        """A B at the chosen precision, in the dtype of A and B."""
        if self.precision != "bfloat16":
            return jnp.matmul(A, B, precision=self.precision)
        return jnp.matmul(*_rounded(A, B), preferred_element_type=A.dtype)

    def _over(self, A: Array, of_A: int, B: Array, of_B: int) -> Array:
        """The product of A and B over an axis of each, likewise."""
        over = (((of_A,), (of_B,)), ((), ()))
        if self.precision != "bfloat16":
            return jax.lax.dot_general(A, B, over, precision=self.precision)
        rounded = _rounded(A, B)
        return jax.lax.dot_general(*rounded, over, preferred_element_type=A.dtype)


@dataclass(frozen=True)
class FirstTurned(Products):
    """Those of networks side by side on a CPU, whose W[1] are turned from one step to the next.

    They share their examples, so that XLA makes one product of their first layers, for which it
    turns all W[1] in memory forwards, and all errors backwards. (W[1])ᵀ X and dZ Xᵀ, which is the
    gradient's transpose, read the factors as they lie, and the optimizer goes by entries: so
    nothing is turned (experiments/benchmarks/NOTES.md).
    """

    def of_layer(self, l: int) -> Products:
        """Those of layer l."""
        return _OfExamples(self.precision) if l == 1 else self

    def turned(self, trees: Any) -> Any:
        """Trees with the transpose of every W[1], of parameters, moments and gradients."""

        def of_node(node: Any) -> Any:
            if not _are_layers(node):
                return node
            first, *others = node
            return (first._replace(W=first.W.T), *others)

        return jax.tree.map(of_node, trees, is_leaf=_are_layers)


@dataclass(frozen=True)
class _OfExamples(Products):
    """Products of a first layer whose W is turned between steps."""

    def gradients(self, A: Array, dZ: Array) -> tuple[Array, Array]:
        """(A dZᵀ, dZ 1ᵀ), the first as (dZ Aᵀ)ᵀ."""
        return self._product(dZ, A.T).T, jnp.sum(dZ, axis=1, keepdims=True)


def _are_layers(node: Any) -> bool:
    """Whether it is the layers of a network, of its gradient, or of an optimizer's moments."""
    return isinstance(node, tuple) and len(node) > 0 and isinstance(node[0], Layer)


def _rounded(A: Array, B: Array) -> tuple[Array, Array]:
    """The factors in bfloat16, which rounds the factors alone."""
    return A.astype(jnp.bfloat16), B.astype(jnp.bfloat16)


def _as_rows(A: Array) -> Array:
    """Aᵀ, behind a barrier: else XLA takes the transposition into the product."""
    return jax.lax.optimization_barrier(A.T)
