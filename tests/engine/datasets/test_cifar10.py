"""CIFAR-10: the same images in every layout, and pickles that are heard out to no harm."""

import pickle
import struct
import tracemalloc

import numpy as np
import pytest

from engine.datasets import load_dataset
from tests.conftest import living_in
from tests.engine.datasets.opening import equal, refused
from tests.fixtures.needed import real_data
from tests.fixtures.packing import inside, write_tar, write_tree, write_zip
from tests.fixtures.tiny_cifar10 import CIFAR, binary_files, class_folders, python_files

MEGABYTE = 1 << 20


def sorted_pixels(split):
    """Images in an order that no layout decides."""
    rows = [(int(y), x.tobytes()) for x, y in zip(split.images, split.labels, strict=True)]
    return sorted(rows)


def test_the_layouts_of_cifar10_hold_the_same_images(tmp_path):
    roots = [tmp_path / str(number) for number in range(9)]
    for root in roots[:6]:
        (root / "cifar10").mkdir(parents=True)
    packed_binary = inside("cifar-10-batches-bin", binary_files())
    packed_python = inside("cifar-10-batches-py", python_files())
    write_tar(roots[0] / "cifar10" / "cifar-10-binary.tar.gz", packed_binary)
    write_tar(roots[1] / "cifar10" / "cifar-10-python.tar.gz", packed_python)
    write_tree(roots[2] / "cifar10", packed_binary)
    write_tree(roots[3] / "cifar10", packed_python)
    write_zip(roots[4] / "cifar10" / "cifar10-images.zip", class_folders())
    write_tree(roots[5], class_folders())
    write_tree(roots[6] / "CIFAR-10" / "data", packed_python)
    (roots[7] / "cifar10").mkdir(parents=True)
    write_zip(roots[7] / "cifar10" / "archive.zip", packed_python)
    write_tree(
        roots[8],
        {
            f"Cifar_{name.removeprefix('cifar')}": content
            for name, content in class_folders().items()
        },
    )
    found = [load_dataset("cifar10", str(root)) for root in roots]
    for dataset in found:
        assert dataset.class_names == CIFAR
        assert (len(dataset.train) + len(dataset.validation), len(dataset.test)) == (100, 20)
        assert np.bincount(dataset.validation.labels).tolist() == [1] * 10
        assert sorted_pixels(dataset.test) == sorted_pixels(found[0].test)
    for dataset in (*found[1:4], *found[6:8]):
        equal(dataset, found[0])


def test_cifar10_in_a_wrapping_folder_is_found(tmp_path):
    files = {name.removeprefix("cifar10/"): content for name, content in class_folders().items()}
    write_tree(tmp_path / "a" / "cifar10", files)
    write_tree(tmp_path / "b" / "cifar10", inside("images", files))
    equal(*(load_dataset("cifar10", tmp_path / way) for way in "ab"))


def test_real_cifar10_is_read_whole_in_the_official_order_of_classes(real_cifar10):
    with living_in(real_cifar10):
        found = load_dataset("cifar10", real_data("cifar10"))
    assert (found.class_names[0], found.class_names[9]) == ("airplane", "truck")
    assert np.bincount(found.train.labels).tolist() == [4500] * 10
    assert np.bincount(found.validation.labels).tolist() == [500] * 10
    assert np.bincount(found.test.labels).tolist() == [1000] * 10


def test_batches_of_a_wrong_length_or_label_are_refused(tmp_path):
    files = binary_files()
    short = files | {"data_batch_2.bin": files["data_batch_2.bin"][:-1]}
    write_tree(tmp_path / "a", inside("cifar-10-batches-bin", short))
    refused("whole CIFAR-10 records", "cifar10", tmp_path / "a")
    label = files | {"data_batch_2.bin": b"\x0b" + files["data_batch_2.bin"][1:]}
    write_tree(tmp_path / "b", inside("cifar-10-batches-bin", label))
    refused("classes go from 0 to 9", "cifar10", tmp_path / "b")
    less = {name: content for name, content in files.items() if "3" not in name}
    write_tree(tmp_path / "c", inside("cifar-10-batches-bin", less))
    refused("data_batch_3.bin. is missing", "cifar10", tmp_path / "c")


class _Evil:
    def __init__(self, what):
        self.what = what

    def __reduce__(self):
        return self.what


def test_a_pickle_that_would_run_code_is_refused_without_running_it(tmp_path):
    import os

    proof = tmp_path / "proof"
    files = python_files() | {
        "data_batch_1": pickle.dumps(_Evil((os.system, (f"touch {proof}",))), protocol=2)
    }
    write_tree(tmp_path, inside("cifar-10-batches-py", files))
    refused("no genuine batch does", "cifar10", tmp_path)
    assert not proof.exists()


def test_a_pickle_that_asks_for_a_huge_array_gets_none(tmp_path):
    bomb = pickle.dumps(_Evil((np.ndarray, ((1 << 36,),))), protocol=2)
    write_tree(tmp_path, inside("cifar-10-batches-py", python_files() | {"data_batch_1": bomb}))
    refused("not a CIFAR-10 batch", "cifar10", tmp_path)


def of_many_copies():
    """Makes bytes of one text a thousand times over."""
    text = b"X" + struct.pack("<I", MEGABYTE) + b"a" * MEGABYTE
    again = b"c_codecs\nencode\nh\x00X\x06\x00\x00\x00latin1\x86R"
    return b"\x80\x02(" + text + b"q\x00" + again * 1000 + b"l."


def of_a_number_for_bytes():
    """Gives an array's bytes as a number, which `bytes` takes for a length."""
    state = b"(J" + struct.pack("<i", 2_000_000_000) + b"tb"
    array = b"cnumpy\nndarray\n)\x81" + state
    return b"\x80\x02}(U\x04data" + array + b"U\x06labels]u."


@pytest.mark.parametrize(
    "bomb",
    [
        b"\x80\x02Nr" + struct.pack("<I", 100_000_000) + b".",
        b"\x80\x05\x96" + struct.pack("<Q", 3 << 30) + b".",
        of_a_number_for_bytes(),
        of_many_copies(),
    ],
    ids=["memo", "bytearray", "length", "copies"],
)
def test_a_pickle_cannot_ask_for_more_memory_than_it_brings(tmp_path, bomb):
    write_tree(tmp_path, inside("cifar-10-batches-py", python_files() | {"data_batch_1": bomb}))
    tracemalloc.start()
    try:
        refused("data_batch_1", "cifar10", tmp_path)
        assert tracemalloc.get_traced_memory()[1] < 50 * MEGABYTE
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("labels", [[[0, 1]], ["stop"], [10**30], [None]])
def test_labels_in_a_pickle_that_are_no_numbers_are_refused(tmp_path, labels):
    batch = {b"data": np.zeros((1, 3072), np.uint8), b"labels": labels}
    files = python_files() | {"data_batch_1": pickle.dumps(batch, protocol=2)}
    write_tree(tmp_path, inside("cifar-10-batches-py", files))
    refused("not a CIFAR-10 batch", "cifar10", tmp_path)
