"""The network of the paper's Figure 4."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from engine.core.errors import UserError
from engine.networks.architectures.architecture import Architecture

if TYPE_CHECKING:
    import keras


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
    if min(image_shape[:2]) < 8:
        raise UserError(f"The network needs images of at least 8x8, not {image_shape}.")
    from keras import Input, Sequential, layers, regularizers
    from keras.initializers import GlorotUniform

    seeds = iter(np.random.default_rng(seed).integers(2**31, size=16).tolist())

    def number(base: str, index: int) -> str:
        return base if index == 0 else f"{base}_{index}"

    # Names are given, not counted by Keras, so that they do not depend on what was built before.
    network = Sequential([Input(image_shape)], name="sequential")
    for index, filters in enumerate((32, 32, 64, 64, 128, 128)):
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
