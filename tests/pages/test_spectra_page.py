"""The page Spectra: every change of state."""

import numpy as np

from app import caches
from app.views.spectra import colour_shares, spectrum_tab
from engine import store
from engine.attacks.triggers import parse_trigger
from engine.imaging import dct
from tests.pages.driving import by_label, check_fine, open_page, visible_text

COLOURS = "Brightness or colour"


def test_the_band_that_changes_most_is_named_for_each_channel_and_view(results, dataset):
    card = store.find("small").card
    app = open_page("spectra")
    pairs = {
        spectrum_tab.MEAN: (dataset.test.images, parse_trigger(card.trigger)(dataset.test.images))
    }
    chosen = caches.shown_images.test_image(card, "folder:signs", index_of_chosen(app, dataset))
    pairs[spectrum_tab.ONE_IMAGE] = tuple(
        part[None] for part in caches.shown_images.pair(chosen, card.trigger)
    )
    for view, (clean, triggered) in pairs.items():
        by_label(app.segmented_control, "Spectrum of").select(view).run()
        for plane, channel in enumerate("YUV"):
            by_label(app.segmented_control, "Channel").select(channel).run()
            change = np.abs(dct.mean_magnitude(triggered) - dct.mean_magnitude(clean))[plane]
            row, column = np.unravel_index(change.argmax(), change.shape)
            expected = f"changes {channel} most at band ({row}, {column})"
            assert expected in visible_text(check_fine(app))


def index_of_chosen(app, dataset) -> int:
    """The index in the test split of the image that the controls show."""
    label = by_label(app.selectbox, "Class").value
    (number,) = [found for found in app.number_input if found.label.startswith("Image")]
    return int(np.flatnonzero(dataset.test.labels == label)[number.value - 1])


def test_the_settings_of_the_spectrum_outlast_a_visit_to_another_tab(results):
    app = open_page("spectra")
    by_label(app.segmented_control, "Channel").select("V").run()
    for tab in (COLOURS, "Spectrum"):
        app.session_state["spectra-tab"] = tab
        app.run()
    assert by_label(check_fine(app).segmented_control, "Channel").value == "V"
    assert "changes V most" in visible_text(app)


def test_the_shares_of_brightness_and_colour_are_named(results):
    assert "of this change is in" in visible_text(open_page("spectra", tab=COLOURS))


def test_where_a_change_lies_is_described_as_it_is():
    assert "90% of this change is in colour" in colour_shares.describe(np.array([0.1, 0.6, 0.3]))
    assert "80% of this change is in brightness" in colour_shares.describe(
        np.array([0.8, 0.1, 0.1])
    )
    assert "does not change this image" in colour_shares.describe(np.zeros(3))


def test_a_channel_that_does_not_change_is_said_to_stay():
    flat = np.ones((4, 4))
    spectra = spectrum_tab.Spectra("Y", flat, flat, [(1, 1)], 1, ())
    text = spectrum_tab.describe(spectra)
    assert "does not change channel Y" in text and "bands (1, 1)" in text
