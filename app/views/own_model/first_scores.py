"""The third step: how good the imported network is, and what to do next."""

from __future__ import annotations

import streamlit as st

from app import caches
from app.elements import model_download, scan_verdict
from app.forms import scan_start
from app.frame import failures, header
from app.frame.pages import PAGES
from engine.core import markdown, templates
from engine.evaluation.metrics import wilson_interval
from engine.imaging.render import data_url, enlarge
from engine.reporting import verdict
from engine.reporting.metric_style import OUTCOMES
from engine.store import StoredModel

_TEMPLATES = templates.load(__file__)
_SIDE = 96  # of a picture, pixels


def show() -> None:
    """The first scores of the model in use, if it was imported; else what the page is for."""
    model = None
    with failures.contained():
        model = header.model_in_use() if caches.models.model_names() else None
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
    unknown = " Whether it hides a backdoor is **not known**: clean images do not show that."
    return (
        f"{markdown.code(model.name)} classifies **{accuracy:.1f} %** of {images:,} clean test"
        f" images correctly (95 % interval: {low:.1f} to {high:.1f} %)."
        f"{unknown if caches.scans.readable_scan(model) is None else ''}"
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
    found = caches.predictions.sample_predictions(model)
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
    found = caches.scans.readable_scan(model)
    st.subheader("Next" if found is None else "What a scan has found")
    if found is not None:
        title = f"{verdict.name_finding(found)}."
        scan_verdict.show(model, verdict.explain_finding(model.card, found), title)
    with st.container(horizontal=True, vertical_alignment="center"):
        if found is not None:
            PAGES["detect"].link("See the evidence")
        else:
            scan_start.offer(model)
        PAGES["activations"].link("Activations")
        PAGES["pruning"].link("Prune channels")
        PAGES["repairs"].link("Try repairs", {"repairs-tab": "Try a repair"})
    scan_start.watch(model)
