"""Archives and pickles made to do harm, or damaged: refused in a sentence, at little cost."""

import io
import pickle
import struct
import tarfile
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.datasets import archives, load_dataset
from engine.errors import LabError
from tests.engine.test_datasets import binary_files, equal, inside, python_files, refused, write_tar
from tests.fixtures.tiny_gtsrb import write_official_archives, write_tree

FEW = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
MEGABYTE = 1 << 20
ARCHIVE = "cifar10/cifar-10-binary.tar.gz"
changes = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=6)


def mutated(content, places):
    changed = bytearray(content)
    for place, value in places:
        changed[int(place * (len(changed) - 1))] = value
    return bytes(changed)


def tar_of(*members, mode="w:gz"):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for member, content in members:
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def member(name, content=b"", kind=tarfile.REGTYPE, link=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, len(content)
    return info, content


def put(root, content):
    (root / "cifar10").mkdir(exist_ok=True)
    (root / ARCHIVE).write_bytes(content)


@pytest.mark.parametrize("mode", ["w:gz", "w"])
def test_a_tar_may_have_a_dot_in_front_and_be_uncompressed(tmp_path, mode):
    (tmp_path / "a" / "cifar10").mkdir(parents=True)
    write_tar(tmp_path / "a" / ARCHIVE, inside("cifar-10-batches-bin", binary_files()))
    (tmp_path / "b").mkdir()
    folder = member(".", kind=tarfile.DIRTYPE)
    files = [member(f"./cifar-10-batches-bin/{k}", v) for k, v in binary_files().items()]
    put(tmp_path / "b", tar_of(folder, *files, mode=mode))
    equal(*(load_dataset("cifar10", tmp_path / way) for way in "ab"))


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (member("data_batch_1.bin", kind=tarfile.SYMTYPE, link="/etc/hostname"), "is a link"),
        (member("x", kind=tarfile.LNKTYPE, link="/etc/hostname"), "is a link"),
        (member("x", kind=tarfile.FIFOTYPE), "is a link"),
        (member("../x"), "path outside"),
        (member("/x"), "path outside"),
    ],
)
def test_a_tar_with_links_or_paths_outside_is_refused(tmp_path, harm, said):
    put(tmp_path, tar_of(harm, *(member(k, v) for k, v in binary_files().items())))
    refused(said, "cifar10", tmp_path)


def test_a_tar_that_expands_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_TAR", MEGABYTE)
    put(tmp_path, tar_of(member("x", bytes(8 * MEGABYTE))))
    refused("unpack to more", "cifar10", tmp_path)


def test_a_tar_with_a_negative_size_does_not_read_in_circles(tmp_path):
    """Such a header sends tarfile back to where it came from."""
    head = bytearray(tar_of(member("x"), mode="w")[:512])
    head[124:136] = (-512).to_bytes(12, "big", signed=True)
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    put(tmp_path, bytes(head) * 3)
    refused("link, or not a file|not a whole tar", "cifar10", tmp_path)


@FEW
@given(changes)
def test_a_mutated_tar_is_read_or_refused(tmp_path, places):
    files = {name: content[: 3073 * 2] for name, content in binary_files().items()}
    put(tmp_path, mutated(tar_of(*(member(k, v) for k, v in files.items()), mode="w"), places))
    load_or_refuse("cifar10", tmp_path)


@FEW
@given(changes)
def test_a_mutated_zip_of_gtsrb_is_read_or_refused(tmp_path, places):
    write_official_archives(tmp_path, classes=2, tracks=2, frames=2)
    path = tmp_path / "GTSRB_Final_Training_Images.zip"
    path.write_bytes(mutated(path.read_bytes(), places))
    load_or_refuse("gtsrb", tmp_path)


@FEW
@given(changes)
def test_a_mutated_pickle_is_read_or_refused(tmp_path, places):
    files = python_files()
    files["data_batch_1"] = mutated(files["data_batch_1"], places)
    write_tree(tmp_path, inside("cifar-10-batches-py", files))
    load_or_refuse("cifar10", tmp_path)


def load_or_refuse(name, root):
    try:
        load_dataset(name, root)
    except LabError as error:
        assert "\n" not in str(error)


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
