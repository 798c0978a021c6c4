"""The evidence for each class as a table, how it adds up, and how it was made."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app import caches
from engine.core import jobs, markdown
from engine.defenses.detectors.trigger_inversion import CONFIRMED, THRESHOLD, margin_evidence
from engine.defenses.inversion import FAMILIES
from engine.defenses.repairs.trigger_unlearning import TriggerUnlearning
from engine.store import ModelCard, StoredModel
from engine.store.scans import SIZES

_COLUMNS = {
    "label": st.column_config.NumberColumn("Class", width="small"),
    "name": st.column_config.TextColumn("Name"),
    "score": st.column_config.NumberColumn(
        f"Score (flagged from {THRESHOLD:g})",
        format="%.1f",
        help="All evidence added up; 0 for classes that were not searched.",
    ),
    "margin": st.column_config.NumberColumn(
        "Largest margin (logits)",
        format="%.1f",
        help="By how much an image made for it can win as this class rather than another.",
    ),
    "p_value": st.column_config.NumberColumn(
        "p-value of the margin",
        format="%.2g",
        help="How likely a margin as large as that is without a backdoor.",
    ),
    "family": st.column_config.TextColumn(
        "Fits best",
        width="medium",
        help="The family of patterns in which the class stands out most.",
    ),
    "size": st.column_config.NumberColumn("Size", format="%.3g"),
    "unit": st.column_config.TextColumn("Unit"),
    "success": st.column_config.NumberColumn(
        "Success on held-out images (%)",
        format="%.1f",
        help="Share of images that the pattern was not fitted to, of other classes, that it sends"
        f" to this class. A class is flagged from {CONFIRMED:g} %.",
    ),
}


def show(model: StoredModel, evidence: pd.DataFrame) -> None:
    """The table, with a sentence on the scores above and the command below."""
    st.markdown(
        "**The score adds up what speaks against a class:** for each family, by how many standard"
        " deviations of clean networks its pattern is smaller than those for other classes; and the"
        " powers of ten of the p-value of its margin. The class with the highest score is flagged"
        f" if it reaches {THRESHOLD:g} and its pattern sends at least {CONFIRMED:g} % of held-out"
        f" images there. {add_up(evidence.iloc[0], caches.models.table(model, SIZES))}".rstrip()
    )
    titles = {name: family.title for name, family in FAMILIES.items()}
    shown = evidence.drop(columns="flagged").assign(family=evidence["family"].map(titles))
    st.dataframe(shown, hide_index=True, column_config=_COLUMNS, placeholder="")
    _show_settings(model)


def add_up(first: pd.Series, sizes: pd.DataFrame | None) -> str:
    """How the score of a class comes about, as a sentence in Markdown; empty without sizes.

    Args:
        first: the row of the class in the table of evidence.
        sizes: the table "pattern-sizes".
    """
    if sizes is None:
        return ""
    rows = sizes[(sizes["label"] == first["label"]) & (sizes["spread"] > 0)]
    points = {
        FAMILIES[row["family"]].title: max(row["standing_out"], 0) / row["spread"]
        for row in rows.to_dict("records")
    }
    if pd.notna(first["p_value"]):
        points["its margin"] = float(margin_evidence(first["p_value"]))
    parts = ", ".join(f"{value:.1f} ({name})" for name, value in points.items() if value >= 0.05)
    if not parts:
        return ""
    return f"For **{markdown.escape(first['name'])}**: {parts}."


def scan_commands(card: ModelCard) -> list[str]:
    """The commands on a card that may have left the stored scan, the latest last.

    A repair that scans first leaves its scan, too.
    """

    def scans(line: str) -> bool:
        unlearned = TriggerUnlearning.name in line or " --all" in line
        return " detect " in line or (" compare-repairs " in line and unlearned)

    return [line for line in card.commands if scans(line)]


def _show_settings(model: StoredModel) -> None:
    commands = scan_commands(model.card)
    if commands:
        st.caption("Made by")
        st.code(commands[-1], language=None, wrap_lines=True)
    seconds = _seconds(model)
    if seconds:
        st.caption(f"It took {seconds:.0f} seconds.")


def _seconds(model: StoredModel) -> float | None:
    """How long the scan took, if its job is still known."""
    job = jobs.job_named(jobs.name_of("detect", model.name))
    status = job.last_status() if job.folder.exists() else None
    found = status.result.get("seconds") if status else None
    return float(found) if isinstance(found, int | float) else None
