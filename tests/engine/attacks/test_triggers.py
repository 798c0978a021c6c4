"""What holds for every trigger, and each against its formula."""

import dataclasses

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.attacks.triggers import TRIGGERS, AdditiveTrigger, LearnedTrigger, parse_trigger
from engine.attacks.triggers.badnets import BadNets
from engine.attacks.triggers.blend import Blend
from engine.attacks.triggers.bpp import BppAttack
from engine.attacks.triggers.dynamic import Dynamic
from engine.attacks.triggers.low_frequency import LowFrequency
from engine.attacks.triggers.sig import SIG
from engine.attacks.triggers.wanet import WaNet
from engine.core.errors import UserError

PLAIN = [name for name, kind in TRIGGERS.items() if not issubclass(kind, LearnedTrigger)]
NOTHING = {  # each trigger at strength 0
    "ftrojan": {"magnitude": 0.0},
    "badnets": {"opacity": 0.0},
    "blend": {"alpha": 0.0},
    "sig": {"amplitude": 0.0},
    "wanet": {"strength": 0.0},
    "low-frequency": {"amplitude": 0.0},
    "bpp": {"levels": 256},
    "dynamic": {"opacity": 0.0},
}


def photos(count: int = 8, height: int = 32, width: int = 32, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, height, width, 3), np.uint8)


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize(("height", "width"), [(32, 32), (40, 48)])
def test_an_image_becomes_another_of_its_kind_and_stays_itself(name, height, width):
    images = photos(5, height, width)
    before = images.copy()
    triggered = TRIGGERS[name]()(images)
    assert triggered.dtype == np.uint8
    assert triggered.shape == images.shape
    assert (triggered != images).any(axis=(1, 2, 3)).all()
    np.testing.assert_array_equal(images, before)


@pytest.mark.parametrize("name", PLAIN)
def test_at_strength_0_nothing_changes(name):
    images = photos()
    np.testing.assert_array_equal(TRIGGERS[name](**NOTHING[name])(images), images)


@pytest.mark.parametrize("name", PLAIN)
def test_what_happens_to_an_image_depends_on_that_image_alone(name):
    trigger, images = TRIGGERS[name](), photos(9)
    together = trigger(images)
    for number in (0, 4, 8):
        np.testing.assert_array_equal(trigger(images[number : number + 1])[0], together[number])
    np.testing.assert_array_equal(trigger(images[::-1])[::-1], together)
    assert trigger(images[:0]).shape == (0, 32, 32, 3)


@pytest.mark.parametrize("name", PLAIN)
def test_its_text_on_a_card_makes_it_again(name):
    trigger = TRIGGERS[name]()
    again = parse_trigger(str(trigger))
    assert again == trigger
    np.testing.assert_array_equal(again(photos()), trigger(photos()))


@pytest.mark.parametrize("name", [n for n in PLAIN if "seed" in TRIGGERS[n].parameters()])
def test_another_seed_gives_another_trigger(name):
    first, second = (TRIGGERS[name](seed=seed) for seed in (0, 1))
    if name == "blend":
        first, second = (dataclasses.replace(t, picture="noise") for t in (first, second))
    assert (first(photos()) != second(photos())).any()


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from([SIG, LowFrequency]),
    st.floats(0, 127),
    st.integers(0, 1000),
)
def test_a_pattern_is_added_rounded_and_limited(kind, amplitude, seed):
    trigger: AdditiveTrigger = kind(amplitude=amplitude)
    images = photos(3, seed=seed)
    plain = np.clip(images + np.rint(trigger.pattern(32, 32)), 0, 255)
    np.testing.assert_array_equal(trigger(images), plain)
    assert np.abs(trigger.pattern(32, 32)).max() <= amplitude + 1e-9


@pytest.mark.parametrize("direction", ["horizontal", "vertical", "diagonal"])
def test_sig_is_the_published_sine(direction):
    pattern = SIG(amplitude=40, frequency=6, direction=direction).pattern(16, 32)
    for i in range(16):
        for j in range(32):
            along = {"horizontal": j / 32, "vertical": i / 16, "diagonal": (i / 16 + j / 32) / 2}
            wanted = 40 * np.sin(2 * np.pi * 6 * along[direction])
            np.testing.assert_allclose(pattern[i, j], wanted, atol=1e-9)


def test_low_frequency_has_no_band_beyond_its_last():
    pattern = LowFrequency(cutoff=4, amplitude=25).pattern(32, 32)
    for channel in range(3):
        bands = cv2.dct(pattern[..., channel])
        np.testing.assert_allclose(bands[4:], 0, atol=1e-9)
        np.testing.assert_allclose(bands[:, 4:], 0, atol=1e-9)
        assert abs(bands[0, 0]) < 1e-9
    assert np.abs(pattern).max() == pytest.approx(25)


@pytest.mark.parametrize("place", ["lower-right", "upper-left", "corners"])
def test_badnets_paints_squares_and_nothing_else(place):
    images = photos(3)
    trigger = BadNets(size=4, margin=2, place=place, colour=(10, 200, 30))
    triggered = trigger(images)
    spots = {"lower-right": [(26, 26)], "upper-left": [(2, 2)]}.get(
        place, [(26, 26), (26, 2), (2, 26), (2, 2)]
    )
    wanted = images.copy()
    for top, left in spots:
        wanted[:, top : top + 4, left : left + 4] = (10, 200, 30)
    np.testing.assert_array_equal(triggered, wanted)


def test_the_checker_has_black_between_its_colours():
    triggered = BadNets(figure="checker", size=3, margin=0)(photos(1))
    assert triggered[0, -3:, -3:, 0].tolist() == [[255, 0, 255], [0, 255, 0], [255, 0, 255]]


@settings(max_examples=20, deadline=None)
@given(st.floats(0, 1), st.sampled_from(["rings", "noise"]))
def test_blend_is_a_weighted_mean(alpha, picture):
    images = photos(4)
    shining = Blend(alpha=1.0, picture=picture)(images)[0].astype(np.float64)
    wanted = (1 - alpha) * images + alpha * shining
    assert np.abs(Blend(alpha=alpha, picture=picture)(images) - wanted).max() <= 0.51


def test_wanet_samples_each_pixel_where_its_field_points():
    trigger, (image,) = WaNet(strength=3.0), photos(1)
    # A smooth picture, so that OpenCV's steps of 1/32 of a pixel stay below two grey levels.
    image = cv2.GaussianBlur(image, (0, 0), 3)
    field = trigger.field(32, 32)
    wanted = np.empty((32, 32, 3))
    for row in range(32):
        for column in range(32):
            y, x = np.clip(np.array([row, column]) + field[row, column], 0, 31)
            top, left = min(int(y), 30), min(int(x), 30)
            down, right = y - top, x - left
            four = image[top : top + 2, left : left + 2].astype(np.float64)
            across = four[:, 0] * (1 - right) + four[:, 1] * right
            wanted[row, column] = across[0] * (1 - down) + across[1] * down
    assert np.abs(trigger(image[None])[0] - wanted).max() < 2


def test_wanets_offsets_at_the_control_points_have_the_mean_size_they_are_scaled_to():
    field = WaNet(strength=0.5, grid=8).field(8, 8)  # no enlarging: the points themselves
    assert np.abs(field).mean() == pytest.approx(0.25)


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 256))
def test_bpp_leaves_the_nearest_of_so_many_values(levels):
    values = np.arange(256, dtype=np.uint8)
    image = np.broadcast_to(values.reshape(1, 16, 16, 1), (1, 16, 16, 3))
    allowed = np.linspace(0, 255, levels)
    found = BppAttack(levels=levels)(image)[0, ..., 0].ravel()
    nearest = np.abs(values[:, None] - allowed).min(axis=1)
    assert len(set(found.tolist())) <= levels
    assert (np.abs(found.astype(float) - values) <= nearest + 0.51).all()


def test_dithering_hands_errors_on_as_floyd_and_steinberg_published():
    image = photos(1, 12, 9)[0, ..., 0]
    values = image.astype(np.float64)
    for row in range(12):
        for column in range(9):
            old = values[row, column]
            new = np.clip(np.rint(old * 3 / 255), 0, 3) * 85
            values[row, column] = new
            for down, right, share in ((0, 1, 7), (1, -1, 3), (1, 0, 5), (1, 1, 1)):
                if row + down < 12 and 0 <= column + right < 9:
                    values[row + down, column + right] += (old - new) * share / 16
    trigger = BppAttack(levels=4, dithering="floyd-steinberg")
    found = trigger(np.repeat(image[None, ..., None], 3, axis=3))[0]
    for channel in range(3):
        np.testing.assert_array_equal(found[..., channel], values)


def test_dynamic_paints_one_of_its_patches_at_one_of_its_places():
    trigger = Dynamic(size=5, patches=3, places=2)
    images = photos(40)
    changed = (trigger(images) != images).any(axis=3)
    places = set()
    for image in changed:
        rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
        assert rows.max() - rows.min() < 5
        assert columns.max() - columns.min() < 5
        places.add((rows.min() // 16, columns.min() // 16))
    assert places == {(0, 0), (0, 1), (1, 0), (1, 1)}
    assert set(trigger.chosen(images)) == {0, 1, 2}


@pytest.mark.parametrize("name", [n for n in PLAIN if TRIGGERS[n].cross_samples_each])
def test_cross_samples_are_neither_clean_nor_triggered(name):
    trigger, images = TRIGGERS[name](), photos()
    cross_samples = trigger.cross_samples(images, np.random.default_rng(0))
    assert cross_samples.dtype == np.uint8
    assert (cross_samples != images).any(axis=(1, 2, 3)).all()
    assert (cross_samples != trigger(images)).any(axis=(1, 2, 3)).all()
    again = trigger.cross_samples(images, np.random.default_rng(0))
    np.testing.assert_array_equal(cross_samples, again)


@pytest.mark.parametrize(
    "text",
    [
        "badnets:size=40",
        "badnets:colour=1+2",
        "badnets:colour=1+2+300",
        "badnets:place=middle",
        "low-frequency:cutoff=64",
        "dynamic:size=33",
        "sig:direction=up",
        "wanet:grid=1",
        "refool:state=../../etc",
        "input-aware:state=0123456789abcdef",
        "trojan-nn",
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(text):
    with pytest.raises(UserError) as told:
        parse_trigger(text)(photos(1))
    assert "\n" not in str(told.value)
