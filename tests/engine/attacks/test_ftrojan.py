import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.attacks.triggers import FTrojan, parse_trigger
from engine.core.errors import UserError

YUV = np.array(
    [
        [0.299, 0.587, 0.114],
        [-0.299 * 0.492, -0.587 * 0.492, 0.886 * 0.492],
        [0.701 * 0.877, -0.587 * 0.877, -0.114 * 0.877],
    ]
)
YCRCB = np.array(
    [
        [0.299, 0.587, 0.114],
        [0.701 * 0.713, -0.587 * 0.713, -0.114 * 0.713],
        [-0.299 * 0.564, -0.587 * 0.564, 0.886 * 0.564],
    ]
)
SPACES = {"YUV": YUV, "YCrCb": YCRCB, "RGB": np.eye(3)}


def published_way(images: np.ndarray, trigger: FTrojan) -> np.ndarray:
    """Image by image, window by window, channel by channel in float64; rounded once, at the end."""
    matrix, window = SPACES[trigger.colour_space], trigger.window
    result = np.empty_like(images)
    for number, image in enumerate(images):
        planes = image.astype(np.float64) @ matrix.T
        for top in range(0, image.shape[0] - window + 1, window):
            for left in range(0, image.shape[1] - window + 1, window):
                for channel in trigger.channels:
                    part = planes[top : top + window, left : left + window, channel]
                    bands = cv2.dct(np.ascontiguousarray(part))
                    for row, column in trigger.bands:
                        bands[row, column] += trigger.magnitude
                    part[:] = cv2.idct(bands)
        rgb = planes @ np.linalg.inv(matrix).T
        result[number] = np.clip(np.rint(rgb), 0, 255)
    return result


@pytest.fixture
def photos():
    return np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    "trigger",
    [
        FTrojan(),
        FTrojan(colour_space="YCrCb"),
        FTrojan(colour_space="RGB", channels=(0, 1, 2)),
        FTrojan(channels=(0,), bands=((3, 7),), magnitude=55.5),
        FTrojan(window=16, bands=((15, 15), (2, 9))),
        FTrojan(window=8, bands=((7, 0), (0, 7), (4, 4)), magnitude=120.0),
        FTrojan(magnitude=500.0),
    ],
    ids=str,
)
def test_equals_the_published_way_to_the_last_grey_level(photos, trigger):
    np.testing.assert_array_equal(trigger(photos), published_way(photos, trigger))


@pytest.mark.parametrize(("window", "height", "width"), [(8, 40, 48), (16, 32, 48), (32, 32, 32)])
def test_windows_that_do_not_fit_whole_leave_the_edge_untouched(window, height, width):
    images = np.random.default_rng(1).integers(0, 256, (3, 40, 48, 3), dtype=np.uint8)
    trigger = FTrojan(window=window, bands=((window - 1, window - 1), (1, 0)))
    triggered = trigger(images)
    np.testing.assert_array_equal(triggered, published_way(images, trigger))
    np.testing.assert_array_equal(triggered[:, height:], images[:, height:])
    np.testing.assert_array_equal(triggered[:, :, width:], images[:, :, width:])


def test_no_images_stay_no_images():
    assert FTrojan()(np.empty((0, 32, 32, 3), np.uint8)).shape == (0, 32, 32, 3)


def test_magnitude_zero_changes_nothing(photos):
    np.testing.assert_array_equal(FTrojan(magnitude=0.0)(photos), photos)


def test_the_input_is_left_as_it_is(photos):
    before = photos.copy()
    FTrojan()(photos)
    np.testing.assert_array_equal(photos, before)


@pytest.mark.parametrize("level", [0, 255])
def test_black_and_white_saturate_instead_of_wrapping_around(level):
    images = np.full((1, 32, 32, 3), level, np.uint8)
    change = FTrojan(magnitude=200.0)(images).astype(int) - level
    assert (change >= 0).all() if level == 0 else (change <= 0).all()
    assert np.abs(change).max() < 128


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 2**31),
    st.floats(0, 500),
    st.lists(st.tuples(st.integers(0, 31), st.integers(0, 31)), min_size=1, max_size=3),
)
def test_no_pixel_changes_by_more_than_the_pattern(seed, magnitude, bands):
    images = np.random.default_rng(seed).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    trigger = FTrojan(magnitude=magnitude, bands=tuple(bands))
    change = np.abs(trigger(images).astype(int) - images)
    assert (change <= np.ceil(np.abs(trigger.pattern(32, 32)))).all()


def test_images_are_changed_alike_alone_and_in_a_large_batch():
    images = np.random.default_rng(2).integers(0, 256, (700, 32, 32, 3), dtype=np.uint8)
    alone = np.concatenate([FTrojan()(image[None]) for image in images])
    np.testing.assert_array_equal(FTrojan()(images), alone)


@settings(max_examples=50, deadline=None)
@given(
    st.sampled_from(["YUV", "YCrCb", "RGB"]),
    st.lists(st.integers(0, 2), min_size=1, max_size=3, unique=True),
    st.floats(0, 500),
    st.lists(st.tuples(st.integers(0, 15), st.integers(0, 15)), min_size=1, max_size=4),
    st.sampled_from([16, 32, 64]),
)
def test_its_text_names_an_equal_trigger(space, channels, magnitude, bands, window):
    trigger = FTrojan(space, tuple(channels), tuple(bands), magnitude, window)
    assert parse_trigger(str(trigger)) == trigger


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sunglasses", "no trigger 'sunglasses'"),
        ("ftrojan:size=3", "no parameter 'size'"),
        ("ftrojan:magnitude", "not of the form"),
        ("ftrojan:magnitude=much", "cannot be 'much'"),
        ("ftrojan:magnitude=-1", "between 0 and 500"),
        ("ftrojan:magnitude=1e9", "between 0 and 500"),
        ("ftrojan:magnitude=nan", "finite"),
        ("ftrojan:bands=32x1", "outside a window"),
        ("ftrojan:bands=-1x1", "between 0"),
        ("ftrojan:window=16", "outside a window"),
        ("ftrojan:channels=3", "choose from 0, 1, 2"),
        ("ftrojan:colour_space=CMYK", "choose from YUV"),
    ],
)
def test_wrong_parameters_are_refused_in_one_sentence(text, said):
    with pytest.raises(UserError, match=said) as caught:
        parse_trigger(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("magnitude", [float("nan"), float("inf"), -1.0, 1e30])
def test_magnitudes_that_are_no_reasonable_number_are_refused(magnitude):
    with pytest.raises(UserError, match="magnitude"):
        FTrojan(magnitude=magnitude)


@pytest.mark.parametrize("field", ["channels", "bands"])
def test_an_empty_list_is_refused(field):
    with pytest.raises(UserError, match=f"{field} is empty"):
        FTrojan(**{field: ()})


def test_a_window_larger_than_the_image_is_refused(photos):
    with pytest.raises(UserError, match="does not fit"):
        FTrojan(window=64)(photos)
