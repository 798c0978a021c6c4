"""What is measured of one network for the report."""

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
    """What was found of one network.

    Attributes:
        label: what the report calls it.
        stored: the model.
        pooled: the layer whose activations rank the channels.
        activity: see `activations.table`; rows of `pooled` alone.
        curves: one for each order, of the last convolution.
    """

    label: str
    stored: StoredModel
    pooled: str
    activity: pd.DataFrame
    curves: Mapping[str, Curve]

    @property
    def curve(self) -> Curve:
        """The paper's curve."""
        return self.curves[DEFAULT_ORDER]

    @property
    def scores(self) -> dict[str, float]:
        """The measures on test images before any channel is pruned, percent."""
        return {figure: float(self.curve.test[figure].iloc[0]) for figure in METRICS}


def measure(stored: StoredModel, dataset: Dataset, label: str) -> Findings:
    """Activations on validation images, and the curve of every order.

    Args:
        stored: a model trained on `dataset`.
        dataset: validation chooses, test reports.
        label: what the report calls the network.
    """
    network = stored.network()
    layer = analyze.last_convolution(stored)
    pooled = _ranking_layer(network, layer)
    activity = analyze.measure_activations(stored, dataset, [pooled])
    curves = analyze.prune(stored, dataset, layer, list(ORDERS))
    return Findings(label, stored, pooled, activity, curves)


def _ranking_layer(network: Any, layer: str) -> str:
    """The last layer of the pruned block that has activations to show: the pooling (Figure 5)."""
    shown = channel_layers(network)
    return [name for name in split.block_of(network, layer) if name in shown][-1]
