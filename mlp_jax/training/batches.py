"""Examples as rows, of which batches are made, and a batch as columns, which the formulas take."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from mlp_jax.processes.sharded_examples import is_divided
from mlp_jax.products import Products


class Batch(NamedTuple):
    """Examples in the paper's layout: all of a batch, or of a set to validate by.

    X: features, (n[0], m): columns are examples.
    Y: labels, (K, m).
    weights: of the examples, (1, m), or None for all ones.
    rest: what is left of labels that were rounded to Y, (K, m), or None; see `labels.rest_of`.
    """

    X: Array
    Y: Array
    weights: Array | None = None
    rest: Array | None = None

    @property
    def m(self) -> int:
        """How many examples there are."""
        return int(self.X.shape[1])


class Examples(NamedTuple):
    """Examples as rows: to gather rows is to copy memory that lies together.

    A gather of columns takes ten times as long.

    X: features, (m, n[0]): rows are examples.
    Y: labels, (m, K).
    weights: of the examples, (1, m), or None for all ones.
    rest: what is left of labels that were rounded to Y, (m, K), or None; see `labels.rest_of`.
    """

    X: Array
    Y: Array
    weights: Array | None = None
    rest: Array | None = None

    @property
    def m(self) -> int:
        """How many examples there are."""
        return int(self.X.shape[0])

    def take(self, rows: Array | np.ndarray) -> Batch:
        """These rows as a batch, without weights."""
        rest = None if self.rest is None else self.rest[rows].T
        return Batch(self.X[rows].T, self.Y[rows].T, rest=rest)

    def take_batch(self, rows: Array, is_example: Array | None, products: Products) -> Batch:
        """A batch of a training, which lies in memory as these products want it.

        Args:
          rows: the examples of the batch, (size,).
          is_example: (1, size), False for a row that only fills the batch up, which gets weight 0;
            or None if all are examples.
          products: of the network.
        """
        weights = None if self.weights is None else self.weights[:, rows]
        if is_example is not None:
            counted = is_example.astype(self.X.dtype)
            weights = counted if weights is None else weights * counted
        return Batch(*products.columns(self.X[rows], self.Y[rows]), weights)


def as_rows(batch: Batch) -> Examples:
    """The same examples as rows, to make batches of.

    To be called outside of the loop over epochs, and best where the arrays are concrete: XLA's
    program for it is as large as a fifth of a whole training.
    """
    return Examples(_turned(batch.X), _turned(batch.Y), batch.weights)


def _turned(columns: Any) -> Any:
    if isinstance(columns, jax.core.Tracer):
        # Without the barrier XLA takes the turn into the gather.
        return jax.lax.optimization_barrier(columns.T)
    if is_divided(columns):
        return _turned_where_it_is(columns)
    return jax.device_put(np.ascontiguousarray(np.asarray(columns).T))


@jax.jit
def _turned_where_it_is(columns: Array) -> Array:
    return columns.T


def on_device(batch: Batch) -> Batch:
    """The batch as arrays of JAX."""
    return jax.tree.map(jnp.asarray, batch)
