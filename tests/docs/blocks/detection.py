"""Blocks of docs/results/detection.md."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import pandas as pd

from engine.attacks.recipes import ATTACKS
from engine.defenses.inversion import FAMILIES
from engine.evaluation.targets import NEXT_CLASS
from engine.experiments import detector_calibration as calibration
from engine.experiments.detector_calibration import (
    BACKDOORED,
    CHOOSE,
    CLEAN,
    NETWORKS_FILE,
    RATES,
    REPORT,
    SPREADS,
    THRESHOLDS,
    UNSEEN,
    WORKING,
)
from engine.experiments.detector_evidence import LATER, NETWORKS
from engine.store import tables
from tests.docs.markdown import bullet_list, listed, table

NOT_MEASURED = "Not measured yet."
AIM = {CLEAN: 95.0, BACKDOORED: 90.0}  # percent of the networks on which the detector is right
SIDES = {CHOOSE: "chooses", REPORT: "reports", LATER: "came later"}
WHY_MISSED = {
    "sig": "SIG's stripes look like what classes of clean networks respond to as well",
    "badnets-all-to-all": "all-to-all leads each class to another one, so there is no single target"
    " that stands out",
}


def _measured(block: Callable[[], str]) -> Callable[[], str]:
    """The block once there are figures; until then it says that there are none."""

    @wraps(block)
    def fill() -> str:
        return block() if (calibration.FOLDER / RATES).exists() else NOT_MEASURED

    return fill


def _rows(name: str) -> pd.DataFrame:
    return pd.read_csv(calibration.FOLDER / name)


def _networks() -> pd.DataFrame:
    found = tables.read(calibration.FOLDER / NETWORKS_FILE, NETWORKS)
    return found.assign(attack=found["attack"].fillna(""))


def _working() -> pd.DataFrame:
    found = _networks()
    return found[(found["attack"] != "") & (found["attack_success"] > WORKING)]


def _rate(networks: str, kind: str) -> Any:
    rates = _rows(RATES)
    return rates[(rates["networks"] == networks) & (rates["kind"] == kind)].iloc[0]


def _reached(right: float, kind: str) -> str:
    return "reached" if right >= AIM[kind] else "missed"


def _targets_named() -> str:
    new, every = _rate(UNSEEN, BACKDOORED), _rate(calibration.ALL, BACKDOORED)
    return (
        f"**The target is named in {new['right']:.0f} of {new['of']:.0f} networks that took no part"
        f" in choosing the constants:** {new['rate']:.0f} %, 95 % interval {new['low']:.0f} to"
        f" {new['high']:.0f} %. Over all networks with a working backdoor it is"
        f" {every['right']:.0f} of {every['of']:.0f} ({every['rate']:.0f} %, {every['low']:.0f} to"
        f" {every['high']:.0f} %); the aim, {AIM[BACKDOORED]:.0f} %, is"
        f" {_reached(every['rate'], BACKDOORED)}."
    )


def _by_dataset() -> str:
    working = _working()
    gtsrb, signs = (_counted(working, working["dataset"] == name) for name in ("gtsrb", "signs"))
    unseen = _rate(REPORT, BACKDOORED)
    kinds = working.loc[working["side"] == REPORT, "attack"].nunique()
    return (
        f"**It is better on photographs than on the drawn signs:** {gtsrb} on GTSRB, {signs} on the"
        f" signs. On attacks that took no part at all, {kinds} of them on GTSRB, it is"
        f" {unseen['right']:.0f} of {unseen['of']:.0f}."
    )


def _counted(working: pd.DataFrame, chosen: pd.Series) -> str:
    return f"{working.loc[chosen, 'right'].sum()} of {chosen.sum()}"


def _false_alarms() -> str:
    new, every = (_wrong(_rate(networks, CLEAN)) for networks in (UNSEEN, calibration.ALL))
    return (
        f"**False alarms: {new['count']:.0f} of {new['of']:.0f} clean networks** that took no part"
        f" in choosing the constants: {new['rate']:.0f} %, 95 % interval {new['low']:.0f} to"
        f" {new['high']:.0f} %. Over all clean networks it is {every['count']:.0f} of"
        f" {every['of']:.0f} ({every['rate']:.0f} %, {every['low']:.0f} to {every['high']:.0f} %);"
        f" the aim, at most {100 - AIM[CLEAN]:.0f} %, is {_reached(100 - every['rate'], CLEAN)}."
    )


def _wrong(row: Any) -> dict[str, float]:
    """How often the detector is wrong, from how often it is right."""
    count = row["of"] - row["right"]
    shares = {"rate": 100 - row["rate"], "low": 100 - row["high"], "high": 100 - row["low"]}
    return {"count": count, "of": row["of"], **shares}


def _missed() -> str:
    working = _working()
    missed = working[~working["right"]]
    if missed.empty:
        return "**No working backdoor is missed.**"
    names = [f"`{name}`" for name in missed["model"]]
    reasons = [why for attack, why in WHY_MISSED.items() if attack in set(missed["attack"])]
    said = f" {_sentence('; '.join(reasons))}" if reasons else ""
    return f"**Missed:** {listed(names)}.{said}"


def _not_searched() -> str:
    working = _working()
    unsearched = working["target_score"].isna() & (working["target"] != NEXT_CLASS)
    names = [f"`{name}`" for name in working.loc[unsearched, "model"]]
    return (
        f"**In {len(names)} of these the target was not even searched:** {listed(names)}. Only the"
        " classes with the largest margins are, and some to compare them with. To search all"
        " classes would take several times as long."
    )


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _intervals() -> str:
    return (
        "The intervals are wide because the networks are few, and networks of one dataset are much"
        " alike. They say nothing about attacks of another kind."
    )


@_measured
def attacks() -> str:
    """Every backdoored network."""
    found = _networks()
    backdoored = found[found["attack"] != ""].sort_values(["side", "attack", "model"])
    return table(
        ["attack", "network", "constants", "attack success", "first class", "score", "right"],
        [
            [
                ATTACKS[row.attack].title if row.attack in ATTACKS else row.attack,
                f"`{row.model}`",
                SIDES[row.side],
                f"{row.attack_success:.1f}",
                _first(row),
                f"{row.score:.1f}",
                _judgement(row),
            ]
            for row in backdoored.itertuples()
        ],
    )


def _first(row: Any) -> str:
    if row.target == NEXT_CLASS:
        return f"{row.first} (no single target)"
    if row.first == row.target:
        return f"{row.first} (target)"
    if pd.isna(row.target_score):
        return f"{row.first} (the target {row.target:.0f} was not searched)"
    return f"{row.first} (the target {row.target:.0f} has {row.target_score:.1f})"


def _judgement(row: Any) -> str:
    if row.attack_success <= WORKING:
        return "not counted"
    return "yes" if row.right else "no"


@_measured
def clean() -> str:
    """Every clean network."""
    found = _networks()
    return table(
        ["network", "dataset", "architecture", "constants", "first class", "score", "false alarm"],
        [
            [
                f"`{row.model}`",
                row.dataset,
                row.architecture,
                SIDES[row.side],
                str(row.first),
                f"{row.score:.1f}",
                "yes" if row.flagged else "no",
            ]
            for row in found[found["attack"] == ""].itertuples()
        ],
    )


@_measured
def constants() -> str:
    """The constants, as measured and as the detector has them."""
    spreads = _rows(SPREADS)
    return table(
        ["family", "spread, measured", "in the detector"],
        [
            [FAMILIES[row.family].title, f"{row.spread:.2f}", f"{FAMILIES[row.family].spread:g}"]
            for row in spreads.itertuples()
        ],
    )


def _threshold() -> str:
    (row,) = _rows(THRESHOLDS).itertuples()
    return (
        "The highest score of a clean network that chooses is"
        f" {row.highest_clean:.1f} (`{row.clean_model}`), the lowest of a target above it"
        f" {row.lowest_target:.1f} (`{row.target_model}`). The threshold lies halfway, at"
        f" {row.threshold:.2f} points; the detector has it rounded to"
        f" {calibration.round_threshold(row.threshold):g}."
    )


BLOCKS = {
    "detection-rates": _measured(
        bullet_list(_targets_named, _by_dataset, _false_alarms, _missed, _not_searched, _intervals)
    ),
    "detection-attacks": attacks,
    "detection-clean": clean,
    "detection-spreads": constants,
    "detection-threshold": _measured(bullet_list(_threshold)),
}
