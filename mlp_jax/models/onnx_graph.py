"""An ONNX graph, put together node by node. A value is known by its name, as in ONNX."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

OPSET = 17  # of ai.onnx: onnxruntime 1.12 and later
OPSET_OF_ML = 3  # of ai.onnx.ml, for the places of texts
IR_VERSION = 8
OF_ML = "ai.onnx.ml"
SAMPLES = "samples"  # the name of the axis that may be of any length


class Graph:
    """Nodes, constants, inputs and outputs.

    dtype: of the outputs and of what the networks compute, "float32" or "float64".
    """

    def __init__(self, dtype: str, taken: Sequence[str]) -> None:
        """Of nothing yet. taken: names that the graph's own values must not have."""
        self.dtype = dtype
        self._own = "/"  # what names of the graph's own begin with
        while any(name.startswith(self._own) for name in taken):
            self._own += "/"
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []

    def constant(self, value: Any, dtype: Any = None) -> str:
        """An array that the file holds."""
        array = np.array(value, dtype, order="C")
        name = self._new()
        self._constants.append(numpy_helper.from_array(array, name))
        return name

    def node(self, op: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """The value that an operator makes of others."""
        name = self._new()
        self._nodes.append(helper.make_node(op, inputs, [name], domain=domain, **attributes))
        return name

    def cast(self, value: str, dtype: Any) -> str:
        """The value in another dtype of NumPy's."""
        return self.node("Cast", value, to=_element(dtype))

    def add_input(self, name: str, dtype: Any, columns: int) -> str:
        """What the user hands in under this name, (samples, columns)."""
        self._inputs.append(_described(name, dtype, columns))
        return name

    def add_output(self, name: str, value: str, dtype: Any, columns: int | None) -> None:
        """Hands a value out under this name: (samples, columns), or (samples,) for None."""
        taken = {known.name for known in (*self._inputs, *self._outputs)}
        while name in taken:  # a column of the table
            name += "_"
        self._nodes.append(helper.make_node("Identity", [value], [name]))
        self._outputs.append(_described(name, dtype, columns))

    def to_bytes(self, about: Mapping[str, str]) -> bytes:
        """The content of a file. about: metadata, texts by name."""
        graph = helper.make_graph(
            self._nodes, "mlp_jax", self._inputs, self._outputs, self._constants
        )
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(OF_ML, OPSET_OF_ML)]
        made = helper.make_model(
            graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="mlp_jax"
        )
        helper.set_model_props(made, dict(about))
        onnx.checker.check_model(made, full_check=True)
        return bytes(made.SerializeToString())

    def _new(self) -> str:
        return f"{self._own}{len(self._nodes) + len(self._constants)}"


def _described(name: str, dtype: Any, columns: int | None) -> Any:
    shape: list[str | int | None] = [SAMPLES] if columns is None else [SAMPLES, columns]
    return helper.make_tensor_value_info(name, _element(dtype), shape)


def _element(dtype: Any) -> int:
    """ONNX's number for a dtype of NumPy's; texts are objects."""
    return int(helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))
