"""The visitor's own pictures: added, cropped, classified, and shown on every page."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.own_pictures import Crop
from engine.datasets.decoding import decode_photo
from engine.datasets.sample_photos import LABELS, take_photo
from tests.pages.driving import by_label, check_fine, open_page, visible_text

FILES = "One picture or up to 30"


def encoded(side: int = 90, seed: int = 0) -> bytes:
    noise = np.random.default_rng(seed).integers(0, 256, (side, 2 * side, 3), dtype=np.uint8)
    return cv2.imencode(".png", noise)[1].tobytes()


@pytest.fixture
def page(results):
    return open_page("pictures")


def own(app) -> dict:
    return app.session_state["own-pictures"]


def test_without_pictures_the_page_says_how_to_add_some(page):
    assert "No pictures yet" in visible_text(page)


def test_uploaded_pictures_are_classified_and_the_last_one_is_in_use(page):
    uploads = [(f"{number}.png", encoded(seed=number), "image/png") for number in range(3)]
    by_label(page.file_uploader, FILES).set_value(uploads).run()
    assert page.dataframe[0].value["name"].tolist() == ["0.png", "1.png", "2.png"]
    assert by_label(check_fine(page).selectbox, "Picture shown on every page").value in own(page)
    assert "of 3 pictures" in visible_text(page)


def test_a_damaged_file_is_one_sentence_and_the_others_are_taken(page):
    uploads = [("bad.png", b"not a picture", "image/png"), ("good.png", encoded(), "image/png")]
    by_label(page.file_uploader, FILES).set_value(uploads).run()
    assert not page.exception
    (sentence,) = [error.value for error in page.error]
    assert "bad" in sentence
    assert [picture.name for picture in own(page).values()] == ["good.png"]


def test_samples_know_what_they_show_and_take_part_on_the_other_pages(page):
    by_label(page.button, "Take ten sample signs").click().run()
    assert len(own(check_fine(page))) == len(LABELS) == 10
    for name in ("overview", "spectra", "compare"):
        page.switch_page(f"../pages/{name}.py").run()
        assert by_label(check_fine(page).selectbox, "Picture").value == "sample-14"
    page.switch_page("../pages/overview.py").run()
    by_label(page.selectbox, "Picture").select(None).run()
    assert by_label(check_fine(page).selectbox, "Class").value is not None


def test_what_a_picture_shows_is_said_and_unsaid(page):
    by_label(page.file_uploader, FILES).set_value([("a.png", encoded(), "image/png")]).run()
    (identifier,) = own(page)
    choice = by_label(page.selectbox, "What does it show?")
    choice.select(choice.options[2]).run()
    assert own(check_fine(page))[identifier].class_name == choice.options[2]
    by_label(page.selectbox, "What does it show?").select(choice.options[0]).run()
    assert own(check_fine(page))[identifier].class_name is None


def test_a_picture_is_removed(page):
    by_label(page.file_uploader, FILES).set_value([("a.png", encoded(), "image/png")]).run()
    by_label(page.button, "Remove").click().run()
    assert not own(check_fine(page))


def test_a_crop_changes_what_the_network_sees(page):
    by_label(page.button, "Take ten sample signs").click().run()
    before = own(page)["sample-14"]
    assert before.cropped(32).shape == (32, 32, 3)
    whole = Crop.centred(*before.photo.shape[:2])
    assert whole.side == min(before.photo.shape[:2])
    assert whole != before.crop


@given(
    st.builds(Crop, *[st.integers(-5000, 5000)] * 3),
    st.integers(1, 1200),
    st.integers(1, 1200),
)
def test_any_crop_is_moved_into_its_picture(crop, height, width):
    found = crop.within(height, width)
    assert 1 <= found.side <= min(height, width)
    assert 0 <= found.left <= width - found.side and 0 <= found.top <= height - found.side
    assert found.within(height, width) == found


@pytest.mark.parametrize(("height", "width"), [(90, 180), (3000, 20), (64, 64)])
def test_a_large_photo_is_reduced_and_keeps_its_shape(height, width):
    data = cv2.imencode(".png", np.zeros((height, width, 3), np.uint8))[1].tobytes()
    photo = decode_photo(data, 128, "a.png")
    assert max(photo.shape[:2]) == min(128, max(height, width))
    assert photo.shape[0] / photo.shape[1] == pytest.approx(height / width, rel=0.25)


def test_a_sample_shows_its_sign_within_its_square():
    sample = take_photo(14)
    square = Crop(sample.left, sample.top, sample.side)
    assert square == square.within(*sample.picture.shape[:2])
    np.testing.assert_array_equal(sample.picture, take_photo(14).picture)
