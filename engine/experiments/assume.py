"""Naming a suspected trigger for a network whose trigger nobody knows."""

from __future__ import annotations

import dataclasses

from engine.attacks import poisoning
from engine.attacks.triggers import Trigger
from engine.core.errors import UserError
from engine.datasets import Dataset
from engine.experiments.eval_pairs import load_matching_network, score_splits
from engine.store import Backdoor, ModelCard, StoredModel

# Tables that hold figures of triggered images, or would lack them.
_OF_A_TRIGGER = (
    *("activations", "curve-*", "predictions", "repairs", "ceiling", "robustness"),
    *("reactivation", "repairs-reactivated", "repairs-other-images"),
)


def assume(
    stored: StoredModel, dataset: Dataset, trigger: Trigger, target: int, command: str
) -> StoredModel:
    """Score an imported model with a trigger that somebody suspects, and note it on its card.

    Everything measured with another trigger, or without one, is deleted: curves, activations,
    predictions and the list of repairs tried.

    Args:
        stored: an imported model, or a repaired copy of one.
        dataset: the images it is scored on.
        trigger: the trigger suspected.
        target: the class that it is suspected to lead to, or `targets.NEXT_CLASS`.
        command: recorded on the card.

    Returns:
        The model with its changed card.

    Raises:
        UserError: the model was trained here, so its trigger is known; the trigger or the target
            does not fit the model; or the model was deleted meanwhile.
    """
    card = stored.card
    check(card, target)
    suspected = Backdoor(str(trigger), target, card.class_names, assumed=True)
    network = load_matching_network(stored, dataset)
    changed = dataclasses.replace(
        card,
        trigger=str(trigger),
        target=target,
        assumed=True,
        scores=score_splits(network, dataset, suspected),
        commands=(*card.commands, command),
    )
    return stored.replace_card(changed, _OF_A_TRIGGER)


def check(card: ModelCard, target: int) -> None:
    """Refuse a model whose trigger is known, and a target that it does not have.

    Raises:
        UserError: as `assume` says.
    """
    if not card.imported:
        raise UserError(
            f"'{card.name}' was trained here, so its trigger is known ({card.trigger}): name a"
            " trigger for an imported model."
        )
    poisoning.check_target(target, len(card.class_names))
