"""Activations, as functions that others use and as layers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from engine.networks.onnx_files.layers.graph_writer import GraphWriter, Tensor, refused
from engine.networks.saved_layers import Saved

Activation = Callable[[GraphWriter, Tensor], Tensor]
LEAKY_SLOPE = 0.2  # of the activation called "leaky_relu"


def activated(graph: GraphWriter, layer: Saved, value: Tensor) -> Tensor:
    """`value` after the layer's own activation."""
    name = layer.config.get("activation") or "linear"
    if name not in _ACTIVATIONS:
        raise refused(layer, f"has the activation {name!r}, which ONNX files here cannot hold")
    return _ACTIVATIONS[name](graph, value)


def _plain(kind: str, **options: float) -> Activation:
    return lambda graph, value: graph.alike(kind, value, **options)


def _over_channels(kind: str) -> Activation:
    return lambda graph, value: graph.alike(kind, value, axis=1 if value.is_image else -1)


def _silu(graph: GraphWriter, value: Tensor) -> Tensor:
    return graph.alike("Mul", value, graph.alike("Sigmoid", value))


def _mish(graph: GraphWriter, value: Tensor) -> Tensor:
    return graph.alike("Mul", value, graph.alike("Tanh", graph.alike("Softplus", value)))


def _gelu(graph: GraphWriter, value: Tensor) -> Tensor:
    error = graph.alike("Div", value, graph.constant(math.sqrt(2), "root"))
    error = graph.alike("Erf", error)
    error = graph.alike("Add", error, graph.constant(1.0, "one"))
    return graph.alike("Mul", graph.alike("Mul", value, error), graph.constant(0.5, "half"))


def clipped(graph: GraphWriter, value: Tensor, low: float | None, high: float | None) -> Tensor:
    """`value` kept between bounds, each of which may be None."""
    if low is None and high is None:
        return value
    bounds = [
        "" if bound is None else graph.constant(bound, role)
        for bound, role in ((low, "min"), (high, "max"))
    ]
    return graph.alike("Clip", value, *bounds)


def _relu(graph: GraphWriter, layer: Saved, given: Sequence[Tensor]) -> Tensor:
    """Keras's ReLU: a slope below the threshold, and an upper bound."""
    config, value = layer.config, given[0]
    slope, threshold = config["negative_slope"] or 0.0, config["threshold"] or 0.0
    high = config["max_value"]
    if threshold:
        above = graph.alike("ThresholdedRelu", value, alpha=float(threshold))
        if slope:
            below = graph.alike("Sub", value, graph.constant(threshold, "threshold"))
            below = clipped(graph, below, None, 0.0)
            below = graph.alike("Mul", below, graph.constant(slope, "slope"))
            above = graph.alike("Add", above, below)
        return clipped(graph, above, None, high)
    if slope:
        made = graph.alike("LeakyRelu", value, alpha=float(slope))
        return clipped(graph, made, None, high)
    return graph.alike("Relu", value) if high is None else clipped(graph, value, 0.0, high)


def _leaky_relu(graph: GraphWriter, layer: Saved, given: Sequence[Tensor]) -> Tensor:
    return graph.alike("LeakyRelu", given[0], alpha=float(layer.config["negative_slope"]))


def _elu(graph: GraphWriter, layer: Saved, given: Sequence[Tensor]) -> Tensor:
    return graph.alike("Elu", given[0], alpha=float(layer.config["alpha"]))


def _prelu(graph: GraphWriter, layer: Saved, given: Sequence[Tensor]) -> Tensor:
    slopes = layer.arrays[0]
    if given[0].is_image:
        slopes = slopes.transpose(2, 0, 1)
    return graph.alike("PRelu", given[0], graph.constant(slopes, "slopes"))


def _activation(graph: GraphWriter, layer: Saved, given: Sequence[Tensor]) -> Tensor:
    return activated(graph, layer, given[0])


_ACTIVATIONS: dict[str, Activation] = {
    "linear": lambda _, value: value,
    "relu": _plain("Relu"),
    "relu6": lambda graph, value: clipped(graph, value, 0.0, 6.0),
    "leaky_relu": _plain("LeakyRelu", alpha=LEAKY_SLOPE),
    "elu": _plain("Elu"),
    "selu": _plain("Selu"),
    "celu": _plain("Celu"),
    "gelu": _gelu,
    "silu": _silu,
    "swish": _silu,
    "mish": _mish,
    "softplus": _plain("Softplus"),
    "softsign": _plain("Softsign"),
    "sigmoid": _plain("Sigmoid"),
    "hard_sigmoid": _plain("HardSigmoid", alpha=1 / 6, beta=0.5),
    "hard_silu": _plain("HardSwish"),
    "hard_swish": _plain("HardSwish"),
    "tanh": _plain("Tanh"),
    "exponential": _plain("Exp"),
    "softmax": _over_channels("Softmax"),
    "log_softmax": _over_channels("LogSoftmax"),
}
LAYERS = {
    "Activation": _activation,
    "ReLU": _relu,
    "LeakyReLU": _leaky_relu,
    "ELU": _elu,
    "PReLU": _prelu,
}
