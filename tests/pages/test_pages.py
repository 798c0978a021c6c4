"""Every page and the change of state of every widget, without a browser."""

import pytest
from streamlit.testing.v1 import AppTest

from app import caches
from engine.cli import main
from engine.core import jobs, paths
from engine.networks import architectures
from engine.training.presets import PRESETS
from tests.fixtures.tiny_gtsrb import write_official_archives
from tests.pages.driving import (
    NAMES,
    PROJECT,
    by_label,
    check_fine,
    metrics,
    open_page,
    visible_text,
    wait_until_finished,
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
    without_images = ("models", "pictures", "train")
    assert name in without_images or "no images at" in visible_text(app)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_without_any_model_leads_to_training(monkeypatch, tmp_path, name):
    monkeypatch.setattr(paths, "SHIPPED_MODELS", tmp_path / "none")
    app = AppTest.from_file(str(PROJECT / "app" / "main.py"), default_timeout=60).run()
    if name != "overview":
        app.switch_page(f"../pages/{name}.py").run()
    check_fine(app)
    assert name in ("models", "train") or "no model yet" in visible_text(app)


def test_a_corrupt_card_is_reported_on_the_page(results):
    (paths.models_folder() / "small" / "card.json").write_text("{")
    app = AppTest.from_file(str(PROJECT / "app" / "main.py"), default_timeout=60)
    app.session_state["model"] = "small"
    app.run()
    assert not app.exception
    assert "cannot be used" in app.error[0].value


def test_a_link_leads_to_any_model_the_first_in_the_list_too(results):
    for name in ("small", *caches.model_names()[:2]):
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


def test_the_training_form_names_the_command_and_refuses_bad_names(results):
    app = open_page("models")
    by_label(app.number_input, "Target class").set_value(4).run()
    by_label(app.slider, "Poisoning rate").set_value(10.0).run()
    by_label(app.number_input, "Seed").set_value(9).run()
    command = app.code[-1].value
    assert "--preset quick" in command and "--target 4" in command
    assert "--epochs" not in command, "four are the preset's own"
    assert "--rate 0.1" in command and "--seed 9" in command
    by_label(app.text_input, "Name").set_value("small").run()
    assert any("already" in warning.value for warning in app.warning)
    by_label(app.text_input, "Name").set_value("../x").run()
    assert any("cannot be called" in warning.value for warning in app.warning)


def test_a_preset_brings_its_epochs_and_a_dataset_its_target_class(results):
    app = open_page("models")
    for preset, found in PRESETS.items():
        by_label(app.segmented_control, "Preset").select(preset).run()
        assert by_label(app.number_input, "Epochs").value == found.training.epochs
        assert f"--preset {preset}" in app.code[-1].value
        assert found.help in visible_text(app)
    by_label(app.number_input, "Epochs").set_value(7).run()
    assert "--epochs 7" in app.code[-1].value
    by_label(app.selectbox, "Dataset").select("cifar10").run()
    assert "--target 8" in app.code[-1].value
    by_label(app.slider, "Poisoning rate").set_value(0.0).run()
    assert "--rate 0 " in check_fine(app).code[-1].value


def test_a_network_imported_from_a_file_can_be_chosen(at_home, do_jobs, monkeypatch, tmp_path):
    write_official_archives(tmp_path / "data" / "gtsrb", tracks=3, frames=2)
    monkeypatch.setenv("PRUNING_LAB_DATA", str(tmp_path / "data"))
    architectures.paper_network().save(tmp_path / "theirs.keras")
    app = open_page("models")
    by_label(app.button, "Import").click().run()
    assert "Choose a file first." in [warning.value for warning in app.warning]
    content = (tmp_path / "theirs.keras").read_bytes()
    by_label(app.file_uploader, "Keras file").set_value(("theirs.keras", content, "x/y"))
    by_label(app.text_input, "Name of the imported model").set_value("theirs")
    by_label(app.selectbox, "Trained on").set_value("gtsrb")
    by_label(app.button, "Import").click().run()
    do_jobs()
    wait_until_finished(jobs.job_named("import-theirs"))
    by_label(check_fine(app.run()).selectbox, "Model in use").select("theirs").run()
    assert "Imported from `theirs.keras`" in visible_text(check_fine(app))
