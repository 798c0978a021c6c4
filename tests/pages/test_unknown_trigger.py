"""Every page and tab on a network whose trigger nobody knows, and on one with an assumed one."""

import shutil

import numpy as np
import pytest

from app.forms import suspected_trigger
from engine import store
from engine.cli import main
from engine.core import markdown, paths
from engine.reporting import model_report, slide
from engine.reporting.model_report import Example
from engine.store import pruning_curves
from engine.store.scans import SEARCHED
from tests.conftest import living_in
from tests.fixtures import scans
from tests.fixtures.unknown import SIDE, TARGET, TRIGGER
from tests.pages.driving import by_label, check_fine, metrics, open_page, visible_text

TABS = [
    *(("overview", ""), ("pictures", ""), ("report", ""), ("tour", "")),
    *(("triggers", tab) for tab in ("One trigger", "Strengths", "All triggers", "Eye test")),
    *(("spectra", tab) for tab in ("Spectrum", "Brightness or colour")),
    *(("models", tab) for tab in ("All models", "In use", "Compare")),
    *(("activations", tab) for tab in ("Channels", "Path of the signal", "Layers")),
    *(("compare", tab) for tab in ("One image", "All test images", "Pruning curves")),
    *(("pruning", tab) for tab in ("Prune", "Before and after", "Thresholds", "Orders", "Save")),
    *(("repairs", tab) for tab in ("Ranking", "Try a repair", "All figures")),
    *(("repairs", tab) for tab in ("Does it last?", "Save")),
    ("detect", ""),
]
ASSUMED = [
    *(("overview", ""), ("pictures", ""), ("tour", ""), ("triggers", "One trigger")),
    *(("models", "In use"), ("activations", "Channels"), ("pruning", "Prune")),
    *(("repairs", "Ranking"), ("detect", ""), ("compare", "One image")),
]
WITHOUT_NOTICE = {("models", "All models"), ("models", "Compare"), ("pictures", "")}
NOTICE = "No trigger is known for this network"


@pytest.fixture(scope="session")
def measured_unknown(once, with_unknown):
    """A home in which both were measured: activations, predictions, curves and a repair."""

    def fill(home):
        shutil.copytree(with_unknown, home, dirs_exist_ok=True)
        with living_in(home) as patch:
            patch.setenv("PRUNING_LAB_DATA", str(home / "data"))
            for model in ("unknown", "assumed"):
                for command in ("activations", "predict", "prune"):
                    assert main.main([command, model]) == 0
                words = ["compare-repairs", model, "--method", "pruning:threshold=5"]
                assert main.main(words) == 0

    return once("measured-unknown", fill)


@pytest.fixture
def measured(measured_unknown, monkeypatch):
    home = shutil.copytree(measured_unknown, paths.home())
    monkeypatch.setenv("PRUNING_LAB_DATA", str(home / "data"))


@pytest.mark.parametrize(("page", "tab"), TABS)
def test_every_page_says_that_no_trigger_is_known_and_shows_no_number_for_it(page, tab, measured):
    app = open_page(page, "unknown", tab)
    told = visible_text(app)
    assert (NOTICE in told) == ((page, tab) not in WITHOUT_NOTICE)
    assert "attacker's" not in told and "0.0 % attack" not in told
    assert not {"Attack success", "Recovered accuracy"} & set(metrics(app))


@pytest.mark.parametrize(("page", "tab"), ASSUMED)
def test_an_assumed_trigger_is_called_so_on_every_page(page, tab, measured):
    told = visible_text(open_page(page, "assumed", tab))
    assert NOTICE not in told and "attacker's" not in told and "0 poisoned" not in told
    if page in ("overview", "repairs", "pruning"):
        assert "of the assumed trigger" in told or "with the assumed trigger" in told


def test_unmeasured_it_opens_as_well(at_unknown):
    for page in ("overview", "activations", "pruning", "repairs", "compare", "report"):
        assert NOTICE in visible_text(open_page(page, "unknown"))


def test_after_a_scan_the_pages_name_the_class_or_say_that_it_is_no_all_clear(at_unknown):
    scans.store_scan(store.find("unknown"), scans.patch(TARGET, SIDE))
    overview = open_page("overview", "unknown")
    assert overview.title[0].value == f"Backdoor found: class {TARGET} (class-{TARGET})."
    assert visible_text(overview).count("Through a patch of 3x3 pixels") == 1
    for page in ("pruning", "repairs", "own_model", "detect"):
        assert f"Backdoor found: class {TARGET}" in everything(open_page(page, "unknown"))
    scans.store_scan(store.find("unknown"), None)
    for page in ("overview", "repairs", "detect"):
        told = everything(open_page(page, "unknown"))
        assert "No backdoor found by these tests" in told and "That is no all-clear." in told
        assert SEARCHED in told


def everything(app) -> str:
    headers = (header.value for header in app.header)
    return markdown.unescape("\n".join([*headers, visible_text(app)]))


def test_a_trigger_named_on_the_page_is_tested_and_called_assumed(at_unknown, do_jobs):
    app = open_page("overview", "unknown")
    by_label(app.selectbox, "Trigger").set_value("badnets")
    check_fine(app.run())
    by_label(app.number_input, "Size (pixels)").set_value(4)
    by_label(app.number_input, "Margin (pixels)").set_value(0)
    by_label(app.selectbox, "Target").set_value(TARGET)
    check_fine(app.run())
    by_label(app.button, "Test this trigger").click()
    app.run()
    do_jobs()
    check_fine(app.run())
    card = store.find("unknown").card
    assert card.assumed and card.trigger.startswith(TRIGGER.partition(",")[0])
    assert "The assumed trigger takes over this network." in visible_text(app)
    assert metrics(app)["Attack success"] == "100.0 %"
    assert by_label(app.selectbox, "Trigger").value == "badnets", "to name another"


def test_a_network_that_guesses_is_warned_of_and_repaired_once_that_is_confirmed(at_unknown):
    for page in ("overview", "pruning", "repairs", "report"):
        (warning,) = open_page(page, "guessing").warning
        told = markdown.unescape(warning.value)
        assert "no better than guessing (33.3 %)" in told and "input range" in told
    app = open_page("repairs", "guessing", "Try a repair")
    assert by_label(app.button, "Try it").disabled
    app.checkbox[0].check()
    assert not by_label(check_fine(app.run()).button, "Try it").disabled
    assert not open_page("overview", "unknown").warning


def test_the_notice_is_one_sentence_a_state():
    assert "Scan the network for a backdoor first" in suspected_trigger.advise(None)


@pytest.mark.parametrize("name", ["unknown", "assumed"])
def test_report_and_slide_say_what_is_known(name, measured):
    stored = store.find(name)
    image = np.full((SIDE, SIDE, 3), 90, np.uint8)
    view = model_report.View("conv2d", "clean-activation", 5.0)
    report = model_report.html(stored, view, Example(image, 0, "An image"), "the command")
    curve = pruning_curves.stored_curve(stored, "conv2d", "clean-activation")
    images = [image] if name == "unknown" else [image, image]
    rows = {"As imported": stored.numpy_network().probabilities(np.stack(images))}
    drawn = slide.svg(slide.View(stored.card, "A title", images, 0, rows), curve, 1)
    for text in (report, drawn):
        assert "attacker" not in text and "nan" not in text.lower().split()
    for text in (report, drawn) if name == "unknown" else ():
        assert "No trigger is known for this network." in text
        assert "Attack success</text>" not in text and "The backdoor" not in text
    for text in (report, drawn) if name == "assumed" else ():
        assert "he assumed trigger" in text and "Attack success (assumed trigger)" in text
