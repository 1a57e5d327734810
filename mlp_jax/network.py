"""The static choices of a network, by name: activations, loss and the precision of products."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax

from mlp_jax.activations import ACTIVATIONS, Activation, is_named, own_activation, pair_of
from mlp_jax.losses import LOSSES, Loss, of_name
from mlp_jax.products import Products
from mlp_jax.wording import or_meant


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
    products: Products

    def __init__(
        self,
        activation: Any = "relu",
        loss: Loss | str = "binary_cross_entropy",
        precision: str | Products = "highest",
    ) -> None:
        products = precision if isinstance(precision, Products) else Products(precision)
        # A frozen dataclass is written to in its __init__ alone.
        object.__setattr__(self, "activation", _activations(activation))
        object.__setattr__(self, "loss", _loss(loss))
        object.__setattr__(self, "products", products)

    def __repr__(self) -> str:
        choices = ("activation", "loss", "precision")
        return f"Network({', '.join(f'{name}={getattr(self, name)!r}' for name in choices)})"

    @property
    def precision(self) -> str:
        """Of the matrix products."""
        return self.products.precision

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
            return f.name if is_named(f) else pair_of(f)

        chosen = self.activation
        activation: Any
        if isinstance(chosen, Activation):
            activation = named(chosen)
        else:
            activation = tuple(named(f) for f in chosen)
        return Network, (activation, self.loss, self.precision)


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
        known = ", ".join(table) + or_meant(choice, table, cutoff=0.5)
        raise ValueError(f"{kind} is {choice!r}; expected one of {known}")
    return table[choice]


# Section 1: ReLU in every hidden layer, sigmoid and binary cross-entropy at the output.
PAPER = Network()
