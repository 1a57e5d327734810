"""A gradient on trial: by hand, by `jax.grad` and by central differences, in float64.

`certify` is for two readers. One must trust the numbers of this library. The other has written a
backward function of their own and wants to know which layer of it is wrong.
"""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from mlp_jax.back_propagation import gradient as gradient_by_hand
from mlp_jax.certificate.gather import at_other_values, gather_evidence, leaves_of
from mlp_jax.certificate.verdicts import Leaf, diagnosis, judge
from mlp_jax.dropout import as_masks
from mlp_jax.examples import as_weights, check_examples, check_labels
from mlp_jax.gradient_call import call_gradient
from mlp_jax.network import PAPER, Network
from mlp_jax.parameters import Layer, as_layers, shaped_like


class Certificate(NamedTuple):
    """The outcome of `certify`; prints as a table.

    leaves: one `Leaf` for each W[l] and b[l], from layer 1 up.
    layer: the number of the first wrong layer on the way back from the output; None if all is
      right.
    diagnosis: what to look at.
    note: what was compared in another way than one would expect, or "".
    """

    leaves: tuple[Leaf, ...]
    layer: int | None
    diagnosis: str
    note: str = ""

    @property
    def passed(self) -> bool:
        """True when no leaf is wrong and none is untold."""
        return all(leaf.verdict not in ("wrong", "untold") for leaf in self.leaves)

    def to_json(self) -> str:
        """The certificate as a JSON object; numbers that are not finite become null."""

        def plain(value: Any) -> Any:
            return value if not isinstance(value, float) or np.isfinite(value) else None

        leaves = [{k: plain(v) for k, v in leaf._asdict().items()} for leaf in self.leaves]
        return json.dumps(
            {"passed": self.passed, "layer": self.layer, "diagnosis": self.diagnosis}
            | {"note": self.note, "leaves": leaves},
            allow_nan=False,
        )

    def __str__(self) -> str:
        head = "", "shape", "vs jax.grad", "vs differences", "worst entry", "left out", "verdict"
        rows = [head]
        for leaf in self.leaves:
            rows.append(
                (
                    leaf.name,
                    f"{leaf.shape[0]} x {leaf.shape[1]}",
                    f"{leaf.error_autodiff:.1e}",
                    f"{leaf.error_differences:.1e}",
                    f"[{leaf.worst[0]}, {leaf.worst[1]}]",
                    f"{leaf.left_out} of {leaf.probed}",
                    leaf.verdict + (f": {leaf.remark}" if leaf.remark else ""),
                )
            )
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
        return "\n".join([*lines, self.diagnosis, *([self.note] if self.note else [])])


def certify(
    params: Any,
    X: Any,
    Y: Any,
    *,
    network: Network = PAPER,
    gradient: Callable[..., Any] = gradient_by_hand,
    weights: Any = None,
    l2: float = 0.0,
    masks: Any = None,
    entries: int = 100,
) -> Certificate:
    """Compares `gradient` with `jax.grad(cost)` and with central differences, in float64.

    Every entry is compared with `jax.grad`. Up to `entries` of each W[l] and b[l], those furthest
    from `jax.grad` first, are compared with central differences of the cost, which decide where
    the other two disagree. Where a ReLU's z changes sign within the step, or the cost bends too
    fast for it, as at a kink of a loss of your own, a difference means nothing: the entry is left
    out and judged by `jax.grad` alone. Right is what differs by no more than rounding can, in the
    dtype that `gradient` returns, an entry by its own size: of a - y no more than of a and of y
    (errata 32). What is so small that rounding could make it proves nothing, and is said.

    Args:
      params: a sequence of (W, b) pairs, W[l] of shape (n[l-1], n[l]) and b[l] of (n[l], 1).
      X: features, shape (n[0], m): columns are examples.
      Y: labels, shape (n[L], m).
      network: the activation and the loss.
      gradient: the function on trial, called as gradient(params, X, Y) with float64 arrays; it
        is given network, weights, l2 and masks as well if it has arguments of these names. It
        returns (W, b) pairs like params, of NumPy or JAX arrays.
      weights: example weights, shape (1, m), or None.
      l2: strength of the L2 penalty.
      masks: of dropout, from `dropout_masks`; None for none.
      entries: how many entries of each leaf to compare with central differences.

    Returns:
      A `Certificate`. A wrong gradient is an outcome, not an exception.

    Raises:
      ValueError: params, X, Y or weights do not fit or are not finite, the cost is not finite, or
        `gradient` returns no (W, b) pairs.

    Example:
      A student forgot the 1/m.

      >>> import jax, mlp_jax
      >>> params = mlp_jax.init(jax.random.key(0), (4, 3, 1))
      >>> X = jax.random.normal(jax.random.key(1), (4, 8))
      >>> Y = (X[:1] > 0).astype(float)
      >>> mlp_jax.certify(params, X, Y).passed
      True
      >>> def mine(params, X, Y):
      ...     return jax.tree.map(lambda g: 8 * g, mlp_jax.gradient(params, X, Y))
      >>> print(mlp_jax.certify(params, X, Y, gradient=mine).diagnosis)
      Wrong from layer 2 down. W[2] and b[2]: 8 times the true one; m = 8: 1/m is missing (3.1.1).
      Look at dJ/dZ[2], from which both are made: 3.1.1 to 3.1.3.
    """
    with jax.enable_x64(True):
        layers = jax.tree.map(_float64, as_layers(params))
        X, Y = _float64(X), _float64(Y)
        check_examples(layers, X)
        check_labels(layers, X, Y, one=network.loss.outputs_of_label > 1)
        weights = as_weights(X, None if weights is None else _float64(weights))
        masks = as_masks(layers, X, None if masks is None else [_float64(M) for M in masks])
        values = {"params": layers, "X": X, "Y": Y, "weights": weights, "masks": masks}
        for name, leaf in values.items():
            if not all(np.isfinite(part).all() for part in jax.tree.leaves(leaf)):
                raise ValueError(
                    f"{name} is not finite everywhere; no gradient can be judged there"
                )
        exact = Network(network.activation, network.loss)  # differences of rounded costs are none
        choices = {"network": exact, "weights": weights, "l2": float(l2), "masks": masks}
        returned = call_gradient(gradient, *_handed_out(params, layers, X, Y), **choices)
        evidence = gather_evidence(leaves_of(returned, layers), layers, X, Y, choices, entries)
        if not all(e.agrees for e in evidence):
            evidence = at_other_values(evidence, layers, X, Y, choices)
    # W[l] and b[l] stand side by side: 0 with 1, 2 with 3.
    leaves = tuple(
        judge(e, beside=evidence[index ^ 1], m=X.shape[1]) for index, e in enumerate(evidence)
    )
    return Certificate(leaves, *diagnosis(leaves), note=_note(network))


def _note(network: Network) -> str:
    notes = []
    if not network.loss.by_hand:
        notes.append(f"The output error dL/dZ of the loss {network.loss.name!r} is autodiff's.")
    if network.precision == "bfloat16":
        notes.append("Compared with products in float64, not bfloat16.")
    return " ".join(notes)


def _float64(leaf: Any) -> Any:
    return np.asarray(leaf, np.float64) if hasattr(leaf, "shape") else leaf


def _handed_out(
    params: Any, layers: tuple[Layer, ...], X: np.ndarray, Y: np.ndarray
) -> tuple[Any, ...]:
    """Copies for the function on trial: of the kind the caller uses, NumPy or JAX, in float64."""
    is_numpy = all(isinstance(leaf, np.ndarray) for leaf in jax.tree.leaves(params))
    copies = jax.tree.map(np.array, (layers, X, Y))
    if not is_numpy:  # jnp.array would compile a program for each shape
        copies = jax.device_put(copies)
    return shaped_like(params, copies[0]), *copies[1:]
