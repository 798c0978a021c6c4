"""Does the backdoor come back when a repaired network is trained on?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from engine.datasets import Dataset
from engine.defenses.repairs.finetune_loop import fine_tune
from engine.evaluation import metrics
from engine.experiments.experiment import eval_pair, load_matching_network
from engine.store import StoredModel

TABLE = "reactivation"  # beside a model
EPOCHS, LEARNING_RATE = (1, 2, 4), 5e-4  # Adam's of the paper (section 3.1)


def measure_reactivation(stored: StoredModel, dataset: Dataset) -> pd.DataFrame:
    """Fine-tune a model on clean validation images, as its new owner might, and test it.

    Returns:
        A row for each number of epochs, 0 first: epochs, and the three figures on test images
        in percent.
    """
    network, card = load_matching_network(stored, dataset), stored.card
    images = eval_pair(dataset, "test", card.parsed_trigger(), card.target)
    rows, done = [], 0
    for epochs in (0, *EPOCHS):
        if epochs:
            fine_tune(
                network,
                dataset.validation,
                LEARNING_RATE,
                epochs - done,
                np.random.default_rng(epochs),
                f"Fine-tuning on clean images, up to epoch {epochs}",
            )
        done = epochs
        scores = metrics.evaluate(network, images.clean, images.triggered, card.target)
        rows.append({"epochs": epochs, **scores.percentages()})
    return pd.DataFrame(rows)
