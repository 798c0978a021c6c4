"""An ONNX graph in the making, one Keras layer after the other."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.errors import UserError
from engine.networks.saved_layers import Saved

if TYPE_CHECKING:
    import onnx

OPSET, IR_VERSION = 17, 8  # what exporters and runtimes have understood since 2022


@dataclass(frozen=True)
class Tensor:
    """A tensor of the graph.

    Attributes:
        name: in the graph.
        shape: without the batch, as Keras has it. Images are [height, width, channels] here, and
            [channels, height, width] in the graph; all other tensors are the same in both.
    """

    name: str
    shape: tuple[int, ...]

    @property
    def is_image(self) -> bool:
        """Whether it has height, width and channels."""
        return len(self.shape) == 3


@dataclass
class GraphWriter:
    """Collects nodes and constants; every method appends.

    Attributes:
        layer: the name of the layer that is being written; nodes are named after it.
        nodes: so far.
        constants: so far.
    """

    layer: str = ""
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)
    _names: set[str] = field(default_factory=set)

    def add(
        self, kind: str, inputs: Iterable[Tensor | str], shape: Sequence[int], **options: Any
    ) -> Tensor:
        """Append a node.

        Args:
            kind: the operator.
            inputs: tensors, and names of constants; "" for one that is left out.
            shape: of the result, as `Tensor.shape`.
            options: the node's attributes.
        """
        from onnx import helper

        name = self.free(self.layer if self.layer not in self._names else f"{self.layer}/{kind}")
        given = [value if isinstance(value, str) else value.name for value in inputs]
        self.nodes.append(helper.make_node(kind, given, [name], name=name, **options))
        return Tensor(name, tuple(shape))

    def alike(self, kind: str, value: Tensor, *others: Tensor | str, **options: Any) -> Tensor:
        """Append a node that leaves the shape of `value` as it is."""
        return self.add(kind, [value, *others], value.shape, **options)

    def constant(self, array: Any, role: str, dtype: type = np.float32) -> str:
        """The name of a new constant; `role` ends it."""
        from onnx import numpy_helper

        name = self.free(f"{self.layer}.{role}")
        plain = np.ascontiguousarray(array, dtype).reshape(np.shape(array))
        self.constants.append(numpy_helper.from_array(plain, name))
        return name

    def whole_numbers(self, numbers: Iterable[int], role: str) -> str:
        """The name of a new constant of whole numbers."""
        return self.constant(list(numbers), role, np.int64)

    def along_channels(self, array: np.ndarray, value: Tensor, role: str) -> str:
        """One number, or one for each of the last axis in Keras, that fits `value`."""
        array = np.asarray(array)
        return self.constant(
            array.reshape(-1, 1, 1) if value.is_image and array.ndim else array, role
        )

    def to_keras_order(self, value: Tensor) -> Tensor:
        """Images as [height, width, channels] in the graph too, until `from_keras_order`."""
        return self.alike("Transpose", value, perm=[0, 2, 3, 1]) if value.is_image else value

    def from_keras_order(self, value: Tensor) -> Tensor:
        """The opposite of `to_keras_order`."""
        return self.alike("Transpose", value, perm=[0, 3, 1, 2]) if value.is_image else value

    def reshaped(self, value: Tensor, shape: Sequence[int]) -> Tensor:
        """`value` as another shape, in Keras's order of numbers."""
        if len(shape) == 1 and math.prod(value.shape) == math.prod(shape):
            return self.add("Flatten", [self.to_keras_order(value)], shape, axis=1)
        target = self.whole_numbers([0, *shape], "shape")
        made = self.add("Reshape", [self.to_keras_order(value), target], shape)
        return self.from_keras_order(made)

    def free(self, name: str) -> str:
        """`name`, or one like it that no other tensor has."""
        found, count = name, 1
        while found in self._names:
            count += 1
            found = f"{name}_{count}"
        self._names.add(found)
        return found


def refused(layer: Saved, reason: str) -> UserError:
    """The error that a layer cannot be written."""
    return UserError(f"The layer '{layer.name}' {reason}: save the network as .keras instead.")
