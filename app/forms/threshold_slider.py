"""The threshold at which pruning stops: one setting for every page that prunes."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from app.frame import address, failures
from engine.defenses.pruning.curve import Curve, threshold_at
from engine.store import StoredModel

THRESHOLD = "threshold"  # key of the slider on every page that has one
USUAL_THRESHOLD = 20.0  # percentage points: there the attack falls, and few images recover
MAX_THRESHOLD = 60.0  # percentage points, like STEP
STEP = 0.5
_BY_HAND, _CHANNELS = "cut-by-hand", "channels"


@dataclass(frozen=True)
class CutByHand:
    """A number of channels that the visitor chose on the film or the curve.

    Attributes:
        of: the model, the convolution and the order it belongs to.
        step: how many channels are pruned.
    """

    of: tuple[str, str, str]
    step: int


def show() -> float:
    """The allowed drop of clean accuracy, percentage points; 0 leaves the network as it is."""
    return st.slider(
        "Stop once clean accuracy falls by (points)",
        min_value=0.0,
        max_value=MAX_THRESHOLD,
        value=USUAL_THRESHOLD,
        step=STEP,
        format="%.1f",
        key=THRESHOLD,
        help="Pruning stops at the first step where accuracy on clean validation images has"
        " dropped by this many percentage points. Attack success plays no part: a defender cannot"
        " measure it.",
        bind="query-params",
        on_change=_forget_cut,
    )


def cut_at(model: StoredModel, curve: Curve, step: int) -> None:
    """Prune exactly that many channels; the slider shows the drop that goes with them."""
    st.session_state[_BY_HAND] = CutByHand((model.name, curve.layer, curve.order), step)
    st.session_state[THRESHOLD] = find_threshold(curve, step)


def chosen_step(model: StoredModel, curve: Curve) -> int:
    """How many channels are pruned: at the threshold, or as many as the visitor chose."""
    of = (model.name, curve.layer, curve.order)
    if _BY_HAND not in st.session_state or address.history_moved():
        text = st.query_params.get(_CHANNELS, "")
        known = CutByHand(of, int(text)) if text.isdecimal() and len(text) < 6 else None
        st.session_state[_BY_HAND] = known
    by_hand: CutByHand | None = st.session_state[_BY_HAND]
    if by_hand is None or by_hand.of != of:
        address.write(_CHANNELS, None)
        return find_step(curve, st.session_state.get(THRESHOLD, USUAL_THRESHOLD))
    address.write(_CHANNELS, str(by_hand.step))
    return min(by_hand.step, len(curve.channels))


@failures.callback
def _forget_cut() -> None:
    st.session_state[_BY_HAND] = None


def find_step(curve: Curve, threshold: float) -> int:
    """The step at which pruning stops for a threshold."""
    return curve.step_at(threshold) if threshold else 0


def find_threshold(curve: Curve, step: int) -> float:
    """The largest threshold on the slider that prunes no further than `step`."""
    dropped = threshold_at(curve.validation, step) // STEP * STEP
    return min(float(dropped), MAX_THRESHOLD)
