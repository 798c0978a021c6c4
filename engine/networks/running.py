"""Running a network: from uint8 images to its outputs, in batches."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.errors import UserError

if TYPE_CHECKING:
    import keras

# How a card describes the floats a model expects; the only scaling so far.
SCALING = "0 to 1"
BATCH = 256


def scale(images: np.ndarray) -> np.ndarray:
    """uint8 images as networks take them: float32 of the same shape, 0 to 1."""
    return images.astype(np.float32) / np.float32(255)


def batches(count: int, size: int = BATCH) -> Iterator[slice]:
    """Slices that cover 0 to `count` in steps of `size`."""
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


def apply(chain: Sequence[keras.Layer], values: Any) -> Any:
    """Pass `values` through the layers of `chain`, one after the other."""
    for layer in chain:
        values = layer(values)
    return values


def layer_tensors(model: keras.Model) -> dict[str, Any]:
    """The symbolic output of each layer of a network that uses each of them once, by its name."""
    import keras

    # A Sequential network has called its layers many times over while it was built; going by
    # `layer.output` would run them as often.
    graph = keras.Model(model.inputs[0], model.outputs[0])
    nodes = (node for depth in graph._nodes_by_depth.values() for node in depth)
    return {node.operation.name: node.outputs[0] for node in nodes}


def output_name(model: keras.Model) -> str:
    """The name of the layer that gives the network's output."""
    return str(model.outputs[0]._keras_history.operation.name)


def intermediate_outputs(model: keras.Model, names: Sequence[str]) -> keras.Model:
    """A network on the same weights whose output is a dict: layer name -> that layer's output."""
    import keras

    tensors = layer_tensors(model)
    return keras.Model(model.inputs[0], {name: tensors[name] for name in names})


def compiled(model: keras.Model) -> Callable[[np.ndarray], np.ndarray]:
    """`model` as a function from a float32 NumPy batch to a NumPy result.

    It is traced at the first call for this model and kept on the model itself, so that both are
    released together. The trace reads the weights anew each time it runs.
    """
    if not hasattr(model, "_compiled_inference"):
        model._compiled_inference = _compile_inference(weakref.ref(model))
    return partial(_run, model)  # holds the weights, which a trace does not


def _run(model: keras.Model, batch: np.ndarray) -> np.ndarray:
    values: np.ndarray = model._compiled_inference(batch)
    return values


def _compile_inference(owner: Callable[[], Any]) -> Callable[[np.ndarray], np.ndarray]:
    import tensorflow as tf

    def infer(batch: Any) -> Any:
        return owner()(batch, training=False)

    signature = [tf.TensorSpec([None, *owner().input_shape[1:]], tf.float32)]
    # XLA is slower than oneDNN's kernels on a CPU.
    function = tf.function(infer, input_signature=signature, jit_compile=False)
    # A plain function, because Keras would count a TensorFlow one as part of the model's state.
    return lambda batch: function(batch).numpy()


def check_fits(model: keras.Model, image_shape: tuple[int, ...], classes: int) -> None:
    """Raise `UserError` unless `model` takes images of that shape and has that many classes."""
    if tuple(model.input_shape[1:]) != tuple(image_shape):
        raise UserError(
            f"The model takes images of {model.input_shape[1:]}, but the data has {image_shape}."
        )
    if model.output_shape[-1] != classes:
        raise UserError(
            f"The model has {model.output_shape[-1]} classes, but the data has {classes}."
        )
