"""The paper's defence as a repair (section 3.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pandas as pd

from engine.core import progress
from engine.core.parameters import parameter
from engine.datasets.dataset import Split
from engine.defenses.activations import stats_from_sums
from engine.defenses.pruning.curve import step_at
from engine.defenses.pruning.orders import DEFAULT_ORDER, ORDERS, Order
from engine.defenses.repairs.repair import Repair, Repaired
from engine.networks import edit, running, split
from engine.networks.channels import last_convolution
from engine.networks.tails import Features

if TYPE_CHECKING:
    import keras

# Oracle orders need triggered images, which a repair does not get.
_CLEAN_ORDERS = {name: order for name, order in ORDERS.items() if isinstance(order, Order)}


@dataclass(frozen=True)
class Pruning(Repair):
    """Prune channels of the last convolution until clean accuracy has dropped too far."""

    name: ClassVar[str] = "pruning"
    title: ClassVar[str] = "Pruning, as in the paper"
    summary: ClassVar[str] = (
        "Prunes channels of the last convolution, those least active on clean images first, until"
        " clean accuracy has dropped by the threshold."
    )
    needs: ClassVar[str] = "all"

    order: str = parameter(
        DEFAULT_ORDER,
        "Order of pruning",
        "Which channels are pruned first.",
        choices=tuple(_CLEAN_ORDERS),
    )
    threshold: float = parameter(
        2.0,
        "Drop at which pruning stops (percentage points)",
        "Pruning stops once accuracy on clean validation images has dropped by this much.",
        minimum=0.01,
        maximum=100,
    )

    def __call__(self, network: keras.Model, validation: Split) -> Repaired:
        """See `Repair.__call__`."""
        curve = pruned_curve(network, validation, self.order)
        channels = curve.channels_at(self.threshold)
        return Repaired(
            edit.without_channels(network, curve.layer, channels),
            f"{len(channels)} channels of {curve.layer} pruned, order {self.order},"
            f" until accuracy dropped by {self.threshold:g} points.",
            {curve.layer: [int(channel) for channel in channels]},
            {"order": self.order, "threshold": self.threshold},
        )


@dataclass(frozen=True)
class CleanCurve:
    """What pruning costs on clean images.

    Attributes:
        layer: the last convolution that can be pruned.
        channels: int [c], in the order they are pruned.
        accuracy: rows from the untouched network on, with clean_accuracy in percent.
    """

    layer: str
    channels: np.ndarray
    accuracy: pd.DataFrame

    def channels_at(self, threshold: float) -> np.ndarray:
        """Those pruned once accuracy has dropped by `threshold` points."""
        return self.channels[: step_at(self.accuracy, threshold)]


def pruned_curve(network: keras.Model, images: Split, order: str = DEFAULT_ORDER) -> CleanCurve:
    """Prune the last convolution channel by channel, on clean images alone."""
    layer = last_convolution(network)
    block = split.cut(network, layer)
    cached: list[tuple[Features, np.ndarray]] = []
    sums = np.zeros((2, block.channels))
    for part in running.batches(len(images)):
        features, batch_sums = block.features(running.scale(images.images[part]))
        cached.append((features, images.labels[part]))
        sums += batch_sums
        progress.report(part.stop, len(images), "Reading validation images")
    stats = stats_from_sums(sums, len(images) * block.positions)
    channels = _CLEAN_ORDERS[order].rank(stats, stats)
    right = np.zeros(block.channels + 1, np.int64)
    for features, labels in cached:
        right += np.count_nonzero(
            block.tail.predict_while_pruned(features, channels) == labels, axis=1
        )
    return CleanCurve(layer, channels, pd.DataFrame({"clean_accuracy": 100 * right / len(images)}))
