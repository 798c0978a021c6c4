"""Analyzing a stored model: scores, confusions, activations, pruning curves, detection."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from engine.core import progress
from engine.core.errors import UserError
from engine.datasets import Dataset
from engine.defenses import activations
from engine.defenses.detectors import Detection, Detector
from engine.defenses.pruning.curve import Curve, EvalPair, trace
from engine.evaluation import metrics
from engine.evaluation.metrics import Scores
from engine.experiments.eval_pairs import eval_pair, load_matching_network
from engine.networks import running
from engine.store import StoredModel


def evaluate(stored: StoredModel, dataset: Dataset, split: str = "test") -> Scores:
    """Score a stored model on a split, with the trigger and target on its card."""
    network = load_matching_network(stored, dataset)
    images = _eval_pair(stored, dataset, split)
    return metrics.evaluate(network, images.clean, images.triggered, stored.card.target)


def confusions(stored: StoredModel, dataset: Dataset, split: str = "test") -> pd.DataFrame:
    """Count the model's predictions on the clean images of each class; see `metrics.confusions`."""
    network = load_matching_network(stored, dataset)
    return metrics.confusions(network, dataset.split(split), dataset.class_names)


def predict_test(stored: StoredModel, dataset: Dataset) -> pd.DataFrame:
    """Classify every test image, clean and triggered. Reports progress.

    Returns:
        One row for each test image: image (its index), label (true class), clean and triggered
        (predicted classes). Images of the target class are triggered, too.
    """
    network = load_matching_network(stored, dataset)
    test, trigger = dataset.test, stored.card.parsed_trigger()
    run = running.compiled(network)
    found = np.empty((2, len(test)), np.int64)
    for part in running.batches(len(test), running.BATCH):
        clean = test.images[part]
        for row, images in enumerate((clean, trigger(clean))):
            found[row, part] = run(running.scale(images)).argmax(axis=1)
        progress.report(part.stop, len(test), "Classifying test images")
    return pd.DataFrame(
        {
            "image": np.arange(len(test)),
            "label": test.labels,
            "clean": found[0],
            "triggered": found[1],
        }
    )


def measure_activations(
    stored: StoredModel, dataset: Dataset, layers: Sequence[str] = ()
) -> pd.DataFrame:
    """Measure every channel on clean and on triggered validation images.

    Args:
        stored: the model.
        dataset: its validation split is used.
        layers: names of layers; if empty, all convolutions, activations and poolings.

    Returns:
        See `activations.table`.
    """
    network = load_matching_network(stored, dataset)
    images = _eval_pair(stored, dataset, "validation")
    chosen = list(layers) or activations.channel_layers(network)
    clean = activations.measure(network, chosen, images.clean.images, "Measuring on clean images")
    triggered = activations.measure(
        network, chosen, images.triggered.images, "Measuring on triggered images"
    )
    return activations.table(clean, triggered)


def prune(
    stored: StoredModel, dataset: Dataset, layer: str, orders: Sequence[str]
) -> dict[str, Curve]:
    """Trace the pruning curve of a convolution for each order; see `pruning.curve.trace`."""
    network = load_matching_network(stored, dataset)
    validation, test = (_eval_pair(stored, dataset, split) for split in ("validation", "test"))
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


def _eval_pair(stored: StoredModel, dataset: Dataset, split: str) -> EvalPair:
    """The split's images, with the trigger and target on the model's card."""
    return eval_pair(dataset, split, stored.card.parsed_trigger(), stored.card.target)
