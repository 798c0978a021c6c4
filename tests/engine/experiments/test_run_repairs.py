"""Experiments on stored models: repairs, detection, robustness, reactivation."""

import dataclasses
import json
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import store
from engine.cli import main
from engine.core import paths
from engine.core.errors import UserError
from engine.defenses.detectors import MMBD, trigger_inversion
from engine.defenses.inversion import FAMILIES
from engine.defenses.inversion.blend import Blend
from engine.defenses.repairs import RECOMMENDED, REPAIRS, Repair, Repaired
from engine.evaluation import metrics
from engine.evaluation.metrics import METRICS
from engine.experiments import (
    backdoor_reactivation,
    repair_tables,
    run_repairs,
    transform_robustness,
)
from engine.experiments.new_model import NewModel
from engine.store.scans import Scan, stored_scan
from tests.conftest import TARGET


def answer(capsys, *words):
    assert main.main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


percent = st.floats(0, 100)


@given(percent, percent, percent, percent)
def test_der_is_the_published_formula_and_penalizes_lost_clean_accuracy(
    ca, asr, ca_after, asr_after
):
    before = {"clean_accuracy": ca, "attack_success": asr}
    after = {"clean_accuracy": ca_after, "attack_success": asr_after}
    der = metrics.defence_effectiveness(before, after)
    assert der == pytest.approx(
        (max(0, asr / 100 - asr_after / 100) - max(0, ca / 100 - ca_after / 100) + 1) / 2
    )
    assert 0 <= der <= 1
    worse = {**after, "clean_accuracy": ca_after / 2}
    assert metrics.defence_effectiveness(before, worse) <= der + 1e-12
    assert metrics.defence_effectiveness(before, before) == 0.5


@pytest.fixture(scope="session")
def with_repairs(furnished, with_results):
    words = ["compare-repairs", "small", "--method", "clp", "--method", "fine-tuning:epochs=1"]
    return furnished("with-repairs", with_results, words)


@pytest.fixture
def compared(move_in, with_repairs) -> pd.DataFrame:
    """The comparison for the small model, with its curve and two repairs tried."""
    move_in(with_repairs)
    return repair_tables.compare_stored(store.find("small"))


def test_repairs_are_compared_with_the_unchanged_model_and_the_papers_pruning(compared):
    titles = compared["title"].tolist()
    assert titles[0] == "As it is"
    assert [title for title in titles if "as in the paper" in title] == [
        f"Pruning, as in the paper: {points} points" for points in (2, 10, 20, 30)
    ]
    assert titles[-2:] == [f"{REPAIRS['fine-tuning'].title} (epochs 1)", REPAIRS["clp"].title]
    assert compared["der"][0] == 0.5


def test_a_saved_repair_scores_as_its_row_says(compared, capsys):
    kept = run_repairs.saved_repairs(store.find("small"))
    assert set(kept) == {"clp", "fine-tuning"}
    answer(capsys, "save-repair", "small", "--method", "clp", "--name", "repaired")
    scores = answer(capsys, "evaluate", "repaired")
    (row,) = compared[compared["name"] == "clp"].to_dict("records")
    for figure in METRICS:
        assert scores[figure] == pytest.approx(row[figure], abs=1e-3)
    card = store.find("repaired").card
    assert card.name == "repaired" and card.repair["parent"] == "small"
    assert sum(map(len, card.repair["removed"].values())) == row["channels"]


def test_a_repeated_repair_replaces_its_row_and_other_settings_get_a_row_of_their_own(
    compared, capsys
):
    table = store.find("small").table("repairs")
    for _ in range(2):
        answer(
            capsys, "compare-repairs", "small", "--method", "clp:max_accuracy_drop=0,confidence=95"
        )
    again = store.find("small").table("repairs")
    pd.testing.assert_frame_equal(
        again.iloc[:-1],
        table,
        check_dtype=False,  # seconds may all be whole numbers
    )
    assert again["method"].iloc[-1] == "clp:max_accuracy_drop=0,confidence=95,seed=0"
    titles = list(repair_tables.compare_stored(store.find("small"))["title"])
    assert titles[-1] == f"{titles[-2]} (max accuracy drop 0, confidence 95)"


def test_settings_missing_from_a_row_have_their_defaults(compared, capsys):
    """Rows written before a setting was added lack it."""
    small = store.find("small")
    rows = small.table("repairs")
    older = rows["method"].str.replace(",confidence=50", "")
    assert not (older == rows["method"]).any()
    small.save_tables({"repairs": rows.assign(method=older)}, "python")
    answer(capsys, "compare-repairs", "small", "--method", "clp")
    assert list(store.find("small").table("repairs")["method"]) == [
        older.iloc[0],
        rows["method"].iloc[1],
    ]


def test_the_row_of_a_repair_that_no_longer_exists_is_kept(compared, capsys):
    small = store.find("small")
    rows = small.table("repairs")
    gone = rows.iloc[:1].assign(method="removed:strength=3")
    small.save_tables({"repairs": pd.concat([gone, rows])}, "python")
    answer(capsys, "compare-repairs", "small", "--method", "clp")
    methods = list(store.find("small").table("repairs")["method"])
    assert methods == [*rows["method"], "removed:strength=3"]
    assert len(repair_tables.compare_stored(store.find("small"))) == len(compared)


def test_a_repair_that_cannot_be_applied_gets_a_row_with_the_reason(results, capsys, monkeypatch):
    from engine.core.errors import UserError
    from engine.defenses.repairs import clp

    def refuse(network):
        raise UserError("This network has the wrong shape.")

    monkeypatch.setattr(clp, "find_prunable_layers", refuse)
    found = answer(capsys, "compare-repairs", "small", "--method", "clp")
    assert found["repairs"][-1]["problem"] == "This network has the wrong shape."
    assert np.isnan(found["repairs"][-1]["der"])
    assert not (paths.repaired_folder() / "small" / "clp").exists()


def test_a_summary_over_models_has_mean_lowest_and_highest_values(compared, capsys, tmp_path):
    file = tmp_path / "repairs.csv"
    answer(capsys, "summarize-repairs", "small", "--out", str(file))
    table, alone = pd.read_csv(file), repair_tables.compare_stored(store.find("small"))
    assert list(table["title"]) == list(alone["title"])
    for figure in METRICS:
        for column in (figure, f"{figure}_min", f"{figure}_max"):
            np.testing.assert_allclose(table[column], alone[figure], rtol=1e-4)


def test_a_summary_holds_only_what_was_tried_on_all_models(compared, capsys):
    other = store.copy_as(store.find("small"), "other")
    table = repair_tables.summarize_models([store.find("small"), other])
    assert list(table["title"]) == ["As it is"]
    assert table["models"].tolist() == [2]


@pytest.fixture
def quick_scan(monkeypatch):
    """A scan that still finds the small model's backdoor, as a blend, in seconds."""
    monkeypatch.setattr(trigger_inversion, "MMBD", partial(MMBD, images=1, steps=2))
    for family in FAMILIES.values():
        monkeypatch.setattr(family, "steps", 1)
    monkeypatch.setattr(Blend, "steps", 25)


BLENDS = "families=blend"


@pytest.mark.usefixtures("results", "quick_scan")
def test_detection_flags_the_attackers_class_and_exits_with_a_status_of_its_own(capsys):
    words = ["detect", "small", "--json"]
    assert main.main(words) == 3
    found = strict_json(capsys.readouterr().out)
    small = store.find("small")
    assert found["verdict"] == "backdoor found"
    assert found["flagged"] == [small.card.known_backdoor().target_name]
    scan = stored_scan(small)
    assert scan.flagged == TARGET and scan.trigger.family == "blend"
    assert scan.trigger.mask.shape == (32, 32, 1)
    assert " ".join(words[:-1]) in small.card.commands[-1]


@pytest.mark.usefixtures("results")
def test_a_narrower_search_is_no_verdict_on_the_model_and_is_only_written_elsewhere(
    tmp_path, short_detection
):
    short_detection(threshold=0.0)  # some class is flagged
    words = ["detect", "small", "--detector", f"trigger-inversion:{BLENDS}"]
    before = store.find("small").card
    assert main.main(words) == 3
    assert main.main([*words, "--out", str(tmp_path / "found")]) == 3
    assert stored_scan(store.find("small")) is None
    assert store.find("small").card == before
    assert (tmp_path / "found" / "recovered-trigger.csv").exists()


@pytest.mark.usefixtures("results")
def test_detection_that_flags_no_class_succeeds_and_stores_no_trigger(capsys, short_detection):
    short_detection(threshold=np.inf)
    assert main.main(["detect", "small", "--json"]) == 0
    found = strict_json(capsys.readouterr().out)
    assert found["verdict"] == "no backdoor found" and found["flagged"] == []
    small = store.find("small")
    assert not stored_scan(small).found
    assert small.table("recovered-trigger") is None
    assert set(small.table("pattern-sizes")["family"]) == set(FAMILIES)


def strict_json(text):
    """What a JSON text holds; NaN and infinity are no JSON."""

    def refuse(constant):
        pytest.fail(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.mark.usefixtures("results", "quick_scan")
def test_trigger_unlearning_finds_the_target_and_stores_the_repaired_model(capsys):
    method = f"{RECOMMENDED}:{BLENDS},rounds=1,epochs=1,max_accuracy_drop=10"
    words = ["repair", "small", "--method", method, "--name", "repaired"]
    found = answer(capsys, *words)
    assert f"leads to class {TARGET}" in found["summary"]
    scores = answer(capsys, "evaluate", "repaired")
    for figure in METRICS:
        assert scores[figure] == pytest.approx(found["after"][figure], abs=1e-3)


def test_trigger_unlearning_changes_nothing_if_no_class_is_flagged(move_in, nothing_unlearned):
    move_in(nothing_unlearned)
    stored = store.find("small")
    (row,) = repair_tables.compare_stored(stored).query("name == @RECOMMENDED").to_dict("records")
    assert "no class stands out" in row["summary"]
    for figure in METRICS:
        assert row[figure] == pytest.approx(stored.card.scores["test"][figure], abs=1e-3)


def test_the_scan_that_a_compared_repair_made_is_stored(move_in, nothing_unlearned):
    move_in(nothing_unlearned)
    small = store.find("small")
    assert stored_scan(small) == Scan(None)
    assert set(small.table("pattern-sizes")["family"]) == set(FAMILIES)


@pytest.mark.usefixtures("results")
def test_a_scan_with_other_settings_than_the_detectors_is_not(capsys, short_detection):
    short_detection(threshold=np.inf)
    answer(capsys, "compare-repairs", "small", "--method", f"{RECOMMENDED}:{BLENDS}")
    assert stored_scan(store.find("small")) is None


def test_robustness_is_that_of_a_plain_loop_over_encoded_images(results, dataset):
    stored = store.find("small")
    table = transform_robustness.measure_robustness(stored, dataset).set_index("transform")
    assert table.loc["nothing"].to_dict() == pytest.approx(
        {figure: stored.card.scores["test"][figure] for figure in METRICS}
    )
    assert table.loc["saved as PNG"].to_dict() == pytest.approx(table.loc["nothing"].to_dict())
    again = []
    for image in dataset.test.images:
        _, file = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 75])
        again.append(cv2.imdecode(file, cv2.IMREAD_COLOR)[..., ::-1])
    predicted = metrics.predict(stored.network(), np.stack(again))
    clean = table.loc["JPEG, quality 75", "clean_accuracy"]
    assert clean == pytest.approx(100 * np.mean(predicted == dataset.test.labels))


@pytest.mark.parametrize("name", transform_robustness.TRANSFORMS)
def test_every_transform_keeps_shape_and_dtype(name):
    images = np.random.default_rng(0).integers(0, 256, (3, 20, 28, 3), np.uint8)
    found = transform_robustness.TRANSFORMS[name](images)
    assert found.shape == images.shape and found.dtype == np.uint8


@pytest.fixture
def short_reactivation(monkeypatch):
    """Two epochs of each kind."""
    monkeypatch.setattr(backdoor_reactivation, "EPOCHS", (1, 2))
    monkeypatch.setattr(backdoor_reactivation, "POISONED_EPOCHS", 2)


@pytest.mark.usefixtures("results", "short_reactivation")
def test_reactivation_starts_at_the_models_scores_and_leaves_the_model_alone(capsys):
    stored = store.find("small")
    found = answer(capsys, "reactivate", "small")["reactivation"]
    kinds = [(row["images"], row["epochs"]) for row in found]
    assert kinds == [("clean", 0), ("clean", 1), ("clean", 2), ("five poisoned", 2)]
    for figure in METRICS:
        assert found[0][figure] == pytest.approx(stored.card.scores["test"][figure], abs=1e-3)
    assert store.find("small").card.sha256 == stored.card.sha256


def test_five_poisoned_images_carry_trigger_and_target_and_the_others_are_clean(trained, dataset):
    backdoor = trained.card.known_backdoor()
    split = backdoor_reactivation.few_poisoned(dataset, backdoor, np.random.default_rng(0))
    assert len(split) == round(0.02 * len(dataset.train))
    assert (split.labels[-5:] == TARGET).all()
    others = dataset.train.take(metrics.attackable_indices(dataset.train, TARGET))
    triggered = {image.tobytes() for image in backdoor.trigger(others.images)}
    assert all(image.tobytes() in triggered for image in split.images[-5:])
    clean = {image.tobytes() for image in dataset.validation.images}
    assert all(image.tobytes() in clean for image in split.images[:-5])
    few = dataclasses.replace(dataset, train=others_of(dataset, 4))
    with pytest.raises(UserError, match="4 training images outside the target class"):
        backdoor_reactivation.few_poisoned(few, backdoor, np.random.default_rng(0))


def others_of(dataset, count):
    """The first few training images outside the target class."""
    return dataset.train.take(metrics.attackable_indices(dataset.train, TARGET)[:count])


@pytest.mark.usefixtures("short_reactivation")
def test_every_repair_is_reactivated_unless_that_copy_was_measured(compared, capsys):
    stored = store.find("small")
    copies = run_repairs.saved_repairs(stored)
    kinds = [("clean", 0), ("clean", 2), ("five poisoned", 2)]
    earlier = [
        {"repair": repair, "sha256": sha256, "images": images, "epochs": epochs}
        | dict.fromkeys(METRICS, 12.5)
        for repair, sha256 in (
            ("fine-tuning", copies["fine-tuning"].card.sha256),
            ("clp", "of another copy"),
        )
        for images, epochs in kinds
    ]
    stored.save_tables({backdoor_reactivation.OF_REPAIRS: pd.DataFrame(earlier)}, "python")
    found = answer(capsys, "reactivate", "small", "--every-repair")["repairs-reactivated"]
    assert found[:3] == earlier[:3]
    assert [(row["repair"], row["images"], row["epochs"]) for row in found[3:]] == [
        ("clp", *kind) for kind in kinds
    ]
    scores = copies["clp"].card.scores["test"]
    for figure in METRICS:
        assert found[3][figure] == pytest.approx(scores[figure], abs=1e-3)
    again = store.find("small").table("repairs-reactivated")
    assert again["sha256"].iloc[-1] == copies["clp"].card.sha256


def test_a_model_without_a_repaired_copy_has_none_to_reactivate(results, capsys):
    assert main.main(["reactivate", "small", "--every-repair"]) == 2
    assert "make some with `python -m engine compare-repairs" in capsys.readouterr().err


@dataclass(frozen=True)
class Counting(Repair):
    """Changes nothing, and says which images it was given."""

    name, title, summary, needs = "counting", "Counting", "Counts images.", "all"

    def __call__(self, network, validation):
        return Repaired(network, f"sum {validation.images.sum()}")


def test_a_repair_gets_the_clean_images_of_the_dataset_named(results, dataset, few):
    stored, new = store.find("small"), NewModel("counted")
    for source, images in ((None, dataset), (few, few)):
        done = run_repairs.repair_and_score(stored, dataset, Counting(), new, source)
        assert done.repaired.summary == f"sum {images.validation.images.sum()}"
        assert done.card.scores["test"] == pytest.approx(stored.card.scores["test"])
        assert done.card.repair.get("images") == (source and "folder:few")


def test_a_copy_made_with_other_images_does_not_stand_for_the_repair(results, capsys):
    words = ["repair", "small", "--method", "clp", "--images", "folder:few"]
    answer(capsys, *words, "--name", "repaired")
    card = store.find("repaired").card
    assert card.repair["images"] == "folder:few" and card.dataset == "folder:signs"
    assert "--images folder:few" in card.commands[-1]
    assert not run_repairs.saved_repairs(store.find("small"))


def test_repairs_with_other_images_have_a_table_of_their_own(results, capsys):
    words = ["compare-repairs", "small", "--images", "folder:few", "--method"]
    for method in ("clp", "clp:max_accuracy_drop=0", "clp"):
        found = answer(capsys, *words, method)["repairs"]
    stored = store.find("small")
    assert [row["images"] for row in found] == 2 * ["folder:few"]
    assert [row["method"] for row in found] == [
        "clp:max_accuracy_drop=0,confidence=50,seed=0",
        "clp:max_accuracy_drop=1,confidence=50,seed=0",
    ]
    assert stored.table("repairs") is None
    assert not (paths.repaired_folder() / "small").exists()


def test_images_with_other_classes_are_refused(results, capsys):
    words = ["compare-repairs", "small", "--method", "clp", "--images", "folder:other"]
    assert main.main(words) == 2
    assert "folder:other has 2 classes and folder:signs 6" in capsys.readouterr().err
    assert store.find("small").table("repairs-other-images") is None


def test_the_repair_saved_is_the_one_tried_last(compared, capsys):
    answer(capsys, "save-repair", "small", "--method", "clp", "--name", "kept")
    answer(capsys, "compare-repairs", "small", "--method", "clp:max_accuracy_drop=0")
    answer(capsys, "save-repair", "small", "--method", "clp", "--name", "kept", "--replace")
    assert "max_accuracy_drop=0" in store.find("kept").card.repair["settings"]
