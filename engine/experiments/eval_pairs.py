"""The images a model is evaluated on: a split, clean and triggered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.core.errors import UserError
from engine.datasets import Dataset
from engine.evaluation import metrics
from engine.evaluation.eval_pair import EvalPair, TriggeredPair
from engine.evaluation.metrics import CleanScores
from engine.networks import running
from engine.store import Backdoor, ModelCard, StoredModel

if TYPE_CHECKING:
    import keras

    from engine.attacks.triggers import Trigger


def eval_pair(dataset: Dataset, split: str, trigger: Trigger, target: int) -> TriggeredPair:
    """A split, and a triggered copy of its images outside the target class.

    Raises:
        UserError: every image shows the target class.
    """
    check_attackable(dataset, split, target)
    clean = dataset.split(split)
    return TriggeredPair(clean, metrics.poison_split(clean, trigger, target))


def pair_for(card: ModelCard, dataset: Dataset, split: str) -> EvalPair:
    """The split as the model is evaluated on it: clean alone where no trigger is known.

    Raises:
        UserError: every image shows the target class.
    """
    if (known := card.backdoor) is None:
        return EvalPair(dataset.split(split), None)
    return eval_pair(dataset, split, known.trigger, known.target)


def check_attackable(dataset: Dataset, split: str, target: int) -> None:
    """Raise `UserError` if every image of the split shows the target class."""
    if not len(metrics.attackable_indices(dataset.split(split), target)):
        raise UserError(
            f"The {split} images of {dataset.name} all show the target class {target}, so attack"
            " success cannot be measured: choose another target."
        )


def score(
    network: keras.Model, dataset: Dataset, split: str, backdoor: Backdoor | None
) -> CleanScores:
    """Score a network on a split: with the three metrics, or on clean images alone.

    Args:
        network: takes the dataset's images and has its classes.
        dataset: what it is scored on.
        split: of the dataset.
        backdoor: trigger and target; None if nobody knows them.
    """
    if backdoor is None:
        return metrics.evaluate_clean(network, dataset.split(split))
    images = eval_pair(dataset, split, backdoor.trigger, backdoor.target)
    return metrics.evaluate(network, images.clean, images.triggered, backdoor.target)


def score_splits(
    network: keras.Model, dataset: Dataset, backdoor: Backdoor | None
) -> dict[str, dict[str, float]]:
    """Score a network on validation and on test, as its card stores it; see `score`."""
    return {
        split: score(network, dataset, split, backdoor).as_dict()
        for split in ("validation", "test")
    }


def load_matching_network(stored: StoredModel, dataset: Dataset) -> keras.Model:
    """Load a stored network for use with a dataset.

    Raises:
        UserError: the network takes other images or has other classes than the dataset.
    """
    network = stored.network()
    running.check_fits(network, dataset.image_shape, dataset.classes)
    return network
