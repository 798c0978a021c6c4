"""Pooling layers: the largest value or the mean of each window, or of the whole image."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

import numpy as np

from engine.networks.numpy_layers.step import Config, Step
from engine.networks.numpy_layers.unsupported import require
from engine.networks.numpy_layers.windows import Windows, windows_of


def max_pooling2d(config: Config) -> Step:
    """The largest value of each window; what pads the image is never the largest."""
    windows = _windows(config)

    def run(values: np.ndarray) -> np.ndarray:
        return _combine(np.maximum, windows, windows.padded(values, -np.inf))

    return run


def average_pooling2d(config: Config) -> Step:
    """The mean of each window's values within the image."""
    windows = _windows(config)

    def run(values: np.ndarray) -> np.ndarray:
        sums = _combine(np.add, windows, windows.padded(values))
        if not windows.same:
            return sums / np.float32(np.prod(windows.size))
        inside = np.ones((1, *values.shape[1:3], 1), np.float32)
        return sums / _combine(np.add, windows, windows.padded(inside))

    return run


def global_max_pooling2d(config: Config) -> Step:
    """The largest value of each channel."""
    return _over_the_image(config, np.max)


def global_average_pooling2d(config: Config) -> Step:
    """The mean of each channel."""
    return _over_the_image(config, np.mean)


def _windows(config: Config) -> Windows:
    rows, columns = config["pool_size"]
    return windows_of(config, (rows, columns))


def _combine(operation: np.ufunc, windows: Windows, values: np.ndarray) -> np.ndarray:
    """`operation` over the values of each window: [n, rows, columns, c]."""
    found: np.ndarray = reduce(operation, (seen for _, seen in windows.places(values)))
    return found


def _over_the_image(config: Config, summarize: Callable[..., np.ndarray]) -> Step:
    require(config, "data_format", "channels_last")
    return lambda values: summarize(values, axis=(1, 2), keepdims=config.get("keepdims", False))
