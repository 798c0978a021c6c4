"""Operators on constants alone, computed while a file is read: mostly shapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from engine.networks.onnx_files.graph import Node

Arrays = Sequence[np.ndarray]
_WHOLE = (2, 3, 4, 5, 6, 7, 12, 13)  # numbers of the integer types in ONNX
_BOOL = 9


def can_fold(node: Node) -> bool:
    """Whether `fold` knows the operator."""
    return node.kind in _FOLDED


def fold(node: Node, inputs: Arrays) -> np.ndarray:
    """What a node gives for constants.

    Raises:
        UserError: the constants do not fit the operator.
    """
    try:
        return np.asarray(_FOLDED[node.kind](inputs, node.attributes))
    except (ValueError, IndexError, TypeError, KeyError, AttributeError):
        raise node.refused("on constants that do not fit it: export the network again") from None


def axes_of(inputs: Arrays, attributes: Mapping[str, Any]) -> list[int] | None:
    """The axes that a node works on: an attribute in older files, the second input in others."""
    if isinstance(attributes.get("axes"), list):
        return [int(axis) for axis in attributes["axes"]]
    return [int(axis) for axis in np.ravel(inputs[1])] if len(inputs) > 1 else None


def _constant(inputs: Arrays, attributes: Mapping[str, Any]) -> np.ndarray:  # noqa: ARG001
    for name in ("value", "value_float", "value_int", "value_floats", "value_ints"):
        if name in attributes:
            array = np.asarray(attributes[name])
            return array.astype(np.float32) if array.dtype.kind == "f" else array
    raise ValueError


def _constant_of_shape(inputs: Arrays, attributes: Mapping[str, Any]) -> np.ndarray:
    value = np.ravel(attributes.get("value", np.zeros(1, np.float32)))[0]
    return np.full(inputs[0], value)


def _cast(inputs: Arrays, attributes: Mapping[str, Any]) -> np.ndarray:
    if attributes["to"] in _WHOLE:
        return inputs[0].astype(np.int64)
    return inputs[0].astype(bool if attributes["to"] == _BOOL else np.float32)


def slices_of(
    given: Arrays, attributes: Mapping[str, Any], shape: Sequence[int]
) -> tuple[slice, ...]:
    """What the operator Slice takes of each axis.

    Args:
        given: its inputs but for the first: starts, ends, axes, steps; attributes in older files.
        attributes: of the node.
        shape: of its first input.
    """
    if "starts" in attributes:
        given = [np.asarray(attributes[name]) for name in ("starts", "ends")]
    starts, ends = given[:2]
    axes = axes_of([starts, *given[2:3]], attributes)
    steps = given[3] if len(given) > 3 else np.ones(len(starts), int)
    parts = [slice(None)] * len(shape)
    for axis, start, end, step in zip(axes or range(len(starts)), starts, ends, steps, strict=True):
        stop = None if step < 0 and end < -shape[axis] else int(end)
        parts[axis] = slice(int(start), stop, int(step))
    return tuple(parts)


def _slice(inputs: Arrays, attributes: Mapping[str, Any]) -> np.ndarray:
    return inputs[0][slices_of(inputs[1:], attributes, inputs[0].shape)]


def _unsqueeze(inputs: Arrays, attributes: Mapping[str, Any]) -> np.ndarray:
    return np.expand_dims(inputs[0], tuple(axes_of(inputs, attributes) or ()))


def _squeeze(inputs: Arrays, attributes: Mapping[str, Any]) -> np.ndarray:
    axes = axes_of(inputs, attributes)
    return np.squeeze(inputs[0], None if axes is None else tuple(axes))


def _reshape(inputs: Arrays, attributes: Mapping[str, Any]) -> np.ndarray:
    array, shape = inputs
    kept = [] if attributes.get("allowzero") else [i for i, size in enumerate(shape) if size == 0]
    return array.reshape([array.shape[i] if i in kept else size for i, size in enumerate(shape)])


def _divide(inputs: Arrays, attributes: Mapping[str, Any]) -> np.ndarray:  # noqa: ARG001
    whole = inputs[0].dtype.kind in "iu"
    return inputs[0] // inputs[1] if whole else inputs[0] / inputs[1]


def _product(inputs: Arrays, attributes: Mapping[str, Any]) -> np.ndarray:
    axes = axes_of(inputs, attributes)
    kept = bool(attributes.get("keepdims", 1))
    return np.prod(inputs[0], None if axes is None else tuple(axes), keepdims=kept)


def _expand(inputs: Arrays, attributes: Mapping[str, Any]) -> np.ndarray:  # noqa: ARG001
    return np.broadcast_to(inputs[0], np.broadcast_shapes(inputs[0].shape, tuple(inputs[1])))


def _plain(function: Callable[..., Any]) -> Callable[[Arrays, Mapping[str, Any]], Any]:
    """A NumPy function of the inputs that takes no attributes."""
    return lambda inputs, attributes: function(*inputs)  # noqa: ARG005


_FOLDED: dict[str, Callable[[Arrays, Mapping[str, Any]], Any]] = {
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "Identity": _plain(np.asarray),
    "Cast": _cast,
    "Shape": _plain(lambda array: np.asarray(array.shape, np.int64)),
    "Size": _plain(lambda array: np.asarray(array.size, np.int64)),
    "Gather": lambda inputs, attributes: np.take(inputs[0], inputs[1], attributes.get("axis", 0)),
    "Slice": _slice,
    "Concat": lambda inputs, attributes: np.concatenate(inputs, attributes["axis"]),
    "Unsqueeze": _unsqueeze,
    "Squeeze": _squeeze,
    "Reshape": _reshape,
    "Transpose": lambda inputs, attributes: np.transpose(inputs[0], attributes.get("perm")),
    "Expand": _expand,
    "Range": _plain(np.arange),
    "ReduceProd": _product,
    "Add": _plain(np.add),
    "Sub": _plain(np.subtract),
    "Mul": _plain(np.multiply),
    "Div": _divide,
    "Pow": _plain(np.power),
    "Neg": _plain(np.negative),
    "Abs": _plain(np.abs),
    "Sqrt": _plain(np.sqrt),
    "Exp": _plain(np.exp),
    "Reciprocal": _plain(np.reciprocal),
    "Floor": _plain(np.floor),
    "Ceil": _plain(np.ceil),
    "Min": lambda inputs, attributes: np.minimum.reduce(list(inputs)),  # noqa: ARG005
    "Max": lambda inputs, attributes: np.maximum.reduce(list(inputs)),  # noqa: ARG005
    "Equal": _plain(np.equal),
    "Where": _plain(np.where),
}
