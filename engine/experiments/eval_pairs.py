"""The images a model is evaluated on: a split, clean and triggered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.core.errors import UserError
from engine.datasets import Dataset
from engine.defenses.pruning.curve import EvalPair
from engine.evaluation import metrics
from engine.networks import running
from engine.store import StoredModel

if TYPE_CHECKING:
    import keras

    from engine.attacks.triggers import Trigger


def eval_pair(dataset: Dataset, split: str, trigger: Trigger, target: int) -> EvalPair:
    """A split, and a triggered copy of its images outside the target class.

    Raises:
        UserError: every image shows the target class.
    """
    check_attackable(dataset, split, target)
    clean = dataset.split(split)
    return EvalPair(clean, metrics.poison_split(clean, trigger, target))


def check_attackable(dataset: Dataset, split: str, target: int) -> None:
    """Raise `UserError` if every image of the split shows the target class."""
    if not len(metrics.attackable_indices(dataset.split(split), target)):
        raise UserError(
            f"The {split} images of {dataset.name} all show the target class {target}, so attack"
            " success cannot be measured: choose another target."
        )


def score_splits(
    network: keras.Model, dataset: Dataset, trigger: Trigger, target: int
) -> dict[str, dict[str, float]]:
    """Score a network on validation and on test, as its card stores it; see `Scores.as_dict`."""
    scores = {}
    for split in ("validation", "test"):
        images = eval_pair(dataset, split, trigger, target)
        found = metrics.evaluate(network, images.clean, images.triggered, target)
        scores[split] = found.as_dict()
    return scores


def load_matching_network(stored: StoredModel, dataset: Dataset) -> keras.Model:
    """Load a stored network for use with a dataset.

    Raises:
        UserError: the network takes other images or has other classes than the dataset.
    """
    network = stored.network()
    running.check_fits(network, dataset.image_shape, dataset.classes)
    return network
