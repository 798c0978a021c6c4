"""The network of the paper's Figure 4."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from engine.networks.architectures.architecture import Architecture
from engine.networks.architectures.blocks import (
    check_sides,
    count_batch_norm,
    count_convolution,
    count_dense,
)

if TYPE_CHECKING:
    import keras

FILTERS = (32, 32, 64, 64, 128, 128)  # of each convolution


@dataclass(frozen=True)
class PaperNetwork(Architecture):
    """See `paper_network`."""

    name: ClassVar[str] = "paper"
    title: ClassVar[str] = "The paper's network"
    summary: ClassVar[str] = "Six convolutions with ELU and batch normalization, one dense layer."
    reference: ClassVar[str] = "Liao, Hao and Lu, Figure 4"

    def build(self, classes: int, image_shape: tuple[int, int, int], seed: int) -> keras.Model:
        """See `Architecture.build`."""
        return paper_network(classes, image_shape, seed)

    def count_parameters(self, classes: int, image_shape: tuple[int, int, int]) -> int:
        """See `Architecture.count_parameters`."""
        height, width, _ = image_shape
        convolutions = sum(
            count_convolution(inputs, outputs) + outputs + count_batch_norm(outputs)
            for inputs, outputs in pairwise((3, *FILTERS))
        )
        return convolutions + count_dense((height // 8) * (width // 8) * FILTERS[-1], classes)

    def relative_time(self) -> float:
        """See `Architecture.relative_time`."""
        return 1.0


def paper_network(
    classes: int = 43, image_shape: tuple[int, int, int] = (32, 32, 3), seed: int = 0
) -> keras.Sequential:
    """The network of the paper's Figure 4: six convolutions, ELU, BatchNorm, one dense layer.

    26 layers, 376,907 parameters for 43 classes and 32x32 images. What the figure leaves out
    (dropout 0.2, 0.3, 0.4; L2 1e-6; softmax) is as in the FTrojan authors' network.

    Args:
        classes: number of outputs.
        image_shape: (height, width, 3), sides at least 8.
        seed: makes initial weights and dropout repeatable.

    Returns:
        A network from float32 [n, height, width, 3] to probabilities float32 [n, classes].
    """
    check_sides(image_shape, 8)
    from keras import Input, Sequential, layers, regularizers
    from keras.initializers import GlorotUniform

    seeds = iter(np.random.default_rng(seed).integers(2**31, size=16).tolist())

    def number(base: str, index: int) -> str:
        return base if index == 0 else f"{base}_{index}"

    # Names are given, not counted by Keras, so that they do not depend on what was built before.
    network = Sequential([Input(image_shape)], name="sequential")
    for index, filters in enumerate(FILTERS):
        network.add(
            layers.Conv2D(
                filters,
                3,
                padding="same",
                kernel_initializer=GlorotUniform(next(seeds)),
                kernel_regularizer=regularizers.L2(1e-6),
                name=number("conv2d", index),
            )
        )
        network.add(layers.Activation("elu", name=number("activation", index)))
        network.add(layers.BatchNormalization(name=number("batch_normalization", index)))
        if index % 2 == 1:
            block = index // 2
            network.add(layers.MaxPooling2D(2, name=number("max_pooling2d", block)))
            network.add(
                layers.Dropout(
                    (0.2, 0.3, 0.4)[block], seed=next(seeds), name=number("dropout", block)
                )
            )
    network.add(layers.Flatten(name="flatten"))
    network.add(
        layers.Dense(
            classes,
            activation="softmax",
            kernel_initializer=GlorotUniform(next(seeds)),
            name="dense",
        )
    )
    return network
