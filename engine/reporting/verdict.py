"""The wording of every verdict: on a model, on a repair, and on a single prediction.

Attack success alone decides nothing: a network that misclassifies triggered images in other ways
is not repaired. Recovered accuracy is therefore part of each verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from engine.defenses.inversion.description import describe
from engine.store import ModelCard
from engine.store.scans import NOTHING_FOUND, SEARCHED, Scan

if TYPE_CHECKING:
    from engine.experiments.detector_calibration import Rate, Rates

WORKS = 50.0  # percent attack success above which the backdoor works
RECOVERED = 50.0  # percent recovered accuracy above which most triggered images are recovered
FULLY_REPAIRED = 0.9  # share of the clean accuracy before the defence
PARTLY_REPAIRED = 0.5

NO_ALL_CLEAR = "That is no all-clear."

Outcome = Literal["correct", "attacker's target", "assumed target", "wrong"]


def of_model(scores: Mapping[Any, float], assumed: bool = False) -> str:
    """Whether the backdoor works, in one sentence.

    Args:
        scores: attack_success and recovered_accuracy in percent; neither, where no trigger is
            known.
        assumed: whether they were measured with an assumed trigger.
    """
    if "attack_success" not in scores:
        return "Whether this removes a backdoor cannot be measured: no trigger is known."
    subject = "assumed trigger" if assumed else "backdoor"
    if scores["attack_success"] > WORKS:
        return f"The {subject} still works."
    if scores["recovered_accuracy"] > RECOVERED:
        return f"The {subject} is weak, and most triggered images are classified correctly again."
    return (
        f"The {subject} is weak, but this is no repair:"
        " most triggered images are still misclassified, only in other ways."
    )


def headline(card: ModelCard, scan: Scan | None = None) -> str:
    """What the page says first about a model: one sentence that fits its kind and its figures.

    Args:
        card: of the model.
        scan: what a scan has found in it; None if it has not been scanned.
    """
    if not card.knows_trigger:
        if scan is None:
            return "No trigger is known for this network."
        return f"{name_finding(scan)}." if scan.found else f"{scan.finding} {NO_ALL_CLEAR}"
    works = _trigger_works(card)
    if card.repair:
        return _repaired_headline(card.scores["test"], card.assumed)
    if card.assumed:
        return (
            "The assumed trigger takes over this network."
            if works
            else "The assumed trigger does not take over this network."
        )
    if not card.poisoned:
        return "This network was trained without a backdoor: the trigger does not fool it."
    return (
        "This picture looks clean. It isn't."
        if works
        else "The backdoor did not take hold in this network."
    )


def name_finding(scan: Scan | None) -> str:
    """What a scan has found, as a heading; None if the model has not been scanned."""
    if scan is None:
        return "Not scanned for a backdoor yet"
    if not scan.found:
        return NOTHING_FOUND.removesuffix(".")
    return f"Backdoor found: class {scan.flagged} ({scan.name})"


def name_finding_briefly(scan: Scan | None) -> str:
    """The same for a narrow card."""
    if scan is None:
        return "Not scanned"
    return f"Backdoor found: class {scan.flagged}" if scan.found else "No backdoor found"


def of_scan(card: ModelCard, scan: Scan | None) -> str:
    """What a scan has found and how that fits what is known of the model, in a few sentences."""
    if scan is None:
        return f"{name_finding(scan)}."
    return f"{scan.finding} {_compare_with_card(card, scan)}".rstrip()


def describe_rates(rates: Rates | None) -> str:
    """How often scans are wrong, in a sentence; empty if that was not measured."""
    if rates is None:
        return ""
    missed, alarmed = _describe_misses(rates.backdoored), _describe_misses(rates.clean)
    return (
        f"On networks that took no part in choosing its threshold, the scan missed {missed} working"
        f" backdoors and raised a false alarm on {alarmed} clean networks."
    )


def _describe_misses(rate: Rate) -> str:
    """The share on which the scan is wrong, with its 95 % interval: "10 % (2 to 40 %) of 10"."""
    low, high = 100 - rate.high, 100 - rate.low
    return f"{100 - rate.rate:.0f} % (95 % interval: {low:.0f} to {high:.0f} %) of {rate.of}"


def explain_finding(card: ModelCard, scan: Scan) -> str:
    """As `of_scan`, to stand below `name_finding`; may be empty."""
    through = ""
    if scan.trigger is not None:
        through = (
            f"Through {describe(scan.trigger)}, which sends {scan.trigger.success:.0f} % of other"
            " images there. "
        )
    return f"{through}{_compare_with_card(card, scan)}".rstrip()


def below_headline(card: ModelCard, scan: Scan | None) -> str:
    """As `of_scan`, without what `headline` says; empty if that says it all."""
    if card.knows_trigger or scan is None:
        return of_scan(card, scan)
    return explain_finding(card, scan) if scan.found else ""


def _compare_with_card(card: ModelCard, scan: Scan) -> str:
    """How a finding fits what is known of the model; empty if nothing is."""
    if not card.knows_trigger:
        return "" if scan.found else NO_ALL_CLEAR
    if _trigger_works(card):
        return _compare_with_target(card, scan)
    if not scan.found:
        return "It was trained without one." if card.is_clean else NO_ALL_CLEAR
    if card.is_clean:
        return "This network was trained without a backdoor: a false alarm."
    return "The known trigger does not fool this network, but what the scan recovered does."


def _compare_with_target(card: ModelCard, scan: Scan) -> str:
    """How a finding fits a trigger that works."""
    if not scan.found:
        known = "assumed" if card.assumed else "attacker's"
        return f"The {known} trigger works, though: the scan misses it."
    backdoor, word = card.known_backdoor(), target_word(card)
    if scan.flagged == backdoor.target:
        return f"That is the {word}."
    return f"The {word} is another: {backdoor.target_name}."


def _trigger_works(card: ModelCard) -> bool:
    return card.scores["test"]["attack_success"] > WORKS


def _repaired_headline(scores: Mapping[str, float], assumed: bool) -> str:
    if scores["attack_success"] > WORKS:
        return f"The repair failed: the {'assumed trigger' if assumed else 'backdoor'} still works."
    if assumed and scores["recovered_accuracy"] > RECOVERED:
        return "Most pictures with the assumed trigger are classified correctly."
    if scores["recovered_accuracy"] > FULLY_REPAIRED * scores["clean_accuracy"]:
        return "Repaired: triggered pictures are classified correctly again."
    if scores["recovered_accuracy"] > RECOVERED:
        return "Partly repaired: most triggered pictures are classified correctly again."
    return "Not a repair: triggered pictures are still misclassified, only in other ways."


def advise(card: ModelCard, repaired: Mapping[str, Any] | None, scan: Scan | None = None) -> str:
    """What to do with a model, for the person who decides, in a few sentences.

    Args:
        card: of the model.
        repaired: the repair to advise: title, and the metrics in percent; None if none was tried.
        scan: what a scan has found in the model; None if it has not been scanned.
    """
    if not card.knows_trigger:
        return _advise_on_unknown(repaired, scan)
    scores = card.scores["test"]
    if scores["attack_success"] <= WORKS:
        if card.repair and scores["recovered_accuracy"] <= RECOVERED:
            return "Do not use this network: triggered images are still misclassified."
        return (
            f"{'The assumed' if card.assumed else 'This'} trigger does not fool the network. That"
            " is no all-clear: other triggers were not tried."
        )
    if repaired is None:
        return "Do not use this network. No repair has been tried yet: try one."
    if repaired["recovered_accuracy"] > FULLY_REPAIRED * scores["clean_accuracy"]:
        return (
            f"Do not use this network as it is. {repaired['title']} repairs it:"
            f" {repaired['recovered_accuracy']:.1f} % of the triggered images are classified"
            f" correctly, and {repaired['clean_accuracy']:.1f} % of the clean ones. Use that copy."
        )
    return (
        f"Do not use this network. The repair {repaired['title']} leaves"
        f" {100 - repaired['recovered_accuracy']:.0f} % of the triggered images misclassified."
    )


def _advise_on_unknown(repaired: Mapping[str, Any] | None, scan: Scan | None) -> str:
    if scan is None:
        return (
            "Nothing is known about a backdoor in this network. Scan it for one first; if you"
            " suspect a trigger, name it and have it tested."
        )
    if not scan.found:
        return (
            f"The scan found nothing, which is no all-clear. {SEARCHED} If you suspect a trigger,"
            " name it and have it tested."
        )
    found = f"the scan found a pattern that makes this network predict {scan.name} for most images"
    if repaired is None:
        return f"Do not use this network: {found}. Try a repair, and scan the repaired copy."
    return (
        f"Do not use this network as it is: {found}. {repaired['title']} leaves"
        f" {repaired['clean_accuracy']:.1f} % of the clean images classified correctly; whether it"
        " removes the backdoor cannot be measured while no trigger is known, so scan the repaired"
        " copy."
    )


def of_repair(recovered: float, clean_before: float) -> str:
    """Whether a network whose attack no longer succeeds is repaired, in a sentence or two.

    Args:
        recovered: its recovered accuracy, percent.
        clean_before: clean accuracy before the defence, percent. Not after it: a network pruned
            to ruin misclassifies clean images as well.
    """
    if recovered < PARTLY_REPAIRED * clean_before:
        return (
            "The attack no longer succeeds, but that is not a repair: most triggered images are"
            " still misclassified. The paper's conclusion, that pruning mitigates the backdoor,"
            " rests on attack success alone and does not hold here."
        )
    if recovered < FULLY_REPAIRED * clean_before:
        return "That is only a partial repair."
    return "So pruning does repair the network."


def of_any_prediction(predicted: int, label: int | None, card: ModelCard) -> Outcome | None:
    """Whether a network's prediction is correct, the target or another wrong class.

    Without a true class only the target can be told; None for any other class then.
    """
    target = target_of(card, label)
    if label is None:
        return target_word(card) if predicted == target else None
    outcome = of_prediction(predicted, label, target)
    return target_word(card) if outcome == "attacker's target" else outcome


def target_of(card: ModelCard, label: int | None) -> int | None:
    """The class that a triggered image of class `label` is to get; None if nobody knows."""
    if (backdoor := card.backdoor) is None:
        return None
    return backdoor.target if label is None else backdoor.target_for(label)


def target_word(card: ModelCard) -> Literal["attacker's target", "assumed target"]:
    """What the backdoor's target is called."""
    return "assumed target" if card.assumed else "attacker's target"


def of_prediction(predicted: int, label: int, target: int | None) -> Outcome:
    """Whether one prediction is correct, the attacker's target or another wrong class.

    Args:
        predicted: the class predicted.
        label: the true class.
        target: the class wanted by the attacker; None if nobody knows it.
    """
    if predicted == label:
        return "correct"
    return "attacker's target" if predicted == target else "wrong"
