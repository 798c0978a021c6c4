"""The detector's calibration: who chooses, who reports, and what is computed of them."""

import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from engine import store
from engine.attacks.recipes import ATTACKS
from engine.cli import main
from engine.core.errors import UserError
from engine.datasets import load_dataset
from engine.defenses.detectors import TriggerInversion
from engine.defenses.inversion import FAMILIES
from engine.evaluation.targets import NEXT_CLASS
from engine.experiments import analyze, detector_calibration, detector_evidence
from engine.experiments.detector_calibration import CHOOSE, CHOOSING_ATTACKS, REPORT
from engine.experiments.detector_evidence import LATER, Evidence
from engine.store import scans
from tests.fixtures.scans import patch, store_scan
from tests.fixtures.unknown import DATASET, SIDE, corner_network

CLASSES, TARGET = range(3), 2


def network(model, attack="", success=99.0, dataset="signs", **changed):
    """A row of `Evidence.networks`."""
    clean = {"attack_success": math.nan, "target": math.nan}
    about = clean if not attack else {"attack_success": success, "target": TARGET}
    return {
        "model": model,
        "dataset": dataset,
        "architecture": "paper",
        "attack": attack,
        "side": "",
        **about,
        "command": f"python -m engine train {dataset} --name {model}",
        **changed,
    }


def classes(model, patches, margins=(0.0, 0.0, 0.0), success=90.0):
    """Rows of `Evidence.classes`, whose classes stand out in the family of patches alone."""
    rows = [
        {"model": model, "label": label, **dict.fromkeys(FAMILIES, 0.0), "success": success}
        for label in CLASSES
    ]
    return pd.DataFrame(rows).assign(patch=patches, margin=margins)[
        list(detector_evidence.SIZES.columns)
    ]


NETWORKS = [
    network("clean-1"),
    network("clean-2"),
    network("clean-3"),
    network("clean-4"),
    network("strong", "badnets"),
    network("weak", "sig", success=20.0),
    network("hidden", "blend"),
    network("lower", "wanet"),
    network("unseen", "dynamic"),
    network("elsewhere", "ban"),
    network("all", "badnets-all-to-all", target=NEXT_CLASS),
]
# Of clean-1 and clean-3, which choose, the spread in patches is 0.4.
PATCHES = {
    "clean-1": ([0.4, -0.4, 0.4], (0, 0, 1.0)),
    "clean-2": ([0.4, -0.4, 3.2], (0, 0, 0)),
    "clean-3": ([-0.4, 0.4, -0.4], (0, 0, 0)),
    "clean-4": ([0.4, -0.4, 0], (0, 0, 0)),
    "strong": ([0, 0, 4.0], (0, 0, 6.0)),
    "weak": ([0, 0, 1.6], (0, 0, 0)),
    "hidden": ([0.2, 0.1, 0.4], (0, 0, 0.5)),
    "lower": ([0, 0, 2.0], (0, 0, 0)),
    "unseen": ([0, 0, 4.0], (0, 0, 0)),
    "elsewhere": ([4.0, 0, 0.4], (0, 0, 0)),
    "all": ([0, 4.0, 0], (0, 0, 0)),
}


def evidence(**changed):
    found = {**PATCHES, **changed}
    rows = [classes(row["model"], *found[row["model"]]) for row in NETWORKS]
    return Evidence(pd.DataFrame(NETWORKS), pd.concat(rows, ignore_index=True))


def judged(found):
    return found.networks.set_index("model")


def test_no_attack_is_on_both_sides():
    rows = [
        network(f"{attack}-{seed}", attack, dataset=dataset)
        for attack in ATTACKS
        if attack != "none"
        for dataset in ("signs", "gtsrb")
        for seed in range(3)
    ]
    clean = [network(f"clean-{number}", dataset="gtsrb") for number in range(2)]
    sides = detector_calibration.with_sides(pd.DataFrame(rows + clean))
    of_attack = sides[sides["attack"] != ""].groupby("attack")["side"]
    assert (of_attack.nunique() == 1).all()
    chosen = of_attack.first()
    assert set(chosen[chosen == CHOOSE].index) == set(CHOOSING_ATTACKS)
    assert set(chosen[chosen == REPORT].index) == {*ATTACKS} - {*CHOOSING_ATTACKS, "none"}


def test_clean_networks_of_a_dataset_and_architecture_alternate_and_the_first_chooses():
    rows = [
        network(f"{dataset}-{architecture}-{number}", dataset=dataset, architecture=architecture)
        for dataset in ("signs", "gtsrb")
        for architecture in ("paper", "resnet")
        for number in range(3)
    ]
    attacked = [network("a", "badnets"), network("b", "dynamic")]
    shuffled = pd.DataFrame(rows + attacked).sample(frac=1, random_state=3)
    sides = detector_calibration.with_sides(shuffled).set_index("model")["side"]
    for row in rows:
        assert sides[row["model"]] == (REPORT if row["model"].endswith("1") else CHOOSE)


def test_networks_measured_later_choose_nothing_and_change_no_side():
    later = [network("clean-0", side=LATER), network("strong-again", "badnets", side=LATER)]
    before = detector_calibration.with_sides(pd.DataFrame(NETWORKS)).set_index("model")["side"]
    after = detector_calibration.with_sides(pd.DataFrame(NETWORKS + later)).set_index("model")[
        "side"
    ]
    assert after[before.index].to_dict() == before.to_dict()
    assert after["clean-0"] == after["strong-again"] == LATER


def test_a_network_that_constants_were_chosen_with_cannot_report_later():
    rows = pd.DataFrame([network("strong", "badnets", side="choose"), network("b", side="report")])
    known = Evidence(rows, pd.DataFrame())
    detector_evidence.check_unchosen(known, ["b", "new"])
    with pytest.raises(UserError, match="chosen with 'strong'"):
        detector_evidence.check_unchosen(known, ["b", "strong"])


def test_networks_measured_later_count_among_those_that_took_no_part():
    later = [network("clean-0", side=LATER), network("strong-again", "badnets", side=LATER)]
    fresh = {"clean-0": ([0, 0, 0], (0, 0, 0)), "strong-again": ([0, 0, 0.1], (0, 0, 0))}
    known = evidence()
    rows = [classes(name, *found) for name, found in fresh.items()]
    both = known.replaced_by(Evidence(pd.DataFrame(later), pd.concat(rows, ignore_index=True)))
    found = detector_calibration.calibrate(both)
    pd.testing.assert_frame_equal(found.spreads, detector_calibration.calibrate(known).spreads)
    assert found.threshold.equals(detector_calibration.calibrate(known).threshold)
    of = found.rates.set_index(["networks", "kind"])["of"]
    assert of["unseen", "clean"] == of["report", "clean"] + 1
    assert of["unseen", "backdoored"] == of["report", "backdoored"] + 1
    assert of["all", "clean"] == 5


@pytest.mark.parametrize(
    ("without", "told"),
    [
        (["clean-1", "clean-2", "clean-3", "clean-4"], "clean ones that choose"),
        (["clean-2", "clean-3", "clean-4"], "clean ones that report"),
        (["strong", "hidden", "lower"], "backdoored ones that choose"),
        (["unseen", "elsewhere", "all"], "backdoored ones that report"),
    ],
)
def test_each_side_needs_clean_networks_and_working_backdoors(without, told):
    rows = pd.DataFrame([row for row in NETWORKS if row["model"] not in without])
    with pytest.raises(UserError, match=told):
        detector_calibration.with_sides(rows)


def test_spreads_are_those_of_the_clean_networks_that_choose():
    found = detector_calibration.calibrate(evidence())
    values = [value for name in ("clean-1", "clean-3") for value in PATCHES[name][0]]
    mean = sum(values) / len(values)
    deviation = math.sqrt(sum((value - mean) ** 2 for value in values) / len(values))
    spreads = found.spreads.set_index("family")["spread"]
    assert spreads["patch"] == pytest.approx(deviation, abs=1e-4)
    assert (spreads.drop("patch") == 0).all()
    assert detector_calibration.round_spread(deviation) == 0.4
    assert detector_calibration.round_spread(0.0) == 0.5  # something to divide by


def test_the_threshold_lies_between_the_clean_networks_and_the_targets_above_them():
    """The hidden target is below, the weak backdoor does not count, and the others report."""
    found = detector_calibration.calibrate(evidence())
    (row,) = found.threshold.to_dict("records")
    highest = max(
        max(max(value, 0) / 0.4 + margin for value, margin in zip(*PATCHES[name], strict=True))
        for name in ("clean-1", "clean-3")
    )
    working = [PATCHES[name] for name in ("strong", "hidden", "lower")]
    targets = [patches[TARGET] / 0.4 + margins[TARGET] for patches, margins in working]
    lowest = min(score for score in targets if score > highest)
    assert (row["highest_clean"], row["clean_model"]) == (highest, "clean-1")
    assert (row["lowest_target"], row["target_model"]) == (lowest, "lower")
    assert row["threshold"] == (highest + lowest) / 2 == 3.5
    assert [detector_calibration.round_threshold(each) for each in (9.3, 9.2, 9.76)] == [9.5, 9, 10]


def test_without_a_target_above_the_clean_networks_there_is_no_threshold():
    low = ([0.4, 0, 0.4], (0, 0, 0))
    with pytest.raises(UserError, match="No threshold tells the networks apart"):
        detector_calibration.calibrate(evidence(strong=low, hidden=low, lower=low))


def test_who_is_right():
    found = judged(detector_calibration.calibrate(evidence()))
    assert found["right"].to_dict() == {
        "clean-1": True,
        "clean-2": False,  # flagged
        "clean-3": True,
        "clean-4": True,
        "strong": True,
        "weak": True,
        "hidden": False,  # below the threshold
        "lower": True,
        "unseen": True,
        "elsewhere": False,  # another class is flagged
        "all": True,  # it has no single target
    }
    assert found.loc["elsewhere", ["flagged", "first", "score"]].to_list() == [True, 0, 10]
    assert found.loc["elsewhere", "target_score"] == 1
    assert math.isnan(found.loc["all", "target_score"])


def test_a_pattern_that_does_not_work_on_other_images_flags_nothing():
    given = evidence()
    given.classes.loc[given.classes["model"] == "unseen", "success"] = 49.0
    found = judged(detector_calibration.calibrate(given)).loc["unseen"]
    assert (found["score"], found["flagged"], found["right"]) == (10, False, False)


def test_rates_count_who_is_right_among_clean_networks_and_working_backdoors():
    found = detector_calibration.calibrate(evidence())
    networks = found.networks.to_dict("records")
    sides = {"report": ["report"], "unseen": ["report"], "all": ["choose", "report"]}
    for rate in found.rates.to_dict("records"):
        counted = [
            row["right"]
            for row in networks
            if row["side"] in sides[rate["networks"]]
            and (row["attack"] == "") == (rate["kind"] == "clean")
            and (rate["kind"] == "clean" or row["attack_success"] > 50)
        ]
        assert (rate["right"], rate["of"]) == (sum(counted), len(counted))
        assert rate["rate"] == pytest.approx(100 * sum(counted) / len(counted), abs=0.01)
        assert 0 <= rate["low"] < rate["rate"] + 0.01 and rate["rate"] - 0.01 < rate["high"] <= 100
    assert found.rates["of"].tolist() == [2, 3, 2, 3, 4, 6]
    half = found.rates.iloc[0]  # 1 of 2, whose interval Wilson (1927) gives
    assert (half["low"], half["high"]) == pytest.approx((9.45, 90.55), abs=0.01)


def test_what_is_written_is_read_and_gives_the_same_again(tmp_path):
    first = detector_calibration.calibrate(evidence())
    paths = detector_calibration.write(first, tmp_path)
    written = {path: path.read_bytes() for path in paths}
    again = detector_calibration.calibrate(detector_evidence.read(tmp_path))
    detector_calibration.write(again, tmp_path)
    assert {path: path.read_bytes() for path in paths} == written


def test_pages_read_the_rates_of_the_side_that_reports(tmp_path, monkeypatch):
    monkeypatch.setattr(detector_calibration, "FOLDER", tmp_path)
    assert detector_calibration.measured_rates() is None
    detector_calibration.write(detector_calibration.calibrate(evidence()), tmp_path)
    rates = detector_calibration.measured_rates()
    assert (rates.clean.of, rates.clean.rate) == (2, 50)
    assert (rates.backdoored.of, rates.backdoored.rate) == (3, 66.67)
    (tmp_path / "rates.csv").write_text("networks,kind\nreport,clean\n")
    with pytest.raises(UserError, match=r"rates\.csv"):
        detector_calibration.measured_rates()


# The command, on models that the tests put into a home of their own.

STORED = {"one": "", "two": "", "three": "badnets", "four": "dynamic"}


def store_network(name, attack, at=TARGET):
    """A model that was trained with an attack, so its card says, and its scan: `at` stands out."""
    like = store.find("assumed").card
    scores = {split: {**of, "attack_success": 99.0} for split, of in like.scores.items()}
    training = {"architecture": "paper", "epochs_run": 1, "epoch_kept": 1, "stopped": False}
    card = replace(
        like,
        name=name,
        rate=0.05 if attack else 0.0,
        poisoned=5 if attack else 0,
        assumed=False,
        imported={},
        suite=attack,
        training=training,
        scores=scores,
        commands=(f"python -m engine train {DATASET} --name {name}",),
    )
    return store_scan(store.save(card, corner_network(), {}), patch(at, SIDE) if attack else None)


@pytest.fixture
def stored(at_unknown):
    return {name: store_network(name, attack) for name, attack in STORED.items()}


def command(folder, *models):
    return main.main(["calibrate-detector", *models, "--out", str(folder), "--json"])


def networks_in(folder):
    return pd.read_csv(folder / "networks.csv", keep_default_na=False).set_index("model")


@pytest.mark.usefixtures("stored")
def test_the_command_calibrates_with_the_stored_scans(tmp_path, capsys):
    assert command(tmp_path, *STORED) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["networks"] == 4 and answer["wrong"] == []
    assert {row["family"] for row in answer["spreads"]} == set(FAMILIES)
    found = networks_in(tmp_path)
    assert found["attack"].to_dict() == STORED
    assert found["side"].to_dict() == {
        "one": CHOOSE,
        "two": REPORT,
        "three": CHOOSE,
        "four": REPORT,
    }
    assert found.loc["four", "command"] == f"python -m engine train {DATASET} --name four"
    assert len(pd.read_csv(tmp_path / "sizes.csv")) == 3 * 4


@pytest.mark.usefixtures("stored")
def test_networks_that_are_not_named_stay_and_those_named_are_measured_again(tmp_path, at_unknown):
    assert command(tmp_path, *STORED) == 0
    for name in ("one", "two"):
        store.find(name).folder.rename(at_unknown / name)  # not kept
    store_scan(store.find("four"), patch(0, SIDE))
    assert command(tmp_path, "four") == 0
    found = networks_in(tmp_path)
    assert set(found.index) == set(STORED)
    assert (found.loc["four", "first"], bool(found.loc["four", "right"])) == (0, False)
    assert len(pd.read_csv(tmp_path / "sizes.csv")) == 3 * 4


def test_an_interrupted_run_continues_where_it_was(stored, tmp_path, short_detection, capsys):
    short_detection(threshold=np.inf)
    for name in ("one", "two"):
        for table in (scans.EVIDENCE, scans.SIZES):
            (stored[name].folder / f"{table}.csv").unlink()
    network, aside = stored["two"].folder / "model.keras", tmp_path / "aside"
    network.rename(aside)
    assert command(tmp_path, *STORED) == 2
    assert "one (1 of 2)" in capsys.readouterr().err
    assert not (tmp_path / "networks.csv").exists()
    sizes = stored["one"].folder / "pattern-sizes.csv"
    done = sizes.stat().st_mtime_ns
    aside.rename(network)
    command(tmp_path, *STORED)
    told = capsys.readouterr().err
    assert "two (1 of 1)" in told and "one (" not in told
    assert sizes.stat().st_mtime_ns == done
    assert store.find("two").card.commands[-1] == "python -m engine detect two"
    assert store.find("two").table(scans.SIZES) is not None


def test_a_stored_scan_that_cannot_be_used_is_made_again(stored, tmp_path, short_detection):
    short_detection(threshold=np.inf)
    (stored["two"].folder / "detection.csv").write_text("label,psnr_db\n0,30\n")  # an old one
    command(tmp_path, *STORED)
    assert len(store.find("two").table(scans.EVIDENCE)) == 3
    assert store.find("two").card.commands[-1] == "python -m engine detect two"


def test_scores_are_those_that_the_detector_adds_up(stored, short_detection):
    short_detection(threshold=np.inf)
    model = stored["one"]
    found = analyze.detect(model, load_dataset(DATASET, size=SIDE), TriggerInversion())
    tables = scans.tables_of(found, model.card.class_names)
    model = model.save_tables(tables, "python -m engine detect one")
    spreads = pd.DataFrame(
        {"family": list(FAMILIES), "spread": [family.spread for family in FAMILIES.values()]}
    )
    rows = detector_evidence.classes_of(model).sort_values("label")
    scores = detector_calibration.class_scores(rows, spreads)
    assert scores.to_numpy() == pytest.approx(found.scores, abs=0.02)


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("unknown", "because it was trained elsewhere"),
        ("assumed", "because it was trained elsewhere"),
        ("mended", "neither clean nor backdoored"),
        ("missing", "There is no model 'missing'"),
    ],
)
def test_a_network_whose_kind_is_not_known_is_refused(tmp_path, capsys, model, told):
    card = store.find("three").card
    details = {"parent": "three", "parent_sha256": card.sha256, "method": "clp", "summary": "less"}
    store.save(replace(card, name="mended", repair=details), corner_network(), {})
    assert command(tmp_path / "out", *STORED, model) == 2
    error = capsys.readouterr().err
    assert told in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("stored")
def test_a_kind_that_is_missing_is_told_before_any_scan(tmp_path, capsys):
    assert command(tmp_path / "out", "one", "three") == 2
    assert "name clean ones that report" in capsys.readouterr().err


@pytest.mark.usefixtures("stored")
def test_tables_that_cannot_be_used_are_told_in_a_sentence(tmp_path, capsys):
    assert command(tmp_path, *STORED) == 0
    (tmp_path / "networks.csv").write_text("model\none\n")
    capsys.readouterr()
    assert command(tmp_path, "four") == 2
    assert "networks.csv" in capsys.readouterr().err
