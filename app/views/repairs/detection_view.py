"""What a detector finds in the network: a flagged class, its pattern, suspicious channels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from app import caches
from app.charts import repair_charts, spectra_charts
from app.elements import chart_view, job_panel
from app.forms import image_chooser
from engine.core import jobs, markdown
from engine.core.errors import UserError
from engine.store import ModelCard, StoredModel
from engine.store.scans import SEARCHED


def show_classes(model: StoredModel) -> None:
    """The flagged class, if any, and the recovered pattern beside the trigger, if it is known."""
    evidence = caches.table(model, "detection")
    job_name = jobs.name_of("detect", model.name)
    if evidence is None:
        st.info("This model has not been scanned yet.")
        if image_chooser.images_available(model.card.dataset):
            job_panel.start_button(
                "Scan for a backdoor",
                job_name,
                ["detect", model.name],
                "Finds, for each class, the faintest pattern that makes the network predict it;"
                " takes a minute or two.",
            )
        else:
            image_chooser.offer_download(model.card.dataset)
        job_panel.watch(job_name)
        return
    st.markdown(describe_evidence(evidence))
    if not evidence["flagged"].any():
        st.markdown(f"**That is no all-clear.** {SEARCHED}")
    chart_view.show(
        repair_charts.perturbation_psnr(evidence),
        evidence,
        "detection",
        "The ten classes with the faintest patterns: how much fainter than the pattern of the"
        " median class, in dB. A flagged class is highlighted.",
    )
    st.caption(
        "Only the class with the faintest pattern can be flagged: it is, if its bar crosses the"
        " dashed line."
    )
    recovered = caches.table(model, "recovered-spectrum")
    if recovered is None:
        return
    _show_recovered_pattern(model.card, recovered)


def describe_evidence(evidence: pd.DataFrame) -> str:
    """Whether a class is flagged, as Markdown.

    Args:
        evidence: see `Detection.evidence`.
    """
    first, median = evidence.iloc[0], evidence["psnr_db"].median()
    name = markdown.escape(first["name"])
    margin = f"{first['psnr_db'] - median:.0f} dB fainter than for the median class"
    if not evidence["flagged"].any():
        return (
            f"**No class is flagged.** The faintest pattern is the one for {name}, only {margin}."
        )
    return (
        f"**{name} is flagged:** a pattern of {first['psnr_db']:.0f} dB (PSNR) makes the network"
        f" predict this class for nearly any image. It is {margin}."
    )


def _show_recovered_pattern(card: ModelCard, recovered: pd.DataFrame) -> None:
    """The spectrum of the recovered pattern, beside that of the trigger, if it has one."""
    height, width = card.image_shape[:2]
    shape = (3, height, width)
    magnitudes = recovered["size"].to_numpy()
    if magnitudes.size != np.prod(shape):
        raise UserError(
            "The recovered pattern does not fit the model's image size: delete"
            " recovered-spectrum.csv in the model's folder and scan the model again."
        )
    spectra = {"Recovered": ("recovered-found", magnitudes.reshape(shape))}
    backdoor = card.backdoor
    true = None if backdoor is None else caches.trigger_spectrum(backdoor.text, height, width)
    if true is not None:
        title = "Assumed trigger" if card.assumed else "Attacker's trigger"
        spectra[title] = ("recovered-true", true)
    st.subheader("The recovered pattern")
    st.markdown(
        "Recovered from the network and clean images alone. **Look at the bright cells:** they are"
        " the frequencies that the network responds to, which may be only part of the trigger."
    )
    plane = st.segmented_control(
        "Channel", ["Y", "U", "V"], default="U", required=True, key="recovered-plane"
    )
    bands = [] if backdoor is None else list(getattr(backdoor.trigger, "bands", ()))
    maps = {
        title: (key, np.abs(values["YUV".index(plane)])) for title, (key, values) in spectra.items()
    }
    top = max(float(values.max()) for _, values in maps.values())
    for column, (title, (key, values)) in zip(st.columns(2), maps.items(), strict=False):
        with column:
            st.markdown(f"**{title}**")
            chart_view.show(
                spectra_charts.spectrum(values, bands, top),
                pd.DataFrame(values),
                key,
                f"{title}: magnitudes of the DCT coefficients of {plane}, up to"
                f" {values.max():.1f}.",
            )


def show_amplification(model: StoredModel) -> None:
    """Which channels amplify most in their layer, computed from the weights alone."""
    try:
        table = caches.amplification(model)
    except UserError as error:
        st.info(markdown.escape(error))
        return
    chart_view.show(
        repair_charts.amplification(table),
        table,
        "amplification",
        "How far each channel's amplification lies above its layer's mean, in standard deviations.",
    )
