"""An ONNX file as nodes and constants, checked before anything is built from it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.errors import UserError, quoted

MAX_NODES = 4000
MAX_BYTES = 512 << 20  # of all constants
OLDEST_OPSET = 9
DOMAINS = ("", "ai.onnx")
_EXPORT = "export it again with torch.onnx.export or tf2onnx"
_DAMAGED = "is not a whole .onnx file: copy it or export it again."


@dataclass(frozen=True)
class Node:
    """One operator.

    Attributes:
        kind: the operator, such as "Conv".
        name: as the file gives it; may be empty.
        inputs: names of what it takes; "" for an optional one that is left out.
        outputs: names of what it gives.
        attributes: numbers, text, lists of them, or arrays.
    """

    kind: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]

    def refused(self, reason: str) -> UserError:
        """The error that this operator, used like this, is not supported."""
        where = f" (node {quoted(self.name)})" if self.name else ""
        comma = "," if reason.startswith("which") else ""
        return UserError(f"uses the operator {quoted(self.kind)}{where}{comma} {reason}.")


@dataclass(frozen=True)
class Graph:
    """What an ONNX file holds.

    Attributes:
        nodes: in an order in which they can be computed, without those the output does not need.
        constants: initializers, by name; floats as float32.
        source: name of the input.
        shape: of the input, with None for a batch of any size.
        output: name of the output.
        opset: version of the operators.
    """

    nodes: tuple[Node, ...]
    constants: Mapping[str, np.ndarray]
    source: str
    shape: tuple[int | None, int, int, int]
    output: str
    opset: int


def load(path: Path) -> Graph:
    """The graph in an ONNX file.

    Raises:
        UserError: it is damaged, too large, refers to other files, or does not take images and
            give one output. The text is the rest of a sentence that begins with the file's name.
    """
    from google.protobuf.message import DecodeError
    from onnx import ModelProto

    try:
        model = ModelProto.FromString(path.read_bytes())
    except DecodeError:
        raise UserError(_DAMAGED) from None
    graph = model.graph
    if not graph.node:
        raise UserError(_DAMAGED)
    opset = _opset(model)
    _check_parts(graph)
    constants = _constants(graph.initializer)
    source, shape = _only_input(graph, constants)
    if len(graph.output) != 1:
        names = ", ".join(quoted(output.name) for output in graph.output[:4])
        raise UserError(
            f"has {len(graph.output)} outputs ({names}): export it with the classes' scores alone."
        )
    output = _text(graph.output[0].name)
    nodes = needed([_node(node) for node in graph.node], output)
    return Graph(tuple(nodes), constants, source, shape, output, opset)


def needed(nodes: Iterable[Node], output: str) -> list[Node]:
    """The nodes that `output` depends on, in the same order."""
    kept, wanted = [], {output}
    for node in reversed(list(nodes)):
        if wanted.intersection(node.outputs):
            kept.append(node)
            wanted.update(node.inputs)
    return kept[::-1]


def _opset(model: Any) -> int:
    """Version of the standard operators; refuse all others."""
    if model.functions:
        raise UserError(f"defines operators of its own: {_EXPORT}.")
    versions = [entry.version for entry in model.opset_import if entry.domain in DOMAINS]
    if not versions:
        raise UserError(_DAMAGED)
    if versions[0] < OLDEST_OPSET:
        raise UserError(f"uses operators of version {versions[0]}: {_EXPORT}, opset 13 or later.")
    return versions[0]


def _check_parts(graph: Any) -> None:
    """Refuse too many nodes, foreign operators, and constants that are elsewhere or too large."""
    if len(graph.node) > MAX_NODES:
        raise UserError(f"has more than {MAX_NODES} nodes: it is not loaded.")
    for node in graph.node:
        if node.domain not in DOMAINS:
            raise UserError(
                f"uses the operator {quoted(node.op_type)} of {quoted(node.domain)}, which is not"
                f" part of ONNX: {_EXPORT}."
            )
    if graph.sparse_initializer:
        raise UserError(f"holds sparse weights: {_EXPORT}.")
    inside = (a.t for node in graph.node for a in node.attribute if a.HasField("t"))
    declared = 0
    for tensor in [*graph.initializer, *inside]:
        declared += _checked_bytes(tensor)
        if declared > MAX_BYTES:
            raise UserError(f"holds more than {MAX_BYTES >> 20} MB of weights: it is not loaded.")


def _checked_bytes(tensor: Any) -> int:
    from onnx import TensorProto as Kinds
    from onnx import helper

    if tensor.data_location == Kinds.EXTERNAL or tensor.external_data:
        raise UserError(
            f"keeps its weights ({quoted(tensor.name)}) in another file: export it again with the"
            " weights inside (external_data=False)."
        )
    plain = (Kinds.FLOAT, Kinds.FLOAT16, Kinds.BFLOAT16, Kinds.DOUBLE, Kinds.BOOL)
    whole = (Kinds.INT64, Kinds.INT32, Kinds.INT16, Kinds.INT8, Kinds.UINT8)
    if tensor.data_type not in (*plain, *whole):
        raise UserError(
            f"holds {quoted(tensor.name)}, which are not plain numbers: {_EXPORT}, in float32."
        )
    if any(size < 0 for size in tensor.dims):
        raise UserError(_DAMAGED)
    return helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize * math.prod(tensor.dims)


def _constants(initializers: Iterable[Any]) -> dict[str, np.ndarray]:
    return {_text(tensor.name): _array(tensor) for tensor in initializers}


def _array(tensor: Any) -> np.ndarray:
    """A constant's values; floats of any size as float32."""
    from onnx import numpy_helper

    try:
        array = numpy_helper.to_array(tensor)
    except (ValueError, TypeError):
        raise UserError(
            f"holds {quoted(tensor.name)} of another size than it says: copy it again."
        ) from None
    return array if array.dtype.kind in "iub" else array.astype(np.float32)


def _only_input(
    graph: Any, constants: Mapping[str, np.ndarray]
) -> tuple[str, tuple[int | None, int, int, int]]:
    """Name and shape of the input; constants may be listed as inputs too."""
    from onnx import TensorProto as Kinds

    inputs = [entry for entry in graph.input if _text(entry.name) not in constants]
    if len(inputs) != 1:
        names = ", ".join(quoted(entry.name) for entry in inputs[:4])
        raise UserError(f"has {len(inputs)} inputs ({names}): export it with the images alone.")
    tensor = inputs[0].type.tensor_type
    if tensor.elem_type not in (Kinds.FLOAT, Kinds.FLOAT16, Kinds.DOUBLE, Kinds.UINT8):
        raise UserError(f"does not take numbers from 0 to 255 or floats: {_EXPORT}, in float32.")
    sides = [size.dim_value if size.HasField("dim_value") else None for size in tensor.shape.dim]
    if len(sides) != 4:
        raise UserError(
            f"takes an input of {len(sides)} dimensions, not images: export it with an input of"
            " [batch, channels, height, width]."
        )
    if not all(side and side > 0 for side in sides[1:]):
        raise UserError(
            "takes images of any size: export it with a fixed height and width (only the batch may"
            " be dynamic)."
        )
    batch = sides[0] if sides[0] and sides[0] > 0 else None
    return _text(inputs[0].name), (batch, *sides[1:])  # type: ignore[return-value]


def _node(node: Any) -> Node:
    attributes = {entry.name: _attribute(entry) for entry in node.attribute}
    inputs, outputs = (tuple(map(_text, names)) for names in (node.input, node.output))
    return Node(_text(node.op_type), _text(node.name), inputs, outputs, attributes)


def _text(value: str | bytes) -> str:
    """A name; protobuf gives those that are not UTF-8 as bytes."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _attribute(entry: Any) -> Any:
    """An attribute's value; None for parts of a graph and others that no operator here takes."""
    from onnx import AttributeProto as Kinds

    if entry.type == Kinds.TENSOR:
        return _array(entry.t)
    if entry.type == Kinds.STRING:
        return entry.s.decode("utf-8", "replace")
    if entry.type in (Kinds.INTS, Kinds.FLOATS):
        return list(entry.ints or entry.floats)
    return {Kinds.INT: entry.i, Kinds.FLOAT: entry.f}.get(entry.type)
