"""Analyzing a stored model: scores, confusions, activations, pruning curves, detection."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from engine.core import progress
from engine.core.errors import UserError
from engine.datasets import Dataset
from engine.defenses import activations
from engine.defenses.detectors import Detection, Detector
from engine.defenses.pruning.curve import Curve, trace
from engine.evaluation import metrics
from engine.evaluation.metrics import CleanScores
from engine.experiments.eval_pairs import load_matching_network, pair_for, score
from engine.networks import running
from engine.store import StoredModel


def evaluate(stored: StoredModel, dataset: Dataset, split: str = "test") -> CleanScores:
    """Score a stored model on a split, with the trigger and target on its card.

    Returns:
        `Scores`, or `CleanScores` where no trigger is known.
    """
    network = load_matching_network(stored, dataset)
    return score(network, dataset, split, stored.card.backdoor)


def confusions(stored: StoredModel, dataset: Dataset, split: str = "test") -> pd.DataFrame:
    """Count the model's predictions on the clean images of each class; see `metrics.confusions`."""
    network = load_matching_network(stored, dataset)
    return metrics.confusions(network, dataset.split(split), dataset.class_names)


def predict_test(stored: StoredModel, dataset: Dataset) -> pd.DataFrame:
    """Classify every test image, clean and triggered. Reports progress.

    Returns:
        One row for each test image: image (its index), label (true class), clean and, where a
        trigger is known, triggered (predicted classes). Images of the target class are triggered,
        too.
    """
    network = load_matching_network(stored, dataset)
    test, backdoor = dataset.test, stored.card.backdoor
    changes: dict[str, Callable[[np.ndarray], np.ndarray]] = {"clean": np.asarray}
    if backdoor is not None:
        changes["triggered"] = backdoor.trigger
    run = running.compiled(network)
    found = {kind: np.empty(len(test), np.int64) for kind in changes}
    for part in running.batches(len(test), running.BATCH):
        clean = test.images[part]
        for kind, change in changes.items():
            found[kind][part] = run(running.scale(change(clean))).argmax(axis=1)
        progress.report(part.stop, len(test), "Classifying test images")
    return pd.DataFrame({"image": np.arange(len(test)), "label": test.labels, **found})


def measure_activations(
    stored: StoredModel, dataset: Dataset, layers: Sequence[str] = ()
) -> pd.DataFrame:
    """Measure every channel on clean and, where a trigger is known, triggered validation images.

    Args:
        stored: the model.
        dataset: its validation split is used.
        layers: names of layers; if empty, all convolutions, activations and poolings.

    Returns:
        See `activations.table`.
    """
    network = load_matching_network(stored, dataset)
    images = pair_for(stored.card, dataset, "validation")
    chosen = list(layers) or activations.channel_layers(network)
    measured = {
        kind: activations.measure(network, chosen, split.images, f"Measuring on {kind} images")
        for kind, split in images.splits()
    }
    return activations.table(measured["clean"], measured.get("triggered"))


def prune(
    stored: StoredModel, dataset: Dataset, layer: str, orders: Sequence[str]
) -> dict[str, Curve]:
    """Trace the pruning curve of a convolution for each order; see `pruning.curve.trace`."""
    network = load_matching_network(stored, dataset)
    validation, test = (pair_for(stored.card, dataset, split) for split in ("validation", "test"))
    return trace(network, layer, orders, validation, test, stored.card.target)


def detect(stored: StoredModel, dataset: Dataset, detector: Detector) -> Detection:
    """Search for a backdoor, on clean validation images alone."""
    network = load_matching_network(stored, dataset)
    return detector(network, dataset.validation)


def last_convolution(stored: StoredModel) -> str:
    """The layer that the paper prunes.

    Raises:
        UserError: the model has no convolution.
    """
    names = stored.convolutions()
    if not names:
        raise UserError(f"The model '{stored.name}' has no convolution to prune.")
    return names[-1]
