"""What a scan recovered, as pictures."""

import dataclasses

import numpy as np
import pytest

from engine.defenses.inversion import RecoveredTrigger
from engine.imaging.render import MID_GREY
from engine.reporting import scan_pictures
from tests.conftest import TARGET
from tests.fixtures import scans

SIDE = 32
IMAGE = np.full((SIDE, SIDE, 3), 100, np.uint8)
FAINT = RecoveredTrigger(
    "spectral",
    TARGET,
    2.0,
    "grey levels",
    90.0,
    pattern=np.full((SIDE, SIDE, 3), 2, np.float32),
)


def test_the_recovered_trigger_stands_beside_the_known_one(trained):
    trigger = scans.patch(TARGET, SIDE)
    found = scan_pictures.beside_known(trained.card, trigger, IMAGE)
    known = trained.card.known_backdoor().trigger
    np.testing.assert_array_equal(found["Clean"], IMAGE)
    np.testing.assert_array_equal(found["Recovered trigger"], trigger.apply(IMAGE[None])[0])
    np.testing.assert_array_equal(found["Attacker's trigger"], known(IMAGE[None])[0])
    assumed = dataclasses.replace(trained.card, assumed=True)
    assert "Assumed trigger" in scan_pictures.beside_known(assumed, trigger, IMAGE)


def test_a_clean_network_has_no_trigger_to_stand_beside_it(clean):
    found = scan_pictures.beside_known(clean.card, FAINT, IMAGE)
    assert list(found) == ["Clean", "Recovered trigger", "Recovered change, 50 times"]


def test_a_trigger_that_does_not_fit_the_image_is_left_out(trained):
    card = dataclasses.replace(trained.card, trigger="badnets:size=40,margin=0")
    found = scan_pictures.beside_known(card, FAINT, IMAGE)
    assert "Recovered trigger" in found and "Attacker's trigger" not in found


def test_changes_are_amplified_alike_and_as_far_as_they_are_not_clipped(clean):
    change = scan_pictures.beside_known(clean.card, FAINT, IMAGE)["Recovered change, 50 times"]
    assert (change == MID_GREY + 100).all()
    loud = dataclasses.replace(FAINT, pattern=FAINT.pattern * 45)
    assert "Recovered change" in scan_pictures.beside_known(clean.card, loud, IMAGE)


@pytest.mark.parametrize("trigger", [scans.patch(TARGET, SIDE), scans.warp(TARGET, SIDE), FAINT])
def test_a_trigger_by_itself_can_be_seen(trigger):
    alone = scan_pictures.alone(trigger, SIDE, SIDE)
    assert alone.shape == (SIDE, SIDE, 3) and alone.dtype == np.uint8
    ground = scan_pictures.neutral(trigger, SIDE, SIDE)
    assert np.abs(alone.astype(int) - ground).max() >= 64
