"""The command that calibrates the detector on networks that are known."""

from __future__ import annotations

from pathlib import Path

import click
import pandas as pd

from engine import store
from engine.cli.options import MODEL, ModelChoice, out_option
from engine.cli.shared import Answer, Call, command, long_work, ready_for_json
from engine.core import progress
from engine.defenses.detectors.trigger_inversion import THRESHOLD
from engine.defenses.inversion import FAMILIES
from engine.experiments import detector_calibration, detector_evidence
from engine.experiments.detector_calibration import Calibration
from engine.experiments.detector_evidence import Evidence
from engine.store import StoredModel


@command("calibrate-detector")
@click.argument("models", type=MODEL, nargs=-1, required=True, help="Names of the models.")
@out_option(
    "DIR", "Write the tables there. Networks in its tables that are not named stay.", required=True
)
@click.option(
    "--later",
    is_flag=True,
    help="These networks choose nothing: they only report how often the detector is right.",
)
@long_work
def calibrate_detector(models: tuple[str, ...], out: Path, later: bool, call: Call) -> Answer:
    """Choose the detector's constants on known networks.

    Clean and backdoored networks are needed. Those without a stored scan that can be used are
    scanned, and the scan is stored beside the model; the same command resumes work that was
    interrupted.
    """
    chosen = [store.find(model) for model in dict.fromkeys(models)]
    cards = [stored.card for stored in chosen]
    before = detector_evidence.read(out)
    if later and before is not None:
        detector_evidence.check_unchosen(before, models)
    described = detector_evidence.describe_networks(cards, detector_evidence.LATER if later else "")
    about = Evidence(described, pd.DataFrame(columns=["model"]))
    # An error comes before the work.
    known = about if before is None else before.replaced_by(about)
    detector_calibration.with_sides(known.networks)
    missing = [stored for stored in chosen if not detector_evidence.is_scanned(stored)]

    def work() -> Answer:
        _scan(missing, call)
        classes = pd.concat(
            [detector_evidence.classes_of(store.find(stored.name)) for stored in chosen],
            ignore_index=True,
        )
        found = Evidence(about.networks, classes)
        evidence = found if before is None else before.replaced_by(found)
        calibration = detector_calibration.calibrate(evidence)
        files = detector_calibration.write(calibration, out)
        return _describe(calibration) | {"files": ", ".join(map(str, files))}

    return call.run(work)


def _scan(missing: list[StoredModel], call: Call) -> None:
    for number, stored in enumerate(missing):
        choice = ModelChoice(stored, stored.card.dataset)
        with progress.titled(f"{stored.name} ({number + 1} of {len(missing)})"):
            detector_evidence.scan(stored, choice.load(call.root))


def _describe(found: Calibration) -> Answer:
    """What was found, beside the constants that the detector has."""
    networks = found.networks
    wrong = networks[~networks["right"]]
    spreads = [
        {
            "family": name,
            "measured": spread,
            "rounded": detector_calibration.round_spread(spread),
            "detector_has": FAMILIES[name].spread,
        }
        for name, spread in found.spreads.itertuples(index=False)
    ]
    threshold = float(found.threshold["threshold"].iloc[0])
    return {
        "networks": len(networks),
        "spreads": spreads,
        "threshold": {
            "measured": round(threshold, 2),
            "rounded": detector_calibration.round_threshold(threshold),
            "detector_has": THRESHOLD,
        },
        "rates": found.rates.to_dict("records"),
        "wrong": ready_for_json(wrong[["model", "side", "attack_success", "score"]]),
    }
