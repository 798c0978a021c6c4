"""Step 6: why attack success 0 is not a repair."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from app import caches
from app.forms import threshold_slider
from app.frame import failures
from app.frame.pages import PAGES
from app.views.tour import drawing
from app.views.tour.scene import Scene, examples
from engine.defenses.pruning.curve import Curve
from engine.reporting import verdict


def show(scene: Scene) -> None:
    """The metrics at the threshold, and what the pruned network says to triggered pictures."""
    curve = scene.curve
    if curve is None:
        drawing.headline(
            "Attack success 0 is not a repair",
            "Whether pruning repairs this model cannot be shown yet: its curve has not been"
            " computed.",
        )
        PAGES["pruning"].link("Compute it on Pruning")
        return
    title, sentence = st.container(), st.container()
    with st.container(width=640):
        threshold_slider.show()
    step = threshold_slider.chosen_step(scene.model, curve)
    row = curve.test.iloc[step]
    ceiling = caches.repairs.recovery_ceiling(scene.model)
    with title, sentence:
        drawing.headline(_title(scene, row), _sentence(curve, row, ceiling))
    shown = drawing.metrics(scene.card, row)
    shown = shown[1:] if scene.attack_works else shown
    drawing.figures([*shown, drawing.ceiling(scene.model, row)])
    with failures.contained():  # the NumPy runtime does not support every network
        _show_row(scene, curve, step)


def _title(scene: Scene, row: pd.Series[Any]) -> str:
    if not scene.attack_works:
        return f"There is no working {scene.backdoor} here to remove"
    if row["attack_success"] > verdict.WORKS:
        return f"At this threshold the {scene.backdoor} still works"
    if row["recovered_accuracy"] > verdict.RECOVERED:
        return "Here pruning does recover most triggered pictures"
    return f"Attack success {row['attack_success']:.0f} % is not a repair"


def _sentence(curve: Curve, row: pd.Series[Any], ceiling: float | None) -> str:
    few = "only " if row["recovered_accuracy"] <= verdict.RECOVERED else ""
    on = " Move the slider on." if row["attack_success"] > verdict.WORKS else ""
    best = "" if ceiling is None else f"; without a backdoor it would be {ceiling:.0f} %"
    return (
        f"With **{row['step']:.0f} of {len(curve.channels)}** channels pruned, {few}"
        f"**{row['recovered_accuracy']:.0f} %** of the triggered pictures are classified"
        f" correctly{best}.{on}"
    )


def _show_row(scene: Scene, curve: Curve, step: int) -> None:
    images = examples(scene)
    if not images:
        drawing.images_missing(scene.dataset)
        return
    found = [
        caches.predictions.predictions_while_pruned(scene.model, image, curve.layer, curve.order)[
            step, 1
        ]
        for image in images
    ]
    drawing.row(images, found, scene.card)
