"""The paper's pruning, across all convolutions instead of the last one only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from engine.core import progress
from engine.datasets.dataset import Split
from engine.defenses.repairs.repair import BudgetedRepair, Repaired
from engine.defenses.repairs.strength_selection import (
    describe_pruning,
    lowest_first,
    prune_within_budget,
    pruning_details,
)
from engine.networks import running
from engine.networks.channels import PrunableLayer, channel_sums, find_prunable_layers

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class GlobalPruning(BudgetedRepair):
    """Prune the least active channels of the whole network.

    Layers differ in how strongly their channels respond, so channels are ranked by how far their
    mean on clean images lies below their layer's mean, in standard deviations.
    """

    name: ClassVar[str] = "global-pruning"
    title: ClassVar[str] = "Pruning across all layers"
    summary: ClassVar[str] = (
        "Prunes channels of all convolutions, those least active in their layer first."
    )
    needs: ClassVar[str] = "all"

    def __call__(self, network: keras.Model, validation: Split) -> Repaired:
        """See `Repair.__call__`."""
        prunable_layers = find_prunable_layers(network)
        means = _clean_means(network, prunable_layers, validation)
        relative = [(mean - mean.mean()) / (mean.std() or 1.0) for mean in means]
        repaired, removed, choice = prune_within_budget(
            network,
            lowest_first(prunable_layers, relative),
            validation,
            self.budget,
        )
        return Repaired(
            repaired,
            describe_pruning(
                choice, f"in {len(removed)} convolutions, the least active on clean images first"
            ),
            removed,
            pruning_details(network, choice),
        )


def _clean_means(
    network: keras.Model, prunable_layers: list[PrunableLayer], images: Split
) -> list[np.ndarray]:
    """Mean activation of each channel behind its convolution's activation: float64 [channels]."""
    import tensorflow as tf

    # Behind the activation, before a BatchNorm that sets the mean.
    names = [prunable.activation for prunable in prunable_layers]
    watcher = running.intermediate_outputs(network, names)

    def sums_of(batch: Any) -> Any:
        outputs = watcher(batch, training=False)
        return [channel_sums(outputs[name])[0] for name in names]

    run = tf.function(
        sums_of,
        input_signature=[tf.TensorSpec([None, *network.input_shape[1:]], tf.float32)],
        jit_compile=False,
    )
    sums = [np.zeros(prunable.channels) for prunable in prunable_layers]
    for part in running.batches(len(images)):
        more = run(running.scale(images.images[part]))
        sums = [total + values.numpy() for total, values in zip(sums, more, strict=True)]
        progress.report(part.stop, len(images), "Measuring channels")
    return [
        total / (len(images) * int(np.prod(network.get_layer(name).output.shape[1:3])))
        for total, name in zip(sums, names, strict=True)
    ]
