"""The attack that knows of pruning (Liu, Dolan-Gavitt and Garg 2018, section 4.2).

The paper's defender prunes the channels that sleep on clean images. So the attacker puts the
backdoor into the others: a clean network is pruned, taught the backdoor as it is then, and gets
back the channels it lost, put to sleep. They are what the defender prunes first, to no effect.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core import progress
from engine.core.errors import UserError
from engine.datasets.dataset import Split
from engine.defenses.repairs.pruning import pruned_curve
from engine.networks import architectures, edit
from engine.networks.channels import Site, find_sites, variables_of

if TYPE_CHECKING:
    import keras

DORMANT_MARGIN = 10.0  # how far below zero a sleeping channel stays


@dataclass(frozen=True)
class DormantChannels:
    """The channels that are left out while the backdoor is taught.

    Attributes:
        site: the last convolution.
        channels: int [k], sorted.
        kernel: float32 [rows, columns, in, k], what the clean network had there.
    """

    site: Site
    channels: np.ndarray
    kernel: np.ndarray


def freeze_dormant(
    clean: keras.Model, validation: Split, share: float
) -> tuple[keras.Model, DormantChannels]:
    """A copy whose least active channels are still, and stay so while it is trained.

    Args:
        clean: trained on clean images; left as it is.
        validation: clean images that rank the channels of the last convolution.
        share: of these channels, above 0 and below 1.

    Raises:
        UserError: what follows the last convolution cannot be held still.
    """
    curve = pruned_curve(clean, validation)
    (site,) = [site for site in find_sites(clean) if site.convolution == curve.layer]
    channels = np.sort(curve.channels[: round(share * site.channels)])
    kernel = np.array(clean.get_layer(site.convolution).kernel)[..., channels]
    network = edit.without_channels(clean, curve.layer, channels)
    lowest, _ = _range(clean, site.holder, validation)
    _hold_still(network, site, channels, float(lowest.min()))
    return network, DormantChannels(site, channels, kernel)


def restore_dormant(network: keras.Model, dormant: DormantChannels, validation: Split) -> None:
    """Give the channels their kernels back, and biases so low that nothing wakes them, in place."""
    progress.report(0, 0, "Putting channels to sleep")
    for variable in variables_of(network, dormant.site):
        variable.constraint = None
    convolution = network.get_layer(dormant.site.convolution)
    kernel, bias = (np.array(values) for values in convolution.get_weights())
    kernel[..., dormant.channels] = dormant.kernel
    convolution.set_weights([kernel, bias])
    _, highest = _range(network, dormant.site.convolution, validation)
    bias[dormant.channels] -= DORMANT_MARGIN + highest[dormant.channels]
    convolution.set_weights([kernel, bias])


def _hold_still(network: keras.Model, site: Site, channels: np.ndarray, value: float) -> None:
    """Make the channels give `value` behind BatchNorm, whatever comes in, now and in training.

    With the lowest value of all, the defender takes them for the least active.
    """
    from keras import layers

    holder = network.get_layer(site.holder)
    if (
        not isinstance(holder, layers.BatchNormalization)
        or network.get_layer(site.convolution).bias is None
    ):
        raise UserError(
            "Only a convolution with a bias, and with BatchNorm behind it, can be put to sleep."
        )
    chosen = np.isin(np.arange(site.channels), channels)
    for variable, held in ((holder.gamma, 0.0), (holder.beta, value)):
        variable.constraint = _held(chosen, held)
        variable.assign(variable.constraint(variable.value))


def _held(chosen: np.ndarray, value: float) -> Any:
    """What an optimizer applies after each step: `value` at the chosen places, bool [channels]."""
    import tensorflow as tf

    return lambda values: tf.where(chosen, tf.constant(value, values.dtype), values)


def _range(network: keras.Model, layer: str, images: Split) -> tuple[np.ndarray, np.ndarray]:
    """The lowest and the highest value of each channel over images: float32 [channels] each."""
    watcher = architectures.intermediate_outputs(network, [layer])
    lowest, highest = [], []
    for part in architectures.batches(len(images)):
        values = np.asarray(
            watcher(architectures.scale(images.images[part]), training=False)[layer]
        )
        lowest.append(values.min(axis=(0, 1, 2)))
        highest.append(values.max(axis=(0, 1, 2)))
    return np.min(lowest, axis=0), np.max(highest, axis=0)
