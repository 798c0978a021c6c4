"""What the network itself gives away: the class, the pattern, the channels."""

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


def classes(model: StoredModel) -> None:
    """Which class a faint pattern leads to, and the pattern beside the true one."""
    evidence = caches.table(model, "detection")
    job_name = jobs.name_of("detect", model.name)
    if evidence is None:
        st.info("This model has not been screened yet.")
        if image_chooser.at_hand(model.card.dataset):
            job_panel.start_button(
                "Screen it",
                job_name,
                ["detect", model.name],
                "For each class, seeks the faintest pattern that leads there; a minute or two.",
            )
        else:
            image_chooser.offer_to_fetch(model.card.dataset)
        job_panel.watch(job_name)
        return
    st.markdown(_finding(evidence))
    chart_view.show(
        repair_charts.perturbation_psnr(evidence),
        evidence,
        "detection",
        "How much fainter than the median class's pattern those of the ten classes are that need"
        " least, in dB; the accused class is marked.",
    )
    st.caption("The class that needs least is accused if its bar crosses the dashed line.")
    recovered = caches.table(model, "recovered-spectrum")
    if recovered is None:
        return
    _spectra(model.card, recovered)


def _finding(evidence: pd.DataFrame) -> str:
    least, median = evidence.iloc[0], evidence["psnr_db"].median()
    name = markdown.escape(least["name"])
    apart = f"{least['psnr_db'] - median:.0f} dB"
    if not evidence["flagged"].any():
        return (
            f"**No class stands out.** The one that needs least, {name}, is only"
            f" {apart} from the median class."
        )
    return (
        f"**{name} stands out:** a pattern of {least['psnr_db']:.0f} dB, which nobody"
        f" sees, leads there from nearly any picture. It is {apart} fainter than what the median"
        " class needs."
    )


def _spectra(card: ModelCard, recovered: pd.DataFrame) -> None:
    """The recovered pattern's spectrum beside the true trigger's."""
    height, width = card.image_shape[:2]
    shape = (3, height, width)
    true = caches.trigger_spectrum(card.trigger, height, width)
    known = {} if true is None else {"The attacker's own": true}
    found = recovered["size"].to_numpy()
    if found.size != np.prod(shape):
        raise UserError(
            "The recovered pattern is of images of another size: delete recovered-spectrum.csv"
            " beside the model and screen it again."
        )
    found = found.reshape(shape)
    st.subheader("The recovered pattern")
    st.markdown(
        "Found from the network and clean images alone. **Compare the bright cells:** the"
        " network may have learned only a part of the trigger, and gives away no more than that."
    )
    plane = st.segmented_control(
        "Channel", ["Y", "U", "V"], default="U", required=True, key="recovered-plane"
    )
    place = "YUV".index(plane)
    bands = list(getattr(card.parsed_trigger(), "bands", ()))
    both = {"Recovered": found, **known}
    parts = {title: np.abs(values[place]) for title, values in both.items()}
    top = max(float(values.max()) for values in parts.values())
    for column, (title, values) in zip(st.columns(2), parts.items(), strict=True):
        with column:
            st.markdown(f"**{title}**")
            chart_view.show(
                spectra_charts.spectrum(values, bands, top),
                pd.DataFrame(values),
                f"recovered-{'true' if 'own' in title else 'found'}",
                f"{title}: size of the DCT coefficients of {plane}, the largest"
                f" {values.max():.1f}.",
            )


def amplifiers(model: StoredModel) -> None:
    """Which channels amplify most in their layer; from the weights alone, at once."""
    try:
        table = caches.amplification(model)
    except UserError as error:
        st.info(markdown.escape(error))
        return
    chart_view.show(
        repair_charts.amplification(table),
        table,
        "amplification",
        "How far each channel's bound lies above its layer's mean, in standard deviations.",
    )
