"""Operators that make images smaller: pools and means over axes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from engine.networks.onnx_files.folding import axes_of
from engine.networks.onnx_files.operators import values
from engine.networks.onnx_files.operators.step import Step
from engine.networks.onnx_files.operators.values import Value
from engine.networks.onnx_files.operators.windows import NO_PADS, Pads, Window, read_window


def _max_pool(step: Step) -> Value:
    return _pooled(step, "MaxPooling2D", zeros=False)


def _average_pool(step: Step) -> Value:
    return _pooled(step, "AveragePooling2D", zeros=bool(step.attribute("count_include_pad", 0)))


def _pooled(step: Step, kind: str, zeros: bool) -> Value:
    """A pool, whose padding counts as zeros, or as no pixels at all."""
    tensor = step.image(step.value()).tensor
    kernel = step.attribute("kernel_shape", [0])
    window = read_window(step, kernel, tensor.shape[1:3])
    if max(window.dilations) > 1:
        raise step.refused("with dilations, which is not supported: use strides")
    pads = _used_pads(step, window, tensor.shape[1:3])
    if kind == "AveragePooling2D" and any(
        used > given for (_, used), (_, given) in zip(pads, window.pads, strict=True)
    ):
        raise step.refused("with ceil_mode, which is not supported: export it without")
    if pads not in (NO_PADS, window.same) and not zeros:
        zeros = kind == "MaxPooling2D" and _is_positive(tensor)
        if not zeros:
            made = _pooled_everywhere(step, kind, tensor, window, pads)
            return values.in_layout(made, values.CHANNELS_FIRST)
    if zeros and pads != NO_PADS:
        tensor = step.add("ZeroPadding2D", tensor, "pad", padding=pads)
    padding = "valid" if zeros or pads == NO_PADS else "same"
    made = step.add(kind, tensor, pool_size=window.size, strides=window.strides, padding=padding)
    return values.in_layout(made, values.CHANNELS_FIRST)


def _used_pads(step: Step, window: Window, sides: Sequence[int]) -> Pads:
    """The padding that a window reaches; with ceil_mode one more may reach over the end."""
    pads = []
    for side, size, stride, (before, after) in zip(
        sides, window.size, window.strides, window.pads, strict=True
    ):
        count, left = divmod(side + before + after - size, stride)
        # A window that would begin in the padding at the end does not count.
        if step.attribute("ceil_mode", 0) and left and (count + 1) * stride < side + before:
            count += 1
        pads.append((before, max(count * stride + size - side - before, 0)))
    return pads[0], pads[1]


def _pooled_everywhere(step: Step, kind: str, tensor: Any, window: Window, pads: Pads) -> Any:
    """A pool at every pixel, of which every n-th is taken.

    Keras pads a pool by itself, but only as "same" does. At a stride of 1 that is as many pixels
    on both sides, in which any smaller padding is contained.
    """
    cropped = []
    for side, size, stride, (before, after) in zip(
        tensor.shape[1:3], window.size, window.strides, pads, strict=True
    ):
        first = (size - 1) // 2 - before
        count = (side + before + after - size) // stride + 1
        last = side - 1 - first - (count - 1) * stride
        if first < 0 or last < 0:
            raise step.refused(
                "with padding of more than half its window on one side: use less, or no ceil_mode"
            )
        cropped.append((first, last))
    made = step.add(kind, tensor, pool_size=window.size, strides=1, padding="same")
    if any(map(any, cropped)):
        made = step.add("Cropping2D", made, "crop", cropping=cropped)
    if max(window.strides) > 1:
        made = step.add("MaxPooling2D", made, "stride", pool_size=1, strides=window.strides)
    return made


def _is_positive(tensor: Any) -> bool:
    """Whether no value can be below 0, so that padding with 0 never wins a maximum."""
    layer = tensor._keras_history.operation
    config = layer.get_config()
    if type(layer).__name__ == "ReLU":
        return not config["negative_slope"] and config["threshold"] >= 0
    return type(layer).__name__ == "Activation" and config["activation"] in ("relu", "sigmoid")


def _global(kind: str) -> Callable[[Step], Value]:
    return lambda step: _reduced(step, kind, range(1, len(step.value().axes)), keep=True)


def _reduce(kind: str) -> Callable[[Step], Value]:
    def convert(step: Step) -> Value:
        value = step.value()
        given = [np.zeros(0), step.constant(1)] if step.has(1) else []
        axes = axes_of(given, step.node.attributes)
        if not axes:
            raise step.refused("over all axes: export a network that computes each image by itself")
        counted = [step.axis(axis, len(value.axes) + 1) for axis in axes]
        return _reduced(step, kind, counted, keep=bool(step.attribute("keepdims", 1)))

    return convert


def _reduced(step: Step, kind: str, axes: Sequence[int], keep: bool) -> Value:
    """The mean or maximum over axes."""
    value = step.value()
    gone = sorted(place for axis in axes for place in value.axes[axis])
    kept = [place for place in range(len(value.sizes)) if place not in gone]
    sizes = tuple(value.sizes[place] for place in kept)
    left = tuple(
        () if axis in axes else tuple(kept.index(place) for place in places)
        for axis, places in enumerate(value.axes)
        if keep or axis not in axes
    )
    shape = [*(value.sizes[place] for place in gone), math.prod(sizes)]
    if len(shape) != 3:
        shape = [math.prod(shape[:-1]), 1, shape[-1]]
    tensor = step.arranged(value, [*gone, *kept], shape).tensor
    return Value(step.add(kind, tensor), sizes, left)


OPERATORS: dict[str, Callable[[Step], Value]] = {
    "MaxPool": _max_pool,
    "AveragePool": _average_pool,
    "GlobalAveragePool": _global("GlobalAveragePooling2D"),
    "GlobalMaxPool": _global("GlobalMaxPooling2D"),
    "ReduceMean": _reduce("GlobalAveragePooling2D"),
    "ReduceMax": _reduce("GlobalMaxPooling2D"),
}
