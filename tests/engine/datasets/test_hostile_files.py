"""Archives, tables and images that say other than what is in them: one sentence each."""

import bz2
import gzip
import io
import lzma
import os
import pickle
import re
import struct
import tarfile
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.core.errors import UserError
from engine.datasets import archives, cache, layout, load_dataset
from engine.datasets.archives import Files
from engine.datasets.dataset import Split
from engine.datasets.decoding import decode
from engine.datasets.label_tables import rows
from engine.store import card_fields
from tests.engine.datasets.opening import SMALL, class_tree, refused
from tests.fixtures.packing import inside, write_tree, write_zip
from tests.fixtures.tiny_cifar10 import binary_files, python_files
from tests.fixtures.tiny_gtsrb import encoded, official_files, picture, write_official_archives

FIRST = b"PK\x01\x02"  # of an entry in the table of contents
LAST = b"PK\x05\x06"  # of that table's end


def zip_of(files, way=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", way) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def patched(content, signature, offset, value):
    """Other bytes at so many bytes behind the first place of a signature."""
    at = content.index(signature) + offset
    return content[:at] + value + content[at + len(value) :]


def put(tmp_path, content):
    (tmp_path / "z.zip").write_bytes(content)


WHOLE = zip_of(class_tree())


@pytest.mark.parametrize(
    "content",
    [
        WHOLE[: WHOLE.index(FIRST) + 30] + WHOLE[WHOLE.index(LAST) :],
        patched(WHOLE, FIRST, 0, b"PK\x01\x03"),
        patched(WHOLE, FIRST, 28, b"\xff\xff"),
        patched(WHOLE, LAST, 12, struct.pack("<I", 0xFFFFFFF0)),
        patched(WHOLE, LAST, 16, struct.pack("<I", 0xFFFFFFF0)),
        patched(patched(WHOLE, FIRST, 8, b"\x00\x08"), FIRST, 46, b"\xff\xfe"),
        patched(WHOLE, FIRST, 6, b"\xff\x00"),
        WHOLE[WHOLE.index(LAST) :],
        WHOLE[:-10],
    ],
    ids=[
        *("cut", "signature", "name", "size", "place", "not UTF-8", "version", "end only"),
        "without its end",
    ],
)
def test_a_zip_with_a_damaged_table_of_contents_is_refused(tmp_path, content):
    put(tmp_path, content)
    refused("not a whole zip archive|it is damaged|0 were found", "folder:z.zip", tmp_path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (patched(WHOLE, FIRST, 16, b"\0\0\0\0"), "it is damaged"),
        (patched(WHOLE, FIRST, 24, struct.pack("<I", 5)), "it is damaged"),
        (patched(WHOLE, FIRST, 24, struct.pack("<I", 5000)), "it is damaged"),
        (patched(WHOLE, FIRST, 20, struct.pack("<I", 9)), "it is damaged"),
        (patched(WHOLE, FIRST, 42, struct.pack("<I", 7)), "it is damaged"),
        (patched(WHOLE, FIRST, 42, struct.pack("<I", 1 << 31)), "it is damaged"),
        (patched(WHOLE, FIRST, 8, b"\x01\x00"), "it is encrypted"),
        (patched(WHOLE, FIRST, 10, b"\x63\x00"), "it uses an unsupported compression method"),
        (zip_of(class_tree(), zipfile.ZIP_LZMA), "it uses an unsupported compression method"),
        (zip_of(class_tree(), zipfile.ZIP_BZIP2), "it uses an unsupported compression method"),
        (patched(WHOLE, b"PK\x03\x04", 40, b"\xff" * 20), "it is damaged"),
    ],
    ids=[
        *("checksum", "too short", "too long", "cut", "elsewhere", "beyond", "encrypted"),
        *("unknown packing", "LZMA", "BZIP2", "packed bytes"),
    ],
)
def test_a_file_in_a_zip_that_is_not_as_described_is_refused_and_named(tmp_path, content, reason):
    put(tmp_path, content)
    refused(rf"10/\d\.png' in .*z\.zip cannot be read \({reason}", "folder:z.zip", tmp_path)


def test_a_zip_with_too_many_files_is_refused_before_they_are_listed(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_COUNT", 20)
    put(tmp_path, WHOLE)
    refused("more files than any dataset", "folder:z.zip", tmp_path)


def test_a_zip_with_a_table_of_contents_without_end_is_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_DIRECTORY", 70_000)
    put(tmp_path, zip_of({f"{number:0200}.png": b"" for number in range(400)}))
    refused("table of contents is far too long", "folder:z.zip", tmp_path)


def test_files_whose_names_cannot_be_shown_are_passed_over(tmp_path):
    write_tree(tmp_path / "own", class_tree() | {"2/Icon\r": b"", "2/\udcff.png": b""})
    put(tmp_path, zip_of(class_tree() | {"2/Icon\r": b"", "2/a\x1b.png": b""}))
    for name in ("own", "z.zip"):
        assert len(load_dataset(f"folder:{name}", tmp_path).class_names) == 3


@pytest.mark.parametrize("name", ["folder:pipe", "cifar10"])
def test_a_pipe_in_place_of_an_archive_is_not_opened(tmp_path, name):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "cifar10").mkdir()
    (tmp_path / "cifar10" / "pipe.zip").symlink_to(tmp_path / "pipe")
    refused("not a regular file", name, tmp_path)


def tar_of(files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


TAR = tar_of(inside("cifar-10-batches-bin", binary_files()))


def extended(fields):
    """An extended header in front of the first file."""
    header = tarfile.TarInfo("pax")
    header.type, header.size = tarfile.XHDTYPE, len(fields)
    return header.tobuf() + fields.ljust(-(-len(fields) // 512) * 512, b"\0") + TAR


@pytest.mark.parametrize(
    "content",
    [
        patched(gzip.compress(TAR), b"\x1f\x8b", 60, b"\xff" * 8),
        gzip.compress(TAR)[:-8] + b"\0" * 8,
        gzip.compress(TAR)[:-4],
        bz2.compress(TAR),
        lzma.compress(TAR),
        TAR[:700],
        patched(TAR, b"cifar", 124, b"77777777777\0"),
        patched(TAR, b"cifar", 148, b"xxxxxxxx"),
        extended(b"17 size=12345678\n"),
        extended(b"18 size=-1234567\n\0"),
        extended(b"99999999999999999999 path=x\n"),
        extended(b"12 path=\xff\xff\xff\n"),
        b"",
    ],
    ids=[
        *("packed bytes", "checksum", "cut", "bzip2", "lzma", "cut header", "size", "header"),
        *("size elsewhere", "negative", "length", "name", "empty"),
    ],
)
def test_a_damaged_tar_is_refused(tmp_path, content):
    write_tree(tmp_path, {"cifar10/cifar-10-binary.tar.gz": content})
    refused("not a whole tar|implausible size|is missing", "cifar10", tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"]" * 3_000_000 + b".", b"(" * 3_000_000, b"N0" * 2_000_000],
    ids=["lists", "marks", "nothing"],
)
def test_a_pickle_of_millions_of_commands_is_refused(tmp_path, content):
    write_tree(tmp_path, inside("cifar-10-batches-py", python_files() | {"test_batch": content}))
    refused("far longer than a CIFAR-10 batch", "cifar10", tmp_path)


def test_a_pickle_of_a_genuine_batchs_size_is_read(tmp_path):
    images = np.zeros((10_000, 3072), np.uint8)
    batch = {b"data": images, b"labels": [number % 10 for number in range(10_000)]}
    batch[b"filenames"] = [b"some_name_of_an_image_%d.png" % number for number in range(10_000)]
    files = python_files() | {"test_batch": pickle.dumps(batch, protocol=2)}
    write_tree(tmp_path, inside("cifar-10-batches-py", files))
    assert len(load_dataset("cifar10", tmp_path).test) == 10_000


def test_what_a_pickle_asks_for_is_named_on_one_line(tmp_path):
    content = b"cmodule\n" + b"name\x1b" * 100 + b"\n."
    write_tree(tmp_path, inside("cifar-10-batches-py", python_files() | {"test_batch": content}))
    refused(r"refers to 'module\.name\\x1b.*\.\.\.', which", "cifar10", tmp_path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"Filename,ClassId\n" + b"a" * 200_000, "not a text table"),
        (b"Filename,ClassId\na,\xff", "not a text table"),
        (b"Filename\na", "no column 'ClassId'"),
        (b"", "no column 'Filename'"),
        (b"Filename,ClassId\na", "ends too early"),
        (b"," * (33 << 20), "larger than 32 MB"),
    ],
    ids=["long cell", "not UTF-8", "no column", "empty", "short row", "large"],
)
def test_a_damaged_table_of_a_dataset_is_refused(content, reason):
    with pytest.raises(UserError, match=reason):
        rows(Files({"t.csv": lambda: content}), "t.csv", ",", ("Filename", "ClassId"))


@pytest.mark.parametrize("number", ["9" * 30, "9" * 5000, "-1", "1e3", "²"])
def test_a_class_that_is_no_class_is_refused(tmp_path, number):
    files = official_files(**SMALL)
    table = "GTSRB/Final_Training/Images/00000/GT-00000.csv"
    files[table] = re.sub(rb";0$", f";{number}".encode(), files[table], flags=re.MULTILINE)
    write_tree(tmp_path, files)
    refused("has the class", "gtsrb", tmp_path)


def test_a_track_with_a_number_beyond_all_bounds_is_refused(tmp_path):
    files = official_files(**SMALL)
    long = {
        name.replace("/00000_", f"/{'9' * 30}_"): re.sub(rb"\b00000_", b"9" * 30 + b"_", content)
        for name, content in files.items()
        if "Final_Training" in name
    }
    write_tree(tmp_path, {k: v for k, v in files.items() if "Final_Training" not in k} | long)
    refused("named by track and frame", "gtsrb", tmp_path)


def test_a_listed_image_that_is_not_there_is_named_on_one_line(tmp_path):
    write_official_archives(tmp_path, **SMALL)
    files = official_files(**SMALL)
    table = "GTSRB/Final_Training/Images/00000/GT-00000.csv"
    row = b'"0_1\n2.ppm";32;32;1;1;30;30;0\n'
    start = {k: v for k, v in files.items() if k.startswith("GTSRB/Final_Training")}
    start[table] += b"\n" + row
    write_zip(tmp_path / "GTSRB_Final_Training_Images.zip", start)
    refused(r"1\\n2\.ppm' is listed but missing", "gtsrb", tmp_path)


def test_classes_with_numbers_of_thousands_of_digits_are_sorted_as_text(tmp_path):
    image = encoded(picture(0, np.random.default_rng(0)), ".png")
    long = {f"{'9' * 5000}/{number}.png": image for number in range(9)}
    write_zip(tmp_path / "z.zip", class_tree() | long)
    refused("name of the class '999.*is too long", "folder:z.zip", tmp_path)


def test_more_classes_than_a_card_can_hold_are_refused(tmp_path, monkeypatch):
    assert layout.MAX_CLASSES == card_fields.MAX_CLASSES
    monkeypatch.setattr(layout, "MAX_CLASSES", 2)
    write_zip(tmp_path / "z.zip", class_tree())
    refused("There are 3 classes: choose 2 at most", "folder:z.zip", tmp_path)


def image(suffix):
    return encoded(picture(0, np.random.default_rng(0)), suffix)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"P6",
        b"P6\n30000 30000\n255\n" + bytes(100),
        b"P6\n-5 5\n255\n" + bytes(100),
        b"P6\n99999999999999999999 5\n255\n" + bytes(100),
        b"P6\n0 0\n255\n",
        b"P5\n99999 99999\n255\n" + bytes(100),
        image(".png")[:40],
        image(".png")[:20] + b"\xff" * 8 + image(".png")[28:],
        image(".jpg")[:30],
        image(".bmp")[:18] + b"\0\0\0\x80" + image(".bmp")[22:],
        image(".webp")[:25],
        b"GIF89a" + bytes(100),
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    ],
)
def test_a_damaged_image_is_refused_and_named_on_one_line(content):
    with pytest.raises(UserError, match=r"The image 'a\\nb.png' cannot be read") as caught:
        decode(content, 32, "a\nb.png")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", [".ppm", ".png", ".jpg", ".bmp", ".webp"])
def test_a_genuine_image_of_each_kind_is_read(suffix):
    assert decode(image(suffix), 16, "x").shape == (16, 16, 3)
    assert cv2.imdecode(np.frombuffer(image(suffix), np.uint8), cv2.IMREAD_COLOR) is not None


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY\x01\x00v\x00{", b"PK\x03\x04", b"\x80\x02."])
def test_a_damaged_cache_of_test_images_is_none(content):
    kept = cache.keep_test("key", Split(np.zeros((2, 8, 8, 3), np.uint8), np.arange(2)))
    Path(kept.images.filename).write_bytes(content)
    assert cache.load_test("key") is None


@pytest.mark.parametrize("name", ["folder:", "sig\nns", "\0", "x" * 5000])
def test_a_name_that_no_dataset_can_have_is_refused(name):
    with pytest.raises(UserError, match="There is no dataset"):
        load_dataset(name)


@pytest.mark.parametrize("name", ["folder:~\0", "folder:~nobody\0/x", "folder:\0"])
def test_a_path_that_no_folder_can_have_is_missing_data(name):
    with pytest.raises(UserError, match="There are no images at"):
        load_dataset(name)
