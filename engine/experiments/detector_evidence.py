"""What the detector's calibration needs to know of each network, and where it is kept."""

from __future__ import annotations

import math
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from engine.core import command_line
from engine.core.errors import UserError
from engine.datasets import Dataset
from engine.defenses.detectors.trigger_inversion import (
    InversionDetection,
    TriggerInversion,
    margin_evidence,
)
from engine.defenses.inversion import FAMILIES
from engine.evaluation.targets import NEXT_CLASS
from engine.experiments import analyze
from engine.store import ModelCard, StoredModel, scans, tables
from engine.store.tables import Column, Schema

NETWORKS_FILE, SIZES_FILE = "networks.csv", "sizes.csv"
CHOOSE = "choose"  # the side of networks that constants are chosen with
LATER = "later"  # the side of networks that were measured after the constants were chosen
DEFAULT_ARCHITECTURE = "paper"  # of cards from before there were others

_TEXT, _LABEL = Column("text"), Column("whole", 0, 1e9)
ABOUT = (
    *("model", "dataset", "architecture", "attack", "side", "attack_success", "target"),
    "command",
)
NETWORKS = Schema(
    {
        "model": _TEXT,
        "dataset": _TEXT,
        "architecture": _TEXT,
        "attack": Column("text", empty=True),
        "side": _TEXT,
        "attack_success": Column("number", 0, 100, empty=True),
        "target": Column("whole", NEXT_CLASS, 1e9, empty=True),
        "first": _LABEL,
        "score": Column("number", 0),
        "target_score": Column("number", 0, empty=True),
        "flagged": Column("flag"),
        "right": Column("flag"),
        "command": _TEXT,
    },
    advice="delete it and calibrate the detector again",
)
SIZES = Schema(
    {
        "model": _TEXT,
        "label": _LABEL,
        **dict.fromkeys(FAMILIES, Column("number")),
        "margin": Column("number", 0, empty=True),
        "success": Column("number", 0, 100),
    },
    advice=NETWORKS.advice,
)


class Evidence(NamedTuple):
    """What is known of some networks.

    Attributes:
        networks: a row each: model, dataset, architecture, attack (empty: clean), side (`LATER`;
            anything else is decided anew by `detector_calibration.with_sides`), attack_success
            (percent of test images; NaN: clean), target (`targets.NEXT_CLASS`: all-to-all; NaN:
            clean), and the command that trained it.
        classes: a row for each class searched: model, label, how far it stands out in each family,
            margin (powers of ten of its p-value; NaN if not known), and success (percent of
            held-out images that its pattern sends there).
    """

    networks: pd.DataFrame
    classes: pd.DataFrame

    def replaced_by(self, newer: Evidence) -> Evidence:
        """The rows of both; those of a network that both have are the newer ones."""
        again = set(newer.networks["model"])
        kept = (table[~table["model"].isin(again)] for table in self)
        pairs = zip(kept, newer, strict=True)
        return Evidence(*(pd.concat(pair, ignore_index=True) for pair in pairs))


def read(folder: Path) -> Evidence | None:
    """What was measured before; None if nothing was.

    Raises:
        UserError: a table cannot be used.
    """
    paths = [folder / NETWORKS_FILE, folder / SIZES_FILE]
    if not all(path.exists() for path in paths):
        return None
    networks, classes = tables.read(paths[0], NETWORKS), tables.read(paths[1], SIZES)
    return Evidence(networks[list(ABOUT)], classes)


def check_unchosen(known: Evidence, models: Iterable[str]) -> None:
    """Raise `UserError` if a constant was chosen with one of these models already."""
    chosen = known.networks[known.networks["side"] == CHOOSE]["model"]
    for name in models:
        if name in set(chosen):
            raise UserError(
                f"The detector's constants were chosen with '{name}', so it cannot report: leave it"
                " out, or calibrate without --later."
            )


def describe_networks(cards: Iterable[ModelCard], side: str = "") -> pd.DataFrame:
    """The rows of `Evidence.networks`.

    Args:
        cards: of the networks.
        side: `LATER`, or empty.

    Raises:
        UserError: nobody knows how one of the networks was trained, or it was repaired.
    """
    return pd.DataFrame([_describe(card) | {"side": side} for card in cards], columns=list(ABOUT))


def _describe(card: ModelCard) -> dict[str, Any]:
    backdoor = card.backdoor
    if card.imported or backdoor is None:
        raise UserError(
            f"Whether '{card.name}' has a backdoor is not known, because it was trained elsewhere:"
            " name networks that were trained here."
        )
    if card.repair:
        raise UserError(
            f"'{card.name}' was repaired, so it is neither clean nor backdoored: name networks as"
            " they were trained."
        )
    clean = card.is_clean
    return {
        "model": card.name,
        "dataset": card.dataset,
        "architecture": card.training.get("architecture", DEFAULT_ARCHITECTURE),
        "attack": "" if clean else card.suite or backdoor.trigger.name,
        "attack_success": math.nan if clean else card.scores["test"]["attack_success"],
        "target": math.nan if clean else backdoor.target,
        "command": card.commands[0],
    }


def is_scanned(stored: StoredModel) -> bool:
    """Whether a scan of all families is stored that can be used."""
    with suppress(UserError):
        found, sizes = stored.table(scans.EVIDENCE), stored.table(scans.SIZES)
        complete = sizes is not None and set(sizes["family"]) == set(FAMILIES)
        return found is not None and complete
    return False


def scan(stored: StoredModel, dataset: Dataset) -> None:
    """Scan a model, and store what was found beside it.

    Args:
        stored: the model.
        dataset: its own.
    """
    found = analyze.detect(stored, dataset, TriggerInversion())
    assert isinstance(found, InversionDetection)
    command = command_line.command("detect", stored.name)
    stored.save_tables(scans.tables_of(found, stored.card.class_names), command)


def classes_of(stored: StoredModel) -> pd.DataFrame:
    """The rows of `Evidence.classes` of a scanned model."""
    found, sizes = stored.table(scans.EVIDENCE), stored.table(scans.SIZES)
    assert found is not None and sizes is not None  # as `is_scanned` has found
    wide = sizes.pivot(index="label", columns="family", values="standing_out")[list(FAMILIES)]
    evidence = found.set_index("label").loc[wide.index]
    wide["margin"] = margin_evidence(evidence["p_value"].to_numpy()) + 0.0  # no -0
    wide["success"] = evidence["success"]
    wide.insert(0, "model", stored.name)
    return wide.reset_index()[list(SIZES.columns)]
