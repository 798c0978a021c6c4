"""MNIST and Fashion-MNIST, as IDX files lie about."""

import gzip
import struct

import numpy as np
import pytest

from engine.core.errors import UserError
from engine.datasets import available, fetchable, load_dataset
from tests.engine.datasets.opening import equal, refused
from tests.fixtures.packing import inside, write_tree

RNG = np.random.default_rng(0)
TRAIN, TEST = RNG.integers(0, 256, (40, 28, 28)), RNG.integers(0, 256, (10, 28, 28))


def idx(array):
    head = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.astype(np.uint8).tobytes()


def files(packed=True, dot=False):
    arrays = {
        "train-images-idx3-ubyte": TRAIN,
        "train-labels-idx1-ubyte": np.arange(40) % 10,
        "t10k-images-idx3-ubyte": TEST,
        "t10k-labels-idx1-ubyte": np.arange(10),
    }
    found = {}
    for official, array in arrays.items():
        name = official.replace("-idx", ".idx") if dot else official
        found[f"{name}.gz" if packed else name] = (
            gzip.compress(idx(array)) if packed else idx(array)
        )
    return found


LAYOUTS = {
    "official": inside("mnist", files()),
    "unpacked": inside("mnist", files(packed=False)),
    "with dots": inside("mnist", files(packed=False, dot=True)),
    "as torchvision": inside("MNIST/raw", files(packed=False) | files()),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_digits_are_read_from_every_usual_layout(tmp_path, layout):
    write_tree(tmp_path, LAYOUTS[layout])
    found = load_dataset("mnist", tmp_path, size=28)
    assert found.class_names == tuple("0123456789")
    assert [len(found.split(name)) for name in ("train", "validation", "test")] == [30, 10, 10]
    np.testing.assert_array_equal(found.test.images, np.repeat(TEST[..., None], 3, axis=3))
    assert load_dataset("mnist", tmp_path).image_shape == (32, 32, 3)


def test_fashion_has_files_of_the_same_names_in_a_folder_of_its_own(tmp_path):
    write_tree(tmp_path, inside("FashionMNIST/raw", files()))
    write_tree(tmp_path, inside("mnist", files()))
    fashion, digits = (load_dataset(name, tmp_path) for name in ("fashion-mnist", "mnist"))
    assert fashion.class_names[9] == "Ankle boot"
    np.testing.assert_array_equal(fashion.train.images, digits.train.images)


def test_a_download_of_which_files_are_missing_goes_on(tmp_path):
    assert fetchable("mnist", tmp_path)
    write_tree(tmp_path, dict.fromkeys(list(inside("mnist", files()))[:2], b""))
    assert not available("mnist", tmp_path) and fetchable("mnist", tmp_path)
    write_tree(tmp_path, {"mnist/something.npz": b""})
    assert not fetchable("mnist", tmp_path)
    refused("holds something.npz.*not mnist in a form that is recognised", "mnist", tmp_path)


IMAGES = "mnist/t10k-images-idx3-ubyte.gz"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not an IDX file"),
        (idx(TEST)[:-1], "it says .10, 28, 28., but holds 7839 values"),
        (bytes([0, 0, 8, 3]) + b"\xff" * 12, "but holds 0 values"),
        (bytes([0, 0, 13, 3]) + idx(TEST)[4:], "not an IDX file of bytes"),
        (idx(TEST[0]), "2 dimensions, not 3"),
        (gzip.compress(idx(TEST))[:-9], "not a whole IDX file"),
        (idx(TEST[:5]), "5 images but 10 labels"),
        (idx(TEST[:0]), "0 images but"),
        (idx(np.zeros((10, 0, 5))), "images but"),
    ],
    ids=[
        *("empty", "cut", "huge", "floats", "flat", "cut gzip", "fewer", "none", "no pixels"),
    ],
)
def test_a_damaged_file_is_refused_and_named(tmp_path, content, said):
    write_tree(tmp_path, inside("mnist", files()) | {IMAGES: content})
    with pytest.raises(UserError, match=f"t10k.*{said}"):
        load_dataset("mnist", tmp_path)


def test_a_class_beyond_nine_is_refused(tmp_path):
    labels = {"mnist/t10k-labels-idx1-ubyte.gz": gzip.compress(idx(np.full(10, 10)))}
    write_tree(tmp_path, inside("mnist", files()) | labels)
    refused("has the class 10: classes go from 0 to 9", "mnist", tmp_path)


def test_both_copies_of_a_file_give_the_same(tmp_path):
    write_tree(tmp_path / "a", inside("mnist", files() | files(packed=False)))
    write_tree(tmp_path / "b", inside("mnist", files()))
    equal(*(load_dataset("mnist", tmp_path / place) for place in "ab"))
