"""Images as cameras and programs write them: decoded right, or refused."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from engine.datasets.archives import Files
from engine.datasets.decoding import decode, inspect_all

SIDE = 16
BLOCKS = np.random.default_rng(0).integers(0, 256, (2, 2, 3), dtype=np.uint8)
PIXELS = np.kron(BLOCKS, np.ones((8, 8, 1), np.uint8))
PICTURE = Image.fromarray(PIXELS)
TURNED = np.rot90(PIXELS, -1)


def encoded(picture, kind, **settings):
    file = io.BytesIO()
    picture.save(file, kind, **settings)
    return file.getvalue()


def with_alpha():
    picture = PICTURE.copy()
    picture.putalpha(100)
    return encoded(picture, "PNG")


def turned(kind, **settings):
    """Stored upright, with the note that it is to be shown turned."""
    about = Image.Exif()
    about[0x112] = 6
    return encoded(PICTURE, kind, exif=about, **settings)


def deep(pixels):
    return cv2.imencode(".png", pixels.astype(np.uint16) * 257)[1].tobytes()


GREY = np.repeat(PIXELS[..., :1], 3, axis=2)
LEVELS = Image.fromarray(PIXELS[..., 0])
CASES = {
    "16 bits": (deep(PIXELS[..., ::-1]), PIXELS),
    "16 bits, grey": (deep(PIXELS[..., 0]), GREY),
    "grey": (encoded(LEVELS, "PNG"), GREY),
    "grey with alpha": (encoded(LEVELS.convert("LA"), "PNG"), GREY),
    "PGM": (encoded(LEVELS, "PPM"), GREY),
    "palette": (encoded(PICTURE.convert("P", palette=Image.Palette.ADAPTIVE), "PNG"), PIXELS),
    "alpha": (with_alpha(), PIXELS),
    "CMYK": (encoded(PICTURE.convert("CMYK"), "JPEG", quality=100), PIXELS),
    "turned JPEG": (turned("JPEG", quality=100, subsampling=0), TURNED),
    "turned PNG": (turned("PNG"), TURNED),
    "turned WebP": (turned("WEBP", lossless=True), TURNED),
}


@pytest.mark.parametrize("case", CASES)
def test_every_usual_kind_of_image_is_decoded_to_what_it_shows(case):
    content, expected = CASES[case]
    found = decode(content, SIDE, case).astype(int)
    assert np.abs(found - expected).mean() < 3


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "WEBP", "PPM"])
def test_images_are_inspected_and_those_cut_short_are_damaged(kind):
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 256, (20, 30, 3), dtype=np.uint8))
    whole = encoded(noise, kind)
    contents = {"a": whole, "cut": whole[: len(whole) * 6 // 10], "grey": encoded(LEVELS, "JPEG")}
    files = Files({name: lambda content=content: content for name, content in contents.items()})
    found = inspect_all(files, list(contents), "Looking")
    assert found.sizes == {(30, 20): 1, (SIDE, SIDE): 1}
    assert (found.grey, found.damaged) == (1, ("cut",))
