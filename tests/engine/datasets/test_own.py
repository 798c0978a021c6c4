"""Datasets of one's own: the layouts people have, and what is found and left out."""

import json
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core import paths
from engine.core.errors import UserError
from engine.datasets import available, dataset_names, load_dataset, missing_message, own, source
from engine.datasets.archives import Files
from engine.datasets.findings import Options, examine
from engine.datasets.layout import find_layout
from engine.datasets.split_names import role_of, roles_of
from tests.fixtures.packing import inside, write_tree, write_zip
from tests.fixtures.tiny_gtsrb import official_files, png_files

CLASSES = ("ant", "bee", "cat")
SIDE = 8  # pixels


def pixels(name, side=SIDE):
    """An image of its own for every name."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    return rng.integers(0, 256, (side, side, 3), dtype=np.uint8)


def png(name, side=SIDE):
    return cv2.imencode(".png", pixels(name, side))[1].tobytes()


def sorted_images(count=10, classes=CLASSES, folder=""):
    """Images in a folder for each class: the same whatever folder they are put into."""
    return {f"{folder}{name}/{n}.png": png(f"{name}{n}") for name in classes for n in range(count)}


def split_images(train="train", test="test", classes=CLASSES):
    return {
        **sorted_images(10, classes, f"{train}/"),
        **{f"{test}/{name}/{n}.png": png(f"t{name}{n}") for name in classes for n in range(4)},
    }


def table(rows, head="filename,label"):
    return "\n".join([head, *rows]).encode()


def flat():
    files = {f"all/{name}-{n}.png": png(f"{name}{n}") for name in CLASSES for n in range(10)}
    rows = [f"{path.partition('/')[2]},{path[4:7]}" for path in files]
    return files | {"labels.csv": table(rows)}


def with_a_table():
    """Class folders for training; test images in one folder, with a table."""
    files = sorted_images(10, CLASSES, "Train/")
    tests = {f"Test/{name}{n}.png": png(f"t{name}{n}") for name in CLASSES for n in range(4)}
    rows = [f"{path},{path[5:8]}" for path in tests]
    return files | tests | {"Test.csv": table(rows, "Path,ClassId")}


def class_first():
    return {
        f"{name.split('/')[1]}/{name.split('/')[0]}/{name.split('/')[2]}": content
        for name, content in split_images().items()
    }


def twice_in_two_cases():
    return split_images("Train", "Test") | split_images("train", "test")


def copy_inside():
    return split_images() | inside("pets", split_images())


SPLIT = {
    "train and test": split_images(),
    "training_set and test_set": split_images("training_set", "test_set"),
    "one level deeper": split_images("training_set/training_set", "test_set/test_set"),
    "seg_train, seg_test, seg_pred": split_images("seg_train/seg_train", "seg_test/seg_test")
    | {f"seg_pred/seg_pred/{n}.png": png(f"p{n}") for n in range(5)},
    "Final_Training and Final_Test": inside(
        "GTSRB", split_images("Final_Training/Images", "Final_Test/Images")
    ),
    "train and testset": split_images("train", "testset"),
    "upper case, in wrappers": inside("archive/pets-v2", split_images("TRAIN", "TEST")),
    "suffixes": split_images("pets_train", "pets_test"),
    "sizes": split_images("train-32", "test-32"),
    "camel case": split_images("TrainImages", "TestImages"),
    "splits in classes": class_first(),
    "twice, in two cases": twice_in_two_cases(),
    "a copy beside": copy_inside(),
    "a table for the test images": with_a_table(),
}
WHOLE = {
    "classes": sorted_images(),
    "classes in wrappers": inside("a/b c", sorted_images()),
    "only training": inside("train", sorted_images()),
    "one folder and a table": flat(),
}


def load(tmp_path, files, options=None, zipped=True):
    where = tmp_path / ("pets.zip" if zipped else "pets")
    (write_zip if zipped else write_tree)(where, files)
    found = own.add("pets", where, options)
    return found, load_dataset("pets")


def labelled(split):
    return {image.tobytes(): label for image, label in zip(split.images, split.labels, strict=True)}


@pytest.fixture(scope="module")
def shown():
    """The label of each image of the layouts, by its pixels."""
    return {
        pixels(f"{prefix}{name}{n}")[..., ::-1].tobytes(): label
        for label, name in enumerate(CLASSES)
        for n in range(10)
        for prefix in ("", "t")
    }


@pytest.mark.parametrize("layout", SPLIT)
@pytest.mark.parametrize("zipped", [True, False])
def test_folders_for_splits_are_recognised(tmp_path, layout, zipped, shown):
    found, dataset = load(tmp_path, SPLIT[layout], zipped=zipped)
    assert dataset.class_names == CLASSES and dataset.image_shape == (SIDE, SIDE, 3)
    assert (len(dataset.train) + len(dataset.validation), len(dataset.test)) == (30, 12)
    assert found.images == 42
    for split in (dataset.train, dataset.validation, dataset.test):
        assert labelled(split).items() <= shown.items()


@pytest.mark.parametrize("layout", WHOLE)
def test_without_such_folders_a_fifth_is_for_the_test(tmp_path, layout, shown):
    _, dataset = load(tmp_path, WHOLE[layout])
    assert dataset.class_names == CLASSES
    assert [len(dataset.split(name)) for name in ("train", "validation", "test")] == [21, 3, 6]
    assert labelled(dataset.train).items() <= shown.items()


@pytest.mark.parametrize("layout", {**SPLIT, **WHOLE})
def test_every_file_is_used_or_named(tmp_path, layout):
    files = {**SPLIT, **WHOLE}[layout]
    more = {"readme.txt": b"x", ".DS_Store": b"x", "logo.png": png("logo"), "anim.gif": b"GIF89a"}
    write_zip(tmp_path / "a.zip", {**files, **more})
    found = examine(tmp_path / "a.zip")
    named = [*found.layout.images(), *(name for group in found.left_out for name in group.names)]
    assert sorted(named) == sorted({**files, **more})
    assert found.unreadable == ("anim.gif",)


MIXED = {
    "a class beside the splits": (
        split_images() | sorted_images(3, ("dog",)),
        r"splits \(test: 12 images, train: 30 images\) lie beside .*\(dog: 3 images\)",
    ),
    "another class in test": (
        split_images() | {"test/dog/1.png": png("d")},
        "folder 'dog' in test is not one of the classes: ant, bee, cat",
    ),
    "two for training": (
        split_images() | sorted_images(4, ("ant", "dog"), "training/"),
        r"Two folders seem to hold the train images \(train: 30 images, training: 8 images\)",
    ),
    "none for training": (
        split_images("val", "test"),
        "no folder of training images, only test: 12 images, val: 30 images",
    ),
    "unknown names": (
        split_images("uno", "due"),
        r"due: 12 images, uno: 30 images hold the same folders \(ant, bee, cat\)",
    ),
    "no classes": ({f"train/{n}.png": png(str(n)) for n in range(5)}, "At least two classes"),
    "an empty class": (sorted_images() | {"dog/none.txt": b""}, "dog has no training images"),
    "nothing": ({"readme.txt": b"x"}, "0 were found"),
    "only damaged in a class": (
        sorted_images() | {"dog/1.png": b"x"},
        "'dog' has no training image that can be read",
    ),
}


@pytest.mark.parametrize("case", MIXED)
def test_what_cannot_be_told_apart_is_refused_and_shown(tmp_path, case):
    files, said = MIXED[case]
    write_zip(tmp_path / "a.zip", files)
    with pytest.raises(UserError, match=said) as caught:
        own.add("pets", tmp_path / "a.zip", Options(skip_damaged=True))
    assert "\n" not in str(caught.value)
    assert own.names() == ()


def test_classes_called_like_splits_stay_classes(tmp_path):
    _, dataset = load(tmp_path, sorted_images(classes=("bus", "car", "train", "valid")))
    assert dataset.class_names == ("bus", "car", "train", "valid")


def test_images_that_cannot_be_read_are_named_and_left_out_on_request(tmp_path):
    """Of 2,000 images one is damaged, and two are of formats that are not supported."""
    content = png("one")
    files = {f"{name}/{n}.png": content for name in ("a", "b") for n in range(1000)}
    files |= {"a/7.png": content[:30], "b/x.gif": b"GIF89a", "b/y.TIF": b"II*\0"}
    write_zip(tmp_path / "a.zip", files)
    with pytest.raises(UserError, match=r"3 images cannot be read \(a/7.png, b/x.gif, b/y.TIF\)"):
        own.add("pets", tmp_path / "a.zip")
    assert own.names() == ()
    found = own.add("pets", tmp_path / "a.zip", Options(skip_damaged=True))
    assert {group.reason: group.names for group in found.left_out} == {
        "damaged images": ("a/7.png",),
        "images of formats that cannot be read": ("b/x.gif", "b/y.TIF"),
    }
    dataset = load_dataset("pets")
    assert sum(len(dataset.split(name)) for name in ("train", "validation", "test")) == 1999


def test_the_size_is_that_of_most_images_unless_one_is_asked_for(tmp_path):
    files = sorted_images() | {"ant/big.png": png("big", 40)}
    write_tree(tmp_path / "own", files)
    found = examine(tmp_path / "own")
    assert found.sizes == {(SIDE, SIDE): 30, (40, 40): 1} and found.size == SIDE
    mixed = {name: png(name, 9 + n) for n, name in enumerate(sorted_images())}
    write_tree(tmp_path / "mixed", mixed)
    assert examine(tmp_path / "mixed").size == 32
    write_tree(tmp_path / "large", {name: png(name, 100) for name in sorted_images(3)})
    assert examine(tmp_path / "large").size == 64
    own.add("pets", tmp_path / "own", Options(size=24))
    assert load_dataset("pets").image_shape == (24, 24, 3)
    assert load_dataset("pets", size=16).image_shape == (16, 16, 3)


NAMES = [
    ("classes.txt", b"Ant\nBee\nCat\n", ("Ant", "Bee", "Cat")),
    ("classes.txt", b"cat\nant\nbee", ("cat", "ant", "bee")),
    ("labels.txt", b"0 cat\n1 ant\n2 bee", ("cat", "ant", "bee")),
    ("labels.csv", b"id,name\n" + b"9" * 5000 + b",ant\n1,bee\n2,cat", ("ant", "bee", "cat")),
    ("names.txt", b"1 euro\n2 euro\n5 euro", ("ant", "bee", "cat")),
    ("class_names.csv", b"id,name\nbee,Honey bee\ncat,Cat\nant,Ant", ("Ant", "Honey bee", "Cat")),
]


@pytest.mark.parametrize(("file", "content", "names"), NAMES)
def test_a_file_of_class_names_in_the_archive_is_found(tmp_path, file, content, names):
    found, dataset = load(tmp_path, sorted_images() | {file: content})
    assert dataset.class_names == names
    assert (found.names_from == file) == (file != "names.txt")
    ant = next(label for label, name in enumerate(names) if name.lower() == "ant")
    images = labelled(dataset.train) | labelled(dataset.test) | labelled(dataset.validation)
    assert images[pixels("ant3")[..., ::-1].tobytes()] == ant


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"one\ntwo\nthree", None),
        (b"0 zero\n1 one\n10 ten", None),
        (b"one\ntwo", "names 2 classes, but they do not fit the 3 folders"),
        (b"one\none\ntwo", "Two classes are called 'one'"),
        (b"a\xff\n", "cannot be read"),
        (b"x" * 300 + b"\none\ntwo", "cannot be called"),
    ],
)
def test_class_names_from_a_file_are_checked(tmp_path, content, said):
    write_tree(tmp_path / "own", sorted_images(classes=("0", "1", "10")))
    (tmp_path / "mine.txt").write_bytes(content)
    options = Options(names_file=tmp_path / "mine.txt")
    if said:
        with pytest.raises(UserError, match=said):
            own.add("pets", tmp_path / "own", options)
    else:
        found = own.add("pets", tmp_path / "own", options)
        assert len(found.class_names) == 3 and found.class_names[1] in ("two", "one")


def test_names_typed_on_the_page_replace_those_of_the_folders(tmp_path):
    _, dataset = load(tmp_path, sorted_images(), Options(names={"bee": "Honey bee"}))
    assert dataset.class_names == ("ant", "Honey bee", "cat")


def tracked():
    return {
        f"{name}/{track:05d}_{frame:05d}.png": png(f"{name}{track}{frame}")
        for name in CLASSES
        for track in range(10)
        for frame in range(3)
    }


def test_validation_and_test_never_share_an_object_with_training(tmp_path):
    write_zip(tmp_path / "a.zip", tracked())
    pattern = examine(tmp_path / "a.zip").suggested_pattern
    found, dataset = load(tmp_path, tracked(), Options(track_pattern=pattern))
    assert found.tracks == 30
    place = {
        pixels(f"{name}{track}{frame}")[..., ::-1].tobytes(): (name, track)
        for name in CLASSES
        for track in range(10)
        for frame in range(3)
    }
    objects = [
        {place[image.tobytes()] for image in dataset.split(split).images}
        for split in ("train", "validation", "test")
    ]
    assert list(map(len, objects)) == [21, 3, 6]
    assert not objects[0] & objects[1] and not objects[2] & (objects[0] | objects[1])


def test_names_without_tracks_suggest_no_pattern(tmp_path):
    write_zip(tmp_path / "a.zip", sorted_images())
    assert examine(tmp_path / "a.zip").suggested_pattern == ""


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("(", "not a regular expression"),
        (r"\d+", "no group"),
        ("(x)", "does not match 90 of the 90"),
        ("(a)" * 100, "too long"),
    ],
)
def test_a_pattern_that_does_not_fit_is_refused(tmp_path, pattern, said):
    with pytest.raises(UserError, match=said):
        load(tmp_path, tracked(), Options(track_pattern=pattern))


def test_a_pattern_that_takes_forever_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr("engine.datasets.tracks.SECONDS", 1)
    files = {f"{name}/{'1' * 60}{n}.png": png(str(n)) for name in CLASSES for n in range(5)}
    with pytest.raises(UserError, match="takes too long"):
        load(tmp_path, files, Options(track_pattern=r"(\d+)+(\d+)+x"))


@pytest.mark.parametrize(
    "name", ["", "../x", "Pets", "signs", "mnist", "add", "a" * 81, "folder:x", "a\n"]
)
def test_names_that_no_dataset_can_have_are_refused(tmp_path, name):
    write_zip(tmp_path / "a.zip", sorted_images())
    with pytest.raises(
        UserError, match=r"cannot be called|comes with the program|what a command does"
    ):
        own.add(name, tmp_path / "a.zip")


def test_a_name_is_given_once_until_the_dataset_is_removed(tmp_path):
    load(tmp_path, sorted_images())
    assert "pets" in dataset_names() and available("pets")
    with pytest.raises(UserError, match="There is a dataset 'pets' already"):
        load(tmp_path, sorted_images())
    own.remove("pets")
    assert "pets" not in dataset_names() and (tmp_path / "pets.zip").exists()
    with pytest.raises(UserError, match="no dataset of your own"):
        own.remove("pets")
    load(tmp_path, sorted_images())


def test_an_uploaded_zip_is_copied_and_other_images_stay_where_they_are(tmp_path):
    write_zip(tmp_path / "a.zip", sorted_images())
    own.add("copied", tmp_path / "a.zip", copy=True)
    own.add("referred", tmp_path / "a.zip")
    (tmp_path / "a.zip").unlink()
    assert len(load_dataset("copied").test) == 6
    assert not available("referred")
    assert str(tmp_path / "a.zip") in missing_message("referred")


def test_images_that_changed_since_are_noticed(tmp_path):
    write_tree(tmp_path / "own", sorted_images())
    own.add("pets", tmp_path / "own")
    before = len(load_dataset("pets").train)
    write_tree(tmp_path / "own", {f"ant/more{n}.png": png(f"m{n}") for n in range(10)})
    assert len(load_dataset("pets").train) > before
    write_tree(tmp_path / "own", {"dog/1.png": png("dog")})
    with pytest.raises(UserError, match=r"have changed since it was added.*'dog'"):
        load_dataset("pets")


BAD = {
    "no JSON": b"{",
    "a list": b"[]",
    "not UTF-8": b"\xff",
    "deep": b"[" * 100_000,
    "a field missing": {"path": None},
    "a class too many": {"class_names": ["a", "b", "c", "d"]},
    "classes of one name": {"class_names": ["a", "a", "b"]},
    "numbers for names": {"class_names": [1, 2, 3]},
    "a size that is none": {"size": 10**6},
    "a size as text": {"size": "32"},
    "a bad pattern": {"track_pattern": "("},
    "a path with a line end": {"path": "a\nb"},
    "another format": {"format": 2},
    "images as a list": {"images": [1]},
    "folders twice": {"folders": ["ant", "ant", "cat"]},
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_description_is_one_sentence_and_harms_no_other_dataset(tmp_path, case):
    load(tmp_path, sorted_images())
    own.add("fine", tmp_path / "pets.zip")
    file = paths.datasets_folder() / "pets" / "dataset.json"
    change = BAD[case]
    if isinstance(change, dict):
        about = json.loads(file.read_text()) | change
        about = {name: value for name, value in about.items() if value is not None}
        change = json.dumps(about).encode()
    file.write_bytes(change)
    assert not available("pets") and available("fine")
    assert {"pets", "fine"} <= set(dataset_names())
    with pytest.raises(UserError, match=r"'pets' cannot be used.*Remove the dataset") as caught:
        load_dataset("pets")
    assert "\n" not in str(caught.value)
    own.remove("pets")
    assert own.names() == ("fine",)


def test_names_that_could_not_be_read_again_are_refused(tmp_path):
    files = sorted_images() | {f"ant/{'x' * 5000}.png": b"damaged"}
    write_zip(tmp_path / "a.zip", files)
    with pytest.raises(UserError, match="shorter and plainer names"):
        own.add("pets", tmp_path / "a.zip", Options(skip_damaged=True))
    with pytest.raises(UserError, match="of a zip archive only"):
        own.add("pets", write_and_return(tmp_path / "own", sorted_images()), copy=True)
    assert own.names() == ()


def write_and_return(folder, files):
    write_tree(folder, files)
    return folder


def test_a_thousand_classes_are_read_and_more_are_refused(tmp_path):
    content = png("one")
    write_zip(tmp_path / "a.zip", {f"{c}/1.png": content for c in range(1000)})
    own.add("many", tmp_path / "a.zip")
    assert source("many").description.class_names == tuple(map(str, range(1000)))
    write_zip(tmp_path / "b.zip", {f"{c}/1.png": content for c in range(1001)})
    with pytest.raises(UserError, match="There are 1001 classes: choose 1000 at most"):
        own.add("more", tmp_path / "b.zip")


def test_a_class_with_one_image_is_for_training_only(tmp_path):
    _, dataset = load(tmp_path, sorted_images() | {"dog/1.png": png("dog")})
    assert (dataset.train.labels == 3).sum() == 1
    assert not (dataset.test.labels == 3).any() and not (dataset.validation.labels == 3).any()


def test_a_removed_dataset_is_unknown():
    with pytest.raises(UserError, match="There is no dataset 'pets'"):
        load_dataset("pets")


@pytest.mark.parametrize("official", [True, False])
def test_gtsrbs_archives_become_a_dataset_like_any_other(tmp_path, official):
    what = {"classes": 3, "tracks": 3, "frames": 2}
    files = official_files(**what) if official else png_files(**what)
    if not official:
        files |= {f"Meta/{n}.png": png(str(n)) for n in range(3)} | {"Meta.csv": b"Path,ClassId"}
        files |= {name[0].lower() + name[1:]: files[name] for name in files if "/" in name}
    found, dataset = load(tmp_path, files)
    assert found.layout.splits.keys() == {"train", "test"}
    assert dataset.class_names == (("00000", "00001", "00002") if official else ("0", "1", "2"))
    assert [len(dataset.split(name)) for name in ("train", "validation", "test")] == [15, 3, 6]
    assert found.suggested_pattern


PARTS = st.sampled_from(["train", "Test_Set", "val", "pred", "a", "B", "1", "02", "data", "images"])
ENDINGS = st.sampled_from(["1.png", "2.jpg", "x.gif", "t.csv", "classes.txt", "n.txt"])
PATHS = st.lists(st.tuples(st.lists(PARTS, max_size=4), ENDINGS), min_size=1, max_size=40)


@settings(max_examples=200, deadline=None)
@given(PATHS)
def test_whatever_the_folders_every_file_is_used_once_or_named_once_or_all_is_refused(paths):
    names = {"/".join([*folders, file]) for folders, file in paths}
    files = Files({name: lambda: b"file,label\n1.png,a\n2.jpg,b" for name in names}, {"empty"})
    try:
        layout = find_layout(files)
    except UserError as error:
        assert "\n" not in str(error)
        return
    left_out = [name for group in layout.left_out for name in group.names]
    assert sorted([*layout.images(), *left_out, *layout.unsupported]) == sorted(names)
    assert set(layout.splits["train"].labels) == set(range(len(layout.classes)))


@given(st.text(max_size=40))
def test_any_folder_name_has_one_role_or_none(name):
    assert role_of(name) in ("train", "validation", "test", "none", None)
    assert roles_of([name, "train"]).get("train") == "train"
