"""The third step: how good the imported network is, and what to do next."""

from __future__ import annotations

import streamlit as st

from app import caches
from app.elements import job_panel, model_download
from app.frame import failures, header
from app.frame.pages import PAGES
from engine.core import jobs, markdown, templates
from engine.evaluation.metrics import wilson_interval
from engine.imaging.render import data_url, enlarge
from engine.reporting import verdict
from engine.reporting.metric_style import OUTCOMES
from engine.store import StoredModel

_TEMPLATES = templates.load(__file__)
_SIDE = 96  # of a picture, pixels
_FIND = "Find the backdoor"  # the tab of the page Repairs


def show() -> None:
    """The first scores of the model in use, if it was imported; else what the page is for."""
    model = None
    with failures.contained():
        model = header.model_in_use() if caches.model_names() else None
    if model is None or not model.card.imported or model.card.repair:
        _introduce()
        return
    st.header("3. First scores")
    st.markdown(describe(model))
    with failures.contained():  # the NumPy runtime does not support every network
        _show_images(model)
    _offer_next(model)
    st.subheader("Download it")
    model_download.offer(model)


def describe(model: StoredModel) -> str:
    """How many clean test images it classifies correctly, as Markdown."""
    scores = model.card.scores["test"]
    accuracy, images = scores["clean_accuracy"], int(scores["clean_images"])
    low, high = wilson_interval(accuracy, images)
    return (
        f"{markdown.code(model.name)} classifies **{accuracy:.1f} %** of {images:,} clean test"
        f" images correctly (95 % interval: {low:.1f} to {high:.1f} %). Whether it hides a backdoor"
        " is **not known**: clean images do not show that."
    )


def _introduce() -> None:
    st.header("What you will learn")
    st.markdown(
        "- **How the network wants its images**: range of the pixel values, order of the colours,"
        " order of the classes. A file does not say, and a wrong guess costs accuracy without any"
        " error message. So all of them are tried on your images.\n"
        "- **How good it is** on clean images.\n"
        "- **Whether it hides a backdoor**, and then: what pruning and repairs do about it.\n"
        "- You can take the repaired network away again, in the form in which it came."
    )


def _show_images(model: StoredModel) -> None:
    found = caches.sample_predictions(model)
    names = model.card.class_names
    pictures = []
    for image, label, row in zip(found.images, found.labels, found.probabilities, strict=True):
        predicted = int(row.argmax())
        correct = predicted == label
        colour, mark = OUTCOMES["correct" if correct else "wrong"]
        pictures.append(
            {
                "url": data_url(enlarge(image, _SIDE)),
                "shows": names[label],
                "predicted": names[predicted],
                "share": f"{row[predicted]:.0%}",
                "colour": colour,
                "mark": mark,
                "correct": correct,
            }
        )
    st.html(templates.render(_TEMPLATES, "first_images", pictures=pictures))


def _offer_next(model: StoredModel) -> None:
    st.subheader("Next")
    found, job = caches.scan(model), jobs.name_of("detect", model.name)
    if found is not None:
        st.markdown(f"**{verdict.headline(model.card, found)}**")
    with st.container(horizontal=True, vertical_alignment="center"):
        if found is not None:
            PAGES["repairs"].link("See what the scan found", {"repairs-tab": _FIND})
        else:
            job_panel.start_button(
                "Scan for a backdoor",
                job,
                ["detect", model.name],
                "Finds, for each class, the faintest pattern that makes the network predict it;"
                " takes a minute or two.",
            )
        PAGES["activations"].link("Activations")
        PAGES["pruning"].link("Prune channels")
        PAGES["repairs"].link("Try repairs", {"repairs-tab": "Try a repair"})
    if found is None:
        job_panel.watch(job)
