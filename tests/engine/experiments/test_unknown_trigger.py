"""An imported network whose trigger nobody knows: every command, and naming a trigger."""

import json

import numpy as np
import pytest

from engine import store
from engine.cli import main
from engine.core.errors import UserError
from engine.datasets import load_dataset
from engine.evaluation import metrics
from engine.experiments import recovery_ceiling, run_repairs
from engine.store import near_chance, pruning_curves, summary
from engine.store.scans import NOTHING_FOUND, stored_scan
from tests.fixtures.unknown import CORNER, DATASET, IMPORTED, SIDE, TARGET, TRIGGER

pytestmark = pytest.mark.usefixtures("at_unknown")


def run(capsys, *words: str) -> dict:
    assert main.main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refused(capsys, *words: str) -> str:
    assert main.main([*words]) != 0
    return capsys.readouterr().err


def test_its_card_holds_clean_accuracy_and_nothing_of_a_trigger():
    card = store.find("unknown").card
    assert not card.knows_trigger and card.backdoor is None and not card.is_clean
    for scores in card.scores.values():
        assert metrics.measured(scores) == metrics.CLEAN_METRICS
        assert scores["clean_accuracy"] > 90 and "triggered_images" not in scores
    assert "No trigger is known" in summary.describe(card)


def test_the_trigger_on_a_card_from_when_every_import_named_one_is_assumed(tmp_path):
    old = json.loads(store.find("assumed").card.to_json())
    old |= {"rate": 0.0, "poisoned": 0, "training": {"imported_from": "theirs.keras"}}
    for name in ("assumed", "imported"):
        del old[name]
    (tmp_path / "card.json").write_text(json.dumps(old))
    card = store.open_folder(tmp_path).card
    assert card.assumed and card.imported["file"] == "theirs.keras" and card.poisoned is None
    (tmp_path / "card.json").write_text(card.to_json())
    assert store.open_folder(tmp_path).card == card


def test_every_measurement_leaves_out_what_needs_a_trigger(capsys):
    scored = run(capsys, "evaluate", "unknown")
    assert scored["clean_accuracy"] > 90 and "attack_success" not in scored
    run(capsys, "activations", "unknown")
    run(capsys, "predict", "unknown")
    pruned = run(capsys, "prune", "unknown", "--thresholds", "10")
    assert metrics.measured(pruned["thresholds"][0]) == metrics.CLEAN_METRICS
    stored = store.find("unknown")
    assert "triggered_mean" not in stored.table("activations")
    assert "triggered" not in stored.table("predictions")
    curve = pruning_curves.stored_curve(stored, "conv2d", "clean-activation")
    assert metrics.measured(curve.test) == metrics.CLEAN_METRICS
    assert curve.channels[0] == CORNER, "no clean image has a white corner"


def test_a_repair_is_compared_by_clean_accuracy_alone(capsys):
    method = "pruning:threshold=5"
    answer = run(capsys, "compare-repairs", "unknown", "--method", method)
    assert "attack_success" not in answer["repairs"][0] and "der" not in answer["repairs"][0]
    run(capsys, "repair", "unknown", "--method", method, "--name", "mended")
    mended = store.find("mended").card
    assert mended.imported == IMPORTED and not mended.knows_trigger
    stored = store.find("unknown")
    assert list(run_repairs.saved_repairs(stored)) == ["pruning"]
    assert recovery_ceiling.find(stored) is None


@pytest.mark.parametrize(
    "words",
    [
        ["robustness", "unknown"],
        ["reactivate", "unknown"],
        ["prune", "unknown", "--order", "triggered-activation"],
        ["summarize-repairs", "unknown", "--out", "table.csv"],
    ],
)
def test_what_needs_a_trigger_is_refused_in_one_sentence(words, capsys):
    told = refused(capsys, *words)
    assert "o trigger is known" in told and "Traceback" not in told
    assert not (store.find("unknown").folder / "curve-conv2d-triggered-activation.csv").exists()


def test_a_named_trigger_is_scored_and_what_lacks_it_is_deleted(capsys):
    run(capsys, "activations", "unknown")
    run(capsys, "prune", "unknown")
    run(capsys, "compare-repairs", "unknown", "--method", "pruning:threshold=5")
    answer = run(capsys, "assume", "unknown", "--trigger", TRIGGER, "--target", str(TARGET))
    assert answer["attack_success"] == 100 and answer["recovered_accuracy"] < 50
    stored = store.find("unknown")
    assert stored.card.assumed and stored.card.backdoor.target == TARGET
    assert stored.card.poisoned is None and stored.card.rate is None
    assert stored.table("activations") is None and stored.table("repairs") is None
    assert not pruning_curves.stored_curves(stored) and not run_repairs.saved_repairs(stored)
    assert "assumed trigger" in summary.title(stored.card)
    curve = run(capsys, "prune", "unknown", "--thresholds", "5")["thresholds"][0]
    assert curve["attack_success"] < 50, "the channel that sees the corner goes first"


def test_a_trigger_is_only_named_for_imported_networks(capsys):
    told = refused(capsys, "assume", "signs-ftrojan", "--trigger", TRIGGER, "--target", "1")
    assert "was trained here, so its trigger is known" in told
    assert "no target class 9" in refused(
        capsys, "assume", "unknown", "--trigger", TRIGGER, "--target", "9"
    )


def test_results_of_a_measurement_begun_before_the_trigger_was_named_are_refused(capsys):
    before = store.find("unknown")
    run(capsys, "activations", "unknown")
    table = store.find("unknown").table("activations")
    run(capsys, "assume", "unknown", "--trigger", TRIGGER, "--target", str(TARGET))
    with pytest.raises(UserError, match="given another trigger"):
        before.save_tables({"activations": table}, "")
    store.write_table(before.folder / "activations.csv", table)
    with pytest.raises(UserError, match="measured without the model's trigger"):
        store.find("unknown").table("activations")


def test_a_scan_of_too_few_classes_to_compare_margins_is_told_in_json_and_kept(
    capsys, short_detection
):
    short_detection(threshold=np.inf)
    assert main.main(["detect", "unknown", "--json"]) == 0
    text = capsys.readouterr().out
    (first, *_) = json.loads(text)["most_suspicious"]
    assert "NaN" not in text and first["margin"] is None and first["p_value"] is None
    stored = store.find("unknown")
    assert stored.table("detection")["margin"].isna().all()
    assert stored_scan(stored).finding == NOTHING_FOUND


def test_a_network_that_guesses_is_repaired_only_once_confirmed(capsys):
    words = ["repair", "guessing", "--method", "pruning:threshold=5", "--name", "mended"]
    told = refused(capsys, *words)
    assert "little better than guessing" in told or "no better than guessing" in told
    assert "input range or the class order" in told and near_chance.CONFIRM in told
    assert near_chance.CONFIRM in refused(
        capsys, "compare-repairs", "guessing", "--method", "pruning"
    )
    assert near_chance.CONFIRM in refused(capsys, "prune", "guessing", "--save")
    run(capsys, *words, near_chance.CONFIRM)
    assert store.find("mended").card.repair["parent"] == "guessing"


@pytest.mark.parametrize(
    ("classes", "limit"), [(2, 62.5), (3, 50), (10, 20), (43, 200 / 43), (1000, 0.2)]
)
def test_guessing_is_up_to_twice_a_guess_or_a_quarter_of_the_way_to_all(classes, limit):
    assert near_chance.highest_chance(classes) == pytest.approx(limit)


def test_its_images_fit_it():
    assert load_dataset(DATASET, size=SIDE).classes == 3
