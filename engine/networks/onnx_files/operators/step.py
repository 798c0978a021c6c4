"""One operator on its way to Keras layers."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableSet, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from engine.core.errors import UserError
from engine.networks.onnx_files.graph import Node
from engine.networks.onnx_files.operators import values
from engine.networks.onnx_files.operators.values import Value

MAX_NAME = 80  # characters of a layer's name
_WEIGHTED = ("Conv", "BatchNormalization", "Gemm", "MatMul", "LayerNormalization", "PRelu")


@dataclass(frozen=True)
class Step:
    """A node, what it takes, and how layers are made of it.

    Attributes:
        node: the operator.
        known: values and constants by their names in the file.
        names: of the layers made so far.
        opset: version of the operators.
        batch: number of images that the file is made for; None for any.
    """

    node: Node
    known: Mapping[str, Value | np.ndarray]
    names: MutableSet[str]
    opset: int
    batch: int | None

    def refused(self, reason: str) -> UserError:
        """See `Node.refused`."""
        return self.node.refused(reason)

    def has(self, place: int) -> bool:
        """Whether the input at `place` is given."""
        return place < len(self.node.inputs) and bool(self.node.inputs[place])

    def given(self, place: int) -> Value | np.ndarray:
        """The input at `place`: a value that depends on the images, or a constant."""
        found = self.known.get(self.node.inputs[place]) if self.has(place) else None
        if found is None:
            raise self.refused("without all of its inputs: export it again")
        return found

    def value(self, place: int = 0) -> Value:
        """The input at `place`, which depends on the images."""
        found = self.given(place)
        if isinstance(found, np.ndarray):
            raise self.refused("on a constant where values of the images belong: export it again")
        return found

    def constant(self, place: int) -> np.ndarray:
        """The input at `place`, which is a constant."""
        found = self.given(place)
        if isinstance(found, Value):
            raise self.refused(
                "with parameters that depend on the images: only constant ones are supported"
            )
        return found

    def weights(self, place: int, shape: Sequence[int] | None = None) -> np.ndarray:
        """The input at `place`, a constant of finite floats; `shape` is what it must be."""
        found = self.constant(place)
        if shape is not None and found.shape != tuple(shape):
            raise self.refused(
                f"with weights of shape {found.shape} where {tuple(shape)} belong: export it again"
            )
        if not np.isfinite(found).all():
            raise self.refused("with weights that are not finite: train it again")
        return found.astype(np.float32)

    def attribute(self, name: str, default: Any) -> Any:
        """An attribute of the node."""
        found = self.node.attributes.get(name, default)
        if not isinstance(found, type(default)):
            raise self.refused(f"with an unusable {name}: export the network again")
        return found

    def number(self, place: int, name: str, default: float) -> float:
        """One number: an attribute in older files, the input at `place` in others."""
        if self.has(place):
            found = np.ravel(self.constant(place))
            if found.size != 1:
                raise self.refused("with several numbers where one belongs: export it again")
            return float(found[0])
        return self.attribute(name, float(default))

    def axis(self, axis: int, rank: int) -> int:
        """An axis of the file (the batch is 0), as an index into `Value.axes`."""
        counted = axis + rank if axis < 0 else axis
        if not 1 <= counted < rank:
            raise self.refused(
                "across the batch: export a network that computes each image by itself"
            )
        return counted - 1

    def add(self, kind: str, tensors: Any, role: str = "", **options: Any) -> Any:
        """Append a Keras layer.

        Args:
            kind: its class.
            tensors: what it takes.
            role: what a layer beside the node's main one is for; ends its name.
            options: for the layer; `weights` are its arrays.

        Returns:
            The layer's output.
        """
        import keras

        weights = options.pop("weights", None)
        name = self._name(role)
        try:
            layer = getattr(keras.layers, kind)(name=name, **options)
            result = layer(tensors)
            if weights is not None:
                layer.set_weights(weights)
        except (ValueError, TypeError):
            raise self.refused("with sizes that do not fit each other: export it again") from None
        return result

    def elementwise(self, kind: str, value: Value, role: str = "", **options: Any) -> Value:
        """Append a layer that treats all numbers alike."""
        return value.with_tensor(self.add(kind, value.tensor, role, **options))

    def laid_out(self, value: Value, layout: Sequence[int] | None = None) -> Value:
        """`value` in memory as the file's axes in the order `layout`, each one an axis there.

        Args:
            value: any.
            layout: all axes; as they lie when left out, an image's channels last.
        """
        layout = values.layout_of(value) if layout is None else layout
        places = [place for axis in layout for place in value.axes[axis]]
        shape = [value.shape[axis] for axis in layout]
        return values.in_layout(self.arranged(value, places, shape).tensor, layout)

    def image(self, value: Value) -> Value:
        """`value` as [height, width, channels]."""
        if len(value.axes) != 3:
            raise self.refused(f"on {len(value.axes) + 1} dimensions: only images are supported")
        return self.laid_out(value, values.CHANNELS_FIRST)

    def flat(self, value: Value) -> Value:
        """`value` as one axis, its numbers as they lie."""
        size = int(np.prod(value.sizes, dtype=int))
        return self.arranged(value, range(len(value.sizes)), [size])

    def in_file_order(self, value: Value) -> Value:
        """`value` as one axis, its numbers in the file's order."""
        places = [place for axis in value.axes for place in axis]
        size = int(np.prod(value.sizes, dtype=int))
        return values.in_layout(self.arranged(value, places, [size]).tensor, [0])

    def arranged(self, value: Value, places: Sequence[int], shape: Sequence[int]) -> Value:
        """`value` with its sizes in the order `places`, as a tensor of that shape."""
        places, tensor = list(places), value.tensor
        if places != sorted(places):
            if tensor.shape[1:] != value.sizes:
                tensor = self.add("Reshape", tensor, "split", target_shape=value.sizes)
            order = tuple(place + 1 for place in places)
            tensor = self.add("Permute", tensor, "order", dims=order)
        if tensor.shape[1:] != tuple(shape):
            if len(shape) == 1:
                tensor = self.add("Flatten", tensor, "flatten")
            else:
                tensor = self.add("Reshape", tensor, "shape", target_shape=tuple(shape))
        sizes = tuple(value.sizes[place] for place in places)
        axes = tuple(tuple(places.index(place) for place in axis) for axis in value.axes)
        return Value(tensor, sizes, axes)

    def _name(self, role: str) -> str:
        base = layer_name(self.node) + (f"_{role}" if role else "")
        name, count = base, 1
        while name in self.names:
            count += 1
            name = f"{base}_{count}"
        self.names.add(name)
        return name


def layer_name(node: Node) -> str:
    """A name for a node's layer that pages can show, close to what the node is called.

    PyTorch repeats a module's path at each level, as in "/layer1/layer1.0/conv1/Conv": that
    becomes "layer1.0.conv1".
    """
    parts = [part for part in node.name.split("/") if part]
    if len(parts) > 1 and parts[-1] == node.kind and node.kind in _WEIGHTED:
        parts.pop()
    kept = [a for a, b in pairwise([*parts, ""]) if not b.startswith(f"{a}.")]
    name = re.sub(r"[^A-Za-z0-9_.:-]", "_", ".".join(kept)).strip("_")
    if not name or len(name) > MAX_NAME - 12:
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", node.kind).lower()
    return name


def unsupported(node: Node) -> UserError:
    """The error that there is no such operator here."""
    if node.kind in ("If", "Loop", "Scan"):
        return node.refused(
            "to choose or repeat parts, which is not supported: export the network in evaluation"
            " mode, for one fixed image size"
        )
    if "Quant" in node.kind or node.kind.endswith("Integer"):
        return node.refused("on quantized numbers, which is not supported: export it in float32")
    return node.refused("which is not supported: replace it in the network and export it again")
