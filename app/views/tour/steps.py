"""The seven steps, and how a presenter moves between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from app import caches
from app.elements import step_keys
from app.forms import image_chooser, suspected_trigger
from app.frame import failures
from app.frame.pages import PAGES
from app.views.tour import (
    channels,
    drawing,
    look,
    not_a_repair,
    prediction,
    pruning,
    repair,
    scene,
    spectrum,
)
from engine.store import StoredModel

STEP = "step"  # key of the control, and its name in the address
_BAR, _LEAVE = "tour-steps", "tour-leave"  # keys of the controls for the steps, and of the way out
STEPS: Mapping[int, Callable[[scene.Scene], None]] = {
    1: look.show,
    2: prediction.show,
    3: spectrum.show,
    4: channels.show,
    5: pruning.show,
    6: not_a_repair.show,
    7: repair.show,
}


@failures.fragment  # another step reruns neither the navigation nor the model in use
def show(model: StoredModel, dataset: str) -> None:
    """The step in the address, with the controls that lead to the others."""
    with st.container(key="tour"):
        leave, body = st.container(key=_LEAVE), st.container(key="tour-body")
        bar = st.container(
            key=_BAR,
            horizontal=True,
            horizontal_alignment="center",
            vertical_alignment="center",
        )
    with bar:
        step = _choose()
    with leave:
        st.page_link(
            PAGES["overview"].script,
            label="Leave",
            icon=":material/close:",
            help="Or press Escape",
            width="content",
        )
        step_keys.listen(step, len(STEPS), _BAR, _LEAVE, "tour-keys", _go)
    with body:
        if image_chooser.images_available(dataset):
            caches.dataset_images.test_images(
                dataset, model.card.image_shape[0]
            )  # may show its progress
        if model.card.knows_trigger:
            STEPS[step](scene.arrange(model, dataset))
        else:
            _say_what_is_missing(model)


def _say_what_is_missing(model: StoredModel) -> None:
    drawing.headline(
        "No trigger is known for this network",
        "The tour shows what a trigger does. Choose another model above, or find out more about"
        " this one:",
    )
    suspected_trigger.explain(model)


def _choose() -> int:
    back, numbers, on = (st.container(width="content") for _ in range(3))
    with numbers:
        step: int = st.segmented_control(
            "Step",
            list(STEPS),
            default=1,
            required=True,
            key=STEP,
            bind="query-params",
            label_visibility="collapsed",
        )
    _button(back, "Back", "arrow_back", step - 1)
    _button(on, "Next", "arrow_forward", step + 1)
    return step


def _button(place: st.delta_generator.DeltaGenerator, label: str, icon: str, to: int) -> None:
    place.button(
        label,
        icon=f":material/{icon}:",
        key=f"tour-{label.lower()}",
        disabled=to not in STEPS,
        on_click=failures.callback(_go),
        args=(to,),
    )


def _go(step: int) -> None:
    st.session_state[STEP] = step
