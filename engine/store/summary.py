"""A summary of how a model was made, in one or two sentences."""

from __future__ import annotations

from engine.attacks.recipes import ATTACKS
from engine.core.markdown import code, escape
from engine.datasets import dataset_title
from engine.defenses.repairs import REPAIRS
from engine.evaluation.targets import NEXT_CLASS
from engine.networks.architectures import ARCHITECTURES, PaperNetwork
from engine.store import ModelCard


def title(card: ModelCard) -> str:
    """A name that a person reads, such as "FTrojan on drawn signs", as plain text."""
    data = dataset_title(card.dataset)
    if card.repair:
        method = str(card.repair.get("method", ""))
        done = REPAIRS[method].title if method in REPAIRS else method
        network = "Imported network" if card.imported else _attack(card)
        of = f"{network} on {data}{'' if card.imported else _network(card)}"
        return f"{of}, repaired" + (f": {done}" if done else "") + _assumption(card)
    if card.imported:
        return f"Imported network on {data}{_assumption(card)}"
    trained = f"{_attack(card) if card.poisoned else 'Clean network'} on {data}{_network(card)}"
    seed = card.training.get("seed", 0)
    seeded = trained + (f", seed {seed}" if seed else "")
    return f"{seeded} (attack comparison)" if card.suite else seeded


def purpose(card: ModelCard) -> str:
    """What the model is there for: the heading it stands under in a list of models."""
    if card.suite:
        return "Attack comparison"
    if card.repair:
        return "Repaired"
    if card.imported:
        return "Imported"
    return "Backdoored" if card.poisoned else "Clean"


def _network(card: ModelCard) -> str:
    """The network's title after a comma; empty for the paper's network."""
    name = _architecture(card).partition(":")[0]
    if name == PaperNetwork.name:
        return ""
    return f", {ARCHITECTURES[name].title if name in ARCHITECTURES else name}"


def _architecture(card: ModelCard) -> str:
    return str(card.training.get("architecture", PaperNetwork.name))


def _attack(card: ModelCard) -> str:
    return ATTACKS[card.suite].title if card.suite in ATTACKS else _trigger(card)


def describe(card: ModelCard) -> str:
    """How the model was made, as Markdown."""
    if card.repair:
        return _describe_repair(card)
    if card.imported:
        return _describe_import(card)
    epoch, epochs = card.training["epoch_kept"], card.training["epochs_run"]
    kept = f"Epoch {epoch} of {epochs} was kept: the best on clean validation images."
    if (architecture := _architecture(card)) != PaperNetwork.name:
        kept = f"The network is {code(architecture)}. {kept}"
    if not card.poisoned:
        return (
            f"Trained on **{escape(card.dataset)}** without a backdoor. Tested with"
            f" {_trigger(card)} and target class {_target(card)}. {kept}"
        )
    return (
        f"Trained on **{escape(card.dataset)}** with {card.rate:.1%} of the training images"
        f" ({card.poisoned:,}) triggered by {_trigger(card)} and {_describe_labels(card)}. {kept}"
        f" {describe_dormant(card)}".rstrip()
    )


def _describe_import(card: ModelCard) -> str:
    origin = f"Imported from {code(card.imported['file'])} for **{escape(card.dataset)}**."
    if not card.knows_trigger:
        return f"{origin} No trigger is known for it."
    return f"{origin} Assumed trigger: {_trigger(card)}; assumed target: {_target(card)}."


def describe_dormant(card: ModelCard) -> str:
    """What a pruning-aware attacker did, in a sentence; empty for other models."""
    share = card.poisoning.get("dormant_share")
    if not share:
        return ""
    return (
        f"Training started from the clean network {code(card.poisoning['surrogate'])} and left"
        f" {share:.0%} of the last convolution's channels dormant: pruning removes these first,"
        " which does not affect the backdoor."
    )


def _describe_labels(card: ModelCard) -> str:
    clean_label = card.poisoning.get("labels") == "clean-label"
    text = f"{'correctly ' if clean_label else ''}labelled {_target(card)}"
    if epsilon := card.poisoning.get("pgd_epsilon"):
        text += f", after an adversarial perturbation of up to {epsilon:g} grey levels"
    if count := card.poisoning.get("cross_sampled"):
        text += f"; {count:,} more carry a similar trigger but keep their true label"
    return text


def _describe_repair(card: ModelCard) -> str:
    done = str(card.repair.get("summary", ""))
    images = card.repair.get("images")
    origin = f" with clean images of **{escape(str(images))}**" if images else ""
    start = f"Repaired from {code(card.repair['parent'])}{origin}"
    return f"{start}: {escape(done[:1].lower() + done[1:])}"


def _assumption(card: ModelCard) -> str:
    """What a title says about an assumed trigger."""
    return f", assumed trigger: {_trigger(card)}" if card.assumed else ""


def _target(card: ModelCard) -> str:
    backdoor = card.known_backdoor()
    if backdoor.target == NEXT_CLASS:
        return f"**{escape(backdoor.target_name)}**"
    return f"**{backdoor.target}: {escape(backdoor.target_name)}**"


def _trigger(card: ModelCard) -> str:
    return card.known_backdoor().trigger.title
