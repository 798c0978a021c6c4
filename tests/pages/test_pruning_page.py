"""The page Pruning: every change of state."""

import json

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app.forms import threshold_slider
from engine import store
from engine.cli import main
from engine.core import jobs
from engine.store.pruning_curves import stored_curve as curve_of
from tests.pages.driving import (
    PROJECT,
    by_label,
    check_fine,
    open_page,
    visible_text,
    wait_until_finished,
)


def test_the_table_includes_the_papers_thresholds_and_ones_own(results):
    app = open_page("pruning", tab="Thresholds")
    app.slider[0].set_value(7.5).run()
    assert app.dataframe[0].value["threshold"].tolist() == [2.0, 7.5, 10.0, 20.0, 30.0]
    app = open_page("pruning", tab="Save")
    app.slider[0].set_value(7.5).run()
    assert "Save the network pruned for a 7.5-point drop" in [button.label for button in app.button]


def test_an_order_without_a_curve_offers_to_compute_it_and_oracles_are_marked(results):
    app = open_page("pruning")
    by_label(app.selectbox, "Pruning order").select("triggered-activation").run()
    check_fine(app)
    assert "Compute the curve" in [button.label for button in app.button]
    assert "oracle" in visible_text(app)
    by_label(app.selectbox, "Layer to prune").select("conv2d").run()
    assert "Compute the curve" in [button.label for button in check_fine(app).button]


def test_a_pruning_aware_attack_is_named(results):
    assert "pruning-aware" not in visible_text(check_fine(open_page("pruning")))
    path = store.find("small").folder / "card.json"
    card = json.loads(path.read_text())
    card["poisoning"] |= {"dormant_share": 0.5, "surrogate": "signs-clean"}
    path.write_text(json.dumps(card))
    told = visible_text(check_fine(open_page("pruning")))
    assert "pruning-aware" in told and "50% of the last" in told


def test_saving_from_the_page_makes_the_model_the_table_describes(results):
    app = open_page("pruning", tab="Thresholds")
    row = app.dataframe[0].value.set_index("threshold").loc[20.0]
    app = open_page("pruning", tab="Save")
    by_label(app.button, "Save the network pruned for a 20-point drop").click().run()
    name = "small-conv2d-5-clean-activation-20"
    wait_until_finished(jobs.job_named(jobs.name_of("prune", name)))
    scores = store.find(name).card.scores["test"]
    for figure in ("clean_accuracy", "attack_success", "recovered_accuracy"):
        assert scores[figure] == pytest.approx(row[figure], abs=1e-3)
    check_fine(app.run())
    assert name in visible_text(app)


def test_at_threshold_0_nothing_is_pruned_and_there_is_nothing_to_save(results):
    app = open_page("pruning")
    app.slider[0].set_value(0.0).run()
    assert "Nothing is pruned yet" in visible_text(check_fine(app))
    app = open_page("pruning", tab="Save")
    app.slider[0].set_value(0.0).run()
    assert not [button for button in check_fine(app).button if "Save the net" in button.label]
    app = open_page("pruning", tab="Thresholds")
    app.slider[0].set_value(0.0).run()
    assert app.dataframe[0].value["threshold"].tolist() == [2.0, 10.0, 20.0, 30.0]


def test_a_step_dragged_to_moves_the_slider_no_further_than_that_step(results):
    curve = stored_curve()
    for step in (0, 1, 40, len(curve.channels)):
        threshold = threshold_slider.find_threshold(curve, step)
        assert (
            threshold % threshold_slider.STEP == 0
            and 0 <= threshold <= threshold_slider.MAX_THRESHOLD
        )
        assert threshold_slider.find_step(curve, threshold) <= step


def test_a_number_of_channels_chosen_by_hand_is_kept_until_the_slider_moves(results):
    app = open_page("pruning")
    stored, curve = store.find("small"), stored_curve()
    app.session_state["cut-by-hand"] = threshold_slider.CutByHand(
        (stored.name, curve.layer, curve.order), 40
    )
    app.run()
    assert "40 of 128 channels pruned" in visible_text(check_fine(app))
    assert app.query_params["channels"] == "40"
    app.switch_page("../pages/overview.py").run()
    assert "40 of 128 channels pruned" in visible_text(check_fine(app))
    app.slider[0].set_value(30.0).run()
    assert "40 of 128 channels pruned" not in visible_text(check_fine(app))
    assert "channels" not in app.query_params


def test_a_link_names_a_number_of_channels(results):
    app = AppTest.from_file(str(PROJECT / "app" / "main.py"), default_timeout=60)
    app.query_params.update(model="small", channels="17")
    assert "17 of 128 channels pruned" in visible_text(check_fine(app.run()))


def test_orders_with_a_curve_are_overlaid_and_can_be_left_out(results, capsys):
    main.main(["prune", "small", "--order", "triggered-activation"])
    capsys.readouterr()
    app = open_page("pruning", tab="Orders")
    chosen = by_label(app.multiselect, "Orders to compare")
    assert chosen.value == ["clean-activation", "triggered-activation"]
    chosen.set_value([]).run()
    assert "Choose at least one order." in visible_text(check_fine(app))


def test_before_and_after_show_predictions(results):
    app = open_page("pruning", tab="Before and after")
    by_label(app.multiselect, "Triggered images of these classes").set_value([0, 2, 3, 4, 5]).run()
    told = [
        text
        for text in visible_text(check_fine(app)).splitlines()
        if text.startswith(("**Bef", "**Aft"))
    ]
    assert len(told) == 10
    assert any("attacker's target" in text for text in told[::2]), "misled before pruning"
    app.slider[0].set_value(60.0).run()
    after = [
        text for text in visible_text(check_fine(app)).splitlines() if text.startswith("**After")
    ]
    assert after != told[1::2]
    by_label(app.multiselect, "Triggered images of these classes").set_value([]).run()
    assert "Choose at least one class" in visible_text(check_fine(app))


def test_shades_follow_the_activations_that_the_order_ranks_by(results):
    from app import caches

    found = caches.models.clean_activations(store.find("small"), "conv2d_5")
    curve = stored_curve()
    assert np.all(np.diff(found[curve.channels]) >= -1e-4), "the order of pruning"


def stored_curve():
    curve = results_of("small")
    assert curve is not None
    return curve


def results_of(name):
    return curve_of(store.find(name), "conv2d_5", "clean-activation")
