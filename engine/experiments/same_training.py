"""Whether a stored model was trained as a plan says."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from engine.attacks.poisoning import PoisoningConfig
from engine.attacks.triggers import LearnedTrigger
from engine.experiments.attack_plan import AttackPlan
from engine.networks.architectures import PaperNetwork
from engine.store import ModelCard
from engine.training.training_config import TrainingConfig


def differing_settings(card: ModelCard, plan: AttackPlan) -> dict[str, tuple[Any, Any]]:
    """The settings in which a training differs from a plan.

    Args:
        card: of a model whose trigger is known.
        plan: for the same dataset.

    Returns:
        The name of each setting, with its value on the card and in the plan.
    """
    found, wanted = _of_card(card), _of_plan(plan)
    if plan.needs_surrogate() and "surrogate" in card.poisoning:  # older cards do not say
        wanted["surrogate"] = plan.surrogate
    return {name: (found[name], value) for name, value in wanted.items() if found[name] != value}


def _of_plan(plan: AttackPlan) -> dict[str, Any]:
    return {
        **asdict(plan.training),
        **asdict(plan.poisoning),
        "architecture": str(plan.architecture),
        "rate": plan.rate,
        "trigger": str(plan.trigger),
        "target": plan.target,
    }


def _of_card(card: ModelCard) -> dict[str, Any]:
    """The same settings; older cards leave out those that had one value only."""
    trigger = card.known_backdoor().trigger
    if isinstance(trigger, LearnedTrigger):
        trigger = replace(trigger, state="")
    return {
        **asdict(TrainingConfig()),
        "architecture": PaperNetwork.name,
        **card.training,
        **asdict(PoisoningConfig()),
        **card.poisoning,
        "rate": card.rate,
        "trigger": str(trigger),
        "target": card.target,
    }
