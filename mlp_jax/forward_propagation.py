"""Section 2: Z[l] = W[l]ᵀ A[l-1] + b[l] 1ᵀ and A[l] = f(Z[l])."""

import difflib
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from mlp_jax.activations import ACTIVATIONS, Activation
from mlp_jax.losses import LOSSES, Loss
from mlp_jax.parameters import Layer, as_examples, as_layers


@jax.tree_util.register_static
@dataclass(frozen=True, init=False)
class Network:
    """The static choices of a network; depth and widths come from its parameters.

    A hashable value without arrays, so it can be an argument of any jitted function. The default
    is the paper's network.

    Args:
      activation: of all hidden layers, by name or as an `Activation`.
      loss: by name or as a `Loss`; its output activation comes with it.
      precision: of the matrix products, as `jax.lax.Precision` names it. "highest" keeps float32
        products in float32 on every device; "default" lets a GPU use TF32 and a TPU bfloat16.

    Raises:
      ValueError: an unknown name.

    Example:
      >>> Network()
      Network(activation='relu', loss='binary_cross_entropy', precision='highest')
      >>> Network(activation="tanh") == Network(activation=ACTIVATIONS["tanh"])
      True
    """

    activation: Activation
    loss: Loss
    precision: str

    def __init__(
        self,
        activation: Activation | str = "relu",
        loss: Loss | str = "binary_cross_entropy",
        precision: str = "highest",
    ) -> None:
        if precision not in ("default", "high", "highest"):
            raise ValueError(f"precision is {precision!r}; expected 'default', 'high' or 'highest'")
        # A frozen dataclass is written to in its __init__ alone.
        object.__setattr__(self, "activation", _chosen("activation", activation, ACTIVATIONS))
        object.__setattr__(self, "loss", _chosen("loss", loss, LOSSES))
        object.__setattr__(self, "precision", precision)


def _chosen(kind: str, choice: Any, table: dict[str, Any]) -> Any:
    if type(choice) is type(next(iter(table.values()))):
        return choice
    if choice not in table:
        close = difflib.get_close_matches(str(choice), table, n=1, cutoff=0.5)
        meant = f"; did you mean {close[0]!r}?" if close else ""
        raise ValueError(f"{kind} is {choice!r}; expected one of {', '.join(table)}{meant}")
    return table[choice]


# Section 1: ReLU in every hidden layer, sigmoid and binary cross-entropy at the output.
PAPER = Network()


class Trace(NamedTuple):
    """What forward propagation computes and backward needs.

    Z: (Z[1], ..., Z[L]). A: (A[0], ..., A[L-1]), A[0] = X. Z[l] and A[l] are (n[l], m).
    A[L] is not here: the losses are functions of Z[L].
    """

    Z: tuple[Array, ...]
    A: tuple[Array, ...]


def forward_trace(layers: tuple[Layer, ...], X: Array, network: Network) -> Trace:
    """Section 2, every layer kept; X of shape (n[0], m) in the dtype of the parameters."""
    Z: list[Array] = []
    A = [X]
    for W, b in layers:
        Z.append(jnp.matmul(W.T, A[-1], precision=network.precision) + b)  # (n, n') (n', m)
        A.append(network.activation.f(Z[-1]))
    return Trace(tuple(Z), tuple(A[:-1]))


@partial(jax.jit, static_argnames="network")
def forward(params: Any, X: Any, *, network: Network = PAPER) -> Array:
    """A[L], the outputs of the network for every example. Section 2.

    Args:
      params: a sequence of (W, b) pairs, W[l] of shape (n[l-1], n[l]) and b[l] of (n[l], 1).
      X: features, shape (n[0], m): columns are examples. Cast to the dtype of params.
      network: the activation and the loss, which brings the output activation.

    Returns:
      Shape (n[L], m); probabilities for the paper's network.

    Raises:
      ValueError: shapes that do not fit, in terms of the caller's arrays.

    Example:
      >>> from mlp_jax.parameters import init
      >>> params = init(jax.random.key(0), (4, 3, 1))
      >>> forward(params, jnp.zeros((4, 5)))
      Array([[0.5, 0.5, 0.5, 0.5, 0.5]], dtype=float32)
    """
    layers = as_layers(params)
    Z = forward_trace(layers, as_examples(layers, X), network).Z
    return network.loss.output(Z[-1])
