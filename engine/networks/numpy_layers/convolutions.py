"""Convolutions and dense layers: sums of products with a kernel."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np

from engine.networks.numpy_layers import activations
from engine.networks.numpy_layers.step import Config, Step
from engine.networks.numpy_layers.windows import Windows, windows_of


def conv2d(config: Config, weights: Sequence[np.ndarray]) -> Step:
    """A convolution as one matrix product; one for each group of channels."""
    kernel, bias = _kernel_and_bias(config, weights, 4)
    if kernel.shape[-1] != config["filters"] or list(kernel.shape[:2]) != config["kernel_size"]:
        raise ValueError("the kernel has another number of filters, or another size")
    activate = activations.named(config)
    windows = windows_of(config, kernel.shape[:2])
    product = _one_by_one if windows.size == (1, 1) else _by_columns
    groups = config.get("groups", 1)
    if groups > 1:
        product = _by_groups
    matrices = np.ascontiguousarray(
        kernel.reshape(-1, groups, kernel.shape[-1] // groups).transpose(1, 0, 2)
    )
    return lambda values: activate(product(windows, windows.padded(values), matrices) + bias)


def depthwise_conv2d(config: Config, weights: Sequence[np.ndarray]) -> Step:
    """A convolution of each channel for itself, with one filter or several."""
    kernel, bias = _kernel_and_bias(config, weights, 4)
    if list(kernel.shape[:2]) != config["kernel_size"]:
        raise ValueError("the kernel has another size")
    activate = activations.named(config)
    windows = windows_of(config, kernel.shape[:2])

    def run(values: np.ndarray) -> np.ndarray:
        # A sum over the few places of a window; each step is one product over all channels.
        places = windows.places(windows.padded(values))
        sums = reduce(np.add, (seen[..., np.newaxis] * kernel[place] for place, seen in places))
        return activate(sums.reshape(*sums.shape[:3], -1) + bias)

    return run


def dense(config: Config, weights: Sequence[np.ndarray]) -> Step:
    """A dense layer over the last axis."""
    kernel, bias = _kernel_and_bias(config, weights, 2)
    if kernel.shape[-1] != config["units"]:
        raise ValueError("the kernel has another number of units")
    activate = activations.named(config)
    return lambda values: activate(values @ kernel + bias)


def _kernel_and_bias(
    config: Config, weights: Sequence[np.ndarray], axes: int
) -> tuple[np.ndarray, np.ndarray]:
    kernel, *rest = weights
    if kernel.ndim != axes:
        raise ValueError(f"the kernel has {kernel.ndim} axes")
    (bias,) = rest if config["use_bias"] else (np.zeros(1, np.float32),)
    return kernel, bias


def _one_by_one(windows: Windows, values: np.ndarray, matrices: np.ndarray) -> np.ndarray:
    down, right = windows.strides
    return values[:, ::down, ::right] @ matrices[0]


def _by_columns(windows: Windows, values: np.ndarray, matrices: np.ndarray) -> np.ndarray:
    columns = windows.columns(values)
    return columns.reshape(*columns.shape[:3], -1) @ matrices[0]


def _by_groups(windows: Windows, values: np.ndarray, matrices: np.ndarray) -> np.ndarray:
    columns = windows.columns(values)
    *places, rows, wide, channels = columns.shape
    groups = len(matrices)
    split = columns.reshape(-1, rows * wide, groups, channels // groups).transpose(2, 0, 1, 3)
    sums = split.reshape(groups, split.shape[1], -1) @ matrices
    return sums.transpose(1, 0, 2).reshape(*places, -1)
