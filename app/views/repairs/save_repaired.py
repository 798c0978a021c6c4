"""Save a repaired copy as a model, or download it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app.elements import model_download
from app.views.repairs import ranking
from engine import store
from engine.core import markdown
from engine.core.read_only import is_read_only
from engine.store import StoredModel


def offer_to_save(model: StoredModel, repaired: dict[str, StoredModel]) -> None:
    """Controls to save a repaired copy as a model, and to download it."""
    method = st.selectbox(
        "Repaired copy", list(repaired), format_func=ranking.title_of, key="repaired-copy"
    )
    copy = repaired[method]
    st.markdown(_describe(copy.card.repair))
    if not is_read_only():
        _offer_model(model, copy)
    model_download.offer(copy)


def _offer_model(model: StoredModel, copy: StoredModel) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input("Name of the new model", f"{model.name}-repaired", width=320)
        if st.button("Save as a model", icon=":material/save:"):
            saved = store.copy_as(copy, name)
            st.success(
                f"Saved as {markdown.code(saved.name)}: select it in the list above the page."
            )


def _describe(repair: Mapping[str, Any]) -> str:
    """What was done and with which settings, as far as the card says, as Markdown."""
    settings = f"Settings: {markdown.code(repair['settings'])}" if "settings" in repair else ""
    return f"{markdown.escape(repair.get('summary', ''))} {settings}".strip()
