"""Save the pruned network as a model, and download it."""

from __future__ import annotations

import streamlit as st

from app.elements import accuracy_warning, job_panel, model_download
from engine import store
from engine.core import jobs, markdown
from engine.defenses.pruning.curve import Curve
from engine.store import StoredModel, pruning_curves


def offer(model: StoredModel, curve: Curve, threshold: float) -> None:
    """A button that saves the pruned network in a job, or downloads it once saved."""
    if not threshold:
        st.info("Set the threshold above 0 first: at 0 nothing is pruned.")
        return
    repaired = pruning_curves.repaired_name(model, curve, threshold)
    if store.card_file(repaired):
        saved = store.find(repaired)
        st.markdown(
            f"The network pruned for a {threshold:g}-point drop is saved as"
            f" {markdown.code(repaired)}."
        )
        model_download.offer(saved)
        return
    job_name = jobs.name_of("prune", repaired)
    confirmed = accuracy_warning.confirmed(model.card)
    job_panel.start_button(
        f"Save the network pruned for a {threshold:g}-point drop",
        job_name,
        [
            *("prune", model.name, "--layer", curve.layer, "--order", curve.order),
            *("--thresholds", f"{threshold:g}", "--save", *(confirmed or [])),
        ],
        "Sets kernel and bias of the pruned channels to zero and saves the result as a model.",
        disabled=confirmed is None,
    )
    job_panel.watch(job_name)
