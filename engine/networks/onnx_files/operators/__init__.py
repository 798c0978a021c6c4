"""ONNX operators as Keras layers: one function a kind, from a `Step` to the `Value` it gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.networks.onnx_files.operators import (
    activations,
    arithmetic,
    cutting,
    pooling,
    shapes,
    weighted,
)
from engine.networks.onnx_files.operators.step import Step
from engine.networks.onnx_files.operators.values import Value

OPERATORS: Mapping[str, Callable[[Step], Value]] = {
    **weighted.OPERATORS,
    **pooling.OPERATORS,
    **activations.OPERATORS,
    **arithmetic.OPERATORS,
    **shapes.OPERATORS,
    **cutting.OPERATORS,
}
__all__ = ["OPERATORS", "Step", "Value"]
