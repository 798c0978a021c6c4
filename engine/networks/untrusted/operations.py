"""Arithmetic outside layers, such as `inputs / 127.5 - 1`, described as layers.

Keras 3 describes `x / 127.5` as an operation of its own, Keras 2 as a `TFOpLambda`. Both are plain
data: which operation, of which tensors and numbers. So a layer that does the same takes its place.
"""

from __future__ import annotations

from typing import Any

from engine.core.errors import UserError, quoted

Config = dict[str, Any]

_MODULE, _KERAS_2 = "keras.src.ops.numpy", "TFOpLambda"
_KINDS = {
    "Add": ("Add", "math.add", "__operators__.add"),
    "Subtract": ("Subtract", "math.subtract"),
    "Multiply": ("Multiply", "math.multiply"),
    "Divide": ("Divide", "TrueDivide", "math.truediv", "math.divide"),
}
_OPERATIONS = {name: kind for kind, names in _KINDS.items() for name in names}
_CONSTANT = "_CONSTANT_VALUE"  # what Keras 2 writes where a tensor's layer would stand


def is_arithmetic(part: Config) -> bool:
    """Whether a part of a description adds, subtracts, multiplies or divides outside a layer."""
    name = part.get("class_name")
    if name == _KERAS_2:
        settings = part.get("config")
        function = settings.get("function") if isinstance(settings, dict) else None
        return isinstance(function, str) and function in _OPERATIONS
    if not isinstance(name, str) or name not in _OPERATIONS:
        return False
    return part.get("module") == _MODULE or ("module" not in part and _takes_two(part))


def _takes_two(part: Config) -> bool:
    """Whether it is called with two arguments; a layer such as Add is called with one list."""
    nodes = part.get("inbound_nodes")
    if not isinstance(nodes, list) or not nodes or not isinstance(nodes[0], dict):
        return False
    arguments = nodes[0].get("args")
    return isinstance(arguments, list) and len(arguments) == 2


def as_layer(part: Config) -> Config:
    """The same as a layer: Add, Subtract or Multiply of two tensors, else a Rescaling.

    Args:
        part: what `is_arithmetic` is true of.

    Raises:
        UserError: no layer of these does that.
    """
    called = part["config"]["function"] if part["class_name"] == _KERAS_2 else part["class_name"]
    kind, name = _OPERATIONS[called], part["config"]["name"]
    try:
        (node,) = part["inbound_nodes"]
        sides = _sides(node)
        tensors = [side for side in sides if _is_tensor(side)]
        if len(tensors) == 2 and kind != "Divide":
            settings: Config = {}
        else:
            (tensor,) = tensors
            first = sides[0] is tensor
            scale, offset = _scaling(kind, _numbers(sides[1 if first else 0]), first)
            kind, settings = "Rescaling", {"scale": scale, "offset": offset}
    except (ValueError, TypeError, KeyError, ZeroDivisionError, AttributeError):
        raise UserError(
            f"uses {quoted(name)} outside a layer in a way that no layer replaces: use a layer of"
            " Keras for it, or export the network to ONNX."
        ) from None
    return {
        "class_name": kind,
        "config": {"name": name, **settings},
        "name": name,
        "inbound_nodes": [_call(tensors)],
    }


def _sides(node: Any) -> list[Any]:
    """What stands on the left and on the right: tensors or constants."""
    if isinstance(node, dict):
        if node.get("kwargs"):
            raise ValueError
        left, right = node["args"]
        return [left, right]
    left, right = list(node[:3]), node[3]["y"]
    return [node[2] if node[0] == _CONSTANT else left, right]


def _is_tensor(side: Any) -> bool:
    if isinstance(side, dict):
        return side.get("class_name") == "__keras_tensor__"
    return isinstance(side, list) and bool(side) and isinstance(side[0], str)


def _call(tensors: list[Any]) -> Any:
    """A layer's call with these tensors."""
    if isinstance(tensors[0], dict):
        return {"args": tensors if len(tensors) == 1 else [tensors], "kwargs": {}}
    return [[*tensor, {}] for tensor in tensors]


def _numbers(constant: Any) -> list[float]:
    """A constant: one number, or one for each colour."""
    if isinstance(constant, dict):
        constant = constant["config"]["value"]
    return [float(value) for value in (constant if isinstance(constant, list) else [constant])]


def _scaling(kind: str, numbers: list[float], tensor_first: bool) -> tuple[Any, Any]:
    """Scale and offset of a tensor that is combined with a constant."""
    if kind == "Divide" and not tensor_first:
        raise ValueError
    scale, offset = [1.0] * len(numbers), [0.0] * len(numbers)
    if kind == "Add":
        offset = numbers
    elif kind == "Subtract":
        offset = [-value for value in numbers] if tensor_first else numbers
        scale = [1.0 if tensor_first else -1.0] * len(numbers)
    else:
        scale = numbers if kind == "Multiply" else [1 / value for value in numbers]
    return (scale[0], offset[0]) if len(numbers) == 1 else (scale, offset)
