"""A VGG with eight convolutions and BatchNorm, for small images."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, pairwise
from typing import TYPE_CHECKING, ClassVar

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

WEIGHT_DECAY = 1e-4
# Channels of each convolution, as multiples of the width; pooling follows each group.
GROUPS = ((1, 1), (2, 2), (4, 4), (8, 8))


@dataclass(frozen=True)
class VGG(Architecture):
    """Eight convolutions of 3x3 in four pairs, with max pooling between them.

    As deep as VGG-11, but in pairs like network B. The mean over all positions stands in for the
    last pooling and two of the three dense layers.
    """

    name: ClassVar[str] = "vgg"
    title: ClassVar[str] = "VGG"
    summary: ClassVar[str] = (
        "Eight convolutions with BatchNorm in a row, as many as in VGG-11, slimmed; a width of 64"
        " has the published channels."
    )
    reference: ClassVar[str] = "Simonyan and Zisserman 2015"

    width: int = parameter(
        24,
        "Width",
        "Channels of the first convolution; the last ones have eight times as many. 64 is the"
        " published width, with 4.7 million parameters.",
        minimum=4,
        maximum=64,
    )

    def build(self, classes: int, image_shape: tuple[int, int, int], seed: int) -> keras.Model:
        """See `Architecture.build`; sides of at least 8."""
        check_sides(image_shape, 8)
        import keras
        from keras import layers

        blocks = Blocks(seed, WEIGHT_DECAY)
        images = values = keras.Input(image_shape, name="images")
        for group, multiples in enumerate(GROUPS, start=1):
            if group > 1:
                values = layers.MaxPooling2D(2, name=f"group{group - 1}_pool")(values)
            for index, multiple in enumerate(multiples, start=1):
                name = f"group{group}"
                values = blocks.convolution(values, multiple * self.width, f"{name}_conv{index}")
                values = blocks.batch_norm(values, f"{name}_bn{index}")
                values = blocks.relu(values, f"{name}_relu{index}")
        return keras.Model(images, blocks.classify(values, classes), name=self.name)

    def count_parameters(
        self,
        classes: int,
        image_shape: tuple[int, int, int],  # noqa: ARG002
    ) -> int:
        """See `Architecture.count_parameters`."""
        channels = [3, *(multiple * self.width for multiple in chain.from_iterable(GROUPS))]
        convolutions = sum(
            count_convolution(inputs, outputs) + count_batch_norm(outputs)
            for inputs, outputs in pairwise(channels)
        )
        return convolutions + count_dense(channels[-1], classes)

    def relative_time(self) -> float:
        """See `Architecture.relative_time`."""
        return float(0.8 * (self.width / 24) ** 2)
