"""Layers with weights: convolutions, dense layers, normalization."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.networks.onnx_files.layers.activations import activated
from engine.networks.onnx_files.layers.graph_writer import GraphWriter, Tensor, refused
from engine.networks.onnx_files.layers.pooling import window_options
from engine.networks.saved_layers import Saved


def _conv2d(graph: GraphWriter, layer: Saved, given: Sequence[Tensor]) -> Tensor:
    kernel = layer.arrays[0].transpose(3, 2, 0, 1)
    return _convolved(graph, layer, given[0], kernel, int(layer.config.get("groups") or 1))


def _depthwise_conv2d(graph: GraphWriter, layer: Saved, given: Sequence[Tensor]) -> Tensor:
    height, width, depth, multiplier = layer.arrays[0].shape
    kernel = layer.arrays[0].transpose(2, 3, 0, 1)
    kernel = kernel.reshape(depth * multiplier, 1, height, width)
    return _convolved(graph, layer, given[0], kernel, depth)


def _convolved(
    graph: GraphWriter, layer: Saved, value: Tensor, kernel: np.ndarray, groups: int
) -> Tensor:
    dilations = [int(step) for step in layer.config["dilation_rate"]]
    options, sides = window_options(layer, value, kernel.shape[2:], dilations)
    weights = [graph.constant(kernel, "kernel"), *_bias(graph, layer)]
    shape = (*sides, len(kernel))
    made = graph.add("Conv", [value, *weights], shape, group=groups, dilations=dilations, **options)
    return activated(graph, layer, made)


def _dense(graph: GraphWriter, layer: Saved, given: Sequence[Tensor]) -> Tensor:
    value, kernel = given[0], layer.arrays[0]
    shape = (*value.shape[:-1], kernel.shape[1])
    if len(value.shape) == 1:
        weights = [graph.constant(kernel, "kernel"), *_bias(graph, layer)]
        made = graph.add("Gemm", [value, *weights], shape)
    elif value.is_image:
        pointwise = graph.constant(kernel.T[:, :, None, None], "kernel")
        made = graph.add("Conv", [value, pointwise, *_bias(graph, layer)], shape)
    else:
        made = graph.add("MatMul", [value, graph.constant(kernel, "kernel")], shape)
        for bias in _bias(graph, layer):
            made = graph.alike("Add", made, bias)
    return activated(graph, layer, made)


def _bias(graph: GraphWriter, layer: Saved) -> list[str]:
    return [graph.constant(layer.arrays[1], "bias")] if layer.config["use_bias"] else []


def _batch_normalization(graph: GraphWriter, layer: Saved, given: Sequence[Tensor]) -> Tensor:
    config, value = layer.config, given[0]
    _check_last_axis(layer, value)
    if len(value.shape) == 2:
        raise refused(layer, "normalizes a sequence")
    arrays = list(layer.arrays)
    count = len(arrays[-1])
    gamma = arrays.pop(0) if config["scale"] else np.ones(count)
    beta = arrays.pop(0) if config["center"] else np.zeros(count)
    names = ("gamma", "beta", "mean", "variance")
    constants = map(graph.constant, (gamma, beta, *arrays), names)
    epsilon = float(config["epsilon"])
    return graph.alike("BatchNormalization", value, *constants, epsilon=epsilon)


def _layer_normalization(graph: GraphWriter, layer: Saved, given: Sequence[Tensor]) -> Tensor:
    config, value = layer.config, given[0]
    _check_last_axis(layer, value)
    arrays = list(layer.arrays)
    gamma = arrays.pop(0) if config["scale"] else np.ones(value.shape[-1])
    inputs = [graph.constant(gamma, "gamma")]
    if config["center"]:
        inputs.append(graph.constant(arrays[0], "beta"))
    made = graph.alike(
        "LayerNormalization",
        graph.to_keras_order(value),
        *inputs,
        axis=-1,
        epsilon=float(config["epsilon"]),
    )
    return graph.from_keras_order(made)


def _check_last_axis(layer: Saved, value: Tensor) -> None:
    axis = layer.config["axis"]
    axes = [axis] if isinstance(axis, int) else list(axis)
    if axes not in ([-1], [len(value.shape)]):
        raise refused(layer, "normalizes another axis than the last")


LAYERS = {
    "Conv2D": _conv2d,
    "DepthwiseConv2D": _depthwise_conv2d,
    "Dense": _dense,
    "BatchNormalization": _batch_normalization,
    "LayerNormalization": _layer_normalization,
}
