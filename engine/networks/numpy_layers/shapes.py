"""Layers that only move values: reshaping, padding, cropping."""

from __future__ import annotations

import numpy as np

from engine.networks.numpy_layers.step import Config, Step
from engine.networks.numpy_layers.unsupported import require


def flatten(config: Config) -> Step:
    """One row an image."""
    require(config, "data_format", "channels_last")
    return lambda values: values.reshape(len(values), -1)


def reshape(config: Config) -> Step:
    """Another shape; one of its sides may be -1: what is left."""
    return lambda values: values.reshape(len(values), *config["target_shape"])


def permute(config: Config) -> Step:
    """Another order of the axes, counted from 1."""
    return lambda values: values.transpose(0, *config["dims"])


def zero_padding2d(config: Config) -> Step:
    """Zeros above, below, left and right of the image."""
    require(config, "data_format", "channels_last")
    rows, columns = config["padding"]
    return lambda values: np.pad(values, ((0, 0), rows, columns, (0, 0)))


def cropping2d(config: Config) -> Step:
    """The image without rows and columns at its edges."""
    require(config, "data_format", "channels_last")
    (top, bottom), (left, right) = config["cropping"]

    def run(values: np.ndarray) -> np.ndarray:
        height, width = values.shape[1:3]
        return values[:, top : height - bottom, left : width - right]

    return run
