"""What a network expects and gives, and how it is adapted to what this program hands it.

Everywhere in this program a network takes RGB images from 0 to 1 and gives probabilities in the
order of the dataset's classes. `adapt` adds what an imported network needs for that; `restore`
takes it away again, so that a download fits where the network came from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.errors import UserError, unknown
from engine.networks.standard_form import copy_layer, run_graph

if TYPE_CHECKING:
    import keras

# Names of the layers that `adapt` adds.
ADAPTER, CLASS_ORDER, PROBABILITIES = "input_adapter", "class_order", "probabilities"

_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_CIFAR10 = ((0.4914, 0.4822, 0.4465), (0.247, 0.2435, 0.2616))
# By name: what it is called on pages, and the mean and deviation that are taken off values from 0
# to 1, for each colour in the network's order.
RANGES: dict[str, tuple[str, tuple[tuple[float, ...], tuple[float, ...]]]] = {
    "0..1": ("0 to 1", ((0.0,) * 3, (1.0,) * 3)),
    "0..255": ("0 to 255", ((0.0,) * 3, (1 / 255,) * 3)),
    "-1..1": ("-1 to 1", ((0.5,) * 3, (0.5,) * 3)),
    "imagenet": ("ImageNet's mean and deviation", _IMAGENET),
    "cifar10": ("CIFAR-10's mean and deviation", _CIFAR10),
}
# By name: what it is called on pages.
COLOURS = {"rgb": "red, green, blue", "bgr": "blue, green, red", "grey": "grey"}
# By name: what a network's outputs are.
OUTPUTS = {
    "probabilities": "probabilities",
    "logits": "logits",
    "log-probabilities": "logarithms of probabilities",
    "scores": "an independent score for each class (sigmoid)",
}
# Weights of red, green and blue in the brightness of a grey image (ITU-R BT.601).
_LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class InputFormat:
    """What a network expects and gives.

    Attributes:
        range: of the values of a pixel; a name in `RANGES`.
        colours: a name in `COLOURS`.
        outputs: a name in `OUTPUTS`.
        class_order: for each class of the dataset, the network's output for it; empty if they
            are in the same order.
    """

    range: str = "0..1"
    colours: str = "rgb"
    outputs: str = "probabilities"
    class_order: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for kind, name, known in (
            ("input range", self.range, RANGES),
            ("colour order", self.colours, COLOURS),
            ("kind of output", self.outputs, OUTPUTS),
        ):
            if name not in known:
                raise unknown(kind, name, tuple(known))
        if sorted(self.class_order) != list(range(len(self.class_order))):
            raise UserError("The class order must name each of the network's outputs once.")

    def as_dict(self) -> dict[str, Any]:
        """The fields, as a model card stores them."""
        return asdict(self) | {"class_order": list(self.class_order)}

    @classmethod
    def from_card(cls, imported: Mapping[str, Any]) -> InputFormat:
        """The format that `ModelCard.imported` holds."""
        return cls(
            str(imported["range"]),
            str(imported["colours"]),
            str(imported["outputs"]),
            tuple(int(index) for index in imported["class_order"]),
        )

    @property
    def channels(self) -> int:
        """Colours of the images that the network itself takes."""
        return 1 if self.colours == "grey" else 3

    def matrix(self) -> tuple[np.ndarray, np.ndarray]:
        """What turns an RGB pixel from 0 to 1 into the network's values.

        Returns:
            float32 [3, channels] and [channels]: values = pixel @ first + second.
        """
        mean, deviation = (np.asarray(part[: self.channels]) for part in RANGES[self.range][1])
        pick = {
            "rgb": np.eye(3),
            "bgr": np.eye(3)[::-1],
            "grey": np.asarray(_LUMA)[:, None],
        }[self.colours]
        return (pick / deviation).astype(np.float32), (-mean / deviation).astype(np.float32)

    def scaled(self, images: np.ndarray) -> np.ndarray:
        """uint8 RGB images [n, height, width, 3] as the network itself takes them: float32."""
        factors, offsets = self.matrix()
        values: np.ndarray = images.astype(np.float32) / np.float32(255) @ factors + offsets
        return values


def adapt(network: keras.Model, form: InputFormat) -> keras.Model:
    """A network from RGB images, 0 to 1, to probabilities in the dataset's class order.

    Args:
        network: in standard form; left as it is.
        form: what it expects and gives.
    """
    import keras

    inputs = values = _input_of(network, channels=3)
    if (form.range, form.colours) != ("0..1", "rgb"):
        values = _fixed_dense(ADAPTER, *form.matrix())(values)
    ending = _Ending(network)

    def apply(layer: Any, tensors: tuple[Any, ...]) -> Any:
        if form.outputs == "scores" and layer is ending.squash:
            return tensors[0]
        if form.outputs == "scores" and layer is ending.dense:
            return copy_layer(layer, tensors, activation="linear")
        if layer is ending.squash and ending.dense is None and form.class_order:
            tensors = (_reordered(tensors[0], form.class_order),)
        return copy_layer(layer, tensors)

    (outputs,) = run_graph(network, [values], apply)
    if form.outputs != "probabilities":
        if ending.dense is None and form.class_order:
            outputs = _reordered(outputs, form.class_order)
        outputs = keras.layers.Activation("softmax", name=PROBABILITIES)(outputs)
    adapted = keras.Model(inputs, outputs, name=network.name)
    _permute(adapted, form.class_order)
    return adapted


def restore(network: keras.Model, form: InputFormat) -> keras.Model:
    """What `adapt` made, without what it added: as the network came, with its present weights.

    Args:
        network: as `adapt` made it, or repaired since; left as it is.
        form: what `adapt` was given.
    """
    import keras

    def apply(layer: Any, tensors: tuple[Any, ...]) -> Any:
        if layer.name in (ADAPTER, CLASS_ORDER, PROBABILITIES):
            return tensors[0]
        return copy_layer(layer, tensors)

    inputs = _input_of(network, form.channels)
    (outputs,) = run_graph(network, [inputs], apply)
    restored = keras.Model(inputs, outputs, name=network.name)
    _permute(restored, np.argsort(form.class_order).tolist())
    if form.outputs != "scores":
        return restored
    return keras.Model(inputs, keras.layers.Activation("sigmoid", name="scores")(outputs))


def find_outputs(network: keras.Model, values: np.ndarray) -> str:
    """What the outputs of a network are: a name in `OUTPUTS`.

    Args:
        network: in standard form.
        values: what it gives for some images, float32 [n, classes].
    """
    squash = _Ending(network).squash or network.outputs[0]._keras_history.operation
    activation = getattr(getattr(squash, "activation", None), "__name__", "")
    if activation in ("softmax", "sigmoid"):
        return "probabilities" if activation == "softmax" else "scores"
    if (values >= 0).all() and np.allclose(values.sum(axis=1), 1, atol=1e-3):
        return "probabilities"
    if (values <= 0).all() and np.allclose(np.exp(values).sum(axis=1), 1, atol=1e-3):
        return "log-probabilities"
    return "logits"


class _Ending:
    """The last layers of a network.

    Attributes:
        squash: the layer that only turns logits into probabilities or scores, if there is one.
        dense: the dense layer that gives the logits; None if another layer does.
    """

    def __init__(self, network: keras.Model) -> None:
        import keras

        last = network.outputs[0]._keras_history.operation
        self.squash = last if _is_squash(last) else None
        if self.squash is not None:
            last = last.input._keras_history.operation
        self.dense = last if isinstance(last, keras.layers.Dense) else None


def _is_squash(layer: Any) -> bool:
    import keras

    return isinstance(layer, keras.layers.Activation) and layer.activation.__name__ in (
        "softmax",
        "sigmoid",
    )


def _input_of(network: keras.Model, channels: int) -> Any:
    """An input like the network's, of images with that many channels."""
    import keras

    name = network.inputs[0]._keras_history.operation.name
    return keras.Input((*network.input_shape[1:3], channels), name=name)


def _fixed_dense(name: str, kernel: np.ndarray, bias: np.ndarray) -> Any:
    """A dense layer that no repair changes."""
    import keras

    layer = keras.layers.Dense(len(bias), name=name, trainable=False)
    layer.build((None, len(kernel)))
    layer.set_weights([kernel, bias])
    return layer


def _reordered(logits: Any, order: Sequence[int]) -> Any:
    """Logits in another order, for networks that do not end in a dense layer."""
    kernel = np.eye(len(order), dtype=np.float32)[:, list(order)]
    return _fixed_dense(CLASS_ORDER, kernel, np.zeros(len(order), np.float32))(logits)


def _permute(network: keras.Model, order: Sequence[int]) -> None:
    """Reorder the outputs of the last dense layer, in place."""
    dense = _Ending(network).dense
    if order and dense is not None and dense.name != CLASS_ORDER:
        dense.set_weights([weights[..., list(order)] for weights in dense.get_weights()])
