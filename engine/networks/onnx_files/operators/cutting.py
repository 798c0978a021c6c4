"""Operators that cut images and pad them, along any of their axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from engine.networks.onnx_files.folding import slices_of
from engine.networks.onnx_files.operators import values
from engine.networks.onnx_files.operators.step import Step
from engine.networks.onnx_files.operators.values import Value

_DAMAGED = "with bounds that do not fit its input: export it again"


def _padded(step: Step) -> Value:
    image = step.image(step.value())
    if step.attribute("mode", "constant") != "constant" or step.number(2, "value", 0) != 0:
        raise step.refused("with something else than zeros, which is not supported: pad with zeros")
    given = step.constant(1) if step.has(1) else np.asarray(step.attribute("pads", [0]))
    axes = list(range(4))
    if step.has(3):
        axes = [int(axis) % 4 for axis in np.ravel(step.constant(3))]
    pads = np.zeros((4, 2), int)
    if given.size != 2 * len(axes):
        raise step.refused("with padding of another number of sides: export it again")
    pads[axes] = np.reshape(given, (2, -1)).T
    if pads.min() < 0 or pads[0].any():
        raise step.refused("with negative padding or across the batch: pad each image with zeros")
    channels, *sides = (tuple(pad) for pad in pads[1:].tolist())
    tensor = image.tensor
    if any(map(any, sides)):
        tensor = step.add("ZeroPadding2D", tensor, padding=tuple(sides))
    if any(channels):
        sides = [(0, 0), channels]
        tensor = _on_channels(
            step, tensor, lambda rows: step.add("ZeroPadding2D", rows, "pad", padding=sides)
        )
    return values.in_layout(tensor, values.CHANNELS_FIRST)


def _sliced(step: Step) -> Value:
    value = step.value()
    given = [step.constant(place) for place in range(1, 5) if step.has(place)]
    shape = [step.batch or 1, *value.shape]
    try:
        parts = slices_of(given, step.node.attributes, shape)
        kept = [range(size)[part] for size, part in zip(shape, parts, strict=True)]
    except (ValueError, IndexError, TypeError, KeyError):
        raise step.refused(_DAMAGED) from None
    if len(kept[0]) != shape[0]:
        raise step.refused("across the batch: export a network that computes each image by itself")
    return _cut(step, value, kept[1:])


def split(step: Step) -> list[Value]:
    """The operator Split: parts of an image, or of features, one after the other."""
    value, count = step.value(), len(step.node.outputs)
    axis = step.axis(step.attribute("axis", 0), len(value.axes) + 1)
    side = value.shape[axis]
    given = (
        step.constant(1) if step.has(1) else step.attribute("split", [-(-side // count)] * count)
    )
    ends = [min(int(end), side) for end in accumulate(np.ravel(given).tolist())]
    if len(ends) != count or ends[-1] != side:
        raise step.refused(_DAMAGED)
    whole = [range(size) for size in value.shape]
    return [
        _cut(step, value, [*whole[:axis], range(start, end), *whole[axis + 1 :]])
        for start, end in pairwise([0, *ends])
    ]


def _cut(step: Step, value: Value, kept: Sequence[range]) -> Value:
    """What lies at these places of each axis."""
    if not all(places and places.step > 0 for places in kept):
        raise step.refused(
            "with a negative step or an empty result, which is not supported: use neither"
        )
    if [len(places) for places in kept] == list(value.shape):
        return value
    if len(kept) == 1:  # features, cut as the channels of a single pixel
        flat = step.in_file_order(value).tensor
        tensor = step.add("Reshape", flat, "pixel", target_shape=(1, 1, flat.shape[-1]))
        tensor = _channels_cut(step, tensor, kept[0])
        return values.in_layout(step.add("Flatten", tensor, "flatten"), [0])
    tensor = _window_cut(step, step.image(value).tensor, kept[1:])
    return values.in_layout(_channels_cut(step, tensor, kept[0]), values.CHANNELS_FIRST)


def _window_cut(step: Step, tensor: Any, kept: Sequence[range]) -> Any:
    """Rows and columns, and of these every n-th."""
    cropped = [
        (places[0], size - 1 - places[-1])
        for places, size in zip(kept, tensor.shape[1:3], strict=True)
    ]
    if any(map(any, cropped)):
        tensor = step.add("Cropping2D", tensor, "cut", cropping=cropped)
    strides = (kept[0].step, kept[1].step)
    if max(strides) > 1:
        tensor = step.add("MaxPooling2D", tensor, "stride", pool_size=1, strides=strides)
    return tensor


def _channels_cut(step: Step, tensor: Any, kept: range) -> Any:
    """Some of the channels."""
    if len(kept) == tensor.shape[-1]:
        return tensor
    return _on_channels(
        step, tensor, lambda rows: _window_cut(step, rows, [range(rows.shape[1]), kept])
    )


def _on_channels(step: Step, tensor: Any, change: Callable[[Any], Any]) -> Any:
    """Change the channels by layers for the sides of images: Keras has none for channels.

    `change` takes and gives images whose rows are pixels, whose columns are channels.
    """
    height, width, channels = tensor.shape[1:]
    rows = step.add("Reshape", tensor, "rows", target_shape=(height * width, channels, 1))
    rows = change(rows)
    return step.add("Reshape", rows, "image", target_shape=(height, width, rows.shape[2]))


OPERATORS: dict[str, Callable[[Step], Value]] = {"Pad": _padded, "Slice": _sliced}
