"""A zip with a folder of images for each class."""

from functools import partial

import numpy as np

from engine.datasets.class_folders import ClassFolders
from tests.fixtures.tiny_gtsrb import encoded, picture
from tests.fuzz.mutate import as_bytes, as_zip, packed
from tests.fuzz.run import Target
from tests.fuzz.targets.scratch import written


def _seeds():
    rng = np.random.default_rng(0)
    small = {
        f"{split}/{name}/{number}.png": encoded(picture(name, rng)[:8, :8], ".png")
        for split in ("train", "test")
        for name in (10, 9)
        for number in range(3)
    }
    return [packed(small), packed({name.partition("/")[2]: data for name, data in small.items()})]


def _parse(content):
    with written("images.zip", content) as path:
        source = ClassFolders()
        found = source.locate(path)
        return source.read(found.open(), 8, np.random.default_rng(0))


TARGET = Target("zip", _seeds, _parse, partial(as_zip, members={".png": as_bytes}))
