"""What a scan found comes back from its tables; tables of something else are refused."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from engine import store
from engine.core.errors import UserError
from engine.defenses.detectors.trigger_inversion import InversionDetection
from engine.defenses.inversion import FAMILIES, RecoveredTrigger
from engine.store.scans import (
    NOTHING_FOUND,
    read_trigger,
    stored_scan,
    tables_of,
    trigger_table,
)
from tests.fixtures import scans
from tests.fixtures.findings import finding_with

SHAPE = (7, 5, 3)  # not square
ARRAYS = {"patch": ("mask", "picture"), "blend": ("mask", "picture"), "warp": ("field",)}
LARGEST = {"mask": 1, "picture": 255, "pattern": 127, "field": 6}


def numbers(name):
    lowest = 0 if name in ("mask", "picture") else -LARGEST[name]
    values = st.floats(lowest, LARGEST[name], width=32)
    return arrays(np.float32, (*SHAPE[:2], RecoveredTrigger.DEPTHS[name]), elements=values)


@st.composite
def recovered(draw):
    family = draw(st.sampled_from(tuple(FAMILIES)))
    found = {name: draw(numbers(name)) for name in ARRAYS.get(family, ("pattern",))}
    size, success = draw(st.floats(0.1, 100)), draw(st.floats(0, 100))
    return RecoveredTrigger(family, 1, size, FAMILIES[family].unit, success, **found)


@given(recovered())
def test_a_recovered_trigger_comes_back_from_its_table(trigger):
    about = {
        name: getattr(trigger, name) for name in ("family", "label", "size", "unit", "success")
    }
    back = read_trigger(trigger_table(trigger), about, SHAPE)
    assert {name: getattr(back, name) for name in about} == about
    assert set(back.arrays()) == set(trigger.arrays())
    for name, array in trigger.arrays().items():
        assert back.arrays()[name].dtype == np.float32
        np.testing.assert_allclose(back.arrays()[name], array, atol=1e-4)


@pytest.fixture
def small(at_home):
    return store.find("small")


def detection_with(trigger):
    """A detection with six classes, of which the trigger's is flagged if there is one."""
    finding = finding_with([1.0, 4.0, 9.0], labels=[1, 4, 5])
    scores = np.where(np.arange(6) == 1, 12.5, 0.25)
    flagged = () if trigger is None else (trigger.label,)
    return InversionDetection(
        scores,
        "points",
        flagged,
        trigger,
        findings=(finding,),
        triggers=(trigger,) if trigger else (),
    )


@pytest.mark.parametrize("trigger", [scans.patch(1, 32), scans.warp(1, 32)], ids=["patch", "warp"])
def test_a_finding_comes_back_from_the_models_folder(small, trigger):
    small.save_tables(tables_of(detection_with(trigger), small.card.class_names), "python")
    scan = stored_scan(store.find("small"))
    assert scan.found and scan.flagged == 1 and scan.name == "class-1"
    back, images = scan.trigger, np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8)
    assert (back.family, back.label, back.unit) == (trigger.family, 1, trigger.unit)
    assert (back.size, back.success) == pytest.approx((trigger.size, trigger.success))
    np.testing.assert_allclose(back.apply(images), trigger.apply(images), atol=1)


def test_a_finding_is_told_in_one_sentence(small):
    small = scans.store_scan(small, scans.patch(1, 32))
    assert stored_scan(small).finding == (
        "Backdoor found: class 1 (class-1), through a patch of 3x3 pixels in the lower right corner"
        " that sends 98 % of other images there."
    )
    (small.folder / "recovered-trigger.csv").unlink()
    assert stored_scan(small).finding == "Backdoor found: class 1 (class-1)."


def test_a_model_is_not_scanned_until_a_scan_is_stored(small):
    assert stored_scan(small) is None


def test_a_scan_that_finds_nothing_has_no_trigger_even_if_an_earlier_one_left_its_own(small):
    small = scans.store_scan(small, scans.patch(1, 32))
    small.save_tables(tables_of(detection_with(None), small.card.class_names), "python")
    scan = stored_scan(store.find("small"))
    assert not scan.found and scan.trigger is None and scan.finding == NOTHING_FOUND


def test_a_trigger_for_images_of_another_size_is_refused_in_a_sentence(small):
    small = scans.store_scan(small, scans.patch(1, 16))
    with pytest.raises(UserError, match="does not fit the model's images: scan the model again"):
        stored_scan(small)


def test_a_scan_of_other_classes_is_refused_in_a_sentence(small):
    names = (*small.card.class_names, "one more")
    small.save_tables({"detection": scans.evidence(names, scans.patch(1, 32))}, "python")
    with pytest.raises(UserError, match="not of a network with 6 classes: scan the model again"):
        stored_scan(store.find("small"))


def test_a_detection_that_lost_its_arrays_is_refused_by_what_applies_it():
    without = dataclasses.replace(detection_with(None), flagged=(1,))
    with pytest.raises(UserError, match="No trigger was recovered"):
        without.apply_trigger(np.zeros((1, 32, 32, 3), np.uint8))
