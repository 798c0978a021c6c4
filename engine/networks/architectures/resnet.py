"""A ResNet-18 with pre-activation, for small images."""

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

WEIGHT_DECAY = 1e-4  # as He et al. use
BLOCKS_PER_STAGE = 2
STAGES = 4


class Block(NamedTuple):
    """A residual block.

    Attributes:
        name: begins the names of its layers.
        inputs, outputs: channels.
        stride: of its first convolution.
    """

    name: str
    inputs: int
    outputs: int
    stride: int

    @property
    def projects(self) -> bool:
        """Whether the shortcut is a 1x1 convolution, as shapes differ, and not the identity."""
        return self.inputs != self.outputs or self.stride > 1

    def count_parameters(self) -> int:
        """Of its convolutions and BatchNorms."""
        shortcut = count_convolution(self.inputs, self.outputs, size=1) if self.projects else 0
        return (
            shortcut
            + count_batch_norm(self.inputs)
            + count_convolution(self.inputs, self.outputs)
            + count_batch_norm(self.outputs)
            + count_convolution(self.outputs, self.outputs)
        )


@dataclass(frozen=True)
class ResNet(Architecture):
    """17 convolutions of 3x3 in eight residual blocks, BatchNorm and ReLU before each.

    As usual for small images, the stem is one 3x3 convolution without pooling.
    """

    name: ClassVar[str] = "resnet"
    title: ClassVar[str] = "ResNet"
    summary: ClassVar[str] = (
        "ResNet-18 with pre-activation: eight residual blocks, slimmed; a width of 64 is the full"
        " network."
    )
    reference: ClassVar[str] = "He et al. 2016, Identity Mappings"

    width: int = parameter(
        14,
        "Width",
        "Channels of the first stage; each further stage has twice as many. 64 is the full"
        " ResNet-18 with 11 million parameters.",
        minimum=4,
        maximum=64,
    )

    def build(self, classes: int, image_shape: tuple[int, int, int], seed: int) -> keras.Model:
        """See `Architecture.build`; sides of at least 8."""
        check_sides(image_shape, 8)
        import keras

        blocks = Blocks(seed, WEIGHT_DECAY)
        images = keras.Input(image_shape, name="images")
        values = blocks.convolution(images, self.width, "stem_conv")
        for block in self._blocks():
            values = _residual(blocks, values, block)
        values = blocks.relu(blocks.batch_norm(values, "final_bn"), "final_relu")
        return keras.Model(images, blocks.classify(values, classes), name=self.name)

    def count_parameters(
        self,
        classes: int,
        image_shape: tuple[int, int, int],  # noqa: ARG002
    ) -> int:
        """See `Architecture.count_parameters`."""
        stem, last = count_convolution(3, self.width), self.width * 2 ** (STAGES - 1)
        blocks = sum(block.count_parameters() for block in self._blocks())
        return stem + blocks + count_batch_norm(last) + count_dense(last, classes)

    def relative_time(self) -> float:
        """See `Architecture.relative_time`."""
        return float(1.5 * (self.width / 14) ** 1.25)

    def _blocks(self) -> Iterator[Block]:
        inputs = self.width
        for stage in range(STAGES):
            outputs = self.width * 2**stage
            for index in range(BLOCKS_PER_STAGE):
                stride = 2 if stage > 0 and index == 0 else 1
                yield Block(f"stage{stage + 1}_block{index + 1}", inputs, outputs, stride)
                inputs = outputs


def _residual(blocks: Blocks, values: Any, block: Block) -> Any:
    """BatchNorm, ReLU, convolution, twice, added to the shortcut."""
    from keras import layers

    name = block.name
    active = blocks.relu(blocks.batch_norm(values, f"{name}_bn1"), f"{name}_relu1")
    shortcut = _project(blocks, active, block) if block.projects else values
    inner = blocks.convolution(active, block.outputs, f"{name}_conv1", stride=block.stride)
    inner = blocks.relu(blocks.batch_norm(inner, f"{name}_bn2"), f"{name}_relu2")
    inner = blocks.convolution(inner, block.outputs, f"{name}_conv2")
    return layers.Add(name=f"{name}_add")([shortcut, inner])


def _project(blocks: Blocks, values: Any, block: Block) -> Any:
    """The shortcut where shapes differ: a 1x1 convolution of every `stride`-th position."""
    from keras import layers

    # TensorFlow 2.21 corrupts memory in strided 1x1 convolutions of fewer than 16 channels once
    # the size of the batch changes, so that positions are left out before the convolution.
    if block.stride > 1:
        values = layers.MaxPooling2D(1, block.stride, name=f"{block.name}_subsample")(values)
    return blocks.convolution(values, block.outputs, f"{block.name}_shortcut", size=1)
