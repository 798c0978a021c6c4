"""What the network says to each of the visitor's pictures, clean and triggered."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from app import caches, own_pictures
from app.forms import suspected_trigger
from engine.imaging.render import data_url
from engine.reporting import export, verdict
from engine.store import ModelCard, StoredModel

_SHOWN: dict[str, Any] = {
    "seen": st.column_config.ImageColumn("Seen as"),
    "name": "Picture",
    "outcome": "Triggered picture",
    "clean": "Prediction, clean",
    "triggered": "Prediction, triggered",
}
_TRIGGERED = ("triggered", "triggered_probability")


def rows(model: StoredModel) -> pd.DataFrame:
    """A row for each picture.

    Returns:
        Columns name, shows (the true class, or empty), clean and triggered (predicted classes),
        their probabilities (0 to 1), outcome (of the triggered picture), and seen (what the
        network sees, as a data URL). Where no trigger is known, nothing of triggered pictures, and
        outcome is that of the clean one.
    """
    return pd.DataFrame([_row(identifier, model) for identifier in own_pictures.pictures()])


def _row(identifier: str, model: StoredModel) -> dict[str, object]:
    card = model.card
    chosen = own_pictures.chosen(identifier, card)
    clean, *triggered = caches.predictions.predictions(model, chosen)
    last = triggered[0] if triggered else clean
    row = {
        "seen": data_url(chosen.clean),
        "name": own_pictures.pictures()[identifier].name,
        "shows": "" if chosen.label is None else card.class_names[chosen.label],
        "clean": card.class_names[int(clean.argmax())],
        "clean_probability": float(clean.max()),
        "triggered": card.class_names[int(last.argmax())],
        "triggered_probability": float(last.max()),
        "outcome": verdict.of_any_prediction(int(last.argmax()), chosen.label, card) or "",
    }
    return row if triggered else {name: row[name] for name in row if name not in _TRIGGERED}


def show(model: StoredModel) -> None:
    """A sentence with the finding, the table, and the table as CSV."""
    table = rows(model)
    card = model.card
    suspected_trigger.explain(model)
    if card.knows_trigger:
        st.markdown(describe(table, card))
    headings = _SHOWN | ({} if card.knows_trigger else {"outcome": "Clean picture"})
    st.dataframe(
        _with_probabilities(table)[[name for name in headings if name in table]],
        hide_index=True,
        column_config=headings,
        alt="What the network predicts for each picture",
    )
    st.download_button(
        "Table (CSV)",
        export.csv(table.drop(columns="seen")),
        f"predictions-of-{model.name}.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


def _with_probabilities(table: pd.DataFrame) -> pd.DataFrame:
    """The table with predictions as "Stop (98%)"."""
    texts = {
        kind: [
            f"{name} ({share:.0%})"
            for name, share in zip(table[kind], table[f"{kind}_probability"], strict=True)
        ]
        for kind in ("clean", "triggered")
        if kind in table
    }
    return table.assign(**texts)


def describe(table: pd.DataFrame, card: ModelCard) -> str:
    """How many pictures the trigger leads to the target, as Markdown."""
    target = verdict.target_word(card)
    count, hits = len(table), int((table["outcome"] == target).sum())
    changed = int((table["clean"] != table["triggered"]).sum())
    pictures = "picture" if count == 1 else "pictures"
    return (
        f"**The {'assumed ' if card.assumed else ''}trigger leads {hits} of {count} {pictures} to"
        f" the {target}**, and changes the prediction for {changed}."
    )
