"""Building a Keras network from a checked file; only the limited child does this.

Descriptions and weights were checked before. No function, graph or class of the file's is run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.core import tensorflow_runtime
from engine.core.errors import UserError, quoted
from engine.networks.untrusted import protobuf, weights
from engine.networks.untrusted.saved_model import ROOT, Described

if TYPE_CHECKING:
    import keras

_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"  # a TrackableObjectGraph: what each variable belongs to
# What Keras 2 calls variables that Keras 3 calls otherwise.
_NAMES_IN_KERAS_2 = {
    "kernel": ("kernel", "depthwise_kernel"),
    "mean": ("adapt_mean", "mean"),
    "variance": ("adapt_variance", "variance"),
}


def with_weights(config: Mapping[str, Any], file: Path) -> keras.Model:
    """A network whose weights lie in an HDF5 file.

    Args:
        config: as `keras_config.buildable` gives it.
        file: a checked `.weights.h5` file, or an .h5 file of Keras 2.

    Raises:
        UserError: the weights do not fit.
    """
    network = _built(config)
    try:
        network.load_weights(file)
    except Exception:  # Keras raises many kinds
        raise UserError("has weights that do not fit its layers: save it again.") from None
    return network


def from_checkpoint(
    described: Described, config: Mapping[str, Any], checkpoint: Path
) -> keras.Model:
    """The network of a SavedModel.

    Args:
        described: what the SavedModel says.
        config: its description, as `keras_config.buildable` gives it.
        checkpoint: path of the checkpoint, without endings.

    Raises:
        UserError: the checkpoint is damaged or too large, or does not fit.
    """
    network = _built(config)
    try:
        _Checkpoint(checkpoint, described.names).fill(network)
    except UserError:
        raise
    except Exception:  # TensorFlow raises many kinds
        raise UserError("has weights that do not fit its layers: save it as .keras.") from None
    return network


def _built(config: Mapping[str, Any]) -> keras.Model:
    tensorflow_runtime.import_tensorflow()
    import keras

    network: keras.Model = keras.saving.deserialize_keras_object(dict(config), safe_mode=True)
    return network


class _Checkpoint:
    """Variables in a checkpoint of TensorFlow, found by the names of layers."""

    def __init__(self, path: Path, names: Mapping[str, str]) -> None:
        import tensorflow as tf

        self.reader = tf.train.load_checkpoint(str(path))
        shapes = self.reader.get_variable_to_shape_map()
        if 8 * sum(prod(shape) for shape in shapes.values()) > 4 * weights.MAX_BYTES:
            raise UserError(f"holds more than {weights.MAX_BYTES >> 20} MB of weights: not loaded.")
        self.nodes = list(_nodes(memoryview(self.reader.get_tensor(_GRAPH))))
        self.names = names

    def fill(self, network: Any, path: str = ROOT, place: int = 0) -> None:
        """Give each layer of a network its variables, also in networks inside it."""
        children, _ = self.nodes[place]
        found = {
            self.names[f"{path}.{child}"]: (f"{path}.{child}", index)
            for child, index in children.items()
            if f"{path}.{child}" in self.names
        }
        for layer in network.layers:
            if not layer.weights:
                continue
            if layer.name not in found:
                raise UserError(f"lacks the weights of {quoted(layer.name)}: save it as .keras.")
            if hasattr(layer, "layers"):
                self.fill(layer, *found[layer.name])
            else:
                self._fill_layer(layer, found[layer.name][1])

    def _fill_layer(self, layer: Any, place: int) -> None:
        children, _ = self.nodes[place]
        store = {}
        for number, variable in enumerate(
            layer._trainable_variables + layer._non_trainable_variables
        ):
            called = _NAMES_IN_KERAS_2.get(variable.name, (variable.name,))
            (index,) = {children[name] for name in called if name in children}
            store[str(number)] = self.reader.get_tensor(self.nodes[index][1])
        layer.load_own_variables(store)


def _nodes(graph: memoryview) -> Iterator[tuple[dict[str, int], str]]:
    """Of each object in a TrackableObjectGraph: its children by name, and its key as a variable."""
    for number, value in protobuf.fields(graph):
        if number != 1:
            continue
        children, key = {}, ""
        for kind, part in protobuf.fields(protobuf.message(value)):
            inside = dict(protobuf.fields(protobuf.message(part)))
            if kind == 1:
                children[protobuf.text(inside[2])] = int(inside.get(1, 0))
            elif kind == 2:
                key = protobuf.text(inside.get(3, memoryview(b"")))
        yield children, key
