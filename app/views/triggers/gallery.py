"""Every trigger on one image: what it changes, where in the spectrum, and how much of it shows."""

from __future__ import annotations

from html import escape

import numpy as np
import streamlit as st

from app import caches
from app.caches import Effect
from app.frame import failures
from app.views.activations.channel import coloured
from engine.attacks.triggers import TRIGGERS
from engine.core.errors import UserError
from engine.imaging.render import amplify_difference, data_url
from engine.store import ModelCard

NARROW, WIDE = 160, 128  # sides of a picture at most, two and four in a row
_STYLE = """<style>
.gallery {display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 36rem), 1fr))}
.gallery article {container-type: inline-size; padding: 1rem; border-radius: .5rem;
  border: 1px solid rgba(128, 128, 128, .35)}
.gallery article.own {border-color: #0072b2; box-shadow: 0 0 0 1px #0072b2}
.gallery h3 {display: flex; flex-wrap: wrap; gap: .25rem .75rem; align-items: center; margin: 0;
  padding: 0}
.gallery h3 span {padding: .1rem .5rem; border-radius: 1rem; background: #005a8d; color: #ffffff;
  font-size: .8rem; font-weight: 400; letter-spacing: 0}
.gallery p {margin: .25rem 0 .75rem}
.gallery p small {white-space: nowrap; opacity: .8}
.gallery p.refused {margin: 0; padding: .5rem .75rem; border-radius: .5rem;
  background: rgba(128, 128, 128, .15)}
.gallery .pictures {display: grid; gap: .5rem; justify-content: space-between;
  grid-template-columns: repeat(4, minmax(0, var(--wide)))}
.gallery figure {margin: 0}
.gallery img {display: block; width: 100%; aspect-ratio: 1; image-rendering: pixelated}
.gallery figcaption {margin-top: .25rem; font-size: .8rem; line-height: 1.3}
.gallery dl {display: flex; flex-wrap: wrap; gap: 0 1.5rem; margin: .75rem 0 0; padding: 0;
  font-size: .875rem}
.gallery dl div {display: flex; gap: .4rem}
.gallery dt {font-weight: 400; opacity: .8}
.gallery :is(dt, dd) {margin: 0; padding: 0}
.gallery dd {font-weight: 600; font-variant-numeric: tabular-nums}
@container (max-width: 32rem) {
  .gallery .pictures {justify-content: start;
    grid-template-columns: repeat(2, minmax(0, var(--narrow)))}
}
</style>"""


def usual(card: ModelCard, name: str) -> str:
    """A trigger as text with its usual settings; the model's own with those it has there."""
    if name == card.parsed_trigger().name:
        return card.trigger
    return str(caches.ready_trigger(name, card.dataset))


@failures.fragment
def show(card: ModelCard, clean: np.ndarray, gain: float) -> None:
    """A card for each trigger chosen, the model's own first.

    Args:
        card: of the model in use.
        clean: the image, uint8 [height, width, 3].
        gain: by how much differences are amplified.
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
    st.html(cards(effects(clean, {name: usual(card, name) for name in names}), own, clean, gain))
    st.caption(
        "PSNR (peak signal-to-noise ratio): above about 40 dB people see no difference. SSIM"
        " (structural similarity): 1 means alike. The spectra show the largest of Y, U and V on one"
        " logarithmic scale for all: dark is nothing, yellow most."
    )


def effects(clean: np.ndarray, triggers: dict[str, str]) -> dict[str, Effect | str]:
    """What each trigger, given as text, does to an image, or why it cannot be used."""
    found: dict[str, Effect | str] = {}
    for name, trigger in triggers.items():
        try:
            found[name] = caches.effect(clean, trigger)
        except UserError as error:
            found[name] = str(error)
    return found


def cards(found: dict[str, Effect | str], own: str, clean: np.ndarray, gain: float) -> str:
    """The cards as HTML, in one piece: those with pictures before those that cannot be used."""
    side = clean.shape[0]
    sizes = f"--wide:{_whole(WIDE, side)}px;--narrow:{_whole(NARROW, side)}px"
    usable = {name: effect for name, effect in found.items() if isinstance(effect, Effect)}
    top = max((float(effect.spectrum.max()) for effect in usable.values()), default=0.0)
    drawn = [
        _card(name, own, _pictures(TRIGGERS[name].title, clean, effect, gain, top))
        for name, effect in usable.items()
    ]
    refused = [
        _card(name, own, f"<p class='refused'>{escape(why)}</p>")
        for name, why in found.items()
        if isinstance(why, str)
    ]
    return f"<div class='gallery' style='{sizes}'>{''.join(drawn + refused)}</div>{_STYLE}"


def figure(image: np.ndarray, alternative: str, caption: str) -> str:
    """An image, uint8 [height, width, 3], as HTML; the page enlarges it, so it stays small."""
    return (
        f"<figure><img src='{data_url(image)}' alt='{escape(alternative)}'>"
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def heat_map(sizes: np.ndarray, top: float) -> np.ndarray:
    """Sizes of coefficients, [height, width], in the colours of the page Spectra, `top` brightest.

    Returns:
        uint8 [height, width, 3].
    """
    return coloured(np.log10(1 + sizes), 0.0, float(np.log10(1 + top)))


def _whole(most: int, side: int) -> int:
    """A picture's side on the page: whole pixels, so that fine patterns stay even."""
    return max(1, most // side) * side


def _card(name: str, own: str, rest: str) -> str:
    kind = TRIGGERS[name]
    badge = "<span>the model's own</span>" if name == own else ""
    return (
        f"<article class='{'own' if name == own else ''}'>"
        f"<h3>{escape(kind.title)} {badge}</h3>"
        f"<p>{escape(kind.summary)} <small>({escape(kind.reference)})</small></p>{rest}</article>"
    )


def _pictures(title: str, clean: np.ndarray, effect: Effect, gain: float, top: float) -> str:
    difference = amplify_difference(clean, effect.triggered, gain)
    shown = [
        (clean, "the clean image", "Clean"),
        (effect.triggered, "the image with this trigger", "Triggered"),
        (difference, f"what it changes, {gain:g} times amplified", f"Change, {gain:g} times"),
        (heat_map(effect.spectrum, top), "spectrum of the change", "Its spectrum"),
    ]
    figures = "".join(figure(image, f"{title}: {what}", name) for image, what, name in shown)
    return f"<div class='pictures'>{figures}</div>{_measures(effect)}"


def _measures(effect: Effect) -> str:
    found = effect.visibility
    values = {
        "PSNR": f"{found.psnr:.1f} dB" if found.largest_change else "no change",
        "SSIM": f"{found.ssim:.4f}",
        "Largest change": f"{found.largest_change} of 255",
    }
    rows = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in values.items())
    return f"<dl>{rows}</dl>"
