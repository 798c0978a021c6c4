import pytest

from engine.core import paths
from tests.fixtures.foreign_networks import FOREIGN
from tests.foreign.carrying import check_whole_way, draw_images


@pytest.fixture
def go_the_whole_way(once, tmp_path, monkeypatch, short_detection):
    """A function that takes a network of `FOREIGN` through the whole program."""
    images = once("foreign-images", lambda folder: draw_images(folder / "own"))
    monkeypatch.setenv("PRUNING_LAB_DATA", str(images))
    paths.home().mkdir()
    return lambda name: check_whole_way(FOREIGN[name], tmp_path, short_detection)
