"""Section 2: Z[l] = W[l]ᵀ A[l-1] + b[l] 1ᵀ and A[l] = f(Z[l])."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial, reduce
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from mlp_jax.activations import ACTIVATIONS, Activation, is_named, own_activation
from mlp_jax.losses import LOSSES, Loss, is_named_loss, of_name
from mlp_jax.parameters import Layer, as_examples, as_layers

PRECISIONS = ("default", "high", "highest", "bfloat16")

LARGE = 128 * 128  # weights of a layer, from which on it matters how factors lie in memory


@jax.tree_util.register_static
@dataclass(frozen=True, init=False)
class Network:
    """The static choices of a network; depth and widths come from its parameters.

    A hashable value without arrays, so it can be an argument of any jitted function. The default
    is the paper's network.

    Args:
      activation: of all hidden layers, or a sequence with one for each. By name, as an
        `Activation`, or as a pair of functions (f, f_prime) of Z.
      loss: by name, such as "squared_error", "huber(0.5)" or "pinball(0.1, 0.9)", or as a `Loss`;
        its output activation comes with it.
      precision: of the matrix products. "highest" keeps float32 products in float32 on every
        device; "default" and "high" are `jax.lax.Precision`'s and let a GPU use TF32 and a TPU
        bfloat16. "bfloat16" rounds the factors of every product to bfloat16 and sums in the dtype
        of the parameters, which stay as they are.

    Raises:
      ValueError: an unknown name.

    Example:
      >>> Network()
      Network(activation='relu', loss='binary_cross_entropy', precision='highest')
      >>> Network(activation="tanh") == Network(activation=ACTIVATIONS["tanh"])
      True
      >>> Network(("relu", "tanh"), "pinball(0.1, 0.9)").activation
      ('relu', 'tanh')
    """

    activation: Activation | tuple[Activation, ...]
    loss: Loss
    precision: str
    rows: bool = field(repr=False)  # see `by_rows`

    def __init__(
        self,
        activation: Any = "relu",
        loss: Loss | str = "binary_cross_entropy",
        precision: str = "highest",
    ) -> None:
        if precision not in PRECISIONS:
            raise ValueError(f"precision is {precision!r}; expected one of {', '.join(PRECISIONS)}")
        # A frozen dataclass is written to in its __init__ alone.
        object.__setattr__(self, "activation", _activations(activation))
        object.__setattr__(self, "loss", _loss(loss))
        object.__setattr__(self, "precision", precision)
        object.__setattr__(self, "rows", False)

    def by_rows(self) -> "Network":
        """The same network, whose examples are rows in memory, as they are columns on paper.

        XLA's fast products on a CPU run over the last axis of A and the first of B. Wᵀ A has W the
        other way, and so costs a copy of it and, of every batch, one of X: a tenth of a step of
        784-256-128-10. (Aᵀ W)ᵀ costs none, for both transpositions are another way to read the
        same memory. Small layers gain nothing by it, and networks side by side lose.
        """
        other = Network(self.activation, self.loss, self.precision)
        object.__setattr__(other, "rows", True)
        return other

    def hidden(self, layers: Sequence[Any]) -> tuple[Activation, ...]:
        """The activation of every hidden layer of a network of these layers.

        Raises:
          ValueError: one activation a layer was chosen, for another number of layers.
        """
        hidden = len(layers) - 1
        if isinstance(self.activation, Activation):
            return (self.activation,) * hidden
        if len(self.activation) != hidden:
            raise ValueError(
                f"activation names {len(self.activation)} hidden layers, {self.activation}, and "
                f"params has {hidden}; expected one for each, or a single one for all"
            )
        return self.activation

    def __reduce__(self) -> Any:
        """By names, for not all functions behind them can be pickled; a user's own as they are."""

        def named(f: Activation) -> Any:
            return f.name if is_named(f) else f

        chosen = self.activation
        activation: Any
        if isinstance(chosen, Activation):
            activation = named(chosen)
        else:
            activation = tuple(named(f) for f in chosen)
        loss = self.loss.name if is_named_loss(self.loss) else self.loss
        return Network, (activation, loss, self.precision)

    def product(self, A: Array, B: Array) -> Array:
        """A B at the chosen precision, in the dtype of A and B."""
        if self.precision != "bfloat16":
            return jnp.matmul(A, B, precision=self.precision)
        rounded = A.astype(jnp.bfloat16), B.astype(jnp.bfloat16)
        return jnp.matmul(*rounded, preferred_element_type=A.dtype)

    def layer_product(self, M: Array, A: Array) -> Array:
        """M A, where the columns of A and of the product are examples."""
        if self.rows:
            return jax.lax.optimization_barrier(self.product(as_rows(A), M.T)).T
        return self.product(M, A)


def _activations(choice: Any) -> Activation | tuple[Activation, ...]:
    if isinstance(choice, Activation | str) or not isinstance(choice, Sequence):
        return _chosen("activation", choice, ACTIVATIONS, Activation)
    if len(choice) == 2 and all(callable(function) for function in choice):
        return own_activation(*choice)
    return tuple(_activations(one) for one in choice)  # type: ignore[misc]


def _loss(choice: Any) -> Loss:
    named = of_name(choice) if isinstance(choice, str) else None
    return _chosen("loss", choice, LOSSES, Loss) if named is None else named


def _chosen(kind: str, choice: Any, table: dict[str, Any], type_: type) -> Any:
    if isinstance(choice, type_):
        return choice
    if not isinstance(choice, str) or choice not in table:
        close = difflib.get_close_matches(str(choice), table, n=1, cutoff=0.5)
        meant = f"; did you mean {close[0]!r}?" if close else ""
        raise ValueError(f"{kind} is {choice!r}; expected one of {', '.join(table)}{meant}")
    return table[choice]


# Section 1: ReLU in every hidden layer, sigmoid and binary cross-entropy at the output.
PAPER = Network()


class Trace(NamedTuple):
    """What forward propagation computes and backward needs.

    Z: (Z[1], ..., Z[L]). A: (A[0], ..., A[L-1]), A[0] = X, each hidden one before its mask. masks:
    (M[1], ..., M[L-1]) or None. kept: of every hidden layer which entries count, (n[l], m) or
    (1, m), or None for all. Z[l], A[l] and M[l] are (n[l], m). A[L] is not here: the losses are
    functions of Z[L].
    """

    Z: tuple[Array, ...]
    A: tuple[Array, ...]
    masks: tuple[Array, ...] | None
    kept: tuple[Array | None, ...]

    def inputs(self) -> tuple[Array, ...]:
        """What every layer was given: A[0], then M[l] ∘ A[l]."""
        hidden = range(len(self.kept))
        return (self.A[0], *(self.masked(l, self.A[l + 1]) for l in hidden))

    def masked(self, l: int, value: Array) -> Array:
        """M ∘ value of hidden layer number l, counted from 0; 0 for all that does not count."""
        product = value if self.masks is None else self.masks[l] * value
        return chosen(self.kept[l], product)


def chosen(kept: Array | None, value: Array) -> Array:
    """The value where it counts, else 0; of None, all of it.

    Chosen and not multiplied: 0 times what is not finite is NaN.
    """
    return value if kept is None else jnp.where(kept, value, 0.0)


def _kept(mask: Array | None, weights: Array | None) -> Array | None:
    """Which entries of a hidden layer count: of units that stay, for examples with a weight."""
    counts = [factor > 0.0 for factor in (mask, weights) if factor is not None]
    return reduce(jnp.logical_and, counts) if counts else None


def without_derivative(kept: Array | None, value: Array) -> Array:
    """The value, of which autodiff takes no derivative where it does not count.

    Else autodiff would multiply the 0 that it is handed there by a derivative that may be infinite.
    The compiled forward pass has nothing of it.
    """
    return value if kept is None else jnp.where(kept, value, jax.lax.stop_gradient(value))


def forward_trace(
    layers: tuple[Layer, ...],
    X: Array,
    network: Network,
    masks: tuple[Array, ...] | None = None,
    weights: Array | None = None,
) -> Trace:
    """Section 2, every layer kept; X of shape (n[0], m) in the dtype of the parameters.

    masks: with dropout, M[l] of every hidden layer: Z[l+1] = W[l+1]ᵀ (M[l] ∘ A[l]) + b[l+1] 1ᵀ.
    weights: of the examples, (1, m). Those of weight 0 are as if all their units were dropped,
    where an activation may make other than finite numbers of them.
    """
    hidden = network.hidden(layers)
    kept = tuple(
        _kept(mask, weights if f.own else None)
        for f, mask in zip(hidden, masks or (None,) * len(hidden), strict=True)
    )
    trace = Trace((), (X,), masks, kept)
    given = X
    for l, (W, b) in enumerate(layers, start=1):
        W_T = W.T if network.rows else _transposed(W)
        Z = network.layer_product(W_T, given) + b  # (n, n') (n', m)
        trace = trace._replace(Z=(*trace.Z, Z))
        if l < len(layers):
            A = hidden[l - 1].f(without_derivative(kept[l - 1], Z))
            trace = trace._replace(A=(*trace.A, A))
            given = trace.masked(l - 1, A)
    return trace


def as_rows(A: Array) -> Array:
    """Aᵀ, behind a barrier: else XLA takes the transposition into the product."""
    return jax.lax.optimization_barrier(A.T)


def is_large(layers: Sequence[Layer]) -> bool:
    """Whether one network of these layers is the faster for `Network.by_rows`."""
    return any(W.size >= LARGE for W, _ in layers)


def _transposed(W: Array) -> Array:
    """Wᵀ, (n, n'); a copy of a large one.

    XLA folds a transposition into the product, and on a CPU a product that runs over the first axis
    of both factors takes up to twice as long as the copy and a product over the inner axes.
    """
    return W.T if W.size < LARGE else jax.lax.optimization_barrier(W.T)


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
