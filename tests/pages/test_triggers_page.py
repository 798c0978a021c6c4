"""The page Triggers: every change of state."""

import re
from dataclasses import dataclass
from io import BytesIO
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from app import caches
from app.caches.shown_images import Effect
from app.charts import attack_map
from app.forms import image_chooser
from app.frame import header
from app.views.triggers import (
    attack_sample,
    attack_table,
    embedded,
    eye_test,
    strengths,
    trigger_form,
    trigger_view,
    triggers_tabs,
)
from engine import store
from engine.attacks.triggers import TRIGGERS, FTrojan, Trigger
from engine.core import markdown, paths
from engine.core.errors import UserError
from engine.defenses.repairs import RECOMMENDED
from engine.evaluation.metrics import Proportion, attackable_indices
from engine.evaluation.visibility import Visibility
from engine.experiments import attack_suite, attack_tables
from engine.reporting import export
from tests.pages.driving import PROJECT, by_label, check_fine, metrics, open_page, visible_text

WHY = "'Fake' is <learned> before it can be used."


@dataclass(frozen=True)
class Unlearned(Trigger):
    name: ClassVar[str] = "fake"
    title: ClassVar[str] = "Fake & learned"
    summary: ClassVar[str] = "Nobody taught it."
    reference: ClassVar[str] = "nobody"

    def __call__(self, images):
        raise UserError(WHY)


@pytest.fixture
def few(monkeypatch):
    """Three triggers that need nothing, and one that has not been learned."""
    for name in list(TRIGGERS):
        if name not in ("ftrojan", "badnets", "wanet"):
            monkeypatch.delitem(TRIGGERS, name)
    monkeypatch.setitem(TRIGGERS, "fake", Unlearned)


def bodies(app) -> list[str]:
    return [element.proto.body for element in app.get("html")]


def asked(app) -> str:
    """How far the eye test has come."""
    (progress,) = app.get("progress")
    return progress.proto.text


def cards(app) -> dict[str, str]:
    """Title -> HTML of each card of the gallery, in order."""
    found = [
        part
        for body in bodies(app)
        for part in re.findall(r"<article.*?</article>", body, re.DOTALL)
    ]
    return {re.search(r"<h2>([^<]*?) *<", part).group(1).strip(): part for part in found}


def open_tab(app, tab: str):
    app.session_state[triggers_tabs.TAB] = tab
    return app.run()


def pictures(app) -> list[str]:
    """The text alternatives of the pictures on the page."""
    return [image.alt for element in app.get("image") for image in element.proto.imgs]


def magnitude(app):
    return by_label(app.number_input, "Magnitude")


def test_parameters_of_the_trigger_change_the_image(results):
    app = open_page("triggers")
    before = metrics(app)
    magnitude(app).set_value(200.0).run()
    after = metrics(check_fine(app))
    assert float(after["PSNR"][:-3]) < float(before["PSNR"][:-3])
    assert "plain to see" in visible_text(app)
    by_label(app.text_input, "Frequency bands").set_value("3x4").run()
    assert metrics(check_fine(app)) != after
    by_label(app.slider, "Amplify the difference").set_value(40).run()
    assert "Difference, 40 times" in pictures(check_fine(app))
    magnitude(app).set_value(0.0).run()
    assert "does not change this image" in visible_text(check_fine(app))


def test_an_invalid_band_is_reported_on_the_page(results):
    app = open_page("triggers")
    by_label(app.text_input, "Frequency bands").set_value("40x1").run()
    assert not app.exception
    assert "outside a window" in app.error[0].value


def test_the_magnitude_stands_above_the_other_parameters(results):
    app = open_page("triggers")
    first, *_ = [
        box.label for box in app.number_input if box.label in ("Magnitude", "Window (pixels)")
    ]
    assert first == "Magnitude"
    (right,) = [
        column for column in app.columns if any(s.label == "Trigger" for s in column.selectbox)
    ]
    labels = [part.label for part in right if getattr(part, "label", "")]
    assert labels.index("Magnitude") < labels.index("Colour space")


def test_another_class_shows_another_image(results):
    app = open_page("triggers")
    by_label(app.selectbox, "Class").select(3).run()
    check_fine(app)
    assert "class-3" in str(app.main)


def test_any_trigger_is_shown_with_both_predictions(results, few):
    app = open_page("triggers")
    assert visible_text(app).count("Prediction:") == 2
    by_label(app.selectbox, "Trigger").select("badnets").run()
    assert visible_text(check_fine(app)).count("Prediction:") == 2
    assert by_label(app.number_input, "Opacity").value == 1.0
    assert by_label(app.selectbox, "Trigger").options == [
        "FTrojan",
        "BadNets",
        "Warping (WaNet)",
        "Fake & learned",
    ]


def test_the_two_pictures_are_laid_over_each_other(results):
    app = open_page("triggers")
    by_label(app.toggle, "One over the other").set_value(True).run()
    assert pictures(check_fine(app)) == ["Difference, 15 times", "Spectrum of the change"]
    assert visible_text(app).count("Prediction:") == 2


def test_a_picture_picked_from_the_grid_becomes_the_image(results):
    app = open_page("triggers")
    before = str(app.main)
    app.session_state[image_chooser.NUMBER] = 7
    app.run()
    assert str(check_fine(app).main) != before
    assert by_label(app.number_input, "Image (of 30)").value == 7


def test_a_setting_is_kept_from_tab_to_tab(results):
    app = open_page("triggers")
    magnitude(app).set_value(70.0).run()
    for tab in ("Strengths", "Attack comparison", "Eye test", "One trigger"):
        open_tab(app, tab)
        assert app.session_state[triggers_tabs.TAB] == tab
        if tab != "Attack comparison":
            assert magnitude(check_fine(app)).value == 70, tab


def test_a_prediction_without_network_is_left_out_of_the_finding():
    card = store.find("signs-ftrojan").card
    seen = Visibility(45.0, 0.99, 5)
    assert trigger_view.describe(seen, None, card) == "**The change is hard to see.**"
    both = np.eye(len(card.class_names))[[14, 14]]
    assert "stays Stop" in trigger_view.describe(seen, both, card)
    turned = np.eye(len(card.class_names))[[14, card.target]]
    told = trigger_view.describe(Visibility(20.0, 0.5, 90), turned, card)
    assert "plain to see" in told and f"from Stop to {card.known_backdoor().target_name}" in told


@pytest.mark.parametrize(
    ("trigger", "name", "values"),
    [
        (FTrojan(magnitude=30.0), "magnitude", [10, 20, 30, 50]),
        (FTrojan(magnitude=500.0), "magnitude", [170, 330, 500]),
        (TRIGGERS["badnets"](), "opacity", [0.33, 0.67, 1]),
        (TRIGGERS["bpp"](), "levels", [3, 5, 8, 13]),
    ],
)
def test_the_usual_values_lie_around_the_settings_and_within_the_limits(trigger, name, values):
    assert trigger_form.strength_parameter(trigger) == name
    assert trigger_form.usual_values(trigger, name) == values
    text = ", ".join(map(str, values))
    varied = trigger_form.vary(trigger, name, text)
    assert [getattr(one, name) for one in varied] == values
    assert {type(getattr(one, name)) for one in varied} == {type(getattr(trigger, name))}


@pytest.mark.parametrize("text", ["", " , ", "1 2 3 4 5 6 7", "many", "10, -3", "1e999"])
def test_values_that_cannot_be_used_are_refused(text):
    with pytest.raises(UserError):
        trigger_form.vary(FTrojan(), "magnitude", text)


def test_the_seed_is_no_strength():
    assert trigger_form.numeric_parameters(TRIGGERS["blend"]()) == ["alpha"]


def strip(app) -> dict[str, str]:
    """Title -> HTML of each column of the strip."""
    parts = [
        part for body in bodies(app) for part in re.findall(r"<section>.*?</section>", body, re.S)
    ]
    return {re.search("<h2>(.*?)</h2>", part)[1]: part for part in parts}


def test_each_strength_has_its_pictures_and_figures(results):
    app = open_page("triggers", tab="Strengths")
    assert list(strip(app)) == [
        "Magnitude 10",
        "Magnitude 20",
        "Magnitude 30",
        "Magnitude 50",
    ] or strip(app)
    by_label(app.text_input, "Values, up to 6").set_value("60, 0 250").run()
    columns = strip(check_fine(app))
    assert list(columns) == ["Magnitude 60", "Magnitude 0", "Magnitude 250"]
    for column in columns.values():
        assert column.count("<img") == 2
        assert re.search(r"Attack success</dt><dd>[\d.]+ %</dd>", column)
        assert "SSIM" in column and "<strong>class-" in column
    assert "no change" in columns["Magnitude 0"]
    table = app.dataframe[0].value.set_index("value")
    assert table["psnr"].idxmax() == "Magnitude 0"
    assert table.at["Magnitude 250", "largest_change"] > table.at["Magnitude 60", "largest_change"]
    by_label(app.selectbox, "Parameter to vary").select("window").run()
    by_label(app.text_input, "Values, up to 6").set_value("8, 32").run()
    app.text_input[0].run()
    assert not app.exception


def test_values_that_cannot_be_used_are_an_error_of_the_strip(results):
    app = open_page("triggers", tab="Strengths")
    by_label(app.text_input, "Values, up to 6").set_value("lots").run()
    assert not app.exception and len(app.error) == 1 and "lots" in app.error[0].value
    assert not strip(app) and magnitude(app)
    by_label(app.text_input, "Values, up to 6").set_value("40").run()
    assert list(strip(check_fine(app))) == ["Magnitude 40"]


def test_attack_success_is_that_of_the_network_on_the_test_images(results):
    model, dataset = store.find("small"), store.find("small").card.dataset
    split = caches.dataset_images.test_images(dataset, 32)
    measured = attack_sample.measure(model, dataset, model.card.trigger)
    chosen = attackable_indices(split, model.card.target)
    assert measured.attack.total == min(attack_sample.MANY, len(chosen))
    triggered = model.card.known_backdoor().trigger(split.images[chosen])
    predicted = model.numpy_network().probabilities(triggered).argmax(1)
    assert measured.attack.count == (predicted == model.card.target).sum()
    assert measured.recovered.count == (predicted == split.labels[chosen]).sum()


def test_the_finding_names_the_faintest_value_that_works():
    def effect(psnr: float) -> Effect:
        return Effect(np.zeros(0), np.zeros(0), Visibility(psnr, 0.9, 5))

    effects = {"A 1": effect(50), "A 2": effect(40), "A 3": effect(30), "A 4": "Too large."}
    measured = {
        title: attack_sample.Measured(Proportion(count, 200), Proportion(0, 200))
        for title, count in (("A 1", 20), ("A 2", 150), ("A 3", 200))
    }
    told = strengths.finding(measured, effects)
    assert "A 2 is the faintest" in told and "75 % of 200 test images" in told
    assert "At none" in strengths.finding({"A 1": measured["A 1"]}, effects)


def test_every_trigger_has_its_card_the_models_own_first(results, few):
    found = cards(open_page("triggers", tab="All triggers"))
    assert list(found) == ["FTrojan", "BadNets", "Warping (WaNet)", "Fake &amp; learned"]
    assert "the model&#39;s own" in found["FTrojan"] and "<span>" not in found["BadNets"]
    for name in list(found)[:3]:
        assert found[name].count("<img") == 3, "triggered, change, spectrum"
        assert " dB</dd>" in found[name] and " of 255</dd>" in found[name]


def test_a_trigger_that_was_not_learned_says_so_and_the_others_are_shown(results, few):
    card = cards(open_page("triggers", tab="All triggers"))["Fake &amp; learned"]
    assert "&#39;Fake&#39; is &lt;learned&gt; before" in card
    assert "Nobody taught it." in card and "nobody" in card and "<img" not in card


def test_the_triggers_shown_are_chosen(results, few):
    app = open_page("triggers", tab="All triggers")
    by_label(app.pills, "Triggers to show").set_value(["wanet"]).run()
    assert list(cards(check_fine(app))) == ["Warping (WaNet)"]
    by_label(app.pills, "Triggers to show").set_value([]).run()
    assert not cards(check_fine(app))
    assert "Choose at least one trigger" in visible_text(app)


def test_the_models_own_trigger_is_shown_with_its_own_settings(results, few):
    card = cards(open_page("triggers", tab="All triggers"))["FTrojan"]
    shown = float(re.search(r"([\d.]+) dB", card).group(1))
    assert f"{shown} dB" == metrics(open_page("triggers"))["PSNR"]


def test_amplifying_changes_the_differences_of_all(results, few):
    app = open_page("triggers", tab="All triggers")
    before = cards(app)
    by_label(app.slider, "Amplify the difference").set_value(40).run()
    after = cards(check_fine(app))
    assert all("Change, 40 times" in after[name] for name in list(after)[:3])
    assert all(before[name] != after[name] for name in list(after)[:3])


def test_a_change_of_one_band_is_one_bright_cell_and_nothing_is_dark():
    sizes = np.zeros((8, 8), np.float32)
    sizes[3, 5] = 30
    drawn = embedded.spectrum_image(sizes, 30.0)
    assert drawn[3, 5].tolist() == [253, 231, 37], "the brightest of viridis"
    assert (drawn[0, 0] == drawn[7, 7]).all() and drawn[0, 0].tolist() == [68, 1, 84]
    assert (embedded.spectrum_image(np.zeros((8, 8)), 0.0) == drawn[0, 0]).all()


def test_an_image_of_ones_own_is_shown_with_every_trigger(at_home, few, monkeypatch, tmp_path):
    monkeypatch.setenv("PRUNING_LAB_DATA", str(tmp_path / "nowhere"))
    app = open_tab(open_page("triggers"), "All triggers")
    assert not cards(app)
    content = BytesIO()
    Image.fromarray(np.full((48, 48, 3), 90, np.uint8)).save(content, "PNG")
    upload = by_label(app.file_uploader, "One picture or up to 30")
    upload.set_value([("grey.png", content.getvalue(), "image/png")]).run()
    assert len(cards(check_fine(app))) == 4
    open_tab(app, "Strengths")
    assert "needs the dataset's test images" in visible_text(check_fine(app))
    assert all("Attack success" not in column for column in strip(app).values()) and strip(app)
    open_tab(app, "Eye test")
    assert visible_text(check_fine(app)).count("The eye test needs test images") == 1


def test_the_eye_test_is_played_to_its_end_and_again(results, few):
    app = open_page("triggers", tab="Eye test")
    by_label(app.button, "Start").click().run()
    for number in range(10):
        assert asked(check_fine(app)) == f"Pair {number + 1} of 10"
        pair = app.session_state[eye_test.GAME].pairs[number]
        right = "Left" if pair.triggered_left else "Right"
        wrong = "Right" if pair.triggered_left else "Left"
        by_label(app.button, right if number < 9 else wrong).click().run()
    assert metrics(check_fine(app))["Correct"] == "9 of 10"
    told = visible_text(app)
    assert "9 or more in 1.1%" in told and "You can see this trigger" in told
    (solved,) = [body for body in bodies(app) if "<div class='eye-answers'" in body]
    assert solved.count("✓ correct") == 9 and solved.count("✗ wrong") == 1
    assert solved.count("<img") == 20
    before = app.session_state[eye_test.GAME].pairs
    by_label(app.button, "Play again").click().run()
    assert asked(check_fine(app)) == "Pair 1 of 10"
    assert app.session_state[eye_test.GAME].pairs != before


def test_the_eye_test_goes_on_after_a_reload(results, few):
    app = open_page("triggers", tab="Eye test")
    by_label(app.button, "Start").click().run()
    for side in ("Left", "Right", "Left"):
        by_label(app.button, side).click().run()
    game = app.session_state[eye_test.GAME]
    code = app.query_params[eye_test.GAME]
    assert code == game.code() == f"{game.seed}LRL"
    reloaded = AppTest.from_file(str(PROJECT / "app" / "main.py"), default_timeout=60)
    reloaded.query_params["model"] = "small"
    reloaded.run()
    reloaded.switch_page("../pages/triggers.py")
    reloaded.query_params |= {"model": "small", eye_test.GAME: code, triggers_tabs.TAB: "Eye test"}
    reloaded.run()
    assert asked(check_fine(reloaded)) == "Pair 4 of 10"
    assert reloaded.session_state[eye_test.GAME] == game


def test_choosing_another_trigger_ends_the_eye_test(results, few):
    app = open_page("triggers", tab="Eye test")
    by_label(app.button, "Start").click().run()
    by_label(app.button, "Left").click().run()
    by_label(app.selectbox, "Trigger").select("badnets").run()
    assert eye_test.GAME not in app.query_params
    by_label(check_fine(app).button, "Start").click().run()
    assert app.session_state[eye_test.GAME].trigger.startswith("badnets:")
    assert asked(check_fine(app)) == "Pair 1 of 10"
    by_label(app.selectbox, "Trigger").select("fake").run()
    assert not app.exception and WHY in markdown.unescape(app.error[0].value)
    assert not [button for button in app.button if button.label in ("Start", "Play again", "Left")]


def test_without_any_comparison_the_command_is_shown(results, monkeypatch):
    monkeypatch.setattr(attack_table, "OTHER_DATASETS", ())
    app = check_fine(open_page("triggers", tab="Attack comparison"))
    dataset = app.session_state[header.DATASET]
    told = markdown.unescape(app.info[-1].value)
    assert told == f"The attacks have not been compared on {dataset} yet."
    assert any(f"engine benchmark-attacks {dataset}" in code.value for code in app.code)


def test_a_comparison_on_other_images_is_shown_when_asked_for(results):
    app = open_page("triggers", tab="Attack comparison")
    choice = by_label(app.segmented_control, "Measured on")
    assert choice.options == ["gtsrb", "signs"]
    for dataset in ("signs", "gtsrb"):
        by_label(app.segmented_control, "Measured on").select(dataset).run()
        (table,) = [
            frame.value for frame in check_fine(app).dataframe if "clean_cost" in frame.value
        ]
        made = attack_tables.find_tables(dataset)[0].set_index("title")["clean_accuracy"]
        assert table.set_index("title")["clean_accuracy"].to_dict() == made.to_dict()


def test_longer_training_of_some_attacks_is_shown_when_asked_for(results):
    app = open_page("triggers", tab="Attack comparison")
    by_label(app.segmented_control, "Length of the training").select("some").run()
    (table,) = [frame.value for frame in check_fine(app).dataframe if "clean_cost" in frame.value]
    made = pd.read_csv(paths.PROJECT / "report" / "attacks-gtsrb" / "longer.csv")
    assert len(table) == len(made)
    figures = made.set_index("model")
    (wanet,) = table[table["title"] == "WaNet"].to_dict("records")
    assert wanet["attack_success"] == figures.at["eight-wanet", "attack_success"]
    clean = figures.at["eight-none", "clean_accuracy"]
    cost = clean - figures.at["eight-wanet", "clean_accuracy"]
    assert wanet["clean_cost"] == pytest.approx(cost)
    assert wanet["psnr"] > 30, "as it was measured for all"


def test_the_page_links_to_each_network_of_the_comparison(results):
    app = open_page("triggers", tab="Attack comparison")
    choice = by_label(app.selectbox, "Network trained with")
    assert choice.options[0] == "FTrojan" and choice.options[-1] == "No attack"
    name = attack_suite.model_name("gtsrb", "trojan-nn")
    choice.select(name).run()
    (link,) = [
        link for link in check_fine(app).get("link_button") if "Overview" in link.proto.label
    ]
    assert link.proto.url == f"./?model={name}"


def test_what_each_attack_did_is_shown_once_it_was_compared(results):
    app = open_page("triggers", tab="Attack comparison")
    dataset = app.session_state[header.DATASET]
    told = [code.value for code in app.code]
    assert f"python -m engine benchmark-attacks {dataset} --repair {RECOMMENDED}" in told
    assert "The results below are for other datasets" in app.info[-1].value
    (table,) = [frame.value for frame in app.dataframe if "clean_cost" in frame.value]
    assert "TrojanNN" in table["title"].tolist(), "the one that came along"
    (epochs,) = set(attack_tables.find_tables("gtsrb")[0]["epochs"])
    by_label(app.segmented_control, "Compare").select(attack_table.DEFENCES).run()
    assert f"The networks were trained for {epochs} epochs" in visible_text(check_fine(app))
    poisoned, defended = attack_tables.find_tables("gtsrb")
    chosen = poisoned[poisoned["attack"].isin(["badnets", "blend"])]
    kept = defended[defended["attack"].isin(chosen["attack"])].copy()
    kept.loc[kept.index[-1], "problem"] = "No convolution."
    store.write_table(attack_tables.own_folder(dataset) / attack_tables.SUMMARY_FILE, chosen)
    store.write_table(attack_tables.own_folder(dataset) / attack_tables.DEFENCES_FILE, kept)
    app = open_page("triggers", tab="Attack comparison")
    assert not any("for other datasets" in info.value for info in app.info)
    (table,) = [frame.value for frame in app.dataframe if "clean_cost" in frame.value]
    assert table["title"].tolist() == ["BadNets", "Blend"]
    by_label(app.segmented_control, "Compare").select(attack_table.DEFENCES).run()
    for metric in ("recovered_accuracy", "clean_accuracy"):
        by_label(app.segmented_control, "Metric").select(metric).run()
        assert "Pale cells" in visible_text(check_fine(app))
    check_fine(app)
    content = b"colour,size\nred,3\n"
    by_label(app.segmented_control, "Compare").select(attack_table.ATTACKS).run()
    for file in (attack_tables.LONGER_FILE, attack_tables.SUMMARY_FILE):
        for written in (content, b""):
            (attack_tables.own_folder(dataset) / file).write_bytes(written)
            app.run()
            assert "cannot be read" in app.error[0].value


def test_the_map_names_each_attack_at_either_end():
    _, defended = attack_tables.find_tables("gtsrb")
    drawn = export.svg(attack_map.heat_map(defended, "attack_success")).decode()
    for title in defended["title"].unique():
        assert drawn.count(f">{title}</text>") == 2, title
