"""Operators that arrange numbers anew: most of them move none (see `values`)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from engine.networks.onnx_files.folding import axes_of
from engine.networks.onnx_files.operators import values
from engine.networks.onnx_files.operators.step import Step
from engine.networks.onnx_files.operators.values import Value

_FLOATS = (1, 10, 11, 16)  # numbers of the float types in ONNX


def _same(step: Step) -> Value:
    return step.value()


def _cast(step: Step) -> Value:
    if step.attribute("to", 1) not in _FLOATS:
        raise step.refused("to whole numbers, which is not supported: leave the scores as floats")
    return step.value()


def shape_of(step: Step) -> np.ndarray:
    """What the operator Shape gives for a value: a batch of any size counts as one image."""
    whole = np.asarray([step.batch or 1, *step.value().shape], np.int64)
    start, end = step.attribute("start", 0), step.attribute("end", len(whole))
    return whole[start:end]


def size_of(step: Step) -> np.ndarray:
    """What the operator Size gives for a value."""
    return np.asarray(math.prod(shape_of(step)), np.int64)


def _transposed(step: Step) -> Value:
    value = step.value()
    rank = len(value.axes) + 1
    order = step.attribute("perm", list(range(rank))[::-1])
    if sorted(order) != list(range(rank)) or order[0] != 0:
        raise step.refused("across the batch: export a network that computes each image by itself")
    return values.transposed(value, [axis - 1 for axis in order[1:]])


def _reshaped(step: Step) -> Value:
    value = step.value()
    wanted = [int(size) for size in np.ravel(step.constant(1))]
    if not step.attribute("allowzero", 0):
        before = [step.batch or 1, *value.shape]
        if any(size == 0 for size in wanted[len(before) :]):
            raise step.refused("to a shape that does not fit its input: export it again")
        wanted = [
            before[axis] if size == 0 and axis else (size or -1) for axis, size in enumerate(wanted)
        ]
    if not wanted or wanted[0] not in (-1, step.batch or 1):
        raise step.refused("across the batch: export a network that computes each image by itself")
    return _to(step, value, wanted[1:])


def _to(step: Step, value: Value, wanted: Sequence[int]) -> Value:
    """`value` as axes of these sizes, one of which may be -1."""
    total, known = math.prod(value.shape), math.prod(size for size in wanted if size > 0)
    if list(wanted).count(-1) == 1 and total % known == 0:
        wanted = [total // known if size == -1 else size for size in wanted]
    if not wanted or min(wanted) < 1 or math.prod(wanted) != total:
        raise step.refused("to a shape that does not fit each image by itself: export it again")
    try:
        return values.reshaped(value, wanted)
    except ValueError:  # the new axes mix the old ones: their numbers must be moved
        return values.reshaped(step.in_file_order(value), wanted)


def _flattened(step: Step) -> Value:
    value = step.value()
    if step.axis(step.attribute("axis", 1), len(value.axes) + 1) != 0:
        raise step.refused("across the batch: export a network that computes each image by itself")
    return _to(step, value, [math.prod(value.shape)])


def _squeezed(step: Step) -> Value:
    value = step.value()
    axes, rank = _axes(step), len(value.axes) + 1
    if axes is None:
        gone = [axis for axis, size in enumerate(value.shape) if size == 1]
        if step.batch == 1 or len(gone) == len(value.axes):
            raise step.refused("without axes: name those that it shall remove")
    else:
        gone = [step.axis(axis, rank) for axis in axes]
    if any(value.shape[axis] != 1 for axis in gone):
        raise step.refused("on an axis of more than one place: export it again")
    return _to(step, value, [size for axis, size in enumerate(value.shape) if axis not in gone])


def _unsqueezed(step: Step) -> Value:
    value = step.value()
    axes = _axes(step) or []
    rank = len(value.axes) + 1 + len(axes)
    new = {step.axis(axis, rank) for axis in axes}
    sizes = iter(value.shape)
    return _to(step, value, [1 if axis in new else next(sizes, 1) for axis in range(rank - 1)])


def _axes(step: Step) -> list[int] | None:
    given = [np.zeros(0), step.constant(1)] if step.has(1) else []
    return axes_of(given, step.node.attributes)


OPERATORS: dict[str, Callable[[Step], Value]] = {
    "Identity": _same,
    "Dropout": _same,
    "Cast": _cast,
    "Transpose": _transposed,
    "Reshape": _reshaped,
    "Flatten": _flattened,
    "Squeeze": _squeezed,
    "Unsqueeze": _unsqueezed,
}
