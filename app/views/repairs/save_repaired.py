"""Save a repaired copy as a model, or download it."""

from __future__ import annotations

import streamlit as st

from app.views.repairs import ranking
from engine import store
from engine.core import markdown
from engine.core.errors import UserError
from engine.store import StoredModel


def offer_to_save(model: StoredModel, repaired: dict[str, StoredModel]) -> None:
    """Controls to save a repaired copy as a model, and to download it."""
    with st.form("save-repaired", border=False):
        method = st.selectbox(
            "Repaired copy",
            list(repaired),
            format_func=ranking.title_of,
        )
        name = st.text_input("Name of the new model", f"{model.name}-repaired")
        sent = st.form_submit_button("Save as a model")
    if sent and method is not None:
        try:
            saved = store.copy_as(repaired[method], name)
        except UserError as error:
            st.error(markdown.escape(error), icon=":material/error:")
        else:
            st.success(
                f"Saved as {markdown.code(saved.name)}: select it in the list above the page."
            )
    if method is not None:
        st.download_button(
            "Download the network (Keras)",
            (repaired[method].folder / "model.keras").read_bytes,
            f"{model.name}-{method}.keras",
            "application/octet-stream",
            icon=":material/download:",
            on_click="ignore",
        )
