"""Layers that join several tensors, and Rescaling."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from engine.networks.onnx_files.layers.graph_writer import GraphWriter, Tensor, refused
from engine.networks.saved_layers import Saved


def _joined(kind: str) -> Callable[[GraphWriter, Saved, Sequence[Tensor]], Tensor]:
    def write(graph: GraphWriter, layer: Saved, given: Sequence[Tensor]) -> Tensor:
        if len({len(value.shape) for value in given}) > 1:
            raise refused(layer, "joins tensors of different dimensions")
        shape = np.broadcast_shapes(*(value.shape for value in given))
        return graph.add(kind, given, shape)

    return write


def _concatenate(graph: GraphWriter, layer: Saved, given: Sequence[Tensor]) -> Tensor:
    rank = len(given[0].shape) + 1
    axis = layer.config["axis"] % rank
    shape = list(given[0].shape)
    shape[axis - 1] = sum(value.shape[axis - 1] for value in given)
    in_graph = (0, 2, 3, 1)[axis] if given[0].is_image else axis
    return graph.add("Concat", given, shape, axis=in_graph)


def _rescaling(graph: GraphWriter, layer: Saved, given: Sequence[Tensor]) -> Tensor:
    value = given[0]
    scale, offset = (np.asarray(layer.config[name], float) for name in ("scale", "offset"))
    if (scale != 1).any():
        value = graph.alike("Mul", value, graph.along_channels(scale, value, "scale"))
    if (offset != 0).any():
        value = graph.alike("Add", value, graph.along_channels(offset, value, "offset"))
    return value


LAYERS = {
    "Add": _joined("Sum"),
    "Subtract": _joined("Sub"),
    "Multiply": _joined("Mul"),
    "Average": _joined("Mean"),
    "Maximum": _joined("Max"),
    "Minimum": _joined("Min"),
    "Concatenate": _concatenate,
    "Rescaling": _rescaling,
}
