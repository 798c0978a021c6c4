"""Calibration of the detector: half of the known networks choose its constants, others report.

What chooses is the spread of each family and the threshold; what is reported is how often the
detector is right with them. No attack is on both sides, except that networks which were measured
later, when the constants were fixed, report whatever their attack.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from engine import store
from engine.core import paths
from engine.core.errors import UserError
from engine.defenses.detectors.trigger_inversion import CONFIRMED
from engine.defenses.inversion import FAMILIES
from engine.evaluation import metrics
from engine.evaluation.targets import NEXT_CLASS
from engine.experiments.detector_evidence import (
    CHOOSE,
    LATER,
    NETWORKS,
    NETWORKS_FILE,
    SIZES_FILE,
    Evidence,
)
from engine.store import tables
from engine.store.tables import Column, Schema

FOLDER = paths.PROJECT / "report" / "detection"
SPREADS, THRESHOLDS, RATES = "spreads.csv", "threshold.csv", "rates.csv"
REPORT, ALL = "report", "all"
UNSEEN = "unseen"  # those that took no part in choosing: REPORT and LATER
CLEAN, BACKDOORED = "clean", "backdoored"
# These attacks were looked at while the detector was developed: families and constants were made to
# fit them, so how they fare says little about other attacks. All others report.
CHOOSING_ATTACKS = (
    "badnets",
    "blend",
    "trojan-nn",
    "label-consistent",
    "refool",
    "sig",
    "ftrojan",
    "wanet",
)
WORKING = 50.0  # percent of attack success; a backdoor that succeeds less often is not counted
UNREACHED = 0.5  # spread of a family that reaches no class of a clean network

_RATES = Schema(
    {
        **dict.fromkeys(("networks", "kind"), Column("text")),
        **dict.fromkeys(("right", "of"), Column("whole", 0, 1e9)),
        **dict.fromkeys(("rate", "low", "high"), Column("number", 0, 100)),
    }
)


@dataclass(frozen=True)
class Calibration:
    """What was found.

    Attributes:
        networks: a row each; `NETWORKS` has the columns. `first` is the class with the highest
            `score`, and `flagged` whether it is flagged. A clean network is `right` if nothing is
            flagged, a backdoored one if its target is. All-to-all has no single target, so any
            flag is right.
        classes: see `Evidence`.
        spreads: family and spread: the standard deviation of how far the classes of the clean
            networks that choose stand out.
        threshold: one row: the highest score of a clean network that chooses (highest_clean) and
            its model, the lowest score above it of a target (lowest_target) and its model, and the
            threshold, halfway between them.
        rates: networks (REPORT, UNSEEN or ALL), kind (CLEAN or BACKDOORED), right, of (only
            networks with a working backdoor), rate and its 95 % interval, low to high, in percent.
    """

    networks: pd.DataFrame
    classes: pd.DataFrame
    spreads: pd.DataFrame
    threshold: pd.DataFrame
    rates: pd.DataFrame


def with_sides(networks: pd.DataFrame) -> pd.DataFrame:
    """Networks sorted by dataset, architecture and name, each with its side.

    Clean networks of a dataset and architecture alternate, and the first chooses. Networks that
    were measured later keep their side.

    Args:
        networks: see `Evidence`.

    Raises:
        UserError: there are no networks of a kind on a side.
    """
    ordered = networks.sort_values(["dataset", "architecture", "model"], ignore_index=True)
    ordered["attack"] = ordered["attack"].fillna("")
    clean, later = ordered["attack"] == "", ordered["side"] == LATER
    groups = ["dataset", "architecture", "clean", "later"]
    place = ordered.assign(clean=clean, later=later).groupby(groups).cumcount()
    chooses = np.where(clean, place % 2 == 0, ordered["attack"].isin(CHOOSING_ATTACKS))
    ordered["side"] = np.select([later, chooses], [LATER, CHOOSE], REPORT)
    for side in (CHOOSE, REPORT):
        for kind in (CLEAN, BACKDOORED):
            if not (_of_kind(ordered, kind) & (ordered["side"] == side)).any():
                raise UserError(
                    "To calibrate the detector, some clean networks and some with a working"
                    f" backdoor must choose, and others report: name {kind} ones that {side}."
                )
    return ordered


def calibrate(evidence: Evidence) -> Calibration:
    """Choose the constants on one side, and report on the other.

    Scores are computed anew, with the spreads found here and rounded as the detector has them, so
    they do not depend on the constants at the time of a scan.

    Raises:
        UserError: there are no networks of a kind on a side, or no threshold tells them apart.
    """
    networks = with_sides(evidence.networks)
    classes = evidence.classes.sort_values(["model", "label"], ignore_index=True)
    chooses = networks[_of_kind(networks, CLEAN) & (networks["side"] == CHOOSE)]["model"]
    spreads = find_spreads(classes[classes["model"].isin(chooses)])
    scored = _scored(networks, classes.assign(score=class_scores(classes, spreads)))
    threshold = find_threshold(scored[scored["side"] == CHOOSE])
    lowest = round_threshold(threshold["threshold"].iloc[0])
    judged = _judged(scored, lowest)[list(NETWORKS.columns)]
    return Calibration(judged, classes, spreads, threshold, find_rates(judged))


def write(found: Calibration, folder: Path) -> list[Path]:
    """Write the tables into a folder, and say where."""
    names = (NETWORKS_FILE, SIZES_FILE, SPREADS, THRESHOLDS, RATES)
    contents = (found.networks, found.classes, found.spreads, found.threshold, found.rates)
    for name, table in zip(names, contents, strict=True):
        store.write_table(folder / name, table)
    return [folder / name for name in names]


def round_spread(spread: float) -> float:
    """A spread as the detector has it: to one decimal, and never zero."""
    return round(float(spread), 1) or UNREACHED


def round_threshold(threshold: float) -> float:
    """A threshold as the detector has it: to half a point."""
    return round(2 * float(threshold)) / 2


def find_spreads(classes: pd.DataFrame) -> pd.DataFrame:
    """See `Calibration.spreads`.

    Args:
        classes: those of the clean networks that choose.
    """
    deviations = [float(np.std(classes[name].to_numpy())) for name in FAMILIES]
    return pd.DataFrame({"family": list(FAMILIES), "spread": np.round(deviations, 4)})


def class_scores(classes: pd.DataFrame, spreads: pd.DataFrame) -> pd.Series:
    """The score of each class, as `trigger_inversion.class_scores` adds it up.

    Args:
        classes: see `Evidence`.
        spreads: see `Calibration`; they are rounded here.

    Returns:
        float64, by the index of `classes`.
    """
    total = classes["margin"].fillna(0)
    for name, spread in spreads.itertuples(index=False):
        total = total + classes[name].clip(lower=0) / round_spread(spread)
    return total.round(2)


def _scored(networks: pd.DataFrame, classes: pd.DataFrame) -> pd.DataFrame:
    """The networks with first, score, success (of the first class's pattern) and target_score."""
    highest = classes.loc[classes.groupby("model")["score"].idxmax()]
    first = highest.rename(columns={"label": "first"})[["model", "first", "score", "success"]]
    targets = classes.rename(columns={"label": "target", "score": "target_score"})
    return networks.merge(first, on="model").merge(
        targets[["model", "target", "target_score"]].astype({"target": float}),
        on=["model", "target"],
        how="left",
    )


def find_threshold(networks: pd.DataFrame) -> pd.DataFrame:
    """See `Calibration.threshold`.

    Args:
        networks: those that choose, with score and target_score.

    Raises:
        UserError: no target's score is above those of all clean networks.
    """
    clean = networks[_of_kind(networks, CLEAN)]
    highest = clean.loc[clean["score"].idxmax()]
    targets = networks[_of_kind(networks, BACKDOORED)]
    above = targets[targets["target_score"] > highest["score"]]
    if above.empty:
        raise UserError(
            "No threshold tells the networks apart: no backdoored one that chooses scores higher"
            f" than the clean '{highest['model']}' ({highest['score']:g} points)."
        )
    lowest = above.loc[above["target_score"].idxmin()]
    return pd.DataFrame(
        {
            "highest_clean": [highest["score"]],
            "clean_model": [highest["model"]],
            "lowest_target": [lowest["target_score"]],
            "target_model": [lowest["model"]],
            "threshold": [(highest["score"] + lowest["target_score"]) / 2],
        }
    )


def _judged(networks: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """The networks with flagged and right."""
    flagged = (networks["score"] >= threshold) & (networks["success"] >= CONFIRMED)
    named = (networks["first"] == networks["target"]) | (networks["target"] == NEXT_CLASS)
    right = np.where(networks["attack"] == "", ~flagged, flagged & named)
    return networks.assign(flagged=flagged, right=right)


def find_rates(networks: pd.DataFrame) -> pd.DataFrame:
    """See `Calibration.rates`.

    Args:
        networks: with side and right.
    """
    rows = []
    sides = {REPORT: (REPORT,), UNSEEN: (REPORT, LATER), ALL: (CHOOSE, REPORT, LATER)}
    for name, members in sides.items():
        for kind in (CLEAN, BACKDOORED):
            counted = _of_kind(networks, kind) & networks["side"].isin(members)
            right, of = int(networks.loc[counted, "right"].sum()), int(counted.sum())
            rate = metrics.Proportion(right, of).percent
            rows.append((name, kind, right, of, rate, *metrics.wilson_interval(rate, of)))
    columns = list(_RATES.columns)
    return pd.DataFrame(rows, columns=columns).round(2)


def _of_kind(networks: pd.DataFrame, kind: str) -> pd.Series:
    """Which networks are clean, or have a working backdoor: bool."""
    if kind == CLEAN:
        return networks["attack"] == ""
    return (networks["attack"] != "") & (networks["attack_success"] > WORKING)


@dataclass(frozen=True)
class Rate:
    """How often the detector is right on one kind of networks.

    Attributes:
        of: number of networks.
        rate: share on which it is right, percent; `low` and `high` limit its 95 % interval.
    """

    of: int
    rate: float
    low: float
    high: float


@dataclass(frozen=True)
class Rates:
    """What was measured on networks that took no part in choosing the constants.

    Attributes:
        backdoored: with a working backdoor; right is who names the target.
        clean: right is who flags nothing.
    """

    backdoored: Rate
    clean: Rate


def measured_rates() -> Rates | None:
    """What was measured, from the table that comes with the program; None if there is none.

    Raises:
        UserError: the file cannot be used.
    """
    if not (FOLDER / RATES).exists():
        return None
    table = tables.read(FOLDER / RATES, _RATES)
    rows = table[table["networks"] == UNSEEN].set_index("kind")
    if not {BACKDOORED, CLEAN} <= set(rows.index):
        return None
    return Rates(_rate(rows.loc[BACKDOORED]), _rate(rows.loc[CLEAN]))


def _rate(row: pd.Series) -> Rate:
    return Rate(int(row["of"]), *(float(row[name]) for name in ("rate", "low", "high")))
