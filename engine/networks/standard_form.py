"""Rewriting any Keras network into one standard form, which the rest of the program relies on.

In standard form a network is flat (no network inside another), computes in float32, uses each
layer once, and consists of `STANDARD` layers alone. What it computes at inference is unchanged.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.errors import UserError, quoted

if TYPE_CHECKING:
    import keras

# Layers that are copied as they are; `_REWRITES` turns some others into these.
_STANDARD = """Conv2D DepthwiseConv2D Dense BatchNormalization LayerNormalization Activation ReLU
ELU LeakyReLU PReLU MaxPooling2D AveragePooling2D GlobalMaxPooling2D GlobalAveragePooling2D Flatten
Reshape Permute ZeroPadding2D Cropping2D Add Subtract Multiply Average Maximum Minimum Concatenate
Dropout SpatialDropout2D GaussianNoise GaussianDropout Rescaling"""
# Layers that change nothing at inference.
_INERT = """RandomFlip RandomRotation RandomZoom RandomTranslation RandomShear RandomContrast
RandomBrightness RandomHue RandomSaturation RandomColorJitter RandomColorDegeneration
RandomGrayscale RandomErasing RandomElasticTransform RandomGaussianBlur RandomInvert
RandomPerspective RandomPosterization RandomSharpness RandomApply RandAugment AugMix MixUp CutMix
AlphaDropout ActivityRegularization Identity"""
STANDARD, INERT = frozenset(_STANDARD.split()), frozenset(_INERT.split())


@dataclass(frozen=True)
class Standardized:
    """A network in standard form.

    Attributes:
        network: from float32 images [n, height, width, channels] to float32 [n, classes].
        left_out: names of layers that were left out because they do nothing at inference.
    """

    network: keras.Model
    left_out: tuple[str, ...]


def standardize(model: keras.Model) -> Standardized:
    """Rewrite `model` into standard form; it is left as it is.

    Raises:
        UserError: it has several inputs or outputs, a layer outside the list, or a layer with
            weights that is used twice. The text continues a sentence that begins with the file's
            name.
    """
    import keras

    shape = _image_shape(model)
    if len(model.outputs) != 1:
        names = ", ".join(str(tensor._keras_history.operation.name) for tensor in model.outputs)
        raise UserError(
            f"has {len(model.outputs)} outputs ({names}): keep the one with the class scores and"
            " save it again."
        )
    rewriter = _Rewriter()
    inputs = keras.Input(shape, dtype="float32", name=rewriter.unique("input"))
    (outputs,) = rewriter.run(model, [inputs])
    if len(outputs.shape) == 4 and outputs.shape[1:3] == (1, 1):
        outputs = keras.layers.Flatten(name=rewriter.unique("flatten"))(outputs)
    if len(outputs.shape) != 2:
        raise UserError(
            f"gives {tuple(outputs.shape[1:])} for each image, not one score for each class."
        )
    return Standardized(keras.Model(inputs, outputs, name="network"), tuple(rewriter.left_out))


def run_graph(
    model: keras.Model, inputs: list[Any], apply: Callable[[Any, tuple[Any, ...]], Any]
) -> list[Any]:
    """Pass tensors through a network, with `apply(layer, tensors)` in place of each layer's call.

    Args:
        model: Sequential or Functional.
        inputs: one tensor for each of its inputs.
        apply: is given the layers in an order in which each follows its sources.

    Returns:
        One tensor for each output of the network.
    """
    import keras

    if isinstance(model, keras.Sequential):
        (values,) = inputs
        for layer in model.layers:
            values = apply(layer, (values,))
        return [values]
    known = {id(tensor): value for tensor, value in zip(model.inputs, inputs, strict=True)}
    for depth in sorted(model._nodes_by_depth, reverse=True):
        for node in model._nodes_by_depth[depth]:
            if node.is_input:
                continue
            sources = tuple(known[id(tensor)] for tensor in node.input_tensors)
            found = keras.tree.flatten(apply(node.operation, sources))
            known.update(
                (id(tensor), value) for tensor, value in zip(node.outputs, found, strict=True)
            )
    return [known[id(tensor)] for tensor in model.outputs]


def copy_layer(layer: keras.Layer, tensors: tuple[Any, ...], **changes: Any) -> Any:
    """The output of a copy of `layer`, with the same weights, for `tensors`.

    Args:
        layer: a layer of any precision; its copy computes in float32 and can be trained.
        tensors: what the copy takes.
        changes: of the copy's settings.
    """
    config = layer.get_config() | {"dtype": "float32"} | changes
    config.pop("trainable", None)  # not every layer takes it; all can be trained without
    copy = type(layer).from_config(config)
    outputs = copy(tensors[0] if len(tensors) == 1 else list(tensors))
    copy.set_weights([np.asarray(weights, np.float32) for weights in layer.get_weights()])
    return outputs


@dataclass
class _Rewriter:
    """Rewrites layer by layer, and keeps their names unique."""

    names: set[str] = field(default_factory=set)
    left_out: list[str] = field(default_factory=list)
    weighted: set[int] = field(default_factory=set)

    def unique(self, name: str) -> str:
        """`name`, numbered if it is taken, and without what a file's path cannot hold."""
        base = name.replace("/", "_")[:60]
        tried, number = base, 1
        while tried in self.names:
            number += 1
            tried = f"{base}_{number}"
        self.names.add(tried)
        return tried

    def run(self, model: keras.Model, inputs: list[Any]) -> list[Any]:
        return run_graph(model, inputs, self.apply)

    def apply(self, layer: Any, tensors: tuple[Any, ...]) -> Any:
        import keras

        kind = type(layer).__name__
        if isinstance(layer, keras.Model):
            if not isinstance(layer, keras.Sequential | keras.src.models.functional.Functional):
                raise _outside(layer)
            found = self.run(layer, list(tensors))
            return found[0] if len(found) == 1 else found
        if kind == "InputLayer":
            return tensors[0]
        if kind in INERT:
            self.left_out.append(layer.name)
            return tensors[0]
        self._check(layer)
        if kind in _REWRITES:
            return _REWRITES[kind](self, layer, tensors)
        return copy_layer(layer, tensors, name=self.unique(layer.name))

    def _check(self, layer: Any) -> None:
        kind = type(layer).__name__
        public = type(layer).__module__.startswith("keras.src.layers")
        if not public or kind not in STANDARD | set(_REWRITES):
            raise _outside(layer)
        if getattr(layer, "data_format", "channels_last") != "channels_last":
            raise UserError(
                f"has its colours first in {quoted(layer.name)}: save it with channels last, or"
                " export it to ONNX."
            )
        if layer.weights:
            if id(layer) in self.weighted:
                raise UserError(
                    f"uses the layer {quoted(layer.name)} more than once: channels of such a"
                    " network cannot be switched off."
                )
            self.weighted.add(id(layer))


def _outside(layer: Any) -> UserError:
    return UserError(
        f"has a layer {quoted(layer.name)} of kind {quoted(type(layer).__name__)}, which is not"
        " supported: replace it, or export the network without it."
    )


def _image_shape(model: keras.Model) -> tuple[int, int, int]:
    """Height, width and colours of the images that the network takes."""
    if len(model.inputs) != 1:
        raise UserError(
            f"takes {len(model.inputs)} inputs: only networks that take one image work."
        )
    shape = tuple(model.inputs[0].shape[1:])
    if len(shape) != 3 or None in shape:
        raise UserError(f"takes {shape}, not images of a fixed size: save it with one.")
    if shape[2] not in (1, 3):
        raise UserError(f"takes images with {shape[2]} colours: 1 (grey) or 3 are possible.")
    height, width, colours = shape
    return height, width, colours


def _softmax(rewriter: _Rewriter, layer: Any, tensors: tuple[Any, ...]) -> Any:
    import keras

    rank = len(tensors[0].shape)
    if layer.axis not in (-1, rank - 1):
        raise UserError(f"applies {quoted(layer.name)} along another axis than the classes.")
    name = rewriter.unique(layer.name)
    return keras.layers.Activation("softmax", name=name, dtype="float32")(tensors[0])


def _normalization(rewriter: _Rewriter, layer: Any, tensors: tuple[Any, ...]) -> Any:
    """(x - mean) / deviation, or its inverse, as a scale and an offset for each colour."""
    import keras

    mean, variance = (np.asarray(part, np.float64) for part in (layer.mean, layer.variance))
    deviation = np.maximum(np.sqrt(variance), keras.backend.epsilon())
    if layer.invert:
        scale, offset = deviation, mean
    else:
        scale, offset = 1 / deviation, -mean / deviation
    if scale.size != scale.shape[-1]:
        raise UserError(f"normalizes each pixel differently in {quoted(layer.name)}.")
    name = rewriter.unique(layer.name)
    factors, offsets = scale.ravel().tolist(), offset.ravel().tolist()
    return keras.layers.Rescaling(factors, offsets, name=name, dtype="float32")(tensors[0])


def _separable(rewriter: _Rewriter, layer: Any, tensors: tuple[Any, ...]) -> Any:
    """A depthwise convolution followed by one of 1x1."""
    import keras

    config = layer.get_config()
    shared = ("kernel_size", "strides", "padding", "dilation_rate", "depth_multiplier")
    first = keras.layers.DepthwiseConv2D(
        **{name: config[name] for name in shared},
        use_bias=False,
        dtype="float32",
        name=rewriter.unique(f"{layer.name}_depthwise"),
    )
    second = keras.layers.Conv2D(
        layer.filters,
        1,
        activation=layer.activation,
        use_bias=layer.use_bias,
        dtype="float32",
        name=rewriter.unique(layer.name),
    )
    outputs = second(first(tensors[0]))
    depthwise, pointwise, *bias = (np.asarray(part, np.float32) for part in layer.get_weights())
    first.set_weights([depthwise])
    second.set_weights([pointwise, *bias])
    return outputs


def _convolution(rewriter: _Rewriter, layer: Any, tensors: tuple[Any, ...]) -> Any:
    """The same, but positions that a 1x1 convolution skips are left out before it.

    TensorFlow 2.21 corrupts memory when it trains such a convolution with few input channels and
    the batch size changes (oneDNN).
    """
    import keras

    name, strides = rewriter.unique(layer.name), tuple(layer.strides)
    if tuple(layer.kernel_size) != (1, 1) or strides == (1, 1):
        return copy_layer(layer, tensors, name=name)
    skip = keras.layers.MaxPooling2D(
        1, strides, name=rewriter.unique(f"{layer.name}_skip"), dtype="float32"
    )
    return copy_layer(layer, (skip(tensors[0]),), name=name, strides=(1, 1))


_REWRITES: dict[str, Callable[[_Rewriter, Any, tuple[Any, ...]], Any]] = {
    "Conv2D": _convolution,
    "Softmax": _softmax,
    "Normalization": _normalization,
    "SeparableConv2D": _separable,
}
