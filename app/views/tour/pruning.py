"""Step 5: pruning as a film."""

from __future__ import annotations

import math

import streamlit as st

from app import caches
from app.charts import pruning_charts
from app.elements.film import film
from app.frame.pages import PAGES
from app.views.tour import charts, drawing
from app.views.tour.scene import Scene
from engine.defenses.pruning.curve import Curve
from engine.reporting import verdict
from engine.reporting.metric_style import scores_of

_STEP = "tour-film-step"
_ROW = 16  # channels in a row of the film


def show(scene: Scene) -> None:
    """The film, and the curve up to where it stands."""
    curve = scene.curve
    if curve is None:
        drawing.headline(
            "What does pruning do?", "The pruning curve of this model has not been computed yet."
        )
        PAGES["pruning"].link("Compute it on Pruning")
        return
    drawing.headline("Pruning switches channels off, one by one", _sentence(scene, curve))
    of, step = st.session_state.get(_STEP, ("", 0))
    step = min(step, len(curve.channels)) if of == scene.model.name else 0
    left, right = st.columns(2, gap="large")
    rows = math.ceil(len(curve.channels) / _ROW)
    with left, st.container(key="tour-frame"):
        st.html(f"<style>.st-key-tour-frame {{--columns-to-rows: {_ROW / rows:.3f}}}</style>")
        film(
            curve.test,
            caches.models.clean_activations(scene.model, curve.layer),
            step,
            "tour-film",
            lambda moved: st.session_state.update({_STEP: (scene.model.name, moved)}),
            scores_of(scene.card),
        )
    with right:
        drawing.figures(drawing.metrics(scene.card, curve.test.iloc[step]))
        key = (*caches.models.version(scene.model), curve.layer, curve.order, "tour-curve")
        spec = caches.charts.chart_spec(key, lambda: charts.pruning(curve.test))
        drawing.chart(
            pruning_charts.move_rule(spec, step),
            "tour-curve",
            "Clean accuracy, attack success and recovered accuracy against the share of"
            f" channels pruned. The line stands at {step} of {len(curve.channels)} channels.",
        )


def _sentence(scene: Scene, curve: Curve) -> str:
    if not scene.attack_works:
        return "The attack does not succeed here: pruning only costs clean accuracy. Press Play."
    failed = curve.test.index[curve.test["attack_success"] <= verdict.WORKS]
    if not len(failed):
        return "The attack survives every step. Press Play."
    row, start = curve.test.loc[failed[0]], curve.test.iloc[0]
    return (
        f"The attack survives until **{row['step']:.0f} of {len(curve.channels)}** channels are"
        f" gone; clean accuracy is then {row['clean_accuracy']:.0f} % instead of"
        f" {start['clean_accuracy']:.0f} %. Press Play."
    )
