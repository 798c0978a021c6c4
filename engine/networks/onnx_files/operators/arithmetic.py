"""Operators on two or more tensors, or on a tensor and a constant."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from engine.networks.onnx_files.operators import activations, values
from engine.networks.onnx_files.operators.step import Step
from engine.networks.onnx_files.operators.values import Value

Factors = tuple[np.ndarray, np.ndarray]  # scale and offset, each one number or one a channel


def _merging(kind: str) -> Callable[[Step], Value]:
    return lambda step: _merged(step, kind, _all_values(step))


def _all_values(step: Step) -> list[Value]:
    return [step.value(place) for place in range(len(step.node.inputs))]


def _merged(step: Step, kind: str, given: Sequence[Value]) -> Value:
    """One layer of several values, of one shape or with axes of size 1 that repeat."""
    if len(given) == 1:
        return given[0]
    first = max(given, key=lambda value: math.prod(value.sizes))
    if any(len(value.axes) != len(first.axes) for value in given):
        raise step.refused("on values of different dimensions: reshape one of them first")
    alike = {(value.sizes, value.axes, value.tensor.shape) for value in given}
    layout = values.layout_of(first)
    if len(alike) > 1:
        given = [step.laid_out(value, layout) for value in given]
    made = step.add(kind, [value.tensor for value in given])
    return first.with_tensor(made) if len(alike) == 1 else values.in_layout(made, layout)


def _linear(
    kind: str, factors: Callable[[np.ndarray, bool], Factors | None]
) -> Callable[[Step], Value]:
    """An operator on two values (then the layer `kind`), or on a value and a constant.

    Args:
        kind: the layer; "" where there is none.
        factors: scale and offset that a constant comes to, given it and whether it is the first
            input; None where it is no scaling.
    """

    def convert(step: Step) -> Value:
        first, second = step.given(0), step.given(1)
        if isinstance(first, Value) and isinstance(second, Value):
            if not kind:
                raise step.refused(
                    "by values of the images, which is not supported: replace it in the network"
                )
            return _merged(step, kind, [first, second])
        leading = isinstance(first, np.ndarray)
        place = 0 if leading else 1
        with np.errstate(all="ignore"):
            found = factors(step.weights(place), leading)
        if found is None:
            raise step.refused(
                "by values of the images, which is not supported: replace it in the network"
            )
        return _rescaled(step, step.value(1 - place), *found)

    return convert


def _rescaled(step: Step, value: Value, scale: np.ndarray, offset: np.ndarray) -> Value:
    """`value` times `scale` plus `offset`; several in a row become one layer."""
    if not np.isfinite(scale).all() or not np.isfinite(offset).all():
        raise step.refused("by zero: export it again")
    rank = len(value.axes) + 1
    if scale.size > 1 or offset.size > 1:
        value = step.flat(value) if rank == 2 else step.laid_out(value)
    scale, offset = (_along_channels(step, value, array, rank) for array in (scale, offset))
    before, tensor = value.tensor._keras_history.operation, value.tensor
    if type(before).__name__ == "Rescaling":
        scale, offset = scale * np.asarray(before.scale), scale * np.asarray(before.offset) + offset
        tensor = before.input
    made = step.add("Rescaling", tensor, scale=scale.tolist(), offset=offset.tolist())
    return value.with_tensor(made)


def _along_channels(step: Step, value: Value, array: np.ndarray, rank: int) -> np.ndarray:
    """A constant as one number, or as one for each place of the last axis in memory."""
    array = array.astype(np.float64)
    if array.size == 1:
        return np.ravel(array)[0]
    if array.ndim > rank or (array.ndim == rank and len(array) != 1):
        raise step.refused(
            "with a constant for several images, which is not supported: use one a channel"
        )
    array = array.reshape(array.shape[-(rank - 1) :])
    try:
        whole = value.from_file_order(np.broadcast_to(array, value.shape))
    except ValueError:
        raise step.refused("with a constant that does not fit its input: export it again") from None
    rows = whole.reshape(-1, value.tensor.shape[-1])
    if (rows != rows[0]).any():
        raise step.refused(
            "with a constant for each pixel, which is not supported: use one a channel"
        )
    return rows[0]


def _bound(kind: str, low: bool) -> Callable[[Step], Value]:
    """The larger or smaller of values, or of a value and a constant number."""

    def convert(step: Step) -> Value:
        given = [step.given(place) for place in range(len(step.node.inputs))]
        limits = [np.ravel(limit) for limit in given if isinstance(limit, np.ndarray)]
        found = [value for value in given if isinstance(value, Value)]
        if any(limit.size != 1 for limit in limits):
            raise step.refused("with a bound for each channel, which is not supported: use one")
        value = _merged(step, kind, found)
        for limit in limits:
            bounds = (float(limit[0]), math.inf) if low else (-math.inf, float(limit[0]))
            value = activations.bounded(step, value, *bounds)
        return value

    return convert


def _concatenated(step: Step) -> Value:
    given = _all_values(step)
    axis = step.axis(step.attribute("axis", 1), len(given[0].axes) + 1)
    if any(len(value.axes) != len(given[0].axes) for value in given):
        raise step.refused("on values of different dimensions: reshape one of them first")
    layout = values.layout_of(given[0])
    given = [step.laid_out(value, layout) for value in given]
    if len(given) == 1:
        return given[0]
    made = step.add("Concatenate", [value.tensor for value in given], axis=layout.index(axis) + 1)
    return values.in_layout(made, layout)


_ONE, _ZERO = np.ones(1), np.zeros(1)
OPERATORS: dict[str, Callable[[Step], Value]] = {
    "Add": _linear("Add", lambda constant, _: (_ONE, constant)),
    "Sub": _linear(
        "Subtract",
        lambda constant, leading: (-_ONE, constant) if leading else (_ONE, -constant),
    ),
    "Mul": _linear("Multiply", lambda constant, _: (constant, _ZERO)),
    "Div": _linear("", lambda constant, leading: None if leading else (1 / constant, _ZERO)),
    "Neg": lambda step: _rescaled(step, step.value(), -_ONE, _ZERO),
    "Sum": _merging("Add"),
    "Mean": _merging("Average"),
    "Max": _bound("Maximum", low=True),
    "Min": _bound("Minimum", low=False),
    "Concat": _concatenated,
}
