"""Inference in NumPy: a stored network on a few images, without TensorFlow in the server.

Meant for a handful of images; whole datasets belong to `evaluation`. A network is a graph of
layers of the kinds in `numpy_layers`; they may branch and join.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from engine.core.errors import UserError
from engine.networks import channels, layer_graph
from engine.networks.channels import check_channels
from engine.networks.layer_kinds import is_activation
from engine.networks.numpy_layers import Step, Unsupported, make_step
from engine.networks.running import batches, scale
from engine.networks.saved_layers import Description, Saved, read_layers
from engine.networks.untrusted.parts import Parts

__all__ = ["Layer", "Network", "Unsupported", "channel_bounds", "load"]

# Pixels passed through the network at a time, eight images of 32x32: their values stay in the
# processor's cache, and large images do not fill the memory.
ROOM = 8 * 32 * 32

Result = TypeVar("Result")


@dataclass(frozen=True)
class Layer:
    """One layer and its place in the graph.

    Attributes:
        name: in the network.
        sources: names of the layers whose outputs it takes, in order.
        run: from float32 [n, ...], one for each source, to float32 [n, ...].
        pruned_value: a convolution's output where kernel and bias are zero; None for other layers.
    """

    name: str
    sources: tuple[str, ...]
    run: Step
    pruned_value: float | None = None


@dataclass(frozen=True)
class Network:
    """A graph of layers from uint8 images to probabilities.

    Attributes:
        input: the name by which layers take the images.
        layers: all that the output needs, each after its sources; the last gives the output.
        logit_layers: the same without the final softmax or sigmoid, if there is one.
    """

    input: str
    layers: tuple[Layer, ...]
    logit_layers: tuple[Layer, ...]

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Probabilities for uint8 images [n, height, width, 3]: float32 [n, classes]."""
        return self._passed(images, self.layers)

    def logits(self, images: np.ndarray) -> np.ndarray:
        """The output before the final softmax or sigmoid, if any: float32 [n, classes].

        Args:
            images: uint8 [n, height, width, 3].
        """
        return self._passed(images, self.logit_layers)

    def steps(self, images: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
        """Name and output of one layer after the other; the last is the network's.

        Args:
            images: uint8 [n, height, width, 3], passed all at once.
        """
        return _steps(self.layers, {self.input: scale(images)})

    def outputs(self, images: np.ndarray, layers: Sequence[str]) -> dict[str, np.ndarray]:
        """Outputs of the named layers: float32 [n, ...] each.

        Args:
            images: uint8 [n, height, width, 3].
            layers: their names.

        Raises:
            UserError: there is no layer of that name.
        """
        for name in layers:
            self._layer(name)
        needed = _needed(self.layers, layers)
        parts = [_values(needed, {self.input: part}, layers) for part in _scaled(images)]
        return {name: np.concatenate([part[name] for part in parts]) for name in layers}

    def probabilities_while_pruned(
        self, images: np.ndarray, layer: str, channels: np.ndarray
    ) -> np.ndarray:
        """Probabilities before the first and after each pruned channel.

        What does not depend on the convolution is computed once.

        Args:
            images: uint8 [n, height, width, 3].
            layer: a convolution; a pruned channel's kernel and bias are zero (paper section 3.2).
            channels: int [c], in the order they are pruned.

        Returns:
            float32 [c + 1, n, classes].
        """
        value = self._layer(layer).pruned_value
        if value is None:
            raise UserError(
                f"The layer '{layer}' has no channels to prune: choose a convolution whose output"
                " is not a softmax."
            )
        after = _downstream(self.layers, layer)
        borders = {layer}.union(*(of.sources for of in after)).difference(of.name for of in after)
        before = _needed(self.layers, borders)
        found = []
        for part in _scaled(images):
            known = _values(before, {self.input: part}, borders)
            pruned = known[layer] = known[layer].copy()
            check_channels(layer, pruned.shape[-1], channels)
            steps = [self._output(after, known)]
            for channel in channels:
                pruned[..., channel] = value
                steps.append(self._output(after, known))
            found.append(np.stack(steps))
        return np.concatenate(found, axis=1)

    def _passed(self, images: np.ndarray, layers: Sequence[Layer]) -> np.ndarray:
        parts = [self._output(layers, {self.input: part}) for part in _scaled(images)]
        return np.concatenate(parts)

    def _output(self, layers: Sequence[Layer], values: Mapping[str, np.ndarray]) -> np.ndarray:
        """A copy of the network's output, from `layers` and the values that they take."""
        name = self.layers[-1].name
        return _values(layers, values, [name])[name].copy()

    def _layer(self, name: str) -> Layer:
        found = {layer.name: layer for layer in self.layers}
        if name not in found:
            raise UserError(f"There is no layer '{name}': choose from {', '.join(found)}.")
        return found[name]


def load(parts: Parts) -> Network:
    """A network from its description and weights.

    Raises:
        Unsupported: it has layers that need TensorFlow, or is connected in a way that does.
        UserError: its weights do not match its layers.
    """
    return _read(lambda: _network(parts))


def channel_bounds(parts: Parts) -> dict[str, np.ndarray]:
    """How much each channel of each convolution can amplify: see `channels.bounds`.

    Raises:
        UserError: as `load`.
    """
    return _read(lambda: _channel_bounds(read_layers(parts)))


def _read(made: Callable[[], Result]) -> Result:
    """Call `made`; raise a `UserError` if the description does not match the weights."""
    try:
        return made()
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise UserError("The network's layers and weights do not fit together.") from error


def _network(parts: Parts) -> Network:
    read = read_layers(parts)
    layers = tuple(_needed([_layer(saved) for saved in read.layers], [read.output]))
    by_name = {saved.name: saved for saved in read.layers}
    end = by_name[read.output]
    while end.kind in ("Flatten", "Reshape") and end.sources[0] in by_name:
        end = by_name[end.sources[0]]
    for_logits = (_for_logits(end) if layer.name == end.name else layer for layer in layers)
    return Network(read.input, layers, tuple(for_logits))


def _layer(saved: Saved) -> Layer:
    """The layer, ready to run."""
    run = make_step(saved.kind, saved.config, saved.arrays)
    return Layer(saved.name, saved.sources, run, _pruned_value(saved))


def _for_logits(saved: Saved) -> Layer:
    """The layer without the softmax or sigmoid that it ends in, if it does."""
    if saved.kind == "Softmax":
        return replace(_layer(saved), run=lambda values: values)
    if saved.config.get("activation") not in ("softmax", "sigmoid"):
        return _layer(saved)
    return _layer(replace(saved, config={**saved.config, "activation": "linear"}))


def _pruned_value(saved: Saved) -> float | None:
    if saved.kind != "Conv2D" or saved.config["activation"] in ("softmax", "log_softmax"):
        return None
    activate = make_step("Activation", saved.config, [])
    return float(activate(np.zeros(1, np.float32))[0])


def _channel_bounds(read: Description) -> dict[str, np.ndarray]:
    nodes = [layer_graph.Node(saved.name, saved, saved.sources) for saved in read.layers]
    followers = layer_graph.followers(nodes)
    return {
        saved.name: channels.channel_bounds(saved.arrays[0], _factor_after(saved, followers))
        for saved in read.layers
        if saved.kind == "Conv2D"
    }


def _factor_after(saved: Saved, followers: Mapping[str, list[Saved]]) -> np.ndarray | float:
    """What the BatchNorm that alone follows, after activations at most, multiplies by."""
    while len(after := followers[saved.name]) == 1:
        (saved,) = after
        if saved.kind == "BatchNormalization" and saved.config["scale"]:
            gamma, variance = saved.arrays[0], saved.arrays[-1]
            factor: np.ndarray = gamma / np.sqrt(variance + saved.config["epsilon"])
            return factor
        if not is_activation({"class_name": saved.kind, "config": saved.config}):
            break
    return 1.0


def _needed(layers: Sequence[Layer], names: Collection[str]) -> list[Layer]:
    """The layers called `names` and all that these depend on, in order."""
    wanted, found = set(names), []
    for layer in reversed(layers):
        if layer.name in wanted:
            wanted.update(layer.sources)
            found.append(layer)
    return found[::-1]


def _downstream(layers: Sequence[Layer], name: str) -> list[Layer]:
    """The layers that depend on the one called `name`, in order."""
    reached, found = {name}, []
    for layer in layers:
        if reached.intersection(layer.sources):
            reached.add(layer.name)
            found.append(layer)
    return found


def _steps(
    layers: Sequence[Layer], values: Mapping[str, np.ndarray]
) -> Iterator[tuple[str, np.ndarray]]:
    """Name and output of each layer in turn; an output that no later one needs is dropped."""
    kept = dict(values)
    left = Counter(source for layer in layers for source in layer.sources)
    for layer in layers:
        output = layer.run(*(kept[source] for source in layer.sources))
        for source in layer.sources:
            left[source] -= 1
            if not left[source]:
                del kept[source]
        if left[layer.name]:
            kept[layer.name] = output
        yield layer.name, output


def _values(
    layers: Sequence[Layer], values: Mapping[str, np.ndarray], names: Collection[str]
) -> dict[str, np.ndarray]:
    """The outputs of the layers called `names`; some may be among `values` already."""
    found = {name: values[name] for name in names if name in values}
    return found | {name: output for name, output in _steps(layers, values) if name in names}


def _scaled(images: np.ndarray) -> Iterator[np.ndarray]:
    room = max(1, ROOM // (images.shape[1] * images.shape[2]))
    for part in batches(len(images), room):
        yield scale(images[part])
