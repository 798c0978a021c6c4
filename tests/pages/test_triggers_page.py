"""The page Triggers: every change of state."""

import re
from dataclasses import dataclass
from io import BytesIO
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from app.charts import attack_map
from app.frame import header
from app.views.triggers import attack_table, eye_test, gallery, trigger_settings
from engine import store
from engine.attacks.triggers import TRIGGERS, FTrojan, Trigger
from engine.core import markdown, paths
from engine.core.errors import UserError
from engine.experiments import attack_suite, attack_tables
from engine.reporting import export
from tests.pages.driving import by_label, check_fine, metrics, open_page, visible_text

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
    return {re.search(r"<h3>([^<]*?) *<", part).group(1).strip(): part for part in found}


def test_parameters_of_the_trigger_change_the_image(results):
    app = open_page("triggers")
    before = metrics(app)
    by_label(app.number_input, "Magnitude").set_value(200.0).run()
    after = metrics(check_fine(app))
    assert float(after["PSNR"][:-3]) < float(before["PSNR"][:-3])
    by_label(app.text_input, "Frequency bands").set_value("3x4").run()
    assert metrics(check_fine(app)) != after
    by_label(app.slider, "Amplify the difference").set_value(40).run()
    check_fine(app)


def test_an_invalid_band_is_reported_on_the_page(results):
    app = open_page("triggers")
    by_label(app.text_input, "Frequency bands").set_value("40x1").run()
    assert not app.exception
    assert "outside a window" in app.error[0].value


def test_another_class_shows_another_image(results):
    app = open_page("triggers")
    by_label(app.selectbox, "Class").select(3).run()
    check_fine(app)
    assert "class-3" in str(app.main)


def test_several_variants_are_shown_with_their_predictions(results):
    app = open_page("triggers")
    assert visible_text(app).count("Prediction:") == 2, "of the clean image and of one triggered"
    by_label(app.segmented_control, "Variants").select(3).run()
    assert visible_text(check_fine(app)).count("Prediction:") == 4
    table = app.dataframe[0].value
    assert table["variant"].tolist() == list("ABC")
    assert table["psnr"].is_monotonic_decreasing, "each is stronger than the one before"


def test_a_stronger_variant_stays_within_the_limits():
    trigger = FTrojan(magnitude=30.0)
    assert trigger_settings.strengthen(trigger, 2).magnitude == 60
    most = FTrojan.parameters()["magnitude"].maximum
    assert trigger_settings.strengthen(FTrojan(magnitude=most), 4).magnitude == most


def test_a_picture_picked_from_the_grid_becomes_the_image(results):
    from app.forms import image_chooser

    app = open_page("triggers")
    before = str(app.main)
    app.session_state[image_chooser.NUMBER] = 7
    app.run()
    assert str(check_fine(app).main) != before
    assert by_label(app.number_input, "Image (of 30)").value == 7


def test_every_trigger_has_its_card_the_models_own_first(results, few):
    found = cards(open_page("triggers"))
    assert list(found) == ["FTrojan", "BadNets", "Warping (WaNet)", "Fake &amp; learned"]
    assert "the model's own" in found["FTrojan"] and "the model's own" not in found["BadNets"]
    for name in list(found)[:3]:
        assert found[name].count("<img") == 4, "clean, triggered, change, spectrum"
        assert " dB</dd>" in found[name] and " of 255</dd>" in found[name]


def test_a_trigger_that_was_not_learned_says_so_and_the_others_are_shown(results, few):
    card = cards(open_page("triggers"))["Fake &amp; learned"]
    assert "&#39;Fake&#39; is &lt;learned&gt; before" in card
    assert "Nobody taught it." in card and "nobody" in card and "<img" not in card


def test_the_triggers_shown_are_chosen(results, few):
    app = open_page("triggers")
    by_label(app.pills, "Triggers to show").set_value(["wanet"]).run()
    assert list(cards(check_fine(app))) == ["Warping (WaNet)"]
    by_label(app.pills, "Triggers to show").set_value([]).run()
    assert not cards(check_fine(app))
    assert "Choose at least one trigger" in visible_text(app)


def test_the_models_own_trigger_is_shown_with_its_own_settings(results, few):
    card = cards(open_page("triggers"))["FTrojan"]
    shown = float(re.search(r"([\d.]+) dB", card).group(1))
    assert f"{shown} dB" == metrics(open_page("triggers"))["PSNR"], "of setting A, which is its own"


def test_amplifying_changes_the_differences_of_all(results, few):
    app = open_page("triggers")
    before = cards(app)
    by_label(app.slider, "Amplify the difference").set_value(40).run()
    after = cards(check_fine(app))
    assert all("Change, 40 times" in after[name] for name in list(after)[:3])
    assert all(before[name] != after[name] for name in list(after)[:3])


def test_a_change_of_one_band_is_one_bright_cell_and_nothing_is_dark():
    sizes = np.zeros((8, 8), np.float32)
    sizes[3, 5] = 30
    drawn = gallery.spectrum_image(sizes, 30.0)
    assert drawn[3, 5].tolist() == [253, 231, 37], "the brightest of viridis"
    assert (drawn[0, 0] == drawn[7, 7]).all() and drawn[0, 0].tolist() == [68, 1, 84]
    assert (gallery.spectrum_image(np.zeros((8, 8)), 0.0) == drawn[0, 0]).all()


def test_an_uploaded_image_is_shown_with_every_trigger(at_home, few, monkeypatch, tmp_path):
    monkeypatch.setenv("PRUNING_LAB_DATA", str(tmp_path / "nowhere"))
    app = open_page("triggers")
    assert not cards(app)
    assert "The eye test needs test images" in visible_text(app)
    content = BytesIO()
    Image.fromarray(np.full((48, 48, 3), 90, np.uint8)).save(content, "PNG")
    upload = by_label(app.file_uploader, "Or use an image of your own")
    upload.set_value(("grey.png", content.getvalue(), "image/png")).run()
    assert len(cards(check_fine(app))) == 4
    assert visible_text(app).count("The eye test needs test images") == 1


def test_the_eye_test_is_played_to_its_end_and_again(results, few):
    app = open_page("triggers")
    by_label(app.button, "Start").click().run()
    for number in range(10):
        assert asked(check_fine(app)) == f"Pair {number + 1} of 10"
        pair = app.session_state[eye_test.GAME].pairs[number]
        right = "Left" if pair.triggered_left else "Right"
        wrong = "Right" if pair.triggered_left else "Left"
        by_label(app.button, right if number < 9 else wrong).click().run()
    assert metrics(check_fine(app))["Correct"] == "9 of 10"
    assert "9 or more in 1.1%" in visible_text(app) and "you can see this trigger" in visible_text(
        app
    )
    (solved,) = [body for body in bodies(app) if "<div class='eye-answers'" in body]
    assert solved.count("✓ correct") == 9 and solved.count("✗ wrong") == 1
    assert solved.count("<img") == 20
    before = app.session_state[eye_test.GAME].pairs
    by_label(app.button, "Play again").click().run()
    assert asked(check_fine(app)) == "Pair 1 of 10"
    assert app.session_state[eye_test.GAME].pairs != before


def test_choosing_another_trigger_ends_the_eye_test(results, few):
    app = open_page("triggers")
    by_label(app.button, "Start").click().run()
    by_label(app.button, "Left").click().run()
    by_label(app.selectbox, "Trigger to look for").select("badnets").run()
    by_label(check_fine(app).button, "Start").click().run()
    assert app.session_state[eye_test.GAME].trigger.startswith("badnets:")
    assert asked(check_fine(app)) == "Pair 1 of 10"
    by_label(app.selectbox, "Trigger to look for").select("fake").run()
    assert WHY in visible_text(check_fine(app)).splitlines()
    assert not [button for button in app.button if button.label in ("Start", "Play again", "Left")]


def test_without_any_comparison_the_command_is_shown(results, monkeypatch):
    monkeypatch.setattr(attack_table, "OTHER_DATASETS", ())
    app = check_fine(open_page("triggers"))
    dataset = app.session_state[header.DATASET]
    told = markdown.unescape(app.info[-1].value)
    assert told == f"The attacks have not been compared on {dataset} yet."
    assert any(f"engine benchmark-attacks {dataset}" in code.value for code in app.code)


def test_a_comparison_on_other_images_is_shown_when_asked_for(results):
    app = open_page("triggers")
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
    app = open_page("triggers")
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
    app = open_page("triggers")
    choice = by_label(app.selectbox, "Network trained with")
    assert choice.options[0] == "FTrojan" and choice.options[-1] == "No attack"
    name = attack_suite.model_name("gtsrb", "trojan-nn")
    choice.select(name).run()
    (link,) = [
        link for link in check_fine(app).get("link_button") if "Overview" in link.proto.label
    ]
    assert link.proto.url == f"./?model={name}"


def test_what_each_attack_did_is_shown_once_it_was_compared(results):
    app = open_page("triggers")
    dataset = app.session_state[header.DATASET]
    told = [code.value for code in app.code]
    assert f"python -m engine benchmark-attacks {dataset} --repair spectral-unlearning" in told
    assert "The results below are for other datasets" in app.info[-1].value
    (table,) = [frame.value for frame in app.dataframe if "clean_cost" in frame.value]
    assert "TrojanNN" in table["title"].tolist(), "the one that came along"
    (epochs,) = set(attack_tables.find_tables("gtsrb")[0]["epochs"])
    assert f"tried on the networks trained for {epochs} epochs" in visible_text(app)
    poisoned, defended = attack_tables.find_tables("gtsrb")
    chosen = poisoned[poisoned["attack"].isin(["badnets", "blend"])]
    kept = defended[defended["attack"].isin(chosen["attack"])].copy()
    kept.loc[kept.index[-1], "problem"] = "No convolution."
    store.write_table(attack_tables.own_folder(dataset) / attack_tables.SUMMARY_FILE, chosen)
    store.write_table(attack_tables.own_folder(dataset) / attack_tables.DEFENCES_FILE, kept)
    app = open_page("triggers")
    assert not any("for other datasets" in info.value for info in app.info)
    (table,) = [frame.value for frame in app.dataframe if "clean_cost" in frame.value]
    assert table["title"].tolist() == ["BadNets", "Blend"]
    by_label(app.segmented_control, "Metric").select("recovered_accuracy").run()
    check_fine(app)
    content = b"colour,size\nred,3\n"
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
