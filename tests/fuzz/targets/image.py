"""One image, of a dataset or uploaded."""

import cv2
import numpy as np

from engine.datasets.decoding import SUFFIXES, decode
from tests.fixtures.tiny_gtsrb import encoded, picture
from tests.fuzz.mutate import as_bytes
from tests.fuzz.run import Target


def _seeds():
    image = picture(3, np.random.default_rng(0))
    grey = np.ascontiguousarray(image[..., :1])  # all that a PGM file holds
    return [encoded(grey if suffix == ".pgm" else image, suffix) for suffix in SUFFIXES]


def _parse(content):
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    return decode(content, 16, "image.png")


TARGET = Target("image", _seeds, _parse, as_bytes)
