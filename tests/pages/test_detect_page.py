"""The page Detect: what it says of each outcome of a scan, and every change of state."""

import dataclasses
import html
import re

import pandas as pd
import pytest

from app import caches
from app.forms import scan_start
from app.views.detect import evidence
from engine import store
from engine.core import jobs, markdown
from engine.defenses.inversion import FAMILIES
from engine.experiments import detector_calibration
from engine.store.scans import EVIDENCE, SEARCHED, SIZES, TRIGGER
from tests.conftest import CLASSES, TARGET
from tests.fixtures import scans
from tests.pages.driving import by_label, check_fine, open_page, visible_text

SIDE = 32
SAMPLES, FAMILIES_TAB, EVIDENCE_TAB = "Sample images", "Sizes by family", "Evidence"
TABS = (SAMPLES, FAMILIES_TAB, EVIDENCE_TAB, "Second opinions")


def scanned(trigger):
    """Store the outcome of a scan of the small model, and open the page."""
    scans.store_scan(store.find("small"), trigger)
    return open_page("detect")


def pictures(app) -> dict[str, str]:
    """Caption of each picture below the verdict -> its address."""
    (body,) = [e.proto.body for e in app.get("html") if "scan-pictures'" in e.proto.body]
    found = re.findall(r"<img src='([^']+)' alt='([^']+)'", body)
    return {html.unescape(alt): url for url, alt in found}


def labels(app) -> list[str]:
    return [tab.label for tab in app.tabs]


def told(app) -> str:
    """Whatever it says, errors too."""
    errors = "\n".join(error.value for error in app.error)
    return markdown.unescape(f"{visible_text(app)}\n{errors}")


def test_the_verdict_names_the_class_and_the_trigger(results):
    app = scanned(scans.patch(TARGET, SIDE))
    assert app.header[0].value == markdown.escape(f"Backdoor found: class {TARGET} (class-1)")
    said = visible_text(app)
    assert "a patch of 3x3 pixels in the lower right corner, which sends 98 % of other" in said
    assert "That is the attacker's target." in said


def test_the_recovered_trigger_stands_beside_the_attackers_with_what_they_change(results):
    found = pictures(scanned(scans.patch(TARGET, SIDE)))
    assert list(found)[:3] == ["Clean", "Recovered trigger", "Attacker's trigger"]
    assert [name.partition(",")[0] for name in list(found)[3:]] == [
        "Recovered change",
        "Attacker's change",
    ]
    assert len(set(found.values())) == len(found)


def test_a_scan_that_names_another_class_says_which_one_the_attacker_has(results):
    app = scanned(scans.warp(3, SIDE))
    assert app.header[0].value == markdown.escape("Backdoor found: class 3 (class-3)")
    assert f"The attacker's target is another: class-{TARGET}." in visible_text(app)


def test_a_scan_that_finds_nothing_says_what_it_cannot_see_and_shows_no_picture(results):
    app = scanned(None)
    assert app.header[0].value == markdown.escape("No backdoor found by these tests")
    assert SEARCHED in visible_text(app)
    assert "The attacker's trigger works, though: the scan misses it." in visible_text(app)
    assert labels(app) == [*TABS[1:]]
    assert not [e for e in app.get("html") if "scan-pictures'" in e.proto.body]


RATES = """networks,kind,right,of,rate,low,high
unseen,backdoored,8,10,80,49,94.3
unseen,clean,11,12,91.7,64.6,98.5
all,backdoored,15,18,83.3,60.8,94.2
all,clean,22,23,95.7,79,99.2
"""


@pytest.mark.parametrize("content", [RATES, "", "networks\nreport\n", RATES[: RATES.index("all")]])
def test_beside_nothing_found_stands_how_often_scans_are_wrong(
    results, monkeypatch, tmp_path, content
):
    monkeypatch.setattr(detector_calibration, "FOLDER", tmp_path)
    caches.scans.detector_rates.clear()
    if content:
        (tmp_path / "rates.csv").write_text(content)
    said = visible_text(scanned(None))
    measured = "missed 20 % (95 % interval: 6 to 51 %) of 10 working backdoors and raised a false"
    assert (measured in said) == content.startswith(RATES[:100])
    assert ("false alarm on 8 % (95 % interval: 2 to 35 %) of 12 clean" in said) == (
        measured in said
    )
    caches.scans.detector_rates.clear()


def test_a_model_that_was_not_scanned_is_scanned_from_the_page(results, monkeypatch):
    asked = []
    monkeypatch.setattr(jobs, "start", lambda name, words: asked.append((name, *words)))
    app = open_page("detect")
    assert app.header[0].value == "Not scanned for a backdoor yet"
    assert labels(app) == [TABS[-1]]
    by_label(app.button, scan_start.LABEL).click().run()
    assert asked == [("detect-small", "detect", "small")]


def test_a_scanned_model_can_be_scanned_again(results):
    app = scanned(None)
    assert not by_label(app.button, scan_start.AGAIN).disabled


@pytest.mark.parametrize("tab", TABS)
def test_every_tab_opens(results, tab):
    scans.store_scan(store.find("small"), scans.patch(TARGET, SIDE))
    app = open_page("detect", tab=tab)
    assert labels(app) == [*TABS]
    if tab == FAMILIES_TAB:
        assert len(app.get("vega_lite_chart")) == len(FAMILIES)
    if tab == EVIDENCE_TAB:
        assert app.dataframe[0].value["label"].tolist()[0] == TARGET
        assert "python -m engine detect small" in [code.value for code in app.code]


def test_the_samples_show_other_classes_and_what_the_network_predicts(results):
    app = scanned(scans.patch(TARGET, SIDE))
    (body,) = [e.proto.body for e in app.get("html") if "<ul class='scan-samples'" in e.proto.body]
    shown = re.findall(r"alt='(Clean|With the trigger): ([^']+)'", body)
    assert len(shown) == 16 and f"class-{TARGET}" not in {name for _, name in shown}
    assert re.search(r"\d of these 8 test images", visible_text(app))


def test_without_images_the_trigger_is_shown_by_itself_and_the_page_says_how_to_get_some(
    results, monkeypatch, tmp_path
):
    scans.store_scan(store.find("small"), scans.warp(TARGET, SIDE))
    monkeypatch.setenv("PRUNING_LAB_DATA", str(tmp_path / "nowhere"))
    app = open_page("detect")
    assert "no images at" in visible_text(app)
    assert len(set(pictures(app).values())) > 1
    assert not [button for button in app.button if button.label == scan_start.AGAIN]


def damage(name: str, column: str) -> None:
    path = store.find("small").folder / f"{name}.csv"
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    table.loc[0, column] = "many"
    table.to_csv(path, index=False)


@pytest.mark.parametrize(
    ("name", "column", "tab"),
    [(EVIDENCE, "score", ""), (TRIGGER, "value", ""), (SIZES, "size", FAMILIES_TAB)],
)
def test_a_damaged_table_costs_one_sentence_on_this_page_alone(results, name, column, tab):
    scans.store_scan(store.find("small"), scans.patch(TARGET, SIDE))
    damage(name, column)
    app = open_page_whatever_it_says(tab)
    (error,) = app.error
    assert f"column {column} holds text" in markdown.unescape(error.value)
    for page in ("overview", "models"):
        open_page(page)


def open_page_whatever_it_says(tab: str):
    app = open_page("pruning")
    app.switch_page("../pages/detect.py")
    if tab:
        app.session_state["detect-tab"] = tab
    app.run()
    assert not app.exception, app.exception
    return app


def test_a_table_of_an_earlier_version_is_replaced_by_a_new_scan(results):
    old = pd.DataFrame({"label": [0], "name": ["a"], "psnr_db": [50.0], "flagged": [True]})
    old.to_csv(store.find("small").folder / "detection.csv", index=False)
    app = open_page_whatever_it_says("")
    assert "scan the model again" in told(app)
    assert not by_label(app.button, scan_start.LABEL).disabled
    scans.store_scan(store.find("small"), None)
    assert "No backdoor found" in check_fine(app.run()).header[0].value


def test_the_score_of_the_first_class_is_added_up_from_the_stored_tables():
    names = tuple(f"c{label}" for label in range(CLASSES))
    trigger = scans.patch(TARGET, SIDE)
    first = scans.evidence(names, trigger).iloc[0]
    said = evidence.add_up(first, scans.sizes(names, trigger))
    numbers = [float(number) for number in re.findall(r"(\d+\.\d) \(", said)]
    expected = [2 / family.spread for family in FAMILIES.values()] + [0.3]  # -log10 of one half
    assert numbers == pytest.approx(expected, abs=0.051)
    assert evidence.add_up(first, None) == ""


@pytest.mark.parametrize("tab", TABS)
def test_another_model_that_lacks_the_open_tab_shows_its_first_one(results, tab):
    scans.store_scan(store.find("small"), scans.patch(TARGET, SIDE))
    app = open_page("detect", tab=tab)
    for path in store.find("small").folder.glob("*.csv"):
        if path.stem in (EVIDENCE, SIZES, TRIGGER):
            path.unlink()
    assert labels(check_fine(app.run())) == [TABS[-1]]
    assert "amplify faint changes" in visible_text(app)


def test_how_long_the_scan_took_is_told_while_its_job_is_known(results):
    scans.store_scan(store.find("small"), None)
    job = jobs.job_named("detect-small")
    job.prepare(["detect", "small"])
    status = job.last_status()
    job.write_status(type(status)("finished", result={"seconds": 83.2}))
    assert "It took 83 seconds." in visible_text(open_page("detect", tab=EVIDENCE_TAB))


def test_the_verdict_stands_on_overview_models_and_the_end_of_the_tour(results):
    scans.store_scan(store.find("small"), scans.patch(TARGET, SIDE))
    finding = f"Backdoor found: class {TARGET}"
    assert f"{finding} (class-1), through a patch" in visible_text(open_page("overview"))
    assert finding in visible_text(open_page("models"))
    tour = open_page("tour")
    tour.session_state["step"] = 7
    assert f"{finding} (class-1), through a patch" in visible_text(check_fine(tour.run()))


def test_a_scan_is_started_from_overview(results, monkeypatch):
    asked = []
    monkeypatch.setattr(jobs, "start", lambda name, words: asked.append((name, *words)))
    app = open_page("overview")
    assert "Not scanned for a backdoor yet." in visible_text(app)
    by_label(app.button, scan_start.LABEL).click().run()
    assert asked == [("detect-small", "detect", "small")]


def test_the_command_shown_is_the_last_that_scanned(results):
    scanned = "python -m engine compare-repairs small --method trigger-unlearning"
    commands = (
        "python -m engine detect small",
        scanned,
        "python -m engine compare-repairs small --method clp",
        "python -m engine prune small",
    )
    card = dataclasses.replace(store.find("small").card, commands=commands)
    assert evidence.scan_commands(card)[-1] == scanned
