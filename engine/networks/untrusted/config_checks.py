"""Checks of a network's description before anything is built from it."""

from __future__ import annotations

import math
from typing import Any

from engine.core.errors import UserError, quoted
from engine.networks.standard_form import INERT, STANDARD
from engine.networks.untrusted import operations

MAX_LAYERS, MAX_DEPTH, MAX_SIZE = 800, 40, 8192
MAX_ELEMENTS = 1 << 27  # of what one layer hands to the next
MAX_SIDE = 1024  # pixels, of the images that a network takes
MAX_TEXT = 200  # characters, of names and other text

NETWORKS = frozenset({"Sequential", "Functional", "Model"})
_OTHER_LAYERS = frozenset({"InputLayer", "SeparableConv2D", "Softmax", "Normalization"})
LAYERS = NETWORKS | _OTHER_LAYERS | STANDARD | INERT
_HELPERS = """GlorotUniform GlorotNormal HeNormal HeUniform LecunNormal LecunUniform Zeros Ones
RandomNormal RandomUniform TruncatedNormal VarianceScaling Constant Orthogonal L1 L2 L1L2 MaxNorm
NonNeg UnitNorm MinMaxNorm DTypePolicy Policy __keras_tensor__ __numpy__ __tensor__ __tuple__
TensorShape"""
# Keras's own, of its versions 2 and 3; no module is imported because a file names it.
_MODULES = """keras keras.layers keras.models keras.initializers keras.regularizers
keras.constraints keras.mixed_precision keras.dtype_policies keras.src.models.functional
keras.src.models.sequential keras.src.engine.functional keras.src.engine.sequential
keras.engine.functional keras.engine.sequential"""
_ACTIVATIONS = """linear relu relu6 leaky_relu elu selu celu gelu silu swish mish softplus softsign
sigmoid hard_sigmoid hard_silu hard_swish tanh exponential softmax log_softmax"""
HELPERS, MODULES, ACTIVATIONS = (
    frozenset(names.split()) for names in (_HELPERS, _MODULES, _ACTIVATIONS)
)
COMPILED = "compile_config"  # how a network was trained; it is not needed, so it is left out
IDENTITIES = ("seed", "shared_object_id")  # numbers that are not sizes
_VALUES = ("mean", "variance", "value", "scale", "offset", "max_value")
_SHAPES = ("input_shape", "build_input_shape", "target_shape", "shape", "dims")
_INPUTS = ("batch_shape", "batch_input_shape")


def check_config(config: object) -> dict[str, Any]:
    """A network's description without the part on its training.

    Raises:
        UserError: some part of it is not allowed, or there are too many, or it is too large.
    """
    checked = _Walk().check(config)
    if not isinstance(checked, dict) or checked.get("class_name") not in NETWORKS:
        raise UserError("does not describe a network of layers.")
    return checked


class _Walk:
    """Checks every part of a network's description, however deeply nested."""

    def __init__(self) -> None:
        self.layers = 0

    def check(self, part: Any, key: str = "", depth: int = 0) -> Any:
        """`part`, checked; raise `UserError` at the first thing that is not allowed."""
        if depth > MAX_DEPTH:
            raise UserError("is nested too deeply: it is not loaded.")
        if isinstance(part, dict):
            self._check_class(part, key)
        if key in IDENTITIES and not (part is None or type(part) is int):
            raise UserError(f"has a {key} that is not a number: it is not loaded.")
        if isinstance(part, dict):
            return {
                name: self.check(value, name, depth + 1)
                for name, value in part.items()
                if name != COMPILED
            }
        if isinstance(part, list):
            return [self.check(value, key, depth + 1) for value in part]
        if isinstance(part, str):
            _check_text(part, key)
        elif isinstance(part, int | float) and key not in IDENTITIES:
            _check_number(part, key)
        return part

    def _check_class(self, part: dict[str, Any], key: str) -> None:
        if any(len(name) > MAX_TEXT for name in part):
            raise UserError("has settings with overlong names: it is not loaded.")
        if "class_name" not in part:
            return
        name, module = part["class_name"], part.get("module")
        if not isinstance(name, str) or not (module is None or isinstance(module, str)):
            raise UserError("names a part by something that is not a name: it is not loaded.")
        if key == "activation":
            raise UserError(
                "has a layer or function as an activation: name it by a text such as 'relu', or"
                " make it a layer of its own."
            )
        if operations.is_arithmetic(part):
            self._count_layer()
            return
        if name not in LAYERS | HELPERS or not _is_of_keras(module):
            raise _not_allowed(part)
        if part.get("registered_name") not in (None, name, f"keras>{name}"):
            raise UserError(f"uses a {quoted(name)} that is not Keras's own: save it without that.")
        if name in LAYERS:
            self._count_layer()

    def _count_layer(self) -> None:
        self.layers += 1
        if self.layers > MAX_LAYERS:
            raise UserError(f"has more than {MAX_LAYERS} layers: it is not loaded.")


def _is_of_keras(module: str | None) -> bool:
    return module is None or module.removeprefix("tf_") in MODULES


def _not_allowed(part: dict[str, Any]) -> UserError:
    """The error that a part of that class is not allowed: why, and what to do."""
    name, module, settings = quoted(part["class_name"]), part.get("module"), part.get("config")
    if part["class_name"] in ("Lambda", "TFSMLayer"):
        return UserError(
            f"has a layer of kind {name}, which holds code and is never run: replace it by layers"
            " of Keras, or export the network to ONNX."
        )
    if part["class_name"] in ("Resizing", "CenterCrop", "RandomCrop"):
        return UserError(
            f"has a layer of kind {name}: save the network without it, for images of one size;"
            " this program scales them to that."
        )
    called = settings.get("function") if isinstance(settings, dict) else None
    if part["class_name"] in ("TFOpLambda", "SlicingOpLambda"):
        name, module = quoted(called if isinstance(called, str) else "TensorFlow"), "keras.src.ops"
    if isinstance(module, str) and module.startswith("keras.src.ops"):
        return UserError(
            f"uses the operation {name} outside a layer: use a layer of Keras for it, or export"
            " the network to ONNX."
        )
    if part["class_name"] in LAYERS | HELPERS:
        return UserError(f"uses a {name} that is not Keras's own: save it without that.")
    return UserError(
        f"uses {name}, which is not allowed: replace it by a layer of Keras that is (see"
        " docs/own-model.md), or export the network to ONNX."
    )


def _check_text(text: str, key: str) -> None:
    if len(text) > MAX_TEXT:
        raise UserError(f"has an overlong text for {quoted(key)}: it is not loaded.")
    if key == "activation" and text not in ACTIVATIONS:
        raise UserError(f"uses an activation {quoted(text)} that Keras does not have: use another.")
    if key == "data_format" and text == "channels_first":
        raise UserError(
            "has its colours first (channels_first): save it with channels last, or export it to"
            " ONNX."
        )
    if key == "name" and not text.isprintable():
        raise UserError("has a layer whose name cannot be shown: rename it.")


def _check_number(number: float, key: str) -> None:
    if not math.isfinite(number):
        raise UserError(f"has {number} for {quoted(key)}: it is not loaded.")
    if key in _VALUES:
        return
    most = MAX_ELEMENTS if key in _SHAPES else MAX_SIZE
    if abs(number) > most:
        raise UserError(f"asks for {quoted(key)} of {number:g}: at most {most} here.")
    if key in _INPUTS and number > MAX_SIDE:
        raise UserError(f"takes images {number:g} wide or high: at most {MAX_SIDE} pixels here.")
