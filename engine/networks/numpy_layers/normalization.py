"""Layers that scale and shift: by learned, measured or given numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.networks.numpy_layers.step import Config, Step
from engine.networks.numpy_layers.unsupported import require


def batch_normalization(config: Config, weights: Sequence[np.ndarray]) -> Step:
    """Normalization by the mean and variance kept from training, one of each a channel."""
    gamma, beta, (mean, variance) = _gamma_beta_rest(config, weights)
    factor = gamma / np.sqrt(variance + np.float32(config["epsilon"]))
    offset = beta - mean * factor
    (axis,) = np.ravel(config["axis"])

    def run(values: np.ndarray) -> np.ndarray:
        if axis in (-1, values.ndim - 1):
            return values * factor + offset
        shape = np.where(np.arange(values.ndim) == axis, -1, 1)
        return values * factor.reshape(shape) + offset.reshape(shape)

    return run


def layer_normalization(config: Config, weights: Sequence[np.ndarray]) -> Step:
    """Normalization by the mean and variance of each image over the given axes."""
    require(config, "rms_scaling", False)
    gamma, beta, _ = _gamma_beta_rest(config, weights)
    epsilon = np.float32(config["epsilon"])

    def run(values: np.ndarray) -> np.ndarray:
        axes = tuple(sorted(int(axis) % values.ndim for axis in np.ravel(config["axis"])))
        sides = [side if axis in axes else 1 for axis, side in enumerate(values.shape)]
        scale, offset = (part.reshape(sides) if part.ndim else part for part in (gamma, beta))
        centred = values - values.mean(axis=axes, keepdims=True)
        variance = np.square(centred).mean(axis=axes, keepdims=True)
        return centred / np.sqrt(variance + epsilon) * scale + offset

    return run


def rescaling(config: Config) -> Step:
    """A factor and an offset, one of each or one a channel."""
    scale, offset = (np.asarray(config[name], np.float32) for name in ("scale", "offset"))
    return lambda values: values * scale + offset


def _gamma_beta_rest(
    config: Config, weights: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Scale and offset, which a layer may lack, and the other weights."""
    rest = list(weights)
    gamma = rest.pop(0) if config["scale"] else np.ones((), np.float32)
    beta = rest.pop(0) if config["center"] else np.zeros((), np.float32)
    return gamma, beta, rest
