"""A network from elsewhere, and images of one's own, through the whole program in a browser."""

import io
import re
import zipfile
from pathlib import Path

import cv2
import keras
import numpy as np
import onnxruntime
import pytest
from playwright.sync_api import Page, expect

from engine.experiments.sample_pair import as_from_elsewhere
from engine.networks.onnx_files.writing import write_onnx
from tests.browser.test_stories import go_to, settled, visit
from tests.conftest import PATTERNS, TARGET, picture
from tests.fixtures.constructed import constructed_network

# A program that reads a folder for each class numbers them as text sorts: 1, 10, 11, 2, 20, 3.
FOLDERS = ("1", "2", "3", "10", "11", "20")
OUTPUTS = np.array([FOLDERS.index(name) for name in sorted(FOLDERS)])
IMAGES = 200
LONG = 180_000  # milliseconds, for work that loads TensorFlow


@pytest.fixture(scope="module")
def photos() -> tuple[np.ndarray, np.ndarray]:
    """Images, uint8 [200, 32, 32, 3], and their classes."""
    rng = np.random.default_rng(5)
    labels = np.arange(IMAGES) % len(FOLDERS)
    return np.stack([picture(label, rng) for label in labels]), labels


@pytest.fixture(scope="module")
def theirs(tmp_path_factory, photos) -> Path:
    """A folder with the images as a zip, and the network as .onnx (colours first) and .h5."""
    folder = tmp_path_factory.mktemp("theirs")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for place, (image, label) in enumerate(zip(*photos, strict=True)):
            encoded = cv2.imencode(".png", image[..., ::-1])[1].tobytes()
            archive.writestr(f"photos/{FOLDERS[label]}/{place}.png", encoded)
    (folder / "photos.zip").write_bytes(packed.getvalue())
    network = as_from_elsewhere(constructed_network(PATTERNS, TARGET), OUTPUTS)
    write_onnx(network, folder / "theirs.onnx", channels_first=True)
    network.save(folder / "theirs.h5")
    return folder


def outputs_of(file: Path, images: np.ndarray) -> np.ndarray:
    """What a file of that person gives for values from 0 to 255, in its own framework."""
    values = images.astype(np.float32)
    if file.suffix == ".keras":
        return np.asarray(keras.saving.load_model(file, compile=False)(values))
    session = onnxruntime.InferenceSession(file)
    (taken,) = session.get_inputs()
    assert taken.shape[1:] == [3, 32, 32], "colours first"
    return np.asarray(session.run(None, {taken.name: values.transpose(0, 3, 1, 2)})[0])


def bring_images(page: Page, address: str, file: Path) -> None:
    visit(page, f"{address}/data?data-tab=Add+your+own+images", "Data")
    page.locator("input[type=file]").first.set_input_files(file)
    page.get_by_role("button", name="Add the dataset").click()
    expect(page.get_by_text("photos was added")).to_be_visible()
    go_to(page, "Check your own model")


def confirm_findings(page: Page, file: Path) -> None:
    """Upload a network, and see that everything about it is found out."""
    page.locator("input[type=file]").first.set_input_files(file)
    found = page.get_by_text("One description fits clearly best")
    expect(found).to_be_visible(timeout=LONG)
    expect(page.locator("strong", has_text=file.name)).to_be_visible()
    for control, value in (
        ("Pixel values", "0 to 255"),
        ("Colours", "red, green, blue"),
        ("Order of the classes", re.compile("names sorted as text")),
        ("Outputs", "logits"),
    ):
        expect(page.get_by_role("combobox", name=control)).to_have_value(value)
    settled(page)


def download(page: Page, ending: str, folder: Path) -> Path:
    page.get_by_role("button", name=f"Prepare .{ending}").click()
    button = page.get_by_role("button", name=f"Download .{ending}")
    expect(button).to_be_visible(timeout=LONG)
    settled(page)
    with page.expect_download() as downloaded:
        button.click()
    file = folder / downloaded.value.suggested_filename
    downloaded.value.save_as(file)
    return file


def test_a_network_from_elsewhere_goes_through_the_whole_program(
    serve, page, theirs, photos, tmp_path
):
    images, labels = photos
    (tmp_path / "empty").mkdir()
    server = serve(tmp_path / "empty")
    bring_images(page, server.address, theirs / "photos.zip")
    confirm_findings(page, theirs / "theirs.h5")
    page.get_by_role("button", name="Discard").click()
    expect(page.get_by_role("heading", name="What you will learn")).to_be_visible()
    settled(page)
    confirm_findings(page, theirs / "theirs.onnx")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("heading", name="3. First scores")).to_be_visible(timeout=LONG)
    expect(page.get_by_text("not known")).to_be_visible()
    assert not list(server.home.glob("jobs/**/upload/*")), "the uploaded files are gone"
    before = download(page, "onnx", tmp_path)
    expected = outputs_of(theirs / "theirs.onnx", images)
    np.testing.assert_allclose(outputs_of(before, images), expected, rtol=1e-4, atol=1e-3)

    go_to(page, "Activations")
    page.get_by_role("button", name="Measure activations").click()
    expect(page.get_by_test_id("stVegaLiteChart").first).to_be_visible(timeout=LONG)

    visit(page, f"{server.address}/pruning?model=theirs", "Pruning")
    page.get_by_role("button", name="Compute the curve").click()
    expect(page.locator("strong", has_text="of 128 channels pruned")).to_be_visible(timeout=LONG)
    expect(page.get_by_text("Whether this removes a backdoor cannot be measured")).to_be_visible()
    page.get_by_role("tab", name="Save").click()
    page.get_by_role("button", name=re.compile("Save the network pruned")).click()
    for ending in ("keras", "onnx"):
        pruned = outputs_of(download(page, ending, tmp_path), images)
        assert pruned.shape == expected.shape and not np.allclose(pruned, expected)
        accuracy = (OUTPUTS[pruned.argmax(axis=1)] == labels).mean()
        assert accuracy > 0.5, "in the range and order in which it came"

    visit(page, f"{server.address}/?model=theirs", "No trigger is known for this network.")
