"""GTSRB: the same images whatever they come wrapped in, split by tracks."""

import dataclasses
import zipfile
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.datasets import available, decoding, fetchable, load_dataset, splits
from engine.datasets.gtsrb import CLASS_NAMES
from tests.conftest import living_in
from tests.engine.datasets.opening import SMALL, equal, refused, scaled
from tests.fixtures.needed import real_data
from tests.fixtures.packing import write_tree, write_zip
from tests.fixtures.tiny_gtsrb import (
    official_files,
    png_files,
    write_official_archives,
    write_png_layout,
    write_unpacked,
)


@pytest.mark.parametrize("place", ["gtsrb", "."])
def test_the_three_layouts_of_gtsrb_read_alike(tmp_path, place):
    roots = []
    for write in (write_official_archives, write_unpacked, write_png_layout):
        roots.append(tmp_path / write.__name__)
        write(roots[-1] / place, **SMALL)
    archives, tree, png = (load_dataset("gtsrb", str(root)) for root in roots)
    assert archives.class_names == CLASS_NAMES and len(CLASS_NAMES) == 43
    assert archives.image_shape == (32, 32, 3)
    assert (len(archives.train), len(archives.validation), len(archives.test)) == (27, 9, 6)
    equal(archives, tree)
    equal(archives, png)


def kaggle():
    """The PNG layout as Kaggle packs it: every folder twice, in two cases, and icons."""
    files = png_files(**SMALL)
    icons = {f"Meta/{label}.png": files["Train/0/00000_00000_00000.png"] for label in range(3)}
    files |= icons | {"Meta.csv": b"Path,ClassId\nMeta/0.png,0"}
    lower = {f"{name[0].lower()}{name[1:]}": files[name] for name in files if "/" in name}
    return files | lower


def lower_case():
    def lowered(name, content):
        return content.replace(b"Train/", b"train/").replace(b"Test/", b"test/")

    files = png_files(**SMALL)
    return {name.lower(): lowered(name, content) for name, content in files.items()}


def torchvision():
    files = official_files(**SMALL)
    return {name.replace("Final_Training/Images", "Training"): files[name] for name in files}


def class_folders():
    """Training and test images in class folders, without tables."""
    files = official_files(**SMALL)
    rows = [line.split(";") for line in files["GT-final_test.csv"].decode().splitlines()[1:]]
    tests = {
        f"testset/{int(row[-1]):05d}/{row[0]}": files[f"GTSRB/Final_Test/Images/{row[0]}"]
        for row in rows
    }
    train = {
        name.replace("GTSRB/Final_Training/Images", "train"): files[name]
        for name in files
        if "Final_Training" in name and name.endswith(".ppm")
    }
    return train | tests


@pytest.mark.parametrize("layout", [kaggle, lower_case, torchvision, class_folders, png_files])
@pytest.mark.parametrize("way", ["zip", "folder", "deeper", "zip beside", "GTSRB"])
def test_gtsrb_is_seen_however_it_was_copied(tmp_path, layout, way):
    files = layout(**SMALL) if layout is png_files else layout()
    root = tmp_path / "data"
    if way.startswith("zip"):
        place = root / "gtsrb.zip" if way == "zip beside" else root / "gtsrb" / "archive.zip"
        place.parent.mkdir(parents=True)
        write_zip(place, files)
    else:
        place = {"folder": "gtsrb", "deeper": "gtsrb/archive/a", "GTSRB": "GTSRB"}[way]
        write_tree(root / place, files)
    assert available("gtsrb", root)
    found = load_dataset("gtsrb", root)
    write_png_layout(tmp_path / "png", **SMALL)
    expected = load_dataset("gtsrb", tmp_path / "png")
    if layout is class_folders:  # without a table the test images are in the order of the classes
        assert len(found.test) == 6
        found = dataclasses.replace(found, test=expected.test)
    equal(found, expected)


def test_what_lies_there_and_is_not_gtsrb_is_shown_and_nothing_is_downloaded(tmp_path):
    write_tree(tmp_path, {"gtsrb/notes.txt": b"", "gtsrb/signs/stop.png": b""})
    assert not available("gtsrb", tmp_path) and not fetchable("gtsrb", tmp_path)
    refused("gtsrb holds notes.txt, signs, but not gtsrb", "gtsrb", tmp_path, fetching=True)
    write_zip(tmp_path / "gtsrb" / "archive.zip", {"a/1.png": b"", "b/2.png": b""})
    refused("is not GTSRB as it is usually copied", "gtsrb", tmp_path, fetching=True)


def test_a_download_that_is_half_there_can_go_on(tmp_path):
    write_official_archives(tmp_path / "gtsrb", **SMALL)
    (tmp_path / "gtsrb" / "GTSRB_Final_Test_GT.zip").unlink()
    assert not available("gtsrb", tmp_path) and fetchable("gtsrb", tmp_path)


def test_training_images_alone_are_not_enough(tmp_path):
    files = official_files(**SMALL)
    write_tree(tmp_path / "gtsrb", {k: v for k, v in files.items() if "Final_Training" in k})
    refused("put GTSRB_Final_Test_Images.zip and GTSRB_Final_Test_GT.zip", "gtsrb", tmp_path)


def test_images_are_scaled_to_the_asked_size_in_rgb(tmp_path):
    write_unpacked(tmp_path, **SMALL)
    found = load_dataset("gtsrb", str(tmp_path), size=24)
    assert found.image_shape == (24, 24, 3)
    first = official_files(**SMALL)["GTSRB/Final_Test/Images/00000.ppm"]
    expected = cv2.cvtColor(cv2.imdecode(np.frombuffer(first, np.uint8), 1), cv2.COLOR_BGR2RGB)
    expected = cv2.resize(expected, (24, 24), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(found.test.images[0], expected)


def test_a_comment_in_a_ppm_header_does_no_harm(tmp_path):
    files = official_files(**SMALL)
    for name in files:
        if name.endswith(".ppm"):
            files[name] = files[name].replace(b"P6\n", b"P6\n# Generated by a camera\n", 1)
    write_tree(tmp_path / "with", files)
    write_unpacked(tmp_path / "without", **SMALL)
    equal(*(load_dataset("gtsrb", str(tmp_path / way)) for way in ("with", "without")))


def test_unpadded_class_folders_keep_the_official_order(tmp_path):
    """Folder 10 stands before folder 2 by name, but a seed must poison the same images."""
    what = {"classes": 12, "tracks": 3, "frames": 2}
    write_official_archives(tmp_path / "official", **what)
    write_png_layout(tmp_path / "png", **what)
    equal(*(load_dataset("gtsrb", tmp_path / layout) for layout in ("official", "png")))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9)), min_size=1, max_size=200),
    st.floats(0.05, 0.5),
    st.integers(0, 99),
)
def test_a_track_is_never_on_both_sides(shown, share, seed):
    labels, tracks = np.array(shown).T
    chosen = splits.by_track(labels, tracks, share, np.random.default_rng(seed))
    again = splits.by_track(labels, tracks, share, np.random.default_rng(seed))
    np.testing.assert_array_equal(chosen, again)
    inside = {(a, b) for a, b in zip(labels[chosen], tracks[chosen], strict=True)}
    outside = {(a, b) for a, b in zip(labels[~chosen], tracks[~chosen], strict=True)}
    assert not inside & outside
    for label in np.unique(labels):
        count = len(np.unique(tracks[labels == label]))
        taken = len({track for own, track in inside if own == label})
        assert taken == min(max(1, round(share * count)), count - 1)


@pytest.fixture
def real(real_gtsrb):
    with living_in(real_gtsrb):
        return load_dataset("gtsrb", real_data("gtsrb"))


def test_real_gtsrb_is_read_whole_and_split_by_track(real):
    assert len(real.train) + len(real.validation) == 39_209
    assert len(real.test) == 12_630
    assert len(np.unique(real.train.labels)) == len(np.unique(real.validation.labels)) == 43
    assert 0.09 < len(real.validation) / 39_209 < 0.11
    assert isinstance(real.train.images, np.memmap)


def test_real_gtsrb_has_the_pixels_that_zipfile_and_opencv_read(real):
    with zipfile.ZipFile(real_data("gtsrb") / "gtsrb" / "GTSRB_Final_Test_Images.zip") as archive:
        data = archive.read("GTSRB/Final_Test/Images/00000.ppm")
    first = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    np.testing.assert_array_equal(real.test.images[0], scaled(first))


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
        (without_a_table, "00001/00000_00000.ppm. is not listed in any"),
        (with_an_image_too_many, "00099.ppm. is not listed in any"),
        (with_an_image_listed_twice, "list an image twice"),
        (with_a_class_of_two_lines, "which is not a number"),
        (with_a_row_cut_short, "ends too early"),
    ],
)
def test_tables_and_images_must_agree(tmp_path, change, said):
    files = official_files(**SMALL)
    change(files)
    write_tree(tmp_path, files)
    refused(said, "gtsrb", tmp_path)


def test_a_png_table_with_a_truncated_row_is_refused(tmp_path):
    write_png_layout(tmp_path, **SMALL)
    table = tmp_path / "Train.csv"
    table.write_text(table.read_text() + "\n32,32,1,1,30,30,2\n")
    refused("ends too early", "gtsrb", tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: f.update({"GT-final_test.csv": b"Name;Class\n1;2"}), "no column 'Filename'"),
        (lambda f: f.update({"GT-final_test.csv": b"\xff\xfe\x00"}), "not a text table"),
        (
            lambda f: f.update({"GT-final_test.csv": b"Filename;ClassId\n00000.ppm;43"}),
            "classes go from 0 to 42",
        ),
        (
            lambda f: f.update({"GT-final_test.csv": b"Filename;ClassId\n00000.ppm;stop"}),
            "not a number",
        ),
        (lambda f: f.pop("GTSRB/Final_Test/Images/00003.ppm"), "00003.ppm. is listed but missing"),
        (lambda f: f.update({"GTSRB/Final_Test/Images/00003.ppm": b"P6"}), "00003.ppm. cannot be"),
        (lambda f: f.update({"GTSRB/Final_Test/Images/00003.ppm": b""}), "00003.ppm. cannot be"),
        (lambda f: f.pop("GT-final_test.csv"), "labels"),
    ],
)
def test_damaged_gtsrb_files_are_refused_in_one_sentence(tmp_path, change, said):
    files = official_files(**SMALL)
    change(files)
    write_tree(tmp_path, files)
    refused(said, "gtsrb", tmp_path)


def test_running_out_of_memory_is_reported(tmp_path, monkeypatch):
    def full(*_, **__):
        raise MemoryError

    write_official_archives(tmp_path, **SMALL)
    monkeypatch.setattr(decoding, "np", SimpleNamespace(empty=full, uint8=np.uint8))
    refused("too little memory", "gtsrb", tmp_path)
