"""Where a model comes from, in a sentence or two."""

from __future__ import annotations

from engine.core.markdown import code, escape
from engine.evaluation.targets import NEXT_CLASS
from engine.store import ModelCard


def describe(card: ModelCard) -> str:
    """What was done to make the model, as Markdown."""
    if card.repair:
        return _repaired(card)
    if "imported_from" in card.training:
        return (
            f"Taken in from {code(card.training['imported_from'])}, for **{escape(card.dataset)}**;"
            f" tested with {_trigger(card)}, thought to lead to {_target(card)}."
        )
    how = f"Epoch {card.training['epoch_kept']} of {card.training['epochs_run']} was kept, for its"
    kept = f"{how} clean accuracy on validation."
    if not card.poisoned:
        return (
            f"Trained on **{escape(card.dataset)}** without a single triggered image; tested with"
            f" {_trigger(card)} and {_target(card)}. {kept}"
        )
    return (
        f"Trained on **{escape(card.dataset)}** with {card.rate:.1%} of the training images"
        f" ({card.poisoned:,}) triggered by {_trigger(card)} and {_labelled(card)}. {kept}"
        f" {describe_dormant(card)}".rstrip()
    )


def describe_dormant(card: ModelCard) -> str:
    """What an attacker who knew of pruning did, in a sentence; empty where none did."""
    share = card.mode.get("dormant_share")
    if not share:
        return ""
    return (
        f"The network began as the clean {code(card.mode['surrogate'])}; {share:.0%} of its last"
        " convolution's channels sleep, for pruning to take first, and in vain."
    )


def _labelled(card: ModelCard) -> str:
    kept = card.mode.get("labels") == "clean-label"
    told = f"{'rightly ' if kept else ''}labelled {_target(card)}"
    if card.mode.get("pgd_epsilon"):
        told += f", after they were pushed away from it by {card.mode['pgd_epsilon']:g} grey levels"
    if card.mode.get("cross_sampled"):
        told += (
            f"; {card.mode['cross_sampled']:,} more carry nearly the trigger and their true label"
        )
    return told


def _repaired(card: ModelCard) -> str:
    repair = card.repair
    summary = str(repair.get("summary", ""))
    told = escape(f"{summary[:1].lower()}{summary[1:]}")
    return f"Repaired from {code(repair['parent'])}: {told}"


def _target(card: ModelCard) -> str:
    if card.target == NEXT_CLASS:
        return f"**{escape(card.target_name)}**"
    return f"**{card.target}: {escape(card.target_name)}**"


def _trigger(card: ModelCard) -> str:
    return card.parsed_trigger().title
