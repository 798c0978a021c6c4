"""Every page and the change of state of every widget, without a browser."""

import pytest
from streamlit.testing.v1 import AppTest

from app import caches
from engine.cli import main
from engine.core import paths
from tests.pages.driving import (
    NAMES,
    PROJECT,
    by_label,
    check_fine,
    metrics,
    open_page,
    visible_text,
)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_shows_its_results(results, name):
    app = open_page(name)
    assert app.title[0].value
    assert by_label(app.selectbox, "Model in use").value == "small"


@pytest.mark.parametrize("name", NAMES)
def test_a_page_without_images_or_results_says_what_to_do(at_home, monkeypatch, tmp_path, name):
    monkeypatch.setenv("PRUNING_LAB_DATA", str(tmp_path / "nowhere"))
    app = open_page(name)
    without_images = ("data", "models", "own_model", "pictures", "train")
    assert name in without_images or "no images at" in visible_text(app)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_without_any_model_leads_to_training(nothing_shipped, name):
    app = AppTest.from_file(str(PROJECT / "app" / "main.py"), default_timeout=60).run()
    if name != "overview":
        app.switch_page(f"../pages/{name}.py").run()
    check_fine(app)
    assert name in ("data", "models", "own_model", "train") or "no model yet" in visible_text(app)


def test_a_corrupt_card_is_reported_on_the_page(results):
    (paths.models_folder() / "small" / "card.json").write_text("{")
    app = AppTest.from_file(str(PROJECT / "app" / "main.py"), default_timeout=60)
    app.session_state["model"] = "small"
    app.run()
    assert not app.exception
    assert "cannot be used" in app.error[0].value


def test_a_link_leads_to_any_model_the_first_in_the_list_too(results):
    for name in ("small", *caches.models.model_names()[:2]):
        app = AppTest.from_file(str(PROJECT / "app" / "main.py"), default_timeout=60)
        app.query_params["model"] = name
        assert by_label(app.run().selectbox, "Model in use").value == name


def test_another_model_changes_the_figures(results):
    main.main(["prune", "small", "--thresholds", "30", "--save"])
    app = open_page("overview")
    before = metrics(app)
    choice = by_label(app.selectbox, "Model in use")
    choice.select("small-conv2d-5-clean-activation-30").run()
    check_fine(app)
    assert metrics(app) != before
    assert "Repaired from" in visible_text(app)


def test_spectra_of_one_image_and_of_each_channel(results):
    app = open_page("spectra")
    by_label(app.segmented_control, "Spectrum of").select("One image").run()
    check_fine(app)
    for channel in "YUV":
        by_label(app.segmented_control, "Channel").select(channel).run()
        check_fine(app)


def test_activations_of_another_layer_in_another_order(results):
    app = open_page("activations")
    by_label(app.selectbox, "Layer").select("conv2d").run()
    check_fine(app)
    by_label(app.segmented_control, "Sort channels by").select("difference").run()
    check_fine(app)
    assert len(app.dataframe[0].value) == 32
