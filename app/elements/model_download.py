"""Buttons to download a network as .keras and .onnx.

What must be written first needs TensorFlow, so a job does it, and the button then hands it out.
"""

from __future__ import annotations

import streamlit as st

from app.elements import job_panel
from engine.core import jobs, paths
from engine.experiments import export_model
from engine.networks.input_format import COLOURS, OUTPUTS, RANGES, InputFormat
from engine.store import ModelCard, StoredModel


def offer(stored: StoredModel) -> None:
    """A button for each format.

    Args:
        stored: a model, or a repaired copy that comparing repairs left.
    """
    waiting = []
    with st.container(horizontal=True, vertical_alignment="center"):
        for format in export_model.FORMATS:
            if not _offer_format(stored, format):
                waiting.append(_job_name(stored, format))
    st.caption(describe(stored.card))
    for name in waiting:
        job_panel.watch(name)


def describe(card: ModelCard) -> str:
    """What the files take and give, as a sentence."""
    if not card.imported:
        return "Both take red, green and blue from 0 to 1 and give probabilities."
    form = InputFormat.from_card(card.imported)
    return (
        f"As it came: pixel values {RANGES[form.range][0]}, colours {COLOURS[form.colours]};"
        f" {OUTPUTS[form.outputs]} in the order of the file that was imported."
    )


def _offer_format(stored: StoredModel, format: str) -> bool:
    """The button to download a file that is there, or else to write it; whether it is there."""
    file, name = export_model.file_for_download(stored, format), _job_name(stored, format)
    job = jobs.job_named(name)
    if file.exists():
        if job.folder.exists() and not job.status().alive:
            job.discard()
        st.download_button(
            f"Download .{format}",
            file.read_bytes,
            f"{stored.name}.{format}",
            "application/octet-stream",
            key=f"download-{name}",
            icon=":material/download:",
            on_click="ignore",
        )
        return True
    if st.button(
        f"Prepare .{format}",
        key=f"start-{name}",
        icon=":material/download:",
        help="Writes the file first, which takes a few seconds.",
        disabled=job.folder.exists() and job.status().alive,
    ):
        job_panel.start(name, ["export", *_choice(stored), "--format", format, "--out", str(file)])
        st.rerun()
    return False


def _job_name(stored: StoredModel, format: str) -> str:
    return jobs.name_of("export", stored.name, stored.card.sha256[:8], format)


def _choice(stored: StoredModel) -> list[str]:
    """How the command line names the model, or the repaired copy."""
    if paths.repaired_folder() in stored.folder.parents:
        return [stored.card.repair["parent"], "--repair", stored.card.repair["method"]]
    return [stored.name]
