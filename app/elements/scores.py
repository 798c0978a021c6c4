"""The three metrics side by side, and their columns in tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import streamlit as st

from app import caches
from engine.core import templates
from engine.evaluation.metrics import wilson_interval
from engine.reporting.metric_style import ASSUMED, STYLES, describe_ceiling, scores_of
from engine.store import ModelCard, StoredModel

_TEMPLATES = templates.load(__file__)


def show(
    scores: Mapping[str, float], model: StoredModel, before: Mapping[str, float] | None = None
) -> None:
    """Show the three metrics in percent and, given `before`, their changes in points.

    Below stands the ceiling of recovered accuracy. Where no trigger is known, there is clean
    accuracy alone.

    Args:
        scores: the metrics, percent.
        model: the one they belong to; its card says on how many images they were measured.
        before: the same before pruning or a repair.
    """
    card = model.card
    row = st.container(horizontal=True, gap="small")
    for name, style in scores_of(card).items():
        change = None if before is None else scores[name] - before[name]
        row.metric(
            style.label.removesuffix(ASSUMED),
            f"{scores[name]:.1f} %",
            None if change is None else f"{change:+.1f} points",
            delta_color=_delta_colour(name, change),
            delta_arrow="auto" if change else "off",
            help=f"{style.help} {_describe_certainty(name, scores[name], card)}",
            border=True,
        )
    if card.knows_trigger:
        of_ceiling = describe_ceiling(
            scores["recovered_accuracy"], caches.repairs.recovery_ceiling(model)
        )
        st.caption(f"Recovered accuracy: {of_ceiling}.", help=STYLES["ceiling"].help)
    if card.assumed:
        st.caption(
            "Attack success and recovered accuracy of the assumed trigger: nobody knows how this"
            " network was trained."
        )


def show_line(card: ModelCard) -> None:
    """Show a model's metrics in one short line for a narrow card."""
    scores = {
        style.label.split()[0]: (f"{card.scores['test'][name]:.1f} %", style.colour)
        for name, style in scores_of(card).items()
    }
    note = "" if card.knows_trigger else "No trigger is known"
    st.html(templates.render(_TEMPLATES, "scores", scores=scores, note=note))


def _describe_certainty(name: str, percent: float, card: ModelCard) -> str:
    """How many test images were counted, and the 95 % interval that follows."""
    counted = "clean_images" if name == "clean_accuracy" else "triggered_images"
    total = int(card.scores["test"].get(counted, 0))
    low, high = wilson_interval(percent, total)
    return f"Measured on {total:,} test images; 95 % interval: {low:.1f} to {high:.1f} %."


def columns(card: ModelCard | None = None, /, **formats: str | None) -> dict[str, Any]:
    """Number columns for `st.dataframe`, with label, unit and help of each metric.

    Args:
        card: of the model that the table is about; None if it is about several.
        formats: name of the column -> its number format, such as "%.2f"; None for the usual one.
    """
    styles = {**STYLES, **({} if card is None else scores_of(card))}
    return {
        name: st.column_config.NumberColumn(
            styles[name].heading, format=form, help=styles[name].help or None
        )
        for name, form in formats.items()
    }


def say_ceiling(card: ModelCard, ceiling: float | None) -> str:
    """A sentence on the ceiling of recovered accuracy, to follow others; empty with no trigger.

    Args:
        card: of the model.
        ceiling: percent; None if it is not known.
    """
    if not card.knows_trigger:
        return ""
    known = "not known" if ceiling is None else f"{ceiling:.1f} %"
    return f" Ceiling of recovered accuracy: {known}."


def _delta_colour(name: str, change: float | None) -> Literal["off", "inverse", "normal"]:
    if not change:
        return "off"
    return "inverse" if name == "attack_success" else "normal"
