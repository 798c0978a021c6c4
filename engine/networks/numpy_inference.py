"""Inference in NumPy: a stored network on a few images, without TensorFlow in the server.

Meant for a handful of images; whole datasets belong to `evaluation`. It supports the layers of the
paper's network and a few similar ones, in a single chain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, takewhile
from typing import Any, TypeVar

import numpy as np
from scipy import special

from engine.core.command_line import command
from engine.core.errors import UserError
from engine.networks import channels, layer_graph
from engine.networks.channels import check_channels
from engine.networks.running import batches, scale
from engine.networks.untrusted.parts import Parts

# Pixels passed through the network at a time, eight images of 32x32: their values stay in the
# processor's cache, and large images do not fill the memory.
ROOM = 8 * 32 * 32

Result = TypeVar("Result")
Step = Callable[[np.ndarray], np.ndarray]


class Unsupported(UserError):
    """A network that only TensorFlow can run.

    Args:
        what: the part that NumPy cannot compute here, for the beginning of a sentence.
    """

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} cannot be run on a page: use a command, such as"
            f" `{command('evaluate', 'NAME')}`."
        )


@dataclass(frozen=True)
class Layer:
    """One layer: its name and its function.

    Attributes:
        name: in the network.
        run: from float32 [n, ...] to float32 [n, ...].
        nothing: a convolution's output where kernel and bias are zero; None for other layers.
    """

    name: str
    run: Step
    nothing: float | None = None


@dataclass(frozen=True)
class Network:
    """A chain of layers from uint8 images to probabilities."""

    layers: tuple[Layer, ...]

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Probabilities for uint8 images [n, height, width, 3]: float32 [n, classes]."""
        return np.concatenate([_pass(self.layers, part) for part in _scaled(images)])

    def outputs(self, images: np.ndarray, layers: Sequence[str]) -> dict[str, np.ndarray]:
        """Outputs of the named layers: float32 [n, height, width, channels] each.

        Raises:
            UserError: there is no layer of that name.
        """
        last = max(self._place(name) for name in layers)
        found: dict[str, list[np.ndarray]] = {name: [] for name in layers}
        for part in _scaled(images):
            values = part
            for layer in self.layers[: last + 1]:
                values = layer.run(values)
                if layer.name in found:
                    found[layer.name].append(values)
        return {name: np.concatenate(parts) for name, parts in found.items()}

    def probabilities_while_pruned(
        self, images: np.ndarray, layer: str, channels: np.ndarray
    ) -> np.ndarray:
        """Probabilities before the first and after each pruned channel.

        Args:
            images: uint8 [n, height, width, 3].
            layer: a convolution; a pruned channel's kernel and bias are zero (paper section 3.2).
            channels: int [c], in the order they are pruned.

        Returns:
            float32 [c + 1, n, classes].
        """
        place = self._place(layer)
        nothing = self.layers[place].nothing
        if nothing is None:
            raise UserError(
                f"The layer '{layer}' is not a convolution: it has no channels to prune."
            )
        untouched = self.outputs(images, [layer])[layer]
        check_channels(layer, untouched.shape[-1], channels)
        rest = self.layers[place + 1 :]
        steps = (
            np.where(np.isin(np.arange(untouched.shape[-1]), channels[:count]), nothing, untouched)
            for count in range(len(channels) + 1)
        )
        return np.stack([_pass(rest, step.astype(np.float32)) for step in steps])

    def _place(self, name: str) -> int:
        names = [layer.name for layer in self.layers]
        if name not in names:
            raise UserError(f"There is no layer '{name}': choose from {', '.join(names)}.")
        return names.index(name)


def load(parts: Parts) -> Network:
    """A network from its description and weights.

    Raises:
        Unsupported: its layers, or the way they are connected, need TensorFlow.
        UserError: its weights do not match its layers.
    """
    return Network(tuple(_read(lambda: list(_layers(_chain_of(parts))))))


def _read(made: Callable[[], Result]) -> Result:
    """Call `made`; raise a `UserError` if the description does not match the weights."""
    try:
        return made()
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise UserError("The network's layers and weights do not fit together.") from error


@dataclass(frozen=True)
class Saved:
    """A layer as stored in a file: its Keras class, its config, its weights."""

    kind: str
    config: Mapping[str, Any]
    arrays: list[np.ndarray]


def _layers(chain: Sequence[Saved]) -> Iterator[Layer]:
    for saved in chain:
        yield from _KINDS[saved.kind](saved.config, saved.arrays)


def _chain_of(parts: Parts) -> list[Saved]:
    """The chain of layers, without input and dropout."""
    counted: dict[str, int] = {}
    chain = []
    for item in _chain(parts.config):
        kind, config = item["class_name"], item["config"]
        if kind in ("InputLayer", "Dropout"):
            continue
        if kind not in _KINDS:
            raise Unsupported(f"Networks with a layer of kind {kind}")
        # Keras keeps weights by kind and number, whatever a layer is called.
        base = _SAVED_AS[kind]
        counted[base] = counted.get(base, -1) + 1
        saved = base if counted[base] == 0 else f"{base}_{counted[base]}"
        paths = (f"layers/{saved}/vars/{index}" for index in count())
        arrays = [parts.weights[path] for path in takewhile(parts.weights.__contains__, paths)]
        chain.append(Saved(kind, config, arrays))
    return chain


def channel_bounds(parts: Parts) -> dict[str, np.ndarray]:
    """How much each channel of each convolution can amplify: see `channels.bounds`.

    Raises:
        UserError: as `load`.
    """
    return _read(lambda: _channel_bounds(_chain_of(parts)))


def _channel_bounds(chain: Sequence[Saved]) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    kernel, name = None, ""
    for saved in chain:
        if saved.kind == "Conv2D":
            name, kernel = saved.config["name"], saved.arrays[0]
            found[name] = channels.channel_bounds(kernel)
        elif saved.kind == "BatchNormalization" and kernel is not None and saved.config["scale"]:
            gamma, variance = saved.arrays[0], saved.arrays[-1]
            factor = gamma / np.sqrt(variance + saved.config["epsilon"])
            found[name] = channels.channel_bounds(kernel, factor)
        if saved.kind not in ("Conv2D", "Activation", "LeakyReLU"):
            kernel = None  # what follows no longer scales the convolution's own channels
    return found


def _chain(description: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The chain of layers; raise `Unsupported` if they branch."""
    try:
        return layer_graph.chain(layer_graph.description_nodes(description))
    except layer_graph.NotAChain as error:
        raise Unsupported("Networks whose layers branch") from error


def _convolution(config: Mapping[str, Any], weights: list[np.ndarray]) -> Iterator[Layer]:
    _only(config, "data_format", "channels_last")
    _only(config, "dilation_rate", [1, 1])
    _only(config, "groups", 1)
    kernel = weights[0]
    if kernel.ndim != 4 or kernel.shape[-1] != config["filters"]:
        raise ValueError("the kernel has another number of filters")
    bias = weights[1] if config["use_bias"] else np.zeros(kernel.shape[-1], np.float32)
    activate = _activation(config["activation"])
    rows, columns, strides = *kernel.shape[:2], config["strides"]
    flat = kernel.reshape(-1, kernel.shape[-1])
    same = config["padding"] == "same"

    def run(values: np.ndarray) -> np.ndarray:
        if same:
            values = _padded(values, (rows, columns), strides)
        seen = np.lib.stride_tricks.sliding_window_view(values, (rows, columns), axis=(1, 2))
        seen = seen[:, :: strides[0], :: strides[1]].transpose(0, 1, 2, 4, 5, 3)
        return activate(seen.reshape(*seen.shape[:3], -1) @ flat + bias)

    yield Layer(config["name"], run, float(activate(np.zeros(1, np.float32))[0]))


def _padded(values: np.ndarray, window: Sequence[int], strides: Sequence[int]) -> np.ndarray:
    """Zeros around the image so that every stride has a window; an odd one is added at the end."""
    sides = []
    for side, size, stride in zip(values.shape[1:3], window, strides, strict=True):
        missing = max((-(-side // stride) - 1) * stride + size - side, 0)
        sides.append((missing // 2, missing - missing // 2))
    return np.pad(values, ((0, 0), *sides, (0, 0)))


def _batch_normalization(config: Mapping[str, Any], weights: list[np.ndarray]) -> Iterator[Layer]:
    given = iter(weights)
    gamma = next(given) if config["scale"] else np.float32(1)
    beta = next(given) if config["center"] else np.float32(0)
    mean, variance = given
    factor = gamma / np.sqrt(variance + np.float32(config["epsilon"]))
    offset = beta - mean * factor
    yield Layer(config["name"], lambda values: values * factor + offset)


def _pooling(reduce: Callable[..., np.ndarray]) -> Callable[..., Iterator[Layer]]:
    def make(config: Mapping[str, Any], weights: list[np.ndarray]) -> Iterator[Layer]:  # noqa: ARG001
        _only(config, "padding", "valid")
        _only(config, "strides", config["pool_size"])
        high, wide = config["pool_size"]

        def run(values: np.ndarray) -> np.ndarray:
            count, height, width, channels = values.shape
            rows, columns = height // high, width // wide
            kept = values[:, : rows * high, : columns * wide]
            return reduce(kept.reshape(count, rows, high, columns, wide, channels), axis=(2, 4))

        yield Layer(config["name"], run)

    return make


def _dense(config: Mapping[str, Any], weights: list[np.ndarray]) -> Iterator[Layer]:
    activate = _activation(config["activation"])
    kernel = weights[0]
    if kernel.ndim != 2 or kernel.shape[-1] != config["units"]:
        raise ValueError("the kernel has another number of units")
    bias = weights[1] if config["use_bias"] else np.float32(0)
    yield Layer(config["name"], lambda values: activate(values @ kernel + bias))


def _flatten(config: Mapping[str, Any], weights: list[np.ndarray]) -> Iterator[Layer]:  # noqa: ARG001
    yield Layer(config["name"], lambda values: values.reshape(len(values), -1))


def _average_all(config: Mapping[str, Any], weights: list[np.ndarray]) -> Iterator[Layer]:  # noqa: ARG001
    yield Layer(config["name"], lambda values: values.mean(axis=(1, 2)))


def _activated(config: Mapping[str, Any], weights: list[np.ndarray]) -> Iterator[Layer]:  # noqa: ARG001
    yield Layer(config["name"], _activation(config["activation"]))


def _leaky(config: Mapping[str, Any], weights: list[np.ndarray]) -> Iterator[Layer]:  # noqa: ARG001
    slope = np.float32(config["negative_slope"])
    yield Layer(config["name"], lambda values: np.where(values > 0, values, slope * values))


def _only(config: Mapping[str, Any], name: str, value: Any) -> None:
    if config[name] != value:
        raise Unsupported(f"Networks with {name} {config[name]}")


def _activation(name: str) -> Step:
    if name not in _ACTIVATIONS:
        raise Unsupported(f"Networks with the activation {name}")
    return _ACTIVATIONS[name]


_ACTIVATIONS: dict[str, Step] = {
    "linear": lambda values: values,
    "relu": lambda values: np.maximum(values, 0),
    "elu": lambda values: np.where(values > 0, values, np.expm1(np.minimum(values, 0))),
    "sigmoid": special.expit,
    "softmax": lambda values: special.softmax(values, axis=-1),
}
_KINDS: dict[str, Callable[..., Iterator[Layer]]] = {
    "Conv2D": _convolution,
    "BatchNormalization": _batch_normalization,
    "MaxPooling2D": _pooling(np.max),
    "AveragePooling2D": _pooling(np.mean),
    "GlobalAveragePooling2D": _average_all,
    "Activation": _activated,
    "LeakyReLU": _leaky,
    "Flatten": _flatten,
    "Dense": _dense,
}
_SAVED_AS = {
    "Conv2D": "conv2d",
    "BatchNormalization": "batch_normalization",
    "MaxPooling2D": "max_pooling2d",
    "AveragePooling2D": "average_pooling2d",
    "GlobalAveragePooling2D": "global_average_pooling2d",
    "Activation": "activation",
    "LeakyReLU": "leaky_re_lu",
    "Flatten": "flatten",
    "Dense": "dense",
}


def _scaled(images: np.ndarray) -> Iterator[np.ndarray]:
    room = max(1, ROOM // (images.shape[1] * images.shape[2]))
    for part in batches(len(images), room):
        yield scale(images[part])


def _pass(layers: Sequence[Layer], values: np.ndarray) -> np.ndarray:
    for layer in layers:
        values = layer.run(values)
    return values
