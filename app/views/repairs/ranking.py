"""Every repair tried on a model, best first, and one of them in detail."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from app import caches
from app.charts import repair_charts
from app.elements import chart_view, picture, predictions, scores
from app.forms import image_chooser
from app.frame import failures
from engine.core import markdown
from engine.defenses.repairs import RECOMMENDED, REPAIRS
from engine.evaluation import metrics
from engine.reporting import verdict
from engine.reporting.metric_style import image_kinds, scores_of
from engine.store import ModelCard, StoredModel

CHOSEN = "repair"  # key of the repair shown in detail
_CHART = "repairs-ranked"


def choose(ranked: pd.DataFrame) -> str:
    """A control for the repair to look at in detail: its title.

    The recommended one comes first, if it was tried: which ranks highest is known from triggered
    test images alone, so nobody could choose by that.
    """
    titles, recommended = list(ranked["title"]), REPAIRS[RECOMMENDED].title
    place = titles.index(recommended) if recommended in titles else 0
    return st.selectbox("In detail", titles, place, key=CHOSEN, bind="query-params")


def show_chart(model: StoredModel, ranked: pd.DataFrame, title: str) -> None:
    """The ranking, in which a click chooses the repair to look at.

    Args:
        model: the model in use.
        ranked: see `repair_tables.rank`.
        title: of the repair in focus.
    """
    ceiling, styles = caches.repairs.recovery_ceiling(model), scores_of(model.card)
    sorted_by = list(styles.values())[-1].label.lower()
    chart_view.show(
        repair_charts.rank_repairs(ranked, title, styles),
        ranked,
        _CHART,
        f"{', '.join(style.label for style in styles.values())} of {len(ranked)} networks, the"
        f" highest {sorted_by} first.",
        on_select=_choose_clicked,
        selection_mode="clicked",
    )
    st.caption(
        _describe_colours(model.card)
        + " Click a row for its details."
        + scores.say_ceiling(model.card, ceiling)
        + ("" if ceiling is None else " The grey ticks mark it.")
    )


def _describe_colours(card: ModelCard) -> str:
    if not card.knows_trigger:
        return (
            "Clean accuracy, by which the rows are sorted. Whether a repair removes a backdoor"
            " cannot be measured while no trigger is known: scan the repaired copy."
        )
    measured = (
        "it is measured with the assumed trigger."
        if card.assumed
        else "it is measured with triggered images, which a defender does not have."
    )
    return (
        "Blue: clean accuracy. Orange: attack success. Green: recovered accuracy, by which the rows"
        f" are sorted: {measured}"
    )


@failures.callback
def _choose_clicked() -> None:
    clicked = st.session_state[_CHART].selection.get("clicked", [])
    title = clicked[0].get("title") if clicked else None
    if isinstance(title, str):
        st.session_state[CHOSEN] = title


def show_details(
    model: StoredModel, dataset: str, row: pd.Series[Any], table: pd.DataFrame
) -> None:
    """What a repair did, and what it makes of an image.

    Args:
        model: the model in use.
        dataset: whose images are shown.
        row: of the repair, out of `repair_tables.rank`.
        table: see `repair_tables.compare_stored`, with one confidence only.
    """
    before = model.card.scores["test"]
    assumed = model.card.assumed
    measured = {str(name): float(row[name]) for name in scores_of(model.card)}
    scores.show(measured, model, None if row["kind"] == "untouched" else before)
    if row["kind"] == "paper":
        st.markdown(
            f"{verdict.of_model(measured, assumed)} These are the figures at the last of the"
            " paper's thresholds, a drop in clean accuracy of 30 points; those at all of them:"
        )
        _show_thresholds(model.card, table[table["kind"] == "paper"])
        return
    if row["kind"] == "untouched":
        if model.card.knows_trigger:
            st.markdown(verdict.of_model(measured, assumed))
        return
    seconds = f" Took {row['seconds']:.0f} seconds." if row["seconds"] > 0 else ""
    needs = f" Clean images needed: {row['needs']}." if row["needs"] else ""
    judged = verdict.of_model(measured, assumed)
    st.markdown(f"{judged} {markdown.escape(row['summary'])}{seconds}{needs}")
    st.code(row["method"], language=None, wrap_lines=True)
    repaired = caches.repairs.repaired_copies(model).get(str(row["name"]))
    if repaired is not None:
        _show_images(model, dataset, repaired)


def _show_thresholds(card: ModelCard, rows: pd.DataFrame) -> None:
    known = metrics.known_figures(rows)
    st.dataframe(
        rows[["title", *known, "channels"]],
        hide_index=True,
        column_config={
            "title": "Threshold",
            **scores.columns(card, **dict.fromkeys(known, "%.1f")),
            "channels": "Channels pruned",
        },
    )


def _show_images(model: StoredModel, dataset: str, repaired: StoredModel) -> None:
    """The chosen image and the predictions for it before and after a repair."""
    chosen = image_chooser.choose(model.card, dataset)
    if chosen is None:
        return
    with failures.contained():  # the NumPy runtime does not support every network
        images = caches.shown_images.variants(chosen, model.card.trigger)
        networks = {
            "Before": caches.predictions.predictions(model, chosen),
            "After": caches.predictions.network(repaired).probabilities(images),
        }
        pictures, outcomes = st.columns([2, 3])
        with pictures, st.container(horizontal=True):
            for kind, image in zip(image_kinds(model.card), images, strict=True):
                with st.container(width=96):
                    picture.show(image, kind, 96)
        with outcomes:
            predictions.compare(networks, chosen.label, model.card)


def title_of(method: str) -> str:
    """The title of a repair by its name; the name itself if there is no such repair any more."""
    return REPAIRS[method].title if method in REPAIRS else method
