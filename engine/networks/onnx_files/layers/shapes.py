"""Layers that arrange numbers anew, cut and pad."""

from __future__ import annotations

import math
from collections.abc import Sequence

from engine.networks.onnx_files.layers.graph_writer import GraphWriter, Tensor
from engine.networks.saved_layers import Saved


def _flatten(graph: GraphWriter, _: Saved, given: Sequence[Tensor]) -> Tensor:
    return graph.reshaped(given[0], [math.prod(given[0].shape)])


def _reshape(graph: GraphWriter, layer: Saved, given: Sequence[Tensor]) -> Tensor:
    shape = [int(size) for size in layer.config["target_shape"]]
    known = math.prod(size for size in shape if size != -1)
    whole = math.prod(given[0].shape)
    return graph.reshaped(given[0], [whole // known if size == -1 else size for size in shape])


def _permute(graph: GraphWriter, layer: Saved, given: Sequence[Tensor]) -> Tensor:
    order = [int(axis) for axis in layer.config["dims"]]
    value = graph.to_keras_order(given[0])
    shape = [value.shape[axis - 1] for axis in order]
    return graph.from_keras_order(graph.add("Transpose", [value], shape, perm=[0, *order]))


def _zero_padding(graph: GraphWriter, layer: Saved, given: Sequence[Tensor]) -> Tensor:
    (top, bottom), (left, right) = layer.config["padding"]
    height, width, channels = given[0].shape
    pads = graph.whole_numbers([0, 0, top, left, 0, 0, bottom, right], "pads")
    shape = (height + top + bottom, width + left + right, channels)
    return graph.add("Pad", [given[0], pads], shape)


def _cropping(graph: GraphWriter, layer: Saved, given: Sequence[Tensor]) -> Tensor:
    (top, bottom), (left, right) = layer.config["cropping"]
    height, width, channels = given[0].shape
    starts = graph.whole_numbers([top, left], "starts")
    ends = graph.whole_numbers([height - bottom, width - right], "ends")
    axes = graph.whole_numbers([2, 3], "axes")
    shape = (height - top - bottom, width - left - right, channels)
    return graph.add("Slice", [given[0], starts, ends, axes], shape)


LAYERS = {
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Permute": _permute,
    "ZeroPadding2D": _zero_padding,
    "Cropping2D": _cropping,
}
