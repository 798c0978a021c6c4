"""Archives made to do harm, or damaged: refused in a sentence, at little cost."""

import io
import struct
import tarfile
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.datasets import archives, load_dataset
from tests.engine.datasets.opening import SMALL, class_tree, equal, load_or_refuse, refused
from tests.fixtures.packing import inside, write_tar, write_tree, write_zip
from tests.fixtures.tiny_cifar10 import binary_files, python_files
from tests.fixtures.tiny_gtsrb import write_official_archives

MEGABYTE = 1 << 20
ARCHIVE = "cifar10/cifar-10-binary.tar.gz"
FEW = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
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


def test_truncated_and_false_archives_are_refused(tmp_path):
    write_official_archives(tmp_path, **SMALL)
    archive = tmp_path / "GTSRB_Final_Training_Images.zip"
    content = archive.read_bytes()
    for damaged in (content[: len(content) // 2], b"not a zip", b""):
        archive.write_bytes(damaged)
        refused("not a whole zip archive", "gtsrb", tmp_path)
    (tmp_path / "cifar10").mkdir()
    tar = tmp_path / "cifar10" / "cifar-10-binary.tar.gz"
    write_tar(tar, inside("cifar-10-batches-bin", binary_files()))
    tar.write_bytes(tar.read_bytes()[:2000])
    refused("not a whole tar archive", "cifar10", tmp_path)


@pytest.mark.parametrize(
    "name", ["../evil.png", "/etc/evil.png", "a/../../evil.png", "C:/evil.png"]
)
def test_an_archive_with_a_path_outside_is_refused(tmp_path, name):
    write_zip(tmp_path / "z.zip", class_tree() | {name: b"x"})
    refused("path outside", "folder:z.zip", tmp_path)


def test_a_thousandfold_expansion_is_refused(tmp_path):
    write_zip(tmp_path / "z.zip", class_tree() | {"2/bomb.png": bytes(30 << 20)})
    refused("thousandfold", "folder:z.zip", tmp_path)


def png_of(width, height):
    """A PNG that says it is that large, in a few kilobytes."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    rows = zlib.compress(bytes((width // 8 + 1) * height), 9)
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_an_image_far_too_large_is_refused_and_named(tmp_path):
    write_tree(tmp_path / "own", class_tree() | {"2/huge.png": png_of(20_000, 20_000)})
    refused("huge.png.*far too large", "folder:own", tmp_path)


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
    refused("link, or a file|not a whole tar", "cifar10", tmp_path)


@FEW
@given(changes)
def test_a_mutated_zip_is_read_or_refused(tmp_path, places):
    path = tmp_path / "z.zip"
    write_zip(path, class_tree(count=3))
    path.write_bytes(mutated(path.read_bytes(), places))
    load_or_refuse("folder:z.zip", tmp_path)


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
