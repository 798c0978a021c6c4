"""Folders of one's own: a class each, split or not, in a tree or a zip."""

import cv2
import numpy as np
import pytest

from engine.core.errors import UserError
from engine.datasets import available, load_dataset, missing_message
from tests.engine.datasets.opening import class_tree, equal, refused, scaled
from tests.fixtures.packing import inside, write_tree, write_zip
from tests.fixtures.tiny_cifar10 import class_folders


def test_one_split_is_divided_and_numbered_folders_are_sorted_as_numbers(tmp_path):
    write_tree(tmp_path / "own", class_tree())
    found = load_dataset("folder:own", str(tmp_path))
    assert found.class_names == ("2", "9", "10")
    assert found.name == "folder:own"
    sizes = [len(found.split(name)) for name in ("train", "validation", "test")]
    assert sizes == [21, 3, 6]


def test_a_zip_with_wrapping_folders_reads_like_the_tree(tmp_path):
    files = class_tree(("train/", "test/"))
    write_tree(tmp_path / "tree", files)
    write_zip(tmp_path / "wrapped.zip", inside("data/my-signs", files))
    tree = load_dataset("folder:tree", str(tmp_path))
    equal(tree, load_dataset("folder:wrapped.zip", str(tmp_path)))
    equal(tree, load_dataset(f"folder:{tmp_path / 'tree'}"))
    assert len(tree.test) == 30


def test_a_validation_folder_is_taken_as_it_is(tmp_path):
    for name in ("val", "validation"):
        write_tree(tmp_path / name, class_tree(("train/", f"{name}/", "test/"), count=5))
        found = load_dataset(f"folder:{name}", tmp_path)
        assert [len(found.split(split)) for split in ("train", "validation", "test")] == [15] * 3
        own = cv2.imread(str(tmp_path / name / name / "2" / "0.png"))[..., ::-1]
        first = np.flatnonzero(found.validation.labels == 0)[0]
        np.testing.assert_array_equal(found.validation.images[first], scaled(own))


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


@pytest.mark.parametrize("files", [{}, {"note.txt": b"x"}, class_tree(classes=("2",))])
def test_folders_without_classes_are_refused(tmp_path, files):
    (tmp_path / "own").mkdir()
    write_tree(tmp_path / "own", files)
    refused("At least two classes", "folder:own", tmp_path)


def test_missing_data_is_reported_with_the_files_to_put_where(tmp_path):
    for name in ("gtsrb", "cifar10", "folder:mine"):
        assert not available(name, str(tmp_path))
        message = missing_message(name, str(tmp_path))
        assert str(tmp_path) in message
        refused("is not here|no images at", name, tmp_path)
    assert "GTSRB_Final_Test_GT.zip" in missing_message("gtsrb", str(tmp_path))


@pytest.mark.parametrize("path", ["x" * 300, "~nobody-of-that-name/x", "a\0b"])
def test_paths_that_cannot_be_are_missing_data_not_a_crash(tmp_path, path):
    name = f"folder:{path}"
    assert not available(name, tmp_path)
    assert missing_message(name, tmp_path)
    with pytest.raises(UserError):
        load_dataset(name, tmp_path)


def test_a_folder_without_permission_is_reported(tmp_path, monkeypatch):
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
        with pytest.raises(UserError, match="may not be read"):
            load_dataset("gtsrb", tmp_path)


@pytest.mark.parametrize("size", [4, 1000])
def test_sizes_that_make_no_sense_are_refused(tmp_path, size):
    refused("pixels wide", "gtsrb", tmp_path, size=size)
