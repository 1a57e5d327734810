"""A model as an ONNX graph, for whoever has onnxruntime or another runtime of it."""

import json
from typing import Any

import numpy as np

from mlp_jax.models.model import Model
from mlp_jax.models.onnx_encoding import add_inputs, check_known
from mlp_jax.models.onnx_graph import Graph
from mlp_jax.models.onnx_network import add_average
from mlp_jax.models.outputs import EVEN


def to_bytes(model: Model, dtype: str) -> bytes:
    """The content of the file that `export_model` writes, see there.

    Raises:
      ValueError: a column of a kind that no graph can be made of yet.
    """
    check_known(model.encoding)
    graph = Graph(dtype, [column.name for column in model.encoding.columns])
    X, refused = add_inputs(graph, model.encoding)
    A = add_average(graph, model.networks, model.weights, model.loss, X)
    A = graph.node("Add", A, graph.cast(refused, "float64"))
    outputs = model.networks[0].sizes[-1]
    if not model.is_classifier:
        numbers = graph.node("Mul", A, graph.constant(model.scale, np.float64))
        numbers = graph.node("Add", numbers, graph.constant(model.mean, np.float64))
        graph.add_output("prediction", graph.cast(numbers, dtype), dtype, outputs)
    elif model.classes is None:
        _add_labels(graph, A, outputs)
    else:
        _add_classes(graph, A, outputs, model.classes)
    return graph.to_bytes(_about(model))


def _add_labels(graph: Graph, A: str, outputs: int) -> None:
    """1 for every label that is above even odds, and the probability of each."""
    yes = graph.node("Greater", A, graph.constant(EVEN, np.float64))
    graph.add_output("label", graph.cast(yes, np.int64), np.int64, outputs)
    graph.add_output("probabilities", graph.cast(A, graph.dtype), graph.dtype, outputs)


def _add_classes(graph: Graph, A: str, outputs: int, classes: tuple[Any, ...]) -> None:
    """The class of the largest probability, and the probability of each."""
    if outputs == 1:
        no = graph.node("Sub", graph.constant(1.0, np.float64), A)
        A = graph.node("Concat", no, A, axis=1)
    number = graph.node("ArgMax", A, axis=1, keepdims=0)
    named = _as_array(classes)
    label = graph.node("Gather", graph.constant(named), number)
    graph.add_output("label", label, named.dtype, None)
    probabilities = graph.cast(A, graph.dtype)
    graph.add_output("probabilities", probabilities, graph.dtype, max(2, outputs))


def _as_array(classes: tuple[Any, ...]) -> np.ndarray:
    """Classes as an array that ONNX can hold: truth values, whole numbers, numbers, or texts."""
    for kind, dtype in ((bool, np.bool_), (int, np.int64), (int | float, np.float64)):
        if all(
            isinstance(one, kind) and isinstance(one, bool) == (kind is bool) for one in classes
        ):
            return np.array(classes, dtype)
    return np.array([str(one) for one in classes], object)


def _about(model: Model) -> dict[str, str]:
    """What the file says of the model, as JSON: its targets, and what its outputs are of."""
    found = {
        "targets": model.targets,
        "classes": model.classes,
        "quantiles": model.quantiles or None,
        "columns": [column.name for column in model.encoding.columns],
    }
    return {name: json.dumps(value) for name, value in found.items() if value is not None}
