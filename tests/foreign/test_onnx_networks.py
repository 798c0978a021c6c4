"""Networks from elsewhere, as ONNX files, go through the whole program."""

import pytest

from engine.core import paths
from tests.fixtures.foreign_networks import FOREIGN
from tests.foreign.carrying import check_whole_way, draw_images

NAMES = [name for name, foreign in FOREIGN.items() if "onnx" in foreign.format]


@pytest.fixture(scope="module")
def own_images(once):
    return once("foreign-images", lambda folder: draw_images(folder / "own"))


@pytest.mark.parametrize("name", NAMES)
def test_a_network_from_elsewhere_goes_the_whole_way(
    name, own_images, tmp_path, monkeypatch, short_detection
):
    monkeypatch.setenv("PRUNING_LAB_DATA", str(own_images))
    paths.home().mkdir()
    check_whole_way(FOREIGN[name], tmp_path, short_detection)
