"""The page Sweeps: every change of state."""

import json
import re

import pytest
import yaml
from streamlit.testing.v1 import AppTest

from app.views.sweeps import launch
from engine.core import jobs, markdown, paths
from engine.core.paths import PROJECT
from engine.experiments.sweeps import sweep_file
from engine.experiments.sweeps.results import SweepResults, publish
from engine.experiments.workers.task import Result
from tests.pages.driving import by_label, check_fine, metrics, open_page, visible_text

DESCRIBED = {"dataset": "signs", "attack": ["ftrojan", "badnets"], "seed": [0, 1, 2]}


def rows(success: float, repaired: float) -> list[dict]:
    about = {"pruning": "", "detector": "", "problem": "", "host": "here"}
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
        stored.add(cell, Result(rows(90.0 + number, 10.0 + number), b""), "signs-ftrojan")
    stored.add(cells[4], Result([], b"", "There was *no* memory."))
    stored.write_tables(cells)
    return stored


@pytest.fixture(autouse=True)
def nothing_published(monkeypatch, tmp_path):
    """Sweeps that come with the program are looked at in one test alone."""
    monkeypatch.setattr(paths, "SHIPPED_SWEEPS", tmp_path / "published")


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


def test_what_all_cells_have_in_common_is_said_before_most_are_done(swept):
    for file in list((swept.folder / "cells").iterdir())[1:]:
        file.unlink()
    shared = next(
        each.value for each in open_page("sweeps").caption if "same for all" in each.value
    )
    assert "dataset signs" in shared and "poisoning rate" in shared
    assert "seed" not in shared and "attack ftrojan" not in shared


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
AXIS_VALUES = {"Attack": "attack", "Seed": "seed", "What was tried": "subject"}


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
    assert (paths.sweeps_folder() / "mine" / "sweep.json").exists()


@pytest.mark.parametrize("name", ["", "../x", "seeds"])
def test_a_name_that_cannot_be_used_is_explained_before_the_start(name, swept):
    app = open_page("sweeps", tab="New sweep")
    by_label(app.text_input, "Name of the sweep").set_value(name).run()
    (button,) = [button for button in app.button if button.key == "start-sweep"]
    assert button.disabled and app.warning


GRID = {"dataset": "signs", "rate": [0.01, 0.05], "parameters": {"magnitude": [10, 30]}}


@pytest.fixture
def strengths(results):
    """A finished sweep over rate, magnitude and two seeds, of two networks."""
    described = GRID | {"seed": [0, 1], "network": ["paper", "resnet"]}
    cells = sweep_file.cells_of(described)
    stored = SweepResults.of("strengths")
    stored.begin(cells)
    for number, cell in enumerate(cells):
        stored.add(cell, Result(rows(10.0 + number, 1.0), b""))
    stored.write_tables(cells)
    return stored


def charts(app):
    return check_fine(app).get("vega_lite_chart")


def test_a_map_shows_two_settings_as_fields(strengths):
    app = open_page("sweeps")
    assert len(charts(app)) == 1
    app.segmented_control(key="chart").set_value("Map").run()
    (chart,) = charts(app)
    assert "Each point is one network." not in visible_text(app)
    assert '"rect"' in chart.proto.spec and '"text"' in chart.proto.spec
    assert "Each field is the mean of several networks." in visible_text(app)


def test_each_value_of_a_setting_gets_a_panel_with_the_same_limits(strengths):
    app = open_page("sweeps")
    app.selectbox(key="along").set_value("rate").run()
    app.selectbox(key="colour").set_value("trigger_magnitude").run()
    app.selectbox(key="panels").set_value("network").run()
    drawn = charts(app)
    assert len(drawn) == 2
    domains = {str(re.findall(r'"domain": \[[^]]*\]', chart.proto.spec)[0]) for chart in drawn}
    assert len(domains) == 1
    assert "Network: paper" in visible_text(app) and "Network: resnet" in visible_text(app)


def test_a_sweep_that_is_being_worked_on_says_how_long_it_still_takes(swept, monkeypatch):
    running = jobs.Status("running", message="Working")
    job = jobs.job_named("sweep-seeds")
    job.folder.mkdir(parents=True)
    monkeypatch.setattr(jobs.Job, "status", lambda self: running)
    record = swept.folder / "cells"
    for number, file in enumerate(sorted(record.iterdir())):
        content = json.loads(file.read_text())
        for row in content["rows"]:
            row |= {"finished": f"2026-01-01T00:0{number}:00+00:00", "cell_seconds": 50.0}
        file.write_text(json.dumps(content))
    app = open_page("sweeps")
    assert metrics(app)["Time left"] == "2 min"  # two cells, 50 s each


def test_a_published_sweep_is_shown_like_ones_own_and_its_name_stays_free(
    strengths, results, monkeypatch, tmp_path
):
    cells = strengths.cells()
    publish(strengths.table(cells), tmp_path / "published" / "shown.csv")
    (tmp_path / "published" / "shown.yaml").write_text(
        "# How *strongly* it has\n# to be applied.\n"
        + yaml.safe_dump(GRID | {"seed": [0, 1], "network": ["paper", "resnet"]})
    )
    assert "here" not in (tmp_path / "published" / "shown.csv").read_text()
    app = open_page("sweeps")
    app.selectbox(key="sweep").set_value("shown").run()
    assert metrics(app)["Cells done"] == "16 of 16" and len(charts(app)) == 1
    assert r"How \*strongly\* it has to be applied\." in [each.value for each in app.markdown]
    app = open_page("sweeps", tab="New sweep")
    by_label(app.text_input, "Name of the sweep").set_value("shown").run()
    (button,) = [button for button in app.button if button.key == "start-sweep"]
    assert not button.disabled
