"""The same images whatever they come wrapped in, and what is not whole is refused."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from engine import places
from engine.datasets import available, decoding, load_dataset, missing_message
from engine.errors import LabError
from tests.engine.test_datasets import class_folders, class_tree, equal, inside, refused
from tests.fixtures.needed import real_data
from tests.fixtures.tiny_gtsrb import (
    official_files,
    write_official_archives,
    write_png_layout,
    write_tree,
    write_zip,
)

SMALL = {"classes": 3, "tracks": 4, "frames": 3}


def test_unpadded_class_folders_keep_the_official_order(tmp_path):
    """Folder 10 stands before folder 2 by name, but a seed must poison the same images."""
    what = {"classes": 12, "tracks": 3, "frames": 2}
    write_official_archives(tmp_path / "official", **what)
    write_png_layout(tmp_path / "png", **what)
    equal(*(load_dataset("gtsrb", tmp_path / layout) for layout in ("official", "png")))


def without_a_table(files):
    del files["GTSRB/Final_Training/Images/00001/GT-00001.csv"]


def with_an_image_too_many(files):
    files["GTSRB/Final_Test/Images/00099.ppm"] = files["GTSRB/Final_Test/Images/00001.ppm"]


def with_an_image_listed_twice(files):
    files["GT-final_test.csv"] += b"\n00000.ppm;32;32;1;1;30;30;1"


def with_a_class_of_two_lines(files):
    files["GT-final_test.csv"] += b'\n"00000.ppm";32;32;1;1;30;30;"a\nb"'


def with_a_row_cut_short(files):
    files["GT-final_test.csv"] += b"\n00000.ppm;32"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without_a_table, "00001/00000_00000.ppm is in no table"),
        (with_an_image_too_many, "00099.ppm is in no table"),
        (with_an_image_listed_twice, "list an image twice"),
        (with_a_class_of_two_lines, "which is no number"),
        (with_a_row_cut_short, "ends too early"),
    ],
)
def test_tables_and_images_must_agree(tmp_path, change, said):
    files = official_files(**SMALL)
    change(files)
    write_tree(tmp_path, files)
    refused(said, "gtsrb", tmp_path)


def test_a_png_table_with_a_row_cut_short_is_told(tmp_path):
    write_png_layout(tmp_path, **SMALL)
    table = tmp_path / "Train.csv"
    table.write_text(table.read_text() + "\n32,32,1,1,30,30,2\n")
    refused("ends too early", "gtsrb", tmp_path)


def test_a_validation_folder_is_taken_as_it_is(tmp_path):
    for name in ("val", "validation"):
        write_tree(tmp_path / name, class_tree(("train/", f"{name}/", "test/"), count=5))
        found = load_dataset(f"folder:{name}", tmp_path)
        assert [len(found.split(split)) for split in ("train", "validation", "test")] == [15] * 3
        own = cv2.imread(str(tmp_path / name / name / "2" / "0.png"))[..., ::-1]
        own = cv2.resize(own, (32, 32), interpolation=_way(own))
        first = np.flatnonzero(found.validation.labels == 0)[0]
        np.testing.assert_array_equal(found.validation.images[first], own)


def _way(image):
    return cv2.INTER_AREA if min(image.shape[:2]) >= 32 else cv2.INTER_LINEAR


def test_a_class_may_be_called_valid(tmp_path):
    files = {
        name.replace("2/", "valid/").replace("9/", "invalid/"): content
        for name, content in class_tree(classes=("2", "9")).items()
    }
    write_tree(tmp_path / "own", files)
    assert load_dataset("folder:own", tmp_path).class_names == ("invalid", "valid")


def test_files_that_systems_leave_beside_the_images_are_passed_over(tmp_path):
    files = class_tree()
    clutter = {f"__MACOSX/{name.replace('/', '/._')}": b"x" for name in files}
    clutter |= {"2/.hidden.png": b"x", ".cache/3/4.png": b"x"}
    write_zip(tmp_path / "z.zip", files | clutter)
    write_tree(tmp_path / "tree", files | clutter)
    write_tree(tmp_path / "clean", files)
    clean = load_dataset("folder:clean", tmp_path)
    equal(load_dataset("folder:z.zip", tmp_path), clean)
    equal(load_dataset("folder:tree", tmp_path), clean)


def test_a_class_without_images_is_named(tmp_path):
    write_tree(tmp_path / "tree", class_tree())
    (tmp_path / "tree" / "5").mkdir()
    refused("class 5 has no training images", "folder:tree", tmp_path)
    write_zip(tmp_path / "z.zip", class_tree() | {"5/readme.txt": b"none yet"})
    refused("class 5 has no training images", "folder:z.zip", tmp_path)
    write_tree(tmp_path, {k: v for k, v in class_folders().items() if "/bird/" not in k})
    refused("class bird has no training images", "cifar10", tmp_path)


def test_a_dataset_too_small_for_validation_is_refused(tmp_path):
    write_tree(tmp_path / "own", class_tree(("train/", "test/"), count=1))
    refused("too few training images", "folder:own", tmp_path)


def test_cifar10_in_a_wrapping_folder_is_found(tmp_path):
    files = {name.removeprefix("cifar10/"): content for name, content in class_folders().items()}
    write_tree(tmp_path / "a" / "cifar10", files)
    write_tree(tmp_path / "b" / "cifar10", inside("images", files))
    equal(*(load_dataset("cifar10", tmp_path / way) for way in "ab"))


@pytest.mark.parametrize("path", ["x" * 300, "~nobody-of-that-name/x", "a\0b"])
def test_paths_that_cannot_be_are_missing_data_not_a_crash(tmp_path, path):
    name = f"folder:{path}"
    assert not available(name, tmp_path)
    assert missing_message(name, tmp_path)
    with pytest.raises(LabError):
        load_dataset(name, tmp_path)


def test_a_folder_without_permission_is_told(tmp_path, monkeypatch):
    """Root may read everything, so the system's answer is put in its mouth."""

    def forbidden(path, *_):
        raise PermissionError(13, "Permission denied", str(path))

    write_tree(tmp_path / "own", class_tree())
    with monkeypatch.context() as patch:
        patch.setattr("os.scandir", forbidden)
        refused("may not be read", "folder:own", tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.is_dir", forbidden)
        assert not available("gtsrb", tmp_path)
        with pytest.raises(LabError, match="may not be read"):
            load_dataset("gtsrb", tmp_path)


def test_images_that_no_memory_can_hold_are_told(tmp_path, monkeypatch):
    def full(*_, **__):
        raise MemoryError

    write_official_archives(tmp_path, **SMALL)
    monkeypatch.setattr(decoding, "np", SimpleNamespace(empty=full, uint8=np.uint8))
    refused("too little memory", "gtsrb", tmp_path)


def test_real_gtsrb_has_the_pixels_that_zipfile_and_opencv_read():
    import zipfile

    root = real_data("gtsrb")
    found = load_dataset("gtsrb", root)
    with zipfile.ZipFile(root / "gtsrb" / "GTSRB_Final_Test_Images.zip") as archive:
        data = archive.read("GTSRB/Final_Test/Images/00000.ppm")
    first = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    np.testing.assert_array_equal(
        found.test.images[0], cv2.resize(first, (32, 32), interpolation=_way(first))
    )
    assert len(np.unique(found.train.labels)) == len(np.unique(found.validation.labels)) == 43
    assert places.cache_folder().is_dir()


def test_real_cifar10_is_read_whole_in_the_official_order_of_classes():
    found = load_dataset("cifar10", real_data("cifar10"))
    assert (found.class_names[0], found.class_names[9]) == ("airplane", "truck")
    assert np.bincount(found.train.labels).tolist() == [4500] * 10
    assert np.bincount(found.validation.labels).tolist() == [500] * 10
    assert np.bincount(found.test.labels).tolist() == [1000] * 10
