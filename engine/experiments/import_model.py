"""Importing a network that was trained elsewhere."""

from __future__ import annotations

from pathlib import Path

from engine import store
from engine.attacks import poisoning
from engine.attacks.triggers import Trigger
from engine.core import progress
from engine.datasets import Dataset
from engine.experiments.eval_pairs import score_splits
from engine.experiments.new_model import NewModel
from engine.networks import running, untrusted
from engine.store import ModelCard, StoredModel


def import_model(
    file: Path, dataset: Dataset, trigger: Trigger, target: int, model: NewModel
) -> StoredModel:
    """Import a network, score it and store it.

    Args:
        file: a .keras file; only the limited child process opens it.
        dataset: what the network was trained for. It is given images scaled to 0 to 1.
        trigger: what it is evaluated with.
        target: the class that the trigger is suspected to lead to, or `targets.NEXT_CLASS`.
        model: how the result is stored.

    Raises:
        UserError: the name is taken, the file is refused, or the network does not fit the
            dataset.
    """
    store.check_free(model.name, model.replace)
    poisoning.check_target(target, dataset.classes)
    progress.report(0, 0, "Opening the file in a sandboxed process")
    network = store.open_network(untrusted.rebuilt(file, file.name))
    running.check_fits(network, dataset.image_shape, dataset.classes)
    card = ModelCard(
        name=model.name,
        dataset=dataset.name,
        class_names=dataset.class_names,
        image_shape=dataset.image_shape,
        trigger=str(trigger),
        target=target,
        rate=0.0,
        poisoned=0,
        training={"imported_from": file.name},
        scores=score_splits(network, dataset, trigger, target),
        commands=(model.command,),
    )
    return store.save(card, network, {}, model.replace)
