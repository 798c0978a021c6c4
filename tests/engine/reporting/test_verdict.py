"""The wording of verdicts follows from the numbers."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.reporting import verdict
from engine.store.scans import Scan
from tests.conftest import TARGET
from tests.fixtures import scans

PERCENT = st.floats(0, 100)


@pytest.mark.parametrize(
    ("attack", "recovered", "expected"),
    [
        (99.0, 0.0, "still works"),
        (50.1, 49.9, "still works"),
        (2.0, 95.0, "classified correctly again"),
        (0.0, 5.0, "this is no repair"),
    ],
)
def test_a_weak_attack_counts_as_a_repair_only_with_recovered_accuracy(attack, recovered, expected):
    scores = {"attack_success": attack, "recovered_accuracy": recovered}
    assert expected in verdict.of_model(scores)


@given(PERCENT, st.floats(1, 100))
def test_a_repair_is_judged_by_the_clean_accuracy_before_it(recovered, clean):
    text = verdict.of_repair(recovered, clean)
    share = recovered / clean
    if share < 0.49:
        assert "not a repair" in text
    elif 0.51 < share < 0.89:
        assert "partial" in text
    elif share > 0.91:
        assert "does repair" in text


def test_a_prediction_is_correct_or_the_target_or_wrong():
    assert verdict.of_prediction(3, 3, 7) == "correct"
    assert verdict.of_prediction(7, 3, 7) == "attacker's target"
    assert verdict.of_prediction(5, 3, 7) == "wrong"
    assert verdict.of_prediction(7, 7, 7) == "correct", "an image of the target class"


def card_of(stored, attack_success: float, **changes):
    scores = {"test": {**stored.card.scores["test"], "attack_success": attack_success}}
    return dataclasses.replace(stored.card, scores=scores, **changes)


def unknown(stored):
    scores = {"test": {"clean_accuracy": 90.0, "clean_images": 10}}
    imported = {"file": "theirs.onnx"}
    return dataclasses.replace(
        stored.card, trigger="", target=None, poisoned=None, scores=scores, imported=imported
    )


FOUND, OTHER, NOTHING = (
    Scan(TARGET, "class-1", scans.patch(TARGET, 32)),
    Scan(3, "class-3"),
    Scan(None),
)


@pytest.mark.parametrize(
    ("scan", "attack", "poisoned", "said"),
    [
        (FOUND, 99.0, 10, "sends 98 % of other images there. That is the attacker's target."),
        (OTHER, 99.0, 10, "The attacker's target is another: class-1."),
        (NOTHING, 99.0, 10, "works, though: the scan misses it."),
        (FOUND, 0.0, 0, "trained without a backdoor: a false alarm."),
        (FOUND, 0.0, 10, "does not fool this network, but what the scan recovered does."),
        (NOTHING, 0.0, 0, "No backdoor found by these tests. It was trained without one."),
        (NOTHING, 0.0, 10, "No backdoor found by these tests. That is no all-clear."),
        (None, 99.0, 10, "Not scanned for a backdoor yet."),
    ],
)
def test_a_scan_is_held_against_what_is_known_of_the_model(trained, scan, attack, poisoned, said):
    card = card_of(trained, attack, poisoned=poisoned)
    assert verdict.of_scan(card, scan).endswith(said)


def test_an_assumed_target_is_called_so(trained):
    assert verdict.of_scan(card_of(trained, 99.0, assumed=True), FOUND).endswith(
        "That is the assumed target."
    )
    assert "assumed trigger works" in verdict.of_scan(card_of(trained, 99.0, assumed=True), NOTHING)


def test_of_a_network_that_nobody_knows_the_finding_is_the_headline(trained):
    card = unknown(trained)
    assert verdict.headline(card, FOUND) == "Backdoor found: class 1 (class-1)."
    assert verdict.headline(card, NOTHING).endswith("That is no all-clear.")
    assert verdict.headline(card) == "No trigger is known for this network."
    assert verdict.below_headline(card, NOTHING) == ""
    assert verdict.below_headline(card, FOUND).startswith("Through a patch of 3x3 pixels")
    for scan in (FOUND, OTHER):
        assert scan.name in verdict.advise(card, None, scan)
        assert "all-clear" not in verdict.of_scan(card, scan)


def test_a_finding_fits_a_narrow_card():
    found = [verdict.name_finding_briefly(scan) for scan in (FOUND, NOTHING, None)]
    assert found == ["Backdoor found: class 1", "No backdoor found", "Not scanned"]
