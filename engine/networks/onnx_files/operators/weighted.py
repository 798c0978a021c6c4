"""Operators with weights: convolutions, dense layers, normalization."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from engine.networks.onnx_files.operators import values
from engine.networks.onnx_files.operators.step import Step
from engine.networks.onnx_files.operators.values import Value
from engine.networks.onnx_files.operators.windows import NO_PADS, read_window


def _convolution(step: Step) -> Value:
    tensor = step.image(step.value()).tensor
    kernel, groups = step.weights(1), step.attribute("group", 1)
    if kernel.ndim != 4:
        raise step.refused(
            "on something else than images, which is not supported: use 2-D convolutions"
        )
    filters, depth = kernel.shape[:2]
    if depth * groups != tensor.shape[-1] or filters % groups:
        raise step.refused("with weights that do not fit its input: export it again")
    window = read_window(step, kernel.shape[2:], tensor.shape[1:3])
    if max(window.strides) > 1 and max(window.dilations) > 1:
        raise step.refused("with both strides and dilations, which is not supported: use one")
    bias = [np.ravel(step.weights(2))] if step.has(2) else []
    if bias and bias[0].size != filters:
        raise step.refused("with a bias that does not fit its weights: export it again")
    if window.pads not in (NO_PADS, window.same):
        tensor = step.add("ZeroPadding2D", tensor, "pad", padding=window.pads)
    options: dict[str, Any] = {
        "kernel_size": kernel.shape[2:],
        "strides": window.strides,
        "padding": "same" if window.pads == window.same else "valid",
        "dilation_rate": window.dilations,
        "use_bias": bool(bias),
    }
    if depth == 1 and groups > 1 and window.strides[0] == window.strides[1]:
        return _depthwise(step, tensor, [kernel, *bias], options)
    kernel = kernel.transpose(2, 3, 1, 0)
    made = step.add(
        "Conv2D", tensor, filters=filters, groups=groups, weights=[kernel, *bias], **options
    )
    return values.in_layout(made, values.CHANNELS_FIRST)


def _depthwise(
    step: Step, tensor: Any, weights: list[np.ndarray], options: dict[str, Any]
) -> Value:
    kernel, groups = weights[0], tensor.shape[-1]
    multiplier = len(kernel) // groups
    kernel = kernel.reshape(groups, multiplier, *kernel.shape[2:]).transpose(2, 3, 0, 1)
    made = step.add(
        "DepthwiseConv2D",
        tensor,
        depth_multiplier=multiplier,
        weights=[kernel, *weights[1:]],
        **options,
    )
    return values.in_layout(made, values.CHANNELS_FIRST)


def _gemm(step: Step) -> Value:
    value, kernel = step.value(), step.weights(1)
    if step.attribute("transA", 0) or len(value.axes) != 1:
        raise step.refused(
            "on something else than rows of features, which is not supported: flatten before it"
        )
    if step.attribute("transB", 0):
        kernel = kernel.T
    kernel = kernel * np.float32(step.attribute("alpha", 1.0))
    bias = step.weights(2) * np.float32(step.attribute("beta", 1.0)) if step.has(2) else None
    return _dense(step, value, kernel, bias)


def _matmul(step: Step) -> Value:
    bias = step.weights(2) if step.has(2) else None
    return _dense(step, step.value(), step.weights(1), bias)


def _dense(step: Step, value: Value, kernel: np.ndarray, bias: np.ndarray | None) -> Value:
    """A dense layer on the last axis."""
    if kernel.ndim != 2 or len(kernel) != value.shape[-1]:
        raise step.refused("with weights that do not fit its input: export it again")
    units = kernel.shape[1]
    if len(value.axes) == 1:
        # The rows are put in the order in which the features lie, so that nothing need be moved.
        value = step.flat(value)
        kernel = kernel[np.ravel(value.from_file_order(np.arange(len(kernel))))]
    else:
        value = step.laid_out(value, range(len(value.axes)))
    weights = [kernel]
    if bias is not None:
        if bias.size not in (1, units):
            raise step.refused("with a bias that does not fit its weights: export it again")
        weights.append(np.broadcast_to(np.ravel(bias), units))
    made = step.add("Dense", value.tensor, units=units, use_bias=bias is not None, weights=weights)
    return values.in_layout(made, range(len(value.axes)))


def _batch_normalization(step: Step) -> Value:
    if step.attribute("training_mode", 0):
        raise step.refused("in training mode: export the network after model.eval()")
    value = step.value()
    count = value.shape[0]
    arrays = [step.weights(place, (count,)) for place in range(1, 5)]
    if (arrays[3] < 0).any():
        raise step.refused("with a negative variance: export it again")
    if len(value.axes) == 1:
        value = step.flat(value)
        arrays = [np.ravel(value.from_file_order(array)) for array in arrays]
    else:
        value = step.image(value)
    epsilon = step.attribute("epsilon", 1e-5)
    return step.elementwise("BatchNormalization", value, epsilon=epsilon, weights=arrays)


def _layer_normalization(step: Step) -> Value:
    value = step.value()
    if step.axis(step.attribute("axis", -1), len(value.axes) + 1) != len(value.axes) - 1:
        raise step.refused("over several axes, which is not supported: normalize the last alone")
    value = step.laid_out(value, range(len(value.axes)))
    count = value.shape[-1]
    arrays = [step.weights(1, (count,))]
    arrays.append(step.weights(2, (count,)) if step.has(2) else np.zeros(count, np.float32))
    epsilon = step.attribute("epsilon", 1e-5)
    return step.elementwise("LayerNormalization", value, epsilon=epsilon, weights=arrays)


def _prelu(step: Step) -> Value:
    value, slope = step.value(), step.weights(1)
    value = step.image(value) if len(value.axes) == 3 else step.flat(value)
    try:
        whole = np.broadcast_to(slope, (1, *value.shape))[0]
    except ValueError:
        raise step.refused("with slopes that do not fit its input: export it again") from None
    alpha = value.from_file_order(whole).reshape(value.tensor.shape[1:])
    shared = list(range(1, len(value.axes)))
    if (alpha == alpha[:1, :1]).all() and shared:
        alpha = alpha[:1, :1]  # one slope a channel
    else:
        shared = []
    return step.elementwise("PReLU", value, shared_axes=shared, weights=[alpha])


OPERATORS: dict[str, Callable[[Step], Value]] = {
    "Conv": _convolution,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "BatchNormalization": _batch_normalization,
    "LayerNormalization": _layer_normalization,
    "PRelu": _prelu,
}
