"""The detector's constants, and the scans that come with the program, are those of its report."""

import pandas as pd
import pytest

from engine import store
from engine.core.paths import SHIPPED_MODELS
from engine.defenses.detectors.trigger_inversion import THRESHOLD
from engine.defenses.inversion import FAMILIES
from engine.experiments import detector_calibration, detector_evidence
from engine.experiments.detector_calibration import FOLDER, round_spread, round_threshold
from engine.store import tables

FEWEST_CLEAN = 20


def networks() -> pd.DataFrame:
    return tables.read(FOLDER / "networks.csv", detector_evidence.NETWORKS)


def test_the_detector_has_the_constants_that_were_chosen():
    spreads = pd.read_csv(FOLDER / "spreads.csv").set_index("family")["spread"]
    assert {name: round_spread(spread) for name, spread in spreads.items()} == {
        name: family.spread for name, family in FAMILIES.items()
    }
    (threshold,) = pd.read_csv(FOLDER / "threshold.csv")["threshold"]
    assert round_threshold(threshold) == THRESHOLD


def test_every_table_is_the_one_that_the_evidence_gives(tmp_path):
    evidence = detector_evidence.read(FOLDER)
    assert evidence is not None, "run python -m engine calibrate-detector"
    calibration = detector_calibration.calibrate(evidence)
    for path in detector_calibration.write(calibration, tmp_path):
        assert path.read_bytes() == (FOLDER / path.name).read_bytes()


def test_there_are_enough_clean_networks_and_no_attack_is_on_both_sides():
    found = networks()
    attacked = found["attack"].fillna("") != ""
    assert (~attacked).sum() >= FEWEST_CLEAN
    chosen = attacked & (found["side"] != detector_evidence.LATER)
    assert (found[chosen].groupby("attack")["side"].nunique() == 1).all()


def test_the_scans_that_come_with_the_program_are_those_that_were_counted():
    """Those that were trained again since then by another command do not count."""
    shipped = [
        row
        for row in networks().itertuples()
        if (SHIPPED_MODELS / row.model).is_dir()
        and store.open_folder(SHIPPED_MODELS / row.model).card.commands[0] == row.command
    ]
    assert len(shipped) > 20
    for row in shipped:
        (first, *_) = tables.read_model_table(SHIPPED_MODELS / row.model, "detection").itertuples()
        assert (first.label, first.flagged) == (row.first, row.flagged), row.model
        assert first.score == pytest.approx(row.score, abs=0.02)
