"""What the report needs to know of one network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from engine.datasets import Dataset
from engine.defenses.activations import channel_layers
from engine.defenses.pruning.curve import Curve
from engine.defenses.pruning.orders import DEFAULT_ORDER, ORDERS
from engine.evaluation.metrics import METRICS
from engine.experiments import analyze
from engine.networks import split
from engine.store import StoredModel


@dataclass(frozen=True)
class Findings:
    """The measurements of one network.

    Attributes:
        label: the network's name in the report.
        stored: the model.
        pooled: the layer whose activations rank the channels.
        activity: the rows of `pooled`; see `activations.table`.
        curves: order -> pruning curve of the last convolution.
    """

    label: str
    stored: StoredModel
    pooled: str
    activity: pd.DataFrame
    curves: Mapping[str, Curve]

    @property
    def curve(self) -> Curve:
        """The curve of the paper's pruning order."""
        return self.curves[DEFAULT_ORDER]

    @property
    def scores(self) -> dict[str, float]:
        """The metrics on test images before pruning, in percent."""
        return {metric: float(self.curve.test[metric].iloc[0]) for metric in METRICS}


def measure(stored: StoredModel, dataset: Dataset, label: str) -> Findings:
    """Measure activations on validation images and the pruning curve of every order.

    Reports progress.

    Args:
        stored: a model trained on `dataset`.
        dataset: validation images are used for every choice, test images for the results.
        label: the network's name in the report.
    """
    network = stored.network()
    layer = analyze.last_convolution(stored)
    pooled = _ranking_layer(network, layer)
    activity = analyze.measure_activations(stored, dataset, [pooled])
    curves = analyze.prune(stored, dataset, layer, list(ORDERS))
    return Findings(label, stored, pooled, activity, curves)


def _ranking_layer(network: Any, layer: str) -> str:
    """The last layer of the pruned block with channels: the pooling (Figure 5)."""
    shown = channel_layers(network)
    return [name for name in split.block_of(network, layer) if name in shown][-1]
