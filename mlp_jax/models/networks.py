"""From a trained network to a `Model`, which has names and NumPy arrays alone, and back."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mlp_jax.activations import Activation, is_named
from mlp_jax.losses import is_named_loss
from mlp_jax.models.encoding import Encoding
from mlp_jax.models.model import Model
from mlp_jax.network import Network
from mlp_jax.parameters import Layer, as_layers


def as_model(
    params: Sequence[Layer],
    network: Network,
    *,
    encoding: Encoding,
    targets: Sequence[str],
    classes: Sequence[Any] | None = None,
    mean: float = 0.0,
    scale: float = 1.0,
    notes: Mapping[str, Any] | None = None,
) -> Model:
    """The model of a trained network, with copies of params; `Model` describes the arguments.

    Raises:
      ValueError: an activation or a loss of the user's own, which no file can hold.
    """
    check_named(network)
    return Model(
        layers=tuple((np.array(W), np.array(b)) for W, b in params),
        activations=tuple(activation.name for activation in network.hidden(params)),
        loss=network.loss.name,
        encoding=encoding,
        targets=tuple(targets),
        classes=None if classes is None else tuple(map(_as_json, classes)),
        mean=float(mean),
        scale=float(scale),
        precision=network.precision,
        notes=dict(notes or {}),
    )


def as_network(model: Model) -> tuple[tuple[Layer, ...], Network]:
    """(params, network), as for `mlp_jax.forward`."""
    activations = model.activations or ("relu",)
    alike = len(set(activations)) == 1
    network = Network(activations[0] if alike else activations, model.loss, model.precision)
    return as_layers([Layer(W, b) for W, b in model.layers]), network


def check_named(network: Network) -> None:
    """Raises ValueError for a user's own activation or loss, which no file can hold."""
    chosen = network.activation
    for activation in [chosen] if isinstance(chosen, Activation) else chosen:
        if not is_named(activation):
            raise ValueError(
                f"the activation {activation.name!r} is a function of your own and cannot be "
                "written to a file; save params with safetensors and build the Network in code"
            )
    if not is_named_loss(network.loss):
        raise ValueError(
            f"the loss {network.loss.name!r} is a function of your own and cannot be written to a "
            "file; save params with safetensors and build the Network in code"
        )


def _as_json(label: Any) -> Any:
    """A class as JSON can hold it: a number of NumPy as one of Python."""
    label = label.item() if isinstance(label, np.generic) else label
    if not isinstance(label, str | bool | int | float):
        raise ValueError(
            f"the class {label!r} is a {type(label).__name__}; a model file holds texts and numbers"
        )
    return label
