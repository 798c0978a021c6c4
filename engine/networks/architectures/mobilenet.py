"""A MobileNetV2 for small images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from engine.core.parameters import parameter
from engine.networks.architectures.architecture import Architecture
from engine.networks.architectures.blocks import (
    Blocks,
    check_sides,
    count_batch_norm,
    count_convolution,
    count_dense,
)

if TYPE_CHECKING:
    import keras

WEIGHT_DECAY = 4e-5  # as Sandler et al. use
STEM, HEAD = 32, 1280  # channels at width 1
# Sandler et al., table 2: expansion, channels at width 1, blocks, stride of the first one.
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


class Block(NamedTuple):
    """An inverted residual block.

    Attributes:
        name: begins the names of its layers.
        inputs, inner, outputs: channels; `inner` are those of the depthwise convolution.
        stride: of the depthwise convolution.
    """

    name: str
    inputs: int
    inner: int
    outputs: int
    stride: int

    @property
    def expands(self) -> bool:
        """Whether a 1x1 convolution goes before the depthwise one."""
        return self.inner != self.inputs

    def count_parameters(self) -> int:
        """Of its convolutions and BatchNorms."""
        expand = _count_convolved(self.inputs, self.inner, size=1) if self.expands else 0
        depthwise = _count_convolved(1, self.inner, size=3)
        return expand + depthwise + _count_convolved(self.inner, self.outputs, size=1)


@dataclass(frozen=True)
class MobileNet(Architecture):
    """17 inverted residual blocks: expand, convolve each channel by itself, project.

    For small images the stem has stride 1, so that 32x32 pixels become 2x2, not 1x1.
    """

    name: ClassVar[str] = "mobilenet"
    title: ClassVar[str] = "MobileNet"
    summary: ClassVar[str] = (
        "MobileNetV2 for small images: 17 inverted residual blocks with depthwise convolutions,"
        " slimmed."
    )
    reference: ClassVar[str] = "Sandler et al. 2018"

    width: float = parameter(
        0.5,
        "Width",
        "Factor of the published channels of each layer, rounded to multiples of 8; 1 has 2.3"
        " million parameters.",
        minimum=0.1,
        maximum=1.0,
    )

    def build(self, classes: int, image_shape: tuple[int, int, int], seed: int) -> keras.Model:
        """See `Architecture.build`; sides of at least 8."""
        check_sides(image_shape, 8)
        import keras

        blocks = Blocks(seed, WEIGHT_DECAY)
        images = keras.Input(image_shape, name="images")
        values = _convolve(blocks, images, self._channels(STEM), "stem", size=3)
        for block in self._blocks():
            values = _inverted_residual(blocks, values, block)
        values = _convolve(blocks, values, self._channels(HEAD), "head")
        return keras.Model(images, blocks.classify(values, classes), name=self.name)

    def count_parameters(
        self,
        classes: int,
        image_shape: tuple[int, int, int],  # noqa: ARG002
    ) -> int:
        """See `Architecture.count_parameters`."""
        *_, last = self._blocks()
        head = self._channels(HEAD)
        return (
            _count_convolved(3, self._channels(STEM), size=3)
            + sum(block.count_parameters() for block in self._blocks())
            + _count_convolved(last.outputs, head, size=1)
            + count_dense(head, classes)
        )

    def relative_time(self) -> float:
        """See `Architecture.relative_time`."""
        return float(1.2 * (self.width / 0.5) ** 0.75)

    def _channels(self, published: int) -> int:
        return max(8, 8 * round(self.width * published / 8))

    def _blocks(self) -> Iterator[Block]:
        inputs, number = self._channels(STEM), 0
        for expansion, published, count, first_stride in STAGES:
            outputs = self._channels(published)
            for index in range(count):
                number += 1
                stride = 1 if index else first_stride
                yield Block(f"block{number}", inputs, expansion * inputs, outputs, stride)
                inputs = outputs


def _inverted_residual(blocks: Blocks, values: Any, block: Block) -> Any:
    from keras import layers

    name, inner = block.name, values
    if block.expands:
        inner = _convolve(blocks, inner, block.inner, f"{name}_expand")
    inner = blocks.depthwise(inner, f"{name}_depthwise", block.stride)
    inner = blocks.batch_norm(inner, f"{name}_depthwise_bn")
    inner = blocks.relu(inner, f"{name}_depthwise_relu", max_value=6)
    inner = blocks.convolution(inner, block.outputs, f"{name}_project", size=1)
    inner = blocks.batch_norm(inner, f"{name}_project_bn")
    if block.stride > 1 or block.inputs != block.outputs:
        return inner
    return layers.Add(name=f"{name}_add")([values, inner])


def _convolve(blocks: Blocks, values: Any, filters: int, name: str, size: int = 1) -> Any:
    """Convolution, BatchNorm, ReLU6."""
    values = blocks.convolution(values, filters, f"{name}_conv", size=size)
    return blocks.relu(blocks.batch_norm(values, f"{name}_bn"), f"{name}_relu", max_value=6)


def _count_convolved(inputs: int, outputs: int, size: int) -> int:
    """Parameters of a convolution and the BatchNorm after it."""
    return count_convolution(inputs, outputs, size) + count_batch_norm(outputs)
