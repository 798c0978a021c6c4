"""Every model: use it, compare it with others, delete it."""

import streamlit as st

from app import caches
from app.frame import failures, header
from app.views.models import model_cards, training_curves
from engine.core import markdown
from engine.store import summary

st.title("Models")
st.markdown("Choose the model that every page shows.")

names = caches.model_names()
if names:
    model_cards.show(names)
    with failures.contained():  # the rest of the page does not need the model in use
        model = header.model_in_use()
        card = model.card
        st.header(f"In use: {markdown.escape(card.name)}")
        st.markdown(summary.describe(card))
        history = caches.table(model, "history")
        if history is not None:
            training_curves.show(history, "history", "each epoch, on validation images")
        with st.expander("Model card: settings, versions and commands"):
            st.code("\n".join(card.commands), language=None, wrap_lines=True)
            st.json(
                {
                    "trigger": card.trigger,
                    "training": card.training,
                    "versions": card.versions,
                    "created": card.created,
                }
            )
    st.header("Compare")
    model_cards.compare(names, st.session_state[header.MODEL])
