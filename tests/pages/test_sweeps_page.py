"""The page Sweeps: every change of state."""

import pytest
import yaml
from streamlit.testing.v1 import AppTest

from app.views.sweeps import launch
from engine.core import jobs, markdown, paths
from engine.core.paths import PROJECT
from engine.experiments.sweeps import sweep_file
from engine.experiments.sweeps.cell_process import CellResult
from engine.experiments.sweeps.results import SweepResults
from tests.pages.driving import by_label, check_fine, metrics, open_page, visible_text

DESCRIBED = {"dataset": "signs", "attack": ["ftrojan", "badnets"], "seed": [0, 1, 2]}


def rows(success: float, repaired: float) -> list[dict]:
    about = {"detector": "", "problem": "", "host": "here"}
    return [
        about | {"repair": "", "figure": "attack_success", "value": success},
        about | {"repair": "", "figure": "clean_accuracy", "value": 96.0},
        about | {"repair": "clp", "figure": "attack_success", "value": repaired},
    ]


@pytest.fixture
def swept(results):
    """A sweep of six cells: four are done, one failed, one is left."""
    cells = sweep_file.cells_of(DESCRIBED)
    stored = SweepResults.of("seeds")
    stored.begin(cells)
    for number, cell in enumerate(cells[:4]):
        stored.add(cell, CellResult(rows(90.0 + number, 10.0 + number), b""), "signs-ftrojan")
    stored.add(cells[4], CellResult([], b"", "There was *no* memory."))
    stored.write_tables(cells)
    return stored


def test_without_a_sweep_the_page_says_what_one_is_and_offers_the_form(results):
    app = open_page("sweeps")
    assert "There is none yet" in visible_text(app)
    assert any(button.key == "start-sweep" for button in app.button)


def test_the_results_say_how_far_the_sweep_is_and_what_failed(swept):
    app = open_page("sweeps")
    assert metrics(app)["Cells done"] == "4 of 6"
    assert metrics(app)["Failed"] == "1" and metrics(app)["Left"] == "1"
    assert "here (4)" in visible_text(app)
    assert "There was *no* memory." in visible_text(app)


def test_each_choice_of_figure_and_axes_gives_a_chart(swept):
    app = open_page("sweeps")
    for figure in by_label(app.selectbox, "Figure").options:
        by_label(app.selectbox, "Figure").set_value(_value(app, "Figure", figure)).run()
        for along in by_label(app.selectbox, "Along").options:
            by_label(app.selectbox, "Along").set_value(_value(app, "Along", along)).run()
            assert check_fine(app).get("vega_lite_chart")


def _value(app, label, option):
    """The value behind an option that is shown by its title."""
    box = by_label(app.selectbox, label)
    return {"Figure": FIGURE_VALUES, "Along": AXIS_VALUES}[label].get(option, option) or box.value


FIGURE_VALUES = {"Attack success": "attack_success", "Clean accuracy": "clean_accuracy"}
AXIS_VALUES = {"Attack": "attack", "Seed": "seed", "After": "subject"}


def test_a_damaged_sweep_is_one_sentence_and_the_form_still_works(swept):
    (swept.folder / "sweep.json").write_text("{")
    app = AppTest.from_file(str(PROJECT / "app" / "main.py"), default_timeout=60).run()
    app.switch_page("../pages/sweeps.py").run()
    assert [error.value for error in app.error] and not app.exception
    assert "start it again" in markdown.unescape(app.error[0].value)
    app.session_state["sweeps-tab"] = "New sweep"
    app.run()
    assert any(button.key == "start-sweep" for button in app.button) and not app.error


@pytest.mark.parametrize("grid", [launch.SEEDS, launch.STRENGTHS, launch.REPAIRED])
def test_the_form_describes_its_sweep_as_a_file_that_can_be_read(grid, results):
    app = open_page("sweeps")
    app.get("button_group")[0].set_value(grid).run()
    (text,) = [code.value for code in check_fine(app).code if "dataset:" in code.value]
    cells = sweep_file.cells_of(yaml.safe_load(text))
    assert metrics(app)["Networks to train"] == str(len(cells))


def test_a_start_writes_the_file_and_starts_the_job(results, monkeypatch):
    started = []
    monkeypatch.setattr(jobs, "start", lambda name, words: started.append((name, words)))
    app = open_page("sweeps")
    by_label(app.text_input, "Name of the sweep").set_value("mine").run()
    (button,) = [button for button in app.button if button.key == "start-sweep"]
    button.click().run()
    ((job, words),) = started
    assert job == "sweep-mine" and words[0] == "sweep" and words[-2:] == ["--name", "mine"]
    assert sweep_file.read(paths.sweeps_folder() / "mine" / "sweep.yaml")


@pytest.mark.parametrize("name", ["", "../x", "seeds"])
def test_a_name_that_cannot_be_used_is_explained_before_the_start(name, swept):
    app = open_page("sweeps", tab="New sweep")
    by_label(app.text_input, "Name of the sweep").set_value(name).run()
    (button,) = [button for button in app.button if button.key == "start-sweep"]
    assert button.disabled and app.warning
