"""Activations, by name and as layers: functions of float32 arrays of any shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import special

from engine.core.errors import quoted
from engine.networks.numpy_layers.step import Config, Step
from engine.networks.numpy_layers.unsupported import Unsupported

# Klambauer et al. 2017, "Self-Normalizing Neural Networks", equation 14.
_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805
_LEAK = 0.2  # slope of "leaky_relu" where it is given by name


def named(config: Config) -> Step:
    """The activation that a layer's config names.

    Raises:
        Unsupported: it is not one of Keras's that work on arrays of any shape.
    """
    name = config["activation"]
    if not isinstance(name, str) or name not in _BY_NAME:
        raise Unsupported(f"The layer {quoted(config['name'])} with the activation {quoted(name)}")
    return _BY_NAME[name]


def relu(config: Config) -> Step:
    """Zero, or a slope, up to the threshold; the value above it, up to a largest one."""
    highest, slope, threshold = config["max_value"], config["negative_slope"], config["threshold"]
    if not threshold and not slope:
        return lambda values: np.clip(values, 0, highest)

    def run(values: np.ndarray) -> np.ndarray:
        above = values if highest is None else np.minimum(values, highest)
        return np.where(values > threshold, above, slope * (values - threshold))

    return run


def elu(config: Config) -> Step:
    """ELU with an alpha of its own."""
    return lambda values: _elu(values, config["alpha"])


def leaky_relu(config: Config) -> Step:
    """Leaky ReLU with a slope of its own."""
    return lambda values: _leaky(values, config["negative_slope"])


def prelu(_: Config, weights: Sequence[np.ndarray]) -> Step:
    """Leaky ReLU with learned slopes, of size 1 along the axes that share them."""
    (slopes,) = weights
    return lambda values: _leaky(values, slopes)


def softmax(config: Config) -> Step:
    """Softmax along one axis or several."""
    axis = config["axis"]
    axes = tuple(axis) if isinstance(axis, list) else axis
    return lambda values: special.softmax(values, axis=axes)


def _relu(values: np.ndarray) -> np.ndarray:
    return np.maximum(values, 0)


def _elu(values: np.ndarray, alpha: float = 1.0) -> np.ndarray:
    return np.where(values > 0, values, alpha * np.expm1(np.minimum(values, 0)))


def _selu(values: np.ndarray) -> np.ndarray:
    return _SELU_SCALE * _elu(values, _SELU_ALPHA)


def _leaky(values: np.ndarray, slopes: np.ndarray | float = _LEAK) -> np.ndarray:
    return np.where(values > 0, values, slopes * values)


def _gelu(values: np.ndarray) -> np.ndarray:
    return 0.5 * values * (1 + special.erf(values / np.float32(np.sqrt(2))))


def _silu(values: np.ndarray) -> np.ndarray:
    return values * special.expit(values)


def _softplus(values: np.ndarray) -> np.ndarray:
    return np.logaddexp(values, np.float32(0))


def _mish(values: np.ndarray) -> np.ndarray:
    return values * np.tanh(_softplus(values))


def _softsign(values: np.ndarray) -> np.ndarray:
    return values / (1 + np.abs(values))


def _hard_sigmoid(values: np.ndarray) -> np.ndarray:
    return np.clip(values + 3, 0, 6) / 6


def _hard_silu(values: np.ndarray) -> np.ndarray:
    return values * _hard_sigmoid(values)


_BY_NAME: Mapping[str, Step] = {
    "linear": lambda values: values,
    "relu": _relu,
    "relu6": lambda values: np.clip(values, 0, 6),
    "leaky_relu": _leaky,
    "elu": _elu,
    "selu": _selu,
    "celu": _elu,  # the same at alpha 1
    "gelu": _gelu,
    "silu": _silu,
    "swish": _silu,
    "mish": _mish,
    "softplus": _softplus,
    "softsign": _softsign,
    "sigmoid": special.expit,
    "hard_sigmoid": _hard_sigmoid,
    "hard_silu": _hard_silu,
    "hard_swish": _hard_silu,
    "tanh": np.tanh,
    "exponential": np.exp,
    "softmax": lambda values: special.softmax(values, axis=-1),
    "log_softmax": lambda values: special.log_softmax(values, axis=-1),
}
