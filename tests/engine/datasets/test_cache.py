"""What is kept is what was read, or it is read again."""

import json
import multiprocessing

import numpy as np
import pytest

from engine.core import paths
from engine.datasets import load_dataset
from tests.engine.datasets.opening import SMALL, class_tree, equal
from tests.fixtures.packing import write_tree
from tests.fixtures.tiny_gtsrb import write_official_archives


def test_a_second_opening_is_memory_mapped_and_equal(tmp_path):
    write_official_archives(tmp_path, **SMALL)
    first, second = (load_dataset("gtsrb", str(tmp_path)) for _ in range(2))
    assert isinstance(second.test.images, np.memmap)
    equal(first, second)


@pytest.mark.parametrize("harm", ["about.json", "train-images.npy", "test-labels.npy"])
@pytest.mark.parametrize("how", ["gone", "cut"])
def test_a_damaged_cache_is_made_again(tmp_path, harm, how):
    write_official_archives(tmp_path, **SMALL)
    first = load_dataset("gtsrb", str(tmp_path))
    (file,) = paths.cache_folder().glob(f"datasets/*/{harm}")
    content = file.read_bytes()
    file.unlink()
    if how == "cut":
        file.write_bytes(content[: len(content) // 2])
    equal(first, load_dataset("gtsrb", str(tmp_path)))
    assert file.exists()


def emptied(_):
    return b""


def as_signed(content):
    return content.replace(b"|u1", b"|i1")


def as_archive(content):
    return b"PK\x03\x04" + content[4:]


def with_a_label_out_of_range(content):
    return content[:-8] + b"\xff" * 8


def as_a_list(_):
    return b"[]"


def as_nesting(_):
    return b"[" * 100_000


@pytest.mark.parametrize(
    ("file", "harm"),
    [
        ("train-images.npy", emptied),
        ("train-images.npy", as_signed),
        ("train-images.npy", as_archive),
        ("test-labels.npy", emptied),
        ("test-labels.npy", with_a_label_out_of_range),
        ("about.json", as_a_list),
        ("about.json", as_nesting),
    ],
)
def test_a_cache_damaged_in_any_way_is_made_again(tmp_path, file, harm):
    write_official_archives(tmp_path, **SMALL)
    first = load_dataset("gtsrb", tmp_path)
    expected = {name: np.array(first.split(name).images) for name in ("train", "test")}
    (path,) = paths.cache_folder().glob(f"datasets/*/{file}")
    whole = path.read_bytes()
    path.unlink()
    path.write_bytes(harm(whole))
    second = load_dataset("gtsrb", tmp_path)
    for name, images in expected.items():
        np.testing.assert_array_equal(second.split(name).images, images)
    assert path.read_bytes() == whole


def test_a_changed_archive_is_read_again(tmp_path):
    write_official_archives(tmp_path, **SMALL)
    before = load_dataset("gtsrb", str(tmp_path))
    write_official_archives(tmp_path, **SMALL, seed=7)
    after = load_dataset("gtsrb", str(tmp_path))
    assert not np.array_equal(before.test.images, after.test.images)


def test_an_image_changed_in_place_is_read_again(tmp_path):
    write_tree(tmp_path / "own", class_tree())
    before = load_dataset("folder:own", tmp_path)
    for path in (tmp_path / "own" / "10").iterdir():
        path.write_bytes((tmp_path / "own" / "2" / path.name).read_bytes())
    after = load_dataset("folder:own", tmp_path)
    assert not np.array_equal(before.train.images, after.train.images)


def test_each_size_and_seed_is_kept_for_itself(tmp_path):
    write_official_archives(tmp_path, **SMALL)
    found = {
        (size, seed): load_dataset("gtsrb", tmp_path, size=size, seed=seed)
        for size in (16, 32)
        for seed in range(4)
    }
    for (size, seed), dataset in found.items():
        assert dataset.image_shape == (size, size, 3)
        equal(dataset, load_dataset("gtsrb", tmp_path, size=size, seed=seed))
    drawn = {dataset.validation.images.tobytes() for (size, _), dataset in found.items()
             if size == 32}  # fmt: skip
    assert len(drawn) > 1


def _load(root, outcomes):
    outcomes.put(load_dataset("gtsrb", root).test.images.sum().item())


def test_two_processes_can_fill_the_cache_at_once(tmp_path):
    write_official_archives(tmp_path, **SMALL)
    context = multiprocessing.get_context("spawn")
    outcomes = context.Queue()
    both = [context.Process(target=_load, args=(tmp_path, outcomes)) for _ in range(2)]
    for process in both:
        process.start()
    sums = {outcomes.get(timeout=60) for _ in both}
    for process in both:
        process.join(timeout=60)
        assert process.exitcode == 0
    assert sums == {load_dataset("gtsrb", tmp_path).test.images.sum().item()}
    (entry,) = (path for path in (paths.cache_folder() / "datasets").iterdir())
    assert json.loads((entry / "about.json").read_text())["images"]["test"] == 6


def test_without_a_cache_the_dataset_is_read_each_time(tmp_path, monkeypatch):
    write_official_archives(tmp_path / "data", **SMALL)
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("PRUNING_LAB_HOME", str(blocked))
    assert len(load_dataset("gtsrb", str(tmp_path / "data")).test) == 6


def test_a_full_disk_costs_the_cache_not_the_work(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    write_official_archives(tmp_path, **SMALL)
    monkeypatch.setattr(np, "save", full)
    assert len(load_dataset("gtsrb", tmp_path).test) == 6
    assert list((paths.cache_folder() / "datasets").iterdir()) == []
