"""Whether the trigger survives image processing, and a backdoor comes back after a repair."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from app import caches
from app.elements import job_panel, scores
from app.forms import image_chooser
from engine.core import jobs
from engine.evaluation import metrics
from engine.experiments import recovery_ceiling
from engine.experiments.backdoor_reactivation import OF_REPAIRS
from engine.reporting import reactivation
from engine.store import StoredModel

# Headings that fit a narrow table; their help says more.
_SHORT = {"before": "Repaired", "clean": "Clean epochs", "poisoned": "Five poisoned"}


def show_persistence(model: StoredModel, repaired: StoredModel | None) -> None:
    """Whether the trigger survives image processing, and the backdoor comes back after a repair.

    Args:
        model: the model with the backdoor.
        repaired: its copy made by the recommended repair; None if there is none.
    """
    st.subheader("Does the trigger survive JPEG?")
    _show_robustness(model)
    st.subheader("Does the backdoor come back?")
    st.caption(reactivation.EXPLANATION)
    if repaired is None:
        st.info("There is no repaired copy to test yet: try the recommended repair.")
    else:
        _show_reactivation(repaired)
    _show_every_repair(model)


def _show_robustness(model: StoredModel) -> None:
    table = caches.models.table(model, "robustness")
    if table is not None:
        _show_figures(model, table, {"transform": "Image processing"})
        return
    st.info("Not measured yet.")
    help = "Saves, compresses and resizes all test images; takes two minutes."
    _offer(model, "Test the trigger", ["robustness", model.name], help)


def _show_reactivation(repaired: StoredModel) -> None:
    """What further training makes of the recommended repair, or a button to find out."""
    table = caches.models.table(repaired, "reactivation")
    if table is not None:
        shown = recovery_ceiling.add_share(table, caches.repairs.recovery_ceiling(repaired))
        shown = shown.assign(images=shown["images"].map(reactivation.IMAGES))
        _show_figures(repaired, shown, {"images": "Trained on", "epochs": "Epochs"})
        if not reactivation.lacks_poisoned(table):
            return
    missing = "Training" if table is None else "Training with five poisoned images"
    st.info(f"{missing}: {reactivation.NOT_MEASURED} yet.")
    help = "Trains the repaired network further, in both ways; takes three minutes."
    _offer(repaired, "Continue training", ["reactivate", repaired.name], help)


def _show_every_repair(model: StoredModel) -> None:
    table = caches.models.table(model, OF_REPAIRS)
    if table is not None:
        st.markdown("**Every repair: attack success (%)**")
        columns = {
            name: st.column_config.NumberColumn(
                _SHORT[name], width="small", format="%.2f", help=f"Attack success {heading}."
            )
            for name, heading in reactivation.SUCCESS.items()
        }
        st.dataframe(
            reactivation.success_by_repair(table),
            hide_index=True,
            placeholder=reactivation.NOT_MEASURED,
            column_config={"repair": "Repair", **columns},
        )
    measured = set() if table is None else set(table["sha256"])
    copies = caches.repairs.repaired_copies(model).values()
    if {copy.card.sha256 for copy in copies} - measured:  # a copy made again counts as new
        help = "Trains every repaired copy further, in both ways; takes two minutes for each."
        _offer(model, "Test every repair", ["reactivate", model.name, "--every-repair"], help)


def _show_figures(stored: StoredModel, table: pd.DataFrame, first: dict[str, Any]) -> None:
    """A table of the three metrics.

    Args:
        stored: the model measured.
        table: in percent.
        first: the headings of its other columns.
    """
    figures = metrics.known_figures(table)
    measured = scores.columns(stored.card, **dict.fromkeys(figures, "%.2f"))
    st.dataframe(table, hide_index=True, column_config={**first, **measured})


def _offer(stored: StoredModel, label: str, words: list[str], help: str) -> None:
    """A button that starts a command about a model, and its progress.

    Args:
        stored: the model.
        label, help: of the button.
        words: the command line.
    """
    if stored.name not in caches.models.model_names():
        st.caption("Save the repaired copy as a model above, then select it to measure this.")
        return
    if image_chooser.images_available(stored.card.dataset):
        job_name = jobs.name_of(words[0], stored.name)
        job_panel.start_button(label, job_name, words, help)
        job_panel.watch(job_name)
