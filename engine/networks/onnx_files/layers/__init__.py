"""Keras layers as ONNX operators: one function a kind, from what it takes to what it gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from engine.networks.onnx_files.layers import activations, merging, pooling, shapes, weighted
from engine.networks.onnx_files.layers.graph_writer import GraphWriter, Tensor
from engine.networks.saved_layers import Saved

LAYERS: Mapping[str, Callable[[GraphWriter, Saved, Sequence[Tensor]], Tensor]] = {
    **weighted.LAYERS,
    **pooling.LAYERS,
    **activations.LAYERS,
    **merging.LAYERS,
    **shapes.LAYERS,
}
__all__ = ["LAYERS", "GraphWriter", "Tensor"]
