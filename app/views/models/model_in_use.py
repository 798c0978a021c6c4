"""The tab about the model in use: how it was made, its training and its card."""

from __future__ import annotations

import streamlit as st

from app import caches
from app.elements import accuracy_warning, model_download, scores
from app.forms import suspected_trigger
from app.frame import failures, header
from app.views.models import training_curves
from engine.core import markdown
from engine.store import summary


def show() -> None:
    """Show the tab."""
    with failures.contained():
        model = header.model_in_use()
        card = model.card
        title = caches.models.model_titles().get(card.name, card.name)
        st.header(markdown.escape(title))
        st.markdown(summary.describe(card))
        accuracy_warning.show(card)
        suspected_trigger.explain(model)
        scores.show(card.scores["test"], model)
        history = caches.models.table(model, "history")
        if history is None:
            st.caption("There are no training curves: only a training keeps them.")
        else:
            training_curves.show(history, "history", "each epoch, on validation images")
        model_download.offer(model)
        size = sum(file.stat().st_size for file in model.folder.iterdir() if file.is_file())
        with st.expander("Model card: settings, versions and commands"):
            st.caption(
                f"{markdown.code(card.name)}: {size / 1e6:.1f} MB, made {card.created[:10]}."
            )
            st.code("\n".join(card.commands), language=None, wrap_lines=True)
            st.json(
                {
                    "assumed trigger" if card.assumed else "trigger": card.trigger or "not known",
                    **({"imported": card.imported} if card.imported else {}),
                    "training": card.training,
                    "versions": card.versions,
                    "created": card.created,
                }
            )
