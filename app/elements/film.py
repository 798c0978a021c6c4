"""Pruning as an animation: channels go one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import streamlit as st

from app.elements.mounting import element
from app.frame import failures
from engine.reporting.metric_style import SCORES, MetricStyle

_film = element("film")


def film(
    table: pd.DataFrame,
    strengths: np.ndarray | None,
    step: int,
    key: str,
    on_step: Callable[[int], None],
    styles: Mapping[str, MetricStyle] = SCORES,
) -> None:
    """The channels of a layer, with a play button, a slider and buttons for single steps.

    Args:
        table: rows of a pruning curve with channel and, where a trigger is known,
            attack_success; else clean_accuracy is named (percent).
        strengths: float [channels], mean activation on clean images, shown as shade; None
            shades all alike.
        step: how many channels are pruned.
        key: of the element.
        on_step: called with the step where the visitor left the slider, before the next run.
        styles: of the metrics; see `metric_style.scores_of`.
    """
    channels = table["channel"].astype(int).tolist()[1:]
    figure = "attack_success" if "attack_success" in table else "clean_accuracy"
    shades = np.ones(len(channels)) if strengths is None else _from_0_to_1(strengths)

    @failures.callback
    def moved() -> None:
        chosen = st.session_state[key].get("step")
        # A browser may send anything.
        if isinstance(chosen, int) and 0 <= chosen <= len(channels):
            on_step(chosen)

    _film(
        data={
            "channels": channels,
            "shades": np.round(shades, 3).tolist(),
            "figure": styles[figure].label.lower(),
            "percent": table[figure].round(2).tolist(),
            "step": step,
        },
        key=key,
        on_step_change=moved,
    )


def _from_0_to_1(values: np.ndarray) -> np.ndarray:
    reach = float(np.ptp(values)) or 1.0
    shares: np.ndarray = (values - values.min()) / reach
    return shares
