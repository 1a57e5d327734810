"""Forward propagation as nodes of an ONNX graph: what `numpy_forward` does, row by row."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mlp_jax.loss_rules import rules_of
from mlp_jax.models.model import ModelNetwork
from mlp_jax.models.onnx_graph import Graph

Activation = Callable[[Graph, str], str]


def add_average(
    graph: Graph, networks: Sequence[ModelNetwork], weights: np.ndarray, loss: str, X: str
) -> str:
    """The average A[L] of networks, (samples, n[L]), float64.

    Args:
      graph: that they are added to.
      networks: of the same inputs and outputs.
      weights: of each in the average.
      loss: its name, which says what the output activation is.
      X: their inputs, (samples, n[0]).
    """
    found = []
    for network, weight in zip(networks, weights.tolist(), strict=True):
        A = graph.cast(_forward(graph, network, loss, X), "float64")
        found.append(A if weight == 1 else graph.node("Mul", A, graph.constant(weight)))
    return found[0] if len(found) == 1 else graph.node("Sum", *found)


def _forward(graph: Graph, network: ModelNetwork, loss: str, X: str) -> str:
    """A[L] of one network."""
    output = rules_of(loss).output
    names = [*network.activations, output]
    A = X
    for (W, b), name in zip(network.layers, names, strict=True):
        bias = graph.constant(np.reshape(b, (1, -1)), graph.dtype)
        Z = graph.node("Gemm", A, graph.constant(W, graph.dtype), bias)
        A = (ACTIVATIONS.get(name) or OUTPUTS[name])(graph, Z)
    return A


def _number(graph: Graph, value: float) -> str:
    return graph.constant(value, graph.dtype)


def _of_operator(op: str, **attributes: Any) -> Activation:
    return lambda graph, Z: graph.node(op, Z, **attributes)


def _identity(graph: Graph, Z: str) -> str:
    return Z


def _elu(graph: Graph, Z: str) -> str:
    """Z above 0, else exp(Z) - 1: onnxruntime has no Elu of float64."""
    below = graph.node("Exp", graph.node("Min", Z, _number(graph, 0.0)))
    below = graph.node("Sub", below, _number(graph, 1.0))
    above = graph.node("Greater", Z, _number(graph, 0.0))
    return graph.node("Where", above, Z, below)


def _selu(graph: Graph, Z: str) -> str:
    scale, alpha = 1.0507009873554805, 1.6732632423543772
    above = graph.node("Greater", Z, _number(graph, 0.0))
    below = graph.node("Mul", _elu(graph, Z), _number(graph, alpha))
    both = graph.node("Where", above, Z, below)
    return graph.node("Mul", both, _number(graph, scale))


def _softplus(graph: Graph, Z: str) -> str:
    """max(Z, 0) + log(1 + exp(-|Z|)): onnxruntime has no Softplus of float64."""
    small = graph.node("Exp", graph.node("Neg", graph.node("Abs", Z)))
    log = graph.node("Log", graph.node("Add", small, _number(graph, 1.0)))
    return graph.node("Add", graph.node("Max", Z, _number(graph, 0.0)), log)


def _silu(graph: Graph, Z: str) -> str:
    return graph.node("Mul", Z, graph.node("Sigmoid", Z))


def _gelu(graph: Graph, Z: str) -> str:
    """Z (1 + erf(Z / √2)) / 2. Erf is in float32, of which alone onnxruntime has it."""
    root = graph.node("Mul", Z, _number(graph, math.sqrt(0.5)))
    erf = graph.cast(graph.node("Erf", graph.cast(root, "float32")), graph.dtype)
    both = graph.node("Add", erf, _number(graph, 1.0))
    return graph.node("Mul", graph.node("Mul", Z, _number(graph, 0.5)), both)


def _gelu_tanh(graph: Graph, Z: str) -> str:
    cube = graph.node("Mul", graph.node("Mul", Z, Z), Z)
    inner = graph.node("Add", Z, graph.node("Mul", cube, _number(graph, 0.044715)))
    inner = graph.node("Mul", inner, _number(graph, 2 * math.sqrt(2 / math.pi)))
    return graph.node("Mul", Z, graph.node("Sigmoid", inner))


def _mish(graph: Graph, Z: str) -> str:
    return graph.node("Mul", Z, graph.node("Tanh", _softplus(graph, Z)))


ACTIVATIONS: dict[str, Activation] = {
    "identity": _identity,
    "relu": _of_operator("Relu"),
    "leaky_relu": _of_operator("LeakyRelu", alpha=0.01),
    "elu": _elu,
    "selu": _selu,
    "tanh": _of_operator("Tanh"),
    "sigmoid": _of_operator("Sigmoid"),
    "softplus": _softplus,
    "silu": _silu,
    "gelu": _gelu,
    "gelu_tanh": _gelu_tanh,
    "mish": _mish,
}
# Those that are no hidden layer's; see `loss_rules`.
OUTPUTS: dict[str, Activation] = {
    "softmax": _of_operator("Softmax", axis=-1),
    "exp": _of_operator("Exp"),
}
