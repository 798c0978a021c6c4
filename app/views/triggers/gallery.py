"""Every trigger on one image: the change it makes, its spectrum, and how visible it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import streamlit as st

from app.caches.shown_images import Effect
from app.elements import picture
from app.forms import image_chooser
from app.frame import failures
from app.views.triggers import embedded, trigger_form
from app.views.triggers.embedded import Picture
from engine.attacks.triggers import TRIGGERS
from engine.core import templates
from engine.evaluation.visibility import Visibility
from engine.imaging.render import amplify_difference
from engine.reporting.metric_style import STYLES, format_visibility
from engine.store import StoredModel

LARGEST = 112  # side of a picture in pixels, with three in a row
_TEMPLATES = templates.load(__file__)


@dataclass(frozen=True)
class TriggerCard:
    """What the gallery shows of one trigger.

    Attributes:
        title, summary, reference: see `Trigger`.
        own: what it is to the model; empty for other triggers than its own.
        problem: why it cannot be applied; empty if it can.
        pictures: the triggered image, the change, and its spectrum.
        measures: label -> value.
    """

    title: str
    summary: str
    reference: str
    own: str
    problem: str = ""
    pictures: list[Picture] = field(default_factory=list)
    measures: dict[str, str] = field(default_factory=dict)


@failures.fragment  # another image or trigger does not rerun the rest of the page
def show(model: StoredModel, dataset: str) -> None:
    """The controls, and a card for each trigger chosen, the model's own first."""
    trigger_form.hold_settings()
    card = model.card
    chosen = image_chooser.choose(card, dataset)
    if chosen is None:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        # Side by side on a phone, too.
        with st.container(horizontal=True, vertical_alignment="bottom", wrap=False, width=380):
            with st.container(width=_whole_pixels(chosen.clean.shape[0])):
                picture.show(chosen.clean, "Clean", LARGEST)
            gain = trigger_form.choose_gain()
        selected = _choose_triggers()
    if not selected:
        st.info("Choose at least one trigger.", icon=":material/info:")
        return
    own = "" if card.backdoor is None else card.backdoor.trigger.name
    names = sorted(selected, key=lambda name: name != own)
    effects = embedded.apply_triggers(
        chosen.clean, {name: str(trigger_form.usual_trigger(card, name)) for name in names}
    )
    named = {own: trigger_form.describe_own(card)}
    st.html(cards_html(effects, named, chosen.clean, gain))
    st.caption(
        "Spectra: the largest of Y, U and V on one logarithmic scale, low frequencies upper left."
    )


def _choose_triggers() -> list[str]:
    with st.popover("Triggers to show", icon=":material/filter_list:"):
        return st.pills(
            "Triggers to show",
            list(TRIGGERS),
            selection_mode="multi",
            default=list(TRIGGERS),
            format_func=lambda name: TRIGGERS[name].title,
            key="gallery",
            bind="query-params",
            label_visibility="collapsed",
        )


def cards_html(
    effects: Mapping[str, Effect | str], own: Mapping[str, str], clean: np.ndarray, gain: float
) -> str:
    """The cards as HTML; triggers that cannot be applied come last.

    Args:
        effects: name of each trigger -> its effect, or why it cannot be applied.
        own: name of the model's own trigger -> what it is to the model.
        clean: the image, uint8 [height, width, 3].
        gain: the factor by which differences are amplified.
    """
    spectra = [effect.spectrum for effect in effects.values() if isinstance(effect, Effect)]
    top = max((float(spectrum.max()) for spectrum in spectra), default=0.0)
    cards = [
        _card(name, own.get(name, ""), effect, clean, gain, top) for name, effect in effects.items()
    ]
    return templates.render(
        _TEMPLATES,
        "gallery",
        cards=sorted(cards, key=lambda card: bool(card.problem)),
        side=_whole_pixels(clean.shape[0]),
    )


def _whole_pixels(side: int) -> int:
    """The side of a picture on the page: a multiple of `side`, so that patterns stay even."""
    return max(1, LARGEST // side) * side


def _card(
    name: str, own: str, effect: Effect | str, clean: np.ndarray, gain: float, top: float
) -> TriggerCard:
    kind = TRIGGERS[name]
    described = (kind.title, kind.summary, kind.reference, own)
    if isinstance(effect, str):
        return TriggerCard(*described, problem=effect)
    change = amplify_difference(clean, effect.triggered, gain)
    shown = [
        (effect.triggered, "the image with this trigger", "Triggered"),
        (change, f"what it changes, amplified {gain:g} times", f"Change, {gain:g} times"),
        (embedded.spectrum_image(effect.spectrum, top), "spectrum of the change", "Its spectrum"),
    ]
    pictures = [
        embedded.embed(image, f"{kind.title}: {what}", caption) for image, what, caption in shown
    ]
    return TriggerCard(*described, pictures=pictures, measures=_measures(effect.visibility))


def _measures(found: Visibility) -> dict[str, str]:
    return {STYLES[name].label: text for name, text in format_visibility(found).items()}
