"""The page Data: datasets are shown, added after a check, and removed."""

import cv2
import numpy as np
import pytest

from engine.core import markdown, paths
from engine.datasets import load_dataset, own
from tests.fixtures.packing import write_tree, write_zip
from tests.pages.driving import by_label, check_fine, metrics, open_page, visible_text

ADD = "Add your own images"
ZIP = "Zip archive, up to 256 MB"


def png(seed):
    image = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return cv2.imencode(".png", image)[1].tobytes()


def images(frames=2):
    return {
        f"training_set/{name}/{track:05d}_{frame:05d}.png": png([label, track, frame])
        for label, name in enumerate(("ant", "bee"))
        for track in range(10)
        for frame in range(frames)
    }


def zipped(tmp_path, files):
    write_zip(tmp_path / "a.zip", files)
    return ("My insects.zip", (tmp_path / "a.zip").read_bytes(), "application/zip")


@pytest.fixture(autouse=True)
def empty_lab(tmp_path, monkeypatch, nothing_shipped):
    """Neither data nor models: the page needs none."""
    monkeypatch.setenv("PRUNING_LAB_DATA", str(tmp_path / "data"))


def opened(tab=""):
    return open_page("data", tab=tab)


@pytest.fixture
def page():
    """The tab for one's own images."""
    return opened(ADD)


def uploaded(page, file):
    by_label(page.file_uploader, ZIP).set_value(file).run()
    return page


def clicked(page, label):
    by_label(page.button, label).click().run()
    return page


def said_once(elements) -> str:
    (element,) = elements
    return markdown.unescape(element.value)


def test_a_zip_is_checked_confirmed_and_added(page, tmp_path):
    uploaded(page, zipped(tmp_path, images() | {"readme.txt": b"x"}))
    assert metrics(check_fine(page)) == {
        "Classes": "2",
        "Training images": "40",
        "Validation": "a tenth",
        "Test": "a fifth",
    }
    told = visible_text(page)
    assert "8 x 8 pixels (40), in colour" in told and "Finds 20 objects in 40" in told
    assert "files that are no images: 1 (readme.txt)" in told
    assert by_label(page.text_input, "Name of the dataset").value == "my-insects"
    by_label(page.number_input, "Image size, pixels").set_value(16).run()
    clicked(page, "Add the dataset")
    check_fine(page)
    assert "my-insects was added" in said_once(page.success)
    assert page.radio(key="shown-dataset").value == "my-insects"
    assert "2 classes · 16 x 16 pixels" in visible_text(page)
    dataset = load_dataset("my-insects")
    assert dataset.image_shape == (16, 16, 3) and dataset.train.tracks is not None
    assert not list((paths.cache_folder() / "uploads").glob("*/*"))


def test_images_that_cannot_be_read_are_named_and_left_out_on_request(page, tmp_path):
    files = images() | {"training_set/ant/bad.png": b"x", "training_set/bee/b.gif": b"GIF89a"}
    uploaded(page, zipped(tmp_path, files))
    warning = said_once(check_fine(page).warning)
    assert "2 images cannot be read" in warning and "bad.png" in warning
    assert not [button for button in page.button if button.label == "Add the dataset"]
    clicked(page, "Skip these 2 images and go on")
    assert not check_fine(page).warning
    by_label(page.text_input, "Pattern that tells objects apart").set_value("").run()
    clicked(page, "Add the dataset")
    check_fine(page)
    about = own.Own("my-insects").description
    assert about.skipped == ("training_set/ant/bad.png",)
    assert any("b.gif" in line for line in about.left_out)


def test_a_folder_on_this_computer_is_read_where_it_is(page, tmp_path):
    write_tree(tmp_path / "own images", images())
    field = "Or a folder or zip on this computer"
    by_label(page.text_input, field).set_value(str(tmp_path / "own images")).run()
    by_label(page.text_input, "Name of the dataset").set_value("bugs").run()
    clicked(page, "Add the dataset")
    check_fine(page)
    assert own.Own("bugs").place == tmp_path / "own images"
    page.session_state["data-tab"] = ADD
    page.run()
    assert by_label(page.text_input, field).value == ""


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"a.txt": b""}, "At least two classes are needed"),
        (images() | {"dog/1.png": png(0)}, "lie beside other folders"),
    ],
)
def test_what_is_no_dataset_is_one_sentence(page, tmp_path, files, said):
    uploaded(page, zipped(tmp_path, files))
    assert said in said_once(page.error)
    assert not page.exception and own.names() == ()


def test_a_file_that_is_no_zip_and_a_path_that_leads_nowhere_are_one_sentence(page):
    uploaded(page, ("x.zip", b"no zip", "application/zip"))
    assert "not a whole zip archive" in said_once(page.error)
    page = opened(ADD)
    by_label(page.text_input, "Or a folder or zip on this computer").set_value("/no/where").run()
    assert "There is nothing at /no/where" in said_once(page.error)


def test_a_name_that_is_taken_or_a_pattern_that_does_not_fit_stops_it(page, tmp_path):
    uploaded(page, zipped(tmp_path, images()))
    by_label(page.text_input, "Name of the dataset").set_value("signs").run()
    assert by_label(page.button, "Add the dataset").disabled
    assert "comes with the program" in said_once(page.warning)
    by_label(page.text_input, "Pattern that tells objects apart").set_value("(").run()
    assert "not a regular expression" in said_once(page.error)


def test_a_dataset_is_shown_and_removed_on_confirmation(tmp_path):
    write_zip(tmp_path / "a.zip", images())
    own.add("bugs", tmp_path / "a.zip")
    page = opened()
    told = visible_text(page)
    assert "2 classes · 8 x 8 pixels · 28 for training · 4 for validation · 8 for testing" in told
    assert "0 · ant" in told and str(tmp_path / "a.zip") in told and "Your images stay" in told
    clicked(page, "Remove bugs")
    assert own.names() == () and (tmp_path / "a.zip").exists()
    assert page.radio(key="shown-dataset").value == "signs"


def test_a_damaged_dataset_says_so_and_can_be_removed(tmp_path):
    write_zip(tmp_path / "a.zip", images())
    for name in ("bugs", "fine"):
        own.add(name, tmp_path / "a.zip")
    (paths.datasets_folder() / "bugs" / "dataset.json").write_text("{}")
    page = opened()
    page.radio(key="shown-dataset").set_value("bugs").run()
    assert "'bugs' cannot be used" in said_once(check_fine(page).info)
    clicked(page, "Remove bugs")
    assert own.names() == ("fine",)


def test_a_dataset_that_is_not_here_can_be_fetched():
    page = opened()
    page.radio(key="shown-dataset").set_value("mnist").run()
    assert "The dataset mnist is not here" in visible_text(check_fine(page))
    assert by_label(page.button, "Fetch mnist")
