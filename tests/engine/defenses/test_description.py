"""Recovered triggers in words: what they are, how large, and where a patch lies."""

import numpy as np
import pytest

from engine.defenses.inversion import RecoveredTrigger
from engine.defenses.inversion.description import describe, patch_box

HEIGHT, WIDTH = 18, 24


def mask_at(rows, columns, opacity=1.0):
    mask = np.zeros((HEIGHT, WIDTH, 1), np.float32)
    mask[rows, columns] = opacity
    return mask


def patch(mask):
    picture = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    size = float(mask.sum())
    return RecoveredTrigger("patch", 0, size, "pixels", 99.0, mask=mask, picture=picture)


@pytest.mark.parametrize(
    ("rows", "columns", "place"),
    [
        (slice(15, 18), slice(20, 24), "in the lower right corner"),
        (slice(15, 18), slice(0, 4), "in the lower left corner"),
        (slice(1, 4), slice(19, 23), "in the upper right corner"),
        (slice(0, 3), slice(0, 4), "in the upper left corner"),
        (slice(0, 3), slice(10, 14), "at the top"),
        (slice(15, 18), slice(10, 14), "at the bottom"),
        (slice(8, 11), slice(0, 4), "at the left edge"),
        (slice(8, 11), slice(20, 24), "at the right edge"),
        (slice(8, 11), slice(10, 14), "in the middle"),
    ],
)
def test_a_patch_is_told_by_its_size_and_its_ninth_of_the_image(rows, columns, place):
    assert describe(patch(mask_at(rows, columns))) == f"a patch of 3x4 pixels {place}"


def test_faint_pixels_around_a_patch_do_not_count():
    mask = mask_at(slice(15, 18), slice(20, 24)) + mask_at(slice(0, 18), slice(0, 20), 0.3)
    assert patch_box(mask[..., 0]) == (slice(15, 18), slice(20, 24))
    assert describe(patch(mask)).endswith("3x4 pixels in the lower right corner")


def test_a_patch_in_pieces_far_apart_has_no_place():
    mask = mask_at(slice(0, 2), slice(0, 2)) + mask_at(slice(16, 18), slice(22, 24))
    assert describe(patch(mask)) == "a patch of 8 pixels, spread over the image"


def test_an_empty_mask_is_told_as_spread_over_the_image():
    assert describe(patch(mask_at(slice(0), slice(0)))).endswith("spread over the image")


def test_the_size_of_a_blend_is_a_percentage():
    blend = RecoveredTrigger("blend", 0, 0.184, "opacity", 99.0)
    assert describe(blend) == "a picture blended over the image (18 % opaque)"


@pytest.mark.parametrize(
    ("family", "unit", "words"),
    [
        ("spectral", "grey levels", "a pattern of frequencies (3.1 grey levels)"),
        ("vertical-stripes", "grey levels", "vertical stripes (3.1 grey levels)"),
        ("horizontal-stripes", "grey levels", "horizontal stripes (3.1 grey levels)"),
        ("warp", "pixels", "a warp of the image (3.1 pixels)"),
        ("patch", "pixels", "a patch (3.1 pixels)"),  # its mask was not stored
    ],
)
def test_other_patterns_are_told_by_kind_and_size(family, unit, words):
    assert describe(RecoveredTrigger(family, 0, 3.1415, unit, 99.0)) == words
