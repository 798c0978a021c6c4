"""Every trigger on one image: the change it makes, its spectrum, and how visible it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import streamlit as st

from app import caches
from app.caches import Effect
from app.views.activations.channel import apply_viridis
from engine.attacks.triggers import TRIGGERS
from engine.core import templates
from engine.core.errors import UserError
from engine.evaluation.visibility import Visibility
from engine.imaging.render import amplify_difference, data_url
from engine.reporting.metric_style import STYLES, format_visibility
from engine.store import ModelCard

NARROW, WIDE = 160, 128  # largest side of a picture in pixels, with two and with four in a row
_TEMPLATES = templates.load(__file__)


@dataclass(frozen=True)
class Picture:
    """An image inside a page; the page enlarges it, so it is sent in its own size."""

    url: str
    alternative: str
    caption: str


@dataclass(frozen=True)
class TriggerCard:
    """What the gallery shows of one trigger.

    Attributes:
        title, summary, reference: see `Trigger`.
        is_own: whether the model was trained with it.
        problem: why it cannot be applied; empty if it can.
        pictures: the image clean and triggered, the change, and its spectrum.
        measures: label -> value.
    """

    title: str
    summary: str
    reference: str
    is_own: bool
    problem: str = ""
    pictures: list[Picture] = field(default_factory=list)
    measures: dict[str, str] = field(default_factory=dict)


def usual(card: ModelCard, name: str) -> str:
    """A trigger as text, with its usual settings; the model's own one with the model's settings."""
    if name == card.parsed_trigger().name:
        return card.trigger
    return str(caches.ready_trigger(name, card.dataset))


def show(card: ModelCard, clean: np.ndarray, gain: float) -> None:
    """Show a card for each trigger chosen, the model's own first.

    Args:
        card: of the model in use.
        clean: the image, uint8 [height, width, 3].
        gain: the factor by which differences are amplified.
    """
    chosen = st.pills(
        "Triggers to show",
        list(TRIGGERS),
        selection_mode="multi",
        default=list(TRIGGERS),
        format_func=lambda name: TRIGGERS[name].title,
        key="gallery",
        bind="query-params",
    )
    if not chosen:
        st.info("Choose at least one trigger.", icon=":material/info:")
        return
    own = card.parsed_trigger().name
    names = sorted(chosen, key=lambda name: name != own)
    effects = apply_triggers(clean, {name: usual(card, name) for name in names})
    st.html(cards_html(effects, own, clean, gain))
    st.caption(
        f"**PSNR:** {STYLES['psnr'].help} **SSIM:** {STYLES['ssim'].help} **Spectra:** The largest"
        " of Y, U and V, on one logarithmic scale. Dark: no change; yellow: the strongest."
    )


def apply_triggers(clean: np.ndarray, triggers: Mapping[str, str]) -> dict[str, Effect | str]:
    """The effect of each trigger on an image, or the reason why it cannot be applied.

    Args:
        clean: uint8 [height, width, 3].
        triggers: name -> trigger as text.
    """
    effects: dict[str, Effect | str] = {}
    for name, trigger in triggers.items():
        try:
            effects[name] = caches.effect(clean, trigger)
        except UserError as error:
            effects[name] = str(error)
    return effects


def cards_html(
    effects: Mapping[str, Effect | str], own: str, clean: np.ndarray, gain: float
) -> str:
    """The cards as HTML; triggers that cannot be applied come last."""
    side = clean.shape[0]
    spectra = [effect.spectrum for effect in effects.values() if isinstance(effect, Effect)]
    top = max((float(spectrum.max()) for spectrum in spectra), default=0.0)
    cards = [_card(name, own, effect, clean, gain, top) for name, effect in effects.items()]
    return templates.render(
        _TEMPLATES,
        "gallery",
        cards=sorted(cards, key=lambda card: bool(card.problem)),
        wide=_whole_pixels(WIDE, side),
        narrow=_whole_pixels(NARROW, side),
    )


def picture(image: np.ndarray, alternative: str, caption: str) -> Picture:
    """An image, uint8 [height, width, 3], with its text alternative and caption."""
    return Picture(data_url(image), alternative, caption)


def spectrum_image(magnitudes: np.ndarray, top: float) -> np.ndarray:
    """A spectrum in the colours of the Spectra page.

    Args:
        magnitudes: of coefficients, [height, width].
        top: the magnitude shown brightest.

    Returns:
        uint8 [height, width, 3].
    """
    return apply_viridis(np.log10(1 + magnitudes), 0.0, float(np.log10(1 + top)))


def _whole_pixels(largest: int, side: int) -> int:
    """The side of a picture on the page: a multiple of `side`, so that patterns stay even."""
    return max(1, largest // side) * side


def _card(
    name: str, own: str, effect: Effect | str, clean: np.ndarray, gain: float, top: float
) -> TriggerCard:
    kind = TRIGGERS[name]
    described = (kind.title, kind.summary, kind.reference, name == own)
    if isinstance(effect, str):
        return TriggerCard(*described, problem=effect)
    change = amplify_difference(clean, effect.triggered, gain)
    shown = [
        (clean, "the clean image", "Clean"),
        (effect.triggered, "the image with this trigger", "Triggered"),
        (change, f"what it changes, amplified {gain:g} times", f"Change, {gain:g} times"),
        (spectrum_image(effect.spectrum, top), "spectrum of the change", "Its spectrum"),
    ]
    pictures = [picture(image, f"{kind.title}: {what}", caption) for image, what, caption in shown]
    return TriggerCard(*described, pictures=pictures, measures=_measures(effect.visibility))


def _measures(found: Visibility) -> dict[str, str]:
    return {STYLES[name].label: text for name, text in format_visibility(found).items()}
