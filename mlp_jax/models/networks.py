"""From trained networks to a `Model`, which has names and NumPy arrays alone, and back."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mlp_jax.activations import Activation, is_named
from mlp_jax.loss_rules import can_be_averaged
from mlp_jax.losses import is_named_loss
from mlp_jax.models.encoding import Encoding
from mlp_jax.models.model import Model, ModelNetwork
from mlp_jax.network import Network
from mlp_jax.parameters import Layer, as_layers

Trained = tuple[Sequence[Layer], Network]  # (params, network)


def as_model(
    networks: Sequence[Trained],
    weights: Sequence[float] | np.ndarray | None = None,
    *,
    encoding: Encoding,
    targets: Sequence[str],
    classes: Sequence[Any] | None = None,
    mean: float = 0.0,
    scale: float = 1.0,
    notes: Mapping[str, Any] | None = None,
) -> Model:
    """The model of trained networks, with copies of their params.

    `networks` are (params, network) of each, `weights` are of each in the average, equal by
    default; `Model` describes the other arguments.

    Raises:
      ValueError: an activation or a loss of the user's own, which no file can hold; networks that
        cannot be averaged.
    """
    for _, network in networks:
        check_named(network)
    losses = dict.fromkeys(network.loss.name for _, network in networks)
    shapes = {(len(params[0][0]), params[-1][0].shape[1]) for params, _ in networks}
    if len(shapes) > 1:
        raise ValueError(f"networks have {sorted(shapes)} inputs and outputs; expected the same")
    if len(losses) > 1 or (len(networks) > 1 and not can_be_averaged(*losses)):
        raise ValueError(
            f"{len(networks)} networks of the loss {' and '.join(losses)} cannot be averaged; "
            "write one of them"
        )
    precisions = {network.precision for _, network in networks}
    return Model(
        networks=tuple(_as_names(params, network) for params, network in networks),
        loss=networks[0][1].loss.name,
        encoding=encoding,
        targets=tuple(targets),
        classes=None if classes is None else tuple(map(_as_json, classes)),
        mean=float(mean),
        scale=float(scale),
        precision=precisions.pop() if len(precisions) == 1 else "highest",
        notes=dict(notes or {}),
        weights=_of_sum_one(weights, len(networks)),
    )


def _as_names(params: Sequence[Layer], network: Network) -> ModelNetwork:
    layers = tuple((np.array(W), np.array(b)) for W, b in params)
    return ModelNetwork(layers, tuple(f.name for f in network.hidden(params)))


def _of_sum_one(weights: Sequence[float] | np.ndarray | None, count: int) -> np.ndarray:
    found = np.ones(count) if weights is None else np.asarray(weights, np.float64)
    whole = np.isfinite(found).all() and (found >= 0).all() and found.sum() > 0
    if found.shape != (count,) or not whole:
        raise ValueError(f"weights are {found.tolist()}; expected {count} numbers from 0 up")
    return found / found.sum()


def as_networks(model: Model) -> tuple[tuple[tuple[Layer, ...], Network], ...]:
    """(params, network) of each, as for `mlp_jax.forward`."""
    return tuple(
        (
            as_layers([Layer(W, b) for W, b in layers]),
            as_network(activations, model.loss, model.precision),
        )
        for layers, activations in model.networks
    )


def as_network(activations: Sequence[str], loss: str, precision: str) -> Network:
    """The network of these hidden layers' activations."""
    chosen = activations or ("relu",)
    alike = len(set(chosen)) == 1
    return Network(chosen[0] if alike else tuple(chosen), loss, precision)


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
