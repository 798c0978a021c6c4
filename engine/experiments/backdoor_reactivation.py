"""Whether a backdoor returns when a repaired network is trained further on clean images."""

from __future__ import annotations

import numpy as np
import pandas as pd

from engine.datasets import Dataset
from engine.defenses.repairs.finetune_loop import fine_tune
from engine.evaluation import metrics
from engine.experiments.eval_pairs import eval_pair, load_matching_network
from engine.store import StoredModel

TABLE = "reactivation"  # name of the table kept beside a model
EPOCHS, LEARNING_RATE = (1, 2, 4), 5e-4  # the paper's learning rate for Adam (section 3.1)


def measure_reactivation(stored: StoredModel, dataset: Dataset) -> pd.DataFrame:
    """Fine-tune a model on clean validation images, as its user might, and score it on test.

    Returns:
        One row per number of epochs, 0 first: epochs, and the three metrics on test images in
        percent.

    Raises:
        UserError: no trigger is known for the model.
    """
    backdoor = stored.card.known_backdoor()
    network = load_matching_network(stored, dataset)
    images = eval_pair(dataset, "test", backdoor.trigger, backdoor.target)
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
        scores = metrics.evaluate(network, images.clean, images.triggered, backdoor.target)
        rows.append({"epochs": epochs, **scores.percentages()})
    return pd.DataFrame(rows)
