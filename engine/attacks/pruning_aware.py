"""The pruning-aware attack (Liu, Dolan-Gavitt and Garg 2018, section 4.2).

The paper's defence prunes the channels that are dormant on clean images. This attack hides the
backdoor in the other channels: a clean network is pruned, and the backdoor is trained into what is
left. Then the pruned channels return, dormant. The defence removes them first, and the backdoor
stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core import progress
from engine.core.errors import UserError
from engine.datasets.dataset import Split
from engine.networks import edit, running
from engine.networks.channels import PrunableLayer, prunable_layer, variables_of

if TYPE_CHECKING:
    import keras

DORMANT_MARGIN = 10.0  # how far below zero a dormant channel's output stays


@dataclass(frozen=True)
class DormantChannels:
    """The channels that take no part while the backdoor is trained.

    Attributes:
        prunable: the last convolution.
        channels: int [k], sorted.
        kernel: float32 [rows, columns, in, k], their kernels in the clean network.
    """

    prunable: PrunableLayer
    channels: np.ndarray
    kernel: np.ndarray


def freeze_dormant(
    clean: keras.Model, layer: str, channels: np.ndarray, validation: Split
) -> tuple[keras.Model, DormantChannels]:
    """Copy a network with some channels of a convolution constant, during training too.

    Args:
        clean: trained on clean images; not changed.
        layer: the convolution that the defence prunes.
        channels: int [k], those that the defence prunes first.
        validation: clean images that outputs are measured on.

    Raises:
        UserError: the convolution has no bias, or no BatchNorm follows it.
    """
    prunable = prunable_layer(clean, layer)
    channels = np.sort(channels)
    kernel = np.array(clean.get_layer(layer).kernel)[..., channels]
    network = edit.without_channels(clean, layer, channels)
    lowest, _ = _output_range(clean, prunable.holder, validation)
    _hold_constant(network, prunable, channels, float(lowest.min()))
    return network, DormantChannels(prunable, channels, kernel)


def restore_dormant(network: keras.Model, dormant: DormantChannels, validation: Split) -> None:
    """Give the channels their kernels back, in place, with biases that keep them dormant."""
    progress.report(0, 0, "Restoring the dormant channels")
    for variable in variables_of(network, dormant.prunable):
        variable.constraint = None
    convolution = network.get_layer(dormant.prunable.convolution)
    kernel, bias = (np.array(values) for values in convolution.get_weights())
    kernel[..., dormant.channels] = dormant.kernel
    convolution.set_weights([kernel, bias])
    _, highest = _output_range(network, dormant.prunable.convolution, validation)
    bias[dormant.channels] -= DORMANT_MARGIN + highest[dormant.channels]
    convolution.set_weights([kernel, bias])


def _hold_constant(
    network: keras.Model, prunable: PrunableLayer, channels: np.ndarray, value: float
) -> None:
    """Make the BatchNorm after the convolution output `value` in these channels, always.

    With the lowest value of all channels, the defence takes them for the least active.
    """
    from keras import layers

    holder = network.get_layer(prunable.holder)
    if (
        not isinstance(holder, layers.BatchNormalization)
        or network.get_layer(prunable.convolution).bias is None
    ):
        raise UserError(
            "The pruning-aware attack needs a last convolution with a bias and with BatchNorm"
            " after it: choose another clean network, or no dormant channels."
        )
    chosen = np.isin(np.arange(prunable.channels), channels)
    for variable, constant in ((holder.gamma, 0.0), (holder.beta, value)):
        variable.constraint = _fixed_at(chosen, constant)
        variable.assign(variable.constraint(variable.value))


def _fixed_at(chosen: np.ndarray, value: float) -> Any:
    """A constraint for the optimizer: `value` at the chosen channels, bool [channels]."""
    import tensorflow as tf

    return lambda values: tf.where(chosen, tf.constant(value, values.dtype), values)


def _output_range(network: keras.Model, layer: str, split: Split) -> tuple[np.ndarray, np.ndarray]:
    """The lowest and the highest output of each channel over a split: float32 [channels] each."""
    outputs_of = running.intermediate_outputs(network, [layer])
    lowest, highest = [], []
    for part in running.batches(len(split)):
        batch = running.scale(split.images[part])
        values = np.asarray(outputs_of(batch, training=False)[layer])
        lowest.append(values.min(axis=(0, 1, 2)))
        highest.append(values.max(axis=(0, 1, 2)))
    return np.min(lowest, axis=0), np.max(highest, axis=0)
