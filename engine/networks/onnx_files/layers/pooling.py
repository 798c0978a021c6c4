"""Windows that slide over an image, and pools."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from engine.networks.onnx_files.layers.graph_writer import GraphWriter, Tensor
from engine.networks.saved_layers import Saved


def window_options(
    layer: Saved, value: Tensor, size: Sequence[int], dilations: Sequence[int] = (1, 1)
) -> tuple[dict[str, Any], tuple[int, int]]:
    """A node's attributes for strides and padding, and the height and width of its result.

    Padding that Keras calls "same" puts an odd pixel at the end, and depends on the image's size.
    """
    strides = [int(stride) for stride in layer.config["strides"]]
    before, after, sides = [], [], []
    for side, span, stride, dilation in zip(value.shape, size, strides, dilations, strict=False):
        reach = (span - 1) * dilation + 1
        missing = 0
        if layer.config["padding"] == "same":
            missing = max((-(-side // stride) - 1) * stride + reach - side, 0)
        before.append(missing // 2)
        after.append(missing - missing // 2)
        sides.append((side + missing - reach) // stride + 1)
    options = {"kernel_shape": list(size), "strides": strides, "pads": [*before, *after]}
    return options, (sides[0], sides[1])


def _pool(kind: str) -> Callable[[GraphWriter, Saved, Sequence[Tensor]], Tensor]:
    def write(graph: GraphWriter, layer: Saved, given: Sequence[Tensor]) -> Tensor:
        size = [int(side) for side in layer.config["pool_size"]]
        options, sides = window_options(layer, given[0], size)
        return graph.add(kind, [given[0]], (*sides, given[0].shape[-1]), **options)

    return write


def _global(kind: str) -> Callable[[GraphWriter, Saved, Sequence[Tensor]], Tensor]:
    def write(graph: GraphWriter, layer: Saved, given: Sequence[Tensor]) -> Tensor:
        channels = given[0].shape[-1]
        made = graph.add(kind, [given[0]], (1, 1, channels))
        if layer.config.get("keepdims"):
            return made
        return graph.add("Flatten", [made], (channels,), axis=1)

    return write


LAYERS = {
    "MaxPooling2D": _pool("MaxPool"),
    "AveragePooling2D": _pool("AveragePool"),
    "GlobalMaxPooling2D": _global("GlobalMaxPool"),
    "GlobalAveragePooling2D": _global("GlobalAveragePool"),
}
