"""Reading a network from an ONNX file, as PyTorch, tf2onnx and others write it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.core import tensorflow_runtime
from engine.core.errors import UserError
from engine.networks.onnx_files import folding, graph, patterns
from engine.networks.onnx_files.graph import Graph, Node
from engine.networks.onnx_files.operators import OPERATORS, cutting, shapes, values
from engine.networks.onnx_files.operators.step import Step, unsupported
from engine.networks.onnx_files.operators.values import Value

if TYPE_CHECKING:
    import keras

_SHAPES = {"Shape": shapes.shape_of, "Size": shapes.size_of}  # constants, whatever the images are
_COLOURS = (1, 3)
_TO_CHANNELS_FIRST = [0, 3, 1, 2]


@dataclass(frozen=True)
class ReadNetwork:
    """A network from an ONNX file.

    Attributes:
        network: a Functional network in float32 that computes the same; it takes images as
            [n, height, width, channels] and gives [n, classes].
        channels_first: whether the file takes images as [n, channels, height, width].
    """

    network: keras.Model
    channels_first: bool


def read_onnx(path: Path) -> ReadNetwork:
    """The network in an ONNX file of operator set 9 or later.

    Args:
        path: the file; weights in other files beside it are refused, not opened.

    Raises:
        UserError: it is damaged, or uses something that is not supported. The text is the rest of
            a sentence that begins with the file's name.
    """
    content = patterns.simplified(graph.load(path))
    tensorflow_runtime.import_tensorflow()
    import keras

    first = _is_channels_first(content)
    sides = content.shape[1:]
    height, width, channels = (sides[1], sides[2], sides[0]) if first else sides
    images = keras.Input((height, width, channels), name="images")
    layout = values.CHANNELS_FIRST if first else values.AS_THEY_ARE
    known: dict[str, Value | np.ndarray] = dict(content.constants)
    known[content.source] = values.in_layout(images, layout)
    names = {"images"}
    for node in content.nodes:
        results = _results(Step(node, known, names, content.opset, content.shape[0]))
        known.update(zip(node.outputs, results, strict=False))
    scores = _scores(content, known, names)
    return ReadNetwork(keras.Model(images, scores, name="network"), first)


def _results(step: Step) -> Sequence[Value | np.ndarray]:
    """What a node gives, as far as its outputs are supported."""
    node = step.node
    if node.kind in _SHAPES and isinstance(step.given(0), Value):
        return [_SHAPES[node.kind](step)]
    if node.kind == "Split":
        return cutting.split(step)
    inputs = [step.given(place) for place in range(len(node.inputs)) if step.has(place)]
    constants = [array for array in inputs if isinstance(array, np.ndarray)]
    if folding.can_fold(node) and len(constants) == len(inputs):
        return [folding.fold(node, constants)]
    if node.kind not in OPERATORS:
        raise unsupported(node)
    return [OPERATORS[node.kind](step)]


def _scores(
    content: Graph, known: Mapping[str, Value | np.ndarray], names: set[str]
) -> keras.KerasTensor:
    """The output as [n, classes], in the file's order."""
    node = Node("Output", "scores", (content.output,), (), {})
    found = known.get(content.output)
    if not isinstance(found, Value):
        raise UserError("does not compute its output from images: export it again.")
    if sum(size > 1 for size in found.shape) > 1:
        shape = ", ".join(map(str, found.shape))
        raise UserError(
            f"gives [batch, {shape}], not one row of scores for each image: export a classifier."
        )
    return Step(node, known, names, content.opset, None).in_file_order(found).tensor


def _is_channels_first(content: Graph) -> bool:
    """Whether images come as channels, height, width; refuse what is no image."""
    shape = content.shape[1:]
    first, last = shape[0] in _COLOURS, shape[2] in _COLOURS
    if first and last:
        return not _is_transposed_at_once(content.nodes, content.source)
    if not first and not last:
        raise UserError(
            f"takes an input of [batch, {', '.join(map(str, shape))}], not images of 1 or 3"
            " colours: export a network that takes images."
        )
    return first


def _is_transposed_at_once(nodes: Sequence[Node], source: str) -> bool:
    return any(
        node.kind == "Transpose" and node.attributes.get("perm") == _TO_CHANNELS_FIRST
        for node in nodes
        if source in node.inputs
    )
