"""What a dataset is opened to in these tests: the same as another, or a refusal."""

import cv2
import numpy as np
import pytest

from engine.core import paths
from engine.core.errors import UserError
from engine.datasets import load_dataset
from tests.fixtures.tiny_gtsrb import encoded, picture

SMALL = {"classes": 3, "tracks": 4, "frames": 3}


def equal(one, other):
    assert one.class_names == other.class_names
    for split in ("train", "validation", "test"):
        np.testing.assert_array_equal(one.split(split).images, other.split(split).images)
        np.testing.assert_array_equal(one.split(split).labels, other.split(split).labels)


def refused(said, name, root, **how):
    with pytest.raises(UserError, match=said) as caught:
        load_dataset(name, str(root), **how)
    assert "\n" not in str(caught.value)
    assert not list(paths.cache_folder().glob("datasets/*"))


def load_or_refuse(name, root):
    try:
        load_dataset(name, root)
    except UserError as error:
        assert "\n" not in str(error)


def class_tree(prefixes=("",), classes=("10", "9", "2"), count=10):
    rng = np.random.default_rng(0)
    return {
        f"{prefix}{name}/{number}.png": encoded(picture(int(name), rng), ".png")
        for prefix in prefixes
        for name in classes
        for number in range(count)
    }


def scaled(image):
    """RGB, 32 by 32 pixels, as datasets are read."""
    way = cv2.INTER_AREA if min(image.shape[:2]) >= 32 else cv2.INTER_LINEAR
    return cv2.resize(image, (32, 32), interpolation=way)
