"""The discrete cosine transform of images."""

import math

import cv2
import numpy as np
import pytest

from engine.attacks.triggers import FTrojan
from engine.imaging import colour, dct


def photos(count=8):
    return np.random.default_rng(0).integers(60, 190, (count, 32, 32, 3), dtype=np.uint8)


def test_the_transform_equals_opencvs_channel_by_channel():
    images = photos(2)
    planes = images.astype(np.float64) @ colour.YUV.T
    for image, found in zip(planes, dct.transform(images), strict=True):
        for channel in range(3):
            expected = cv2.dct(np.ascontiguousarray(image[..., channel]))
            np.testing.assert_allclose(found[channel], expected, atol=2e-3)


def test_the_mean_magnitude_does_not_depend_on_the_batch_size():
    images = photos(50)
    np.testing.assert_allclose(
        dct.mean_magnitude(images, 7), dct.mean_magnitude(images, 50), rtol=1e-5
    )


def test_the_trigger_appears_at_its_bands_in_u_and_v_only():
    images = photos(4)
    change = dct.transform(FTrojan(magnitude=60.0)(images)) - dct.transform(images)
    mean = change.mean(axis=0)
    for channel in (1, 2):
        strongest = np.argsort(np.abs(mean[channel]).ravel())[-2:]
        assert {divmod(int(place), 32) for place in strongest} == {(15, 15), (31, 31)}
        assert abs(mean[channel, 15, 15] - 60) < 3
    assert np.abs(mean[0]).max() < 10


def test_the_radial_profile_equals_a_plain_loop():
    magnitudes = np.random.default_rng(7).random((16, 20))
    rings: dict[int, list[float]] = {}
    for row in range(16):
        for column in range(20):
            rings.setdefault(round(math.hypot(row, column)), []).append(magnitudes[row, column])
    found = dct.radial_profile(magnitudes)
    assert len(found) == max(rings) + 1
    for distance, values in rings.items():
        assert found[distance] == pytest.approx(sum(values) / len(values))


def test_the_papers_bands_are_a_mid_and_a_high_frequency():
    assert dct.region(0, 0, 32) == "low frequency"
    assert dct.region(15, 15, 32) == "mid frequency"
    assert dct.region(31, 31, 32) == dct.region(0, 31, 32) == "high frequency"


def test_the_change_by_ftrojan_is_in_the_colour_channels():
    images = np.random.default_rng(1).integers(40, 216, (20, 32, 32, 3), dtype=np.uint8)
    shares = dct.change_shares(images, FTrojan()(images))
    assert shares.sum() == pytest.approx(1)
    assert shares[1] + shares[2] > 0.9
    assert dct.change_shares(images, images).tolist() == [0, 0, 0]


def test_the_inverse_undoes_the_transform():
    images = photos(3)
    np.testing.assert_allclose(dct.inverse(dct.transform(images)), images, atol=1e-2)
