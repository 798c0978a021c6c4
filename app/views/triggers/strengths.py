"""One trigger at several values of one parameter: a strip of columns named by the value."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import caches
from app.caches.shown_images import Effect
from app.chosen_image import ChosenImage
from app.elements import predictions, scores
from app.forms import image_chooser
from app.frame import failures
from app.views.triggers import attack_sample, embedded, trigger_form
from app.views.triggers.attack_sample import Measured
from app.views.triggers.embedded import Picture
from engine.core import templates
from engine.core.progress import Progress, reporting_to
from engine.evaluation.metrics import Proportion, wilson_interval
from engine.evaluation.visibility import Visibility
from engine.imaging.render import amplify_difference
from engine.networks.numpy_inference import Unsupported
from engine.reporting import verdict
from engine.reporting.metric_style import STYLES, format_visibility
from engine.store import StoredModel

REDRAWN_AFTER = 0.4  # seconds between two states of the progress
_TEMPLATES = templates.load(__file__)


@dataclass(frozen=True)
class Column:
    """What the strip shows of one value.

    Attributes:
        title: label and value, such as "Magnitude 30".
        problem: why the trigger cannot be applied; empty if it can.
        pictures: the triggered image and the difference.
        measures: label -> value.
        outcome: of the prediction, see `predictions.outcome`; empty if the network cannot run.
    """

    title: str
    problem: str = ""
    pictures: list[Picture] = field(default_factory=list)
    measures: dict[str, str] = field(default_factory=dict)
    outcome: dict[str, str] = field(default_factory=dict)


@failures.fragment  # another image, trigger or value does not rerun the rest of the page
def show(model: StoredModel, dataset: str) -> None:
    """The strip, with the trigger's parameters beside it."""
    trigger_form.hold_settings()
    left, right = st.columns([4, 1], gap="large")
    with left:
        image_column, values_column = st.columns([5, 4], vertical_alignment="bottom")
    with image_column:
        chosen = image_chooser.choose(model.card, dataset)
    if chosen is None:
        return
    with right:
        trigger = trigger_form.choose(model)
        gain = trigger_form.choose_gain()
    with left, failures.contained():  # a value may not be allowed
        with values_column:
            variants = trigger_form.choose_values(model, trigger)
        triggers = {title: str(variant) for title, variant in variants.items()}
        if triggers:
            _show_strip(model, dataset, chosen, triggers, gain)
        else:
            st.info("This trigger has no number to vary: choose another trigger.")


def finding(
    measured: Mapping[str, Measured],
    effects: Mapping[str, Effect | str],
    target: str = "attacker's target",
) -> str:
    """Which value is enough to fool the network, as Markdown.

    Args:
        target: what the class is called that the trigger leads to.
        measured: title of each value -> how well it works.
        effects: title of each value -> its effect on the image shown.
    """
    working = {
        title: effect.visibility.psnr
        for title, found in measured.items()
        if found.attack.percent > verdict.WORKS and isinstance(effect := effects[title], Effect)
    }
    if not working:
        return "**At none of these values does the trigger fool the network on most images.**"
    faintest = max(working, key=working.__getitem__)
    attack = measured[faintest].attack
    return (
        f"**{faintest} is the faintest of these that works:** it sends {attack.percent:.0f} % of"
        f" {attack.total} test images to the {target}."
    )


def _show_strip(
    model: StoredModel,
    dataset: str,
    chosen: ChosenImage,
    triggers: Mapping[str, str],
    gain: int,
) -> None:
    effects = embedded.apply_triggers(chosen.clean, triggers)
    headline = st.empty()
    strip = Strip(
        st.empty(),
        [
            _describe(model, chosen, title, triggers[title], effect, gain)
            for title, effect in effects.items()
        ],
    )
    if not image_chooser.images_available(dataset):
        headline.caption("Attack success needs the dataset's test images.")
        strip.draw({})
        return
    if not model.card.knows_trigger:
        headline.caption("Attack success needs a target class: name a suspected trigger first.")
        strip.draw({})
        return
    headline.markdown(f"**Measuring attack success on {attack_sample.MANY} test images …**")
    measured: dict[str, Measured] = {}
    with failures.contained():  # the NumPy runtime does not support every network
        for title, effect in effects.items():
            if isinstance(effect, Effect):
                with reporting_to(partial(strip.draw_progress, measured, title)):
                    measured[title] = attack_sample.measure(model, dataset, triggers[title])
    strip.draw({title: _format(found) for title, found in measured.items()})
    target = verdict.target_word(model.card)
    headline.markdown(finding(measured, effects, target) if measured else "")
    _show_means(model, dataset, triggers, measured)


@dataclass
class Strip:
    """The columns on the page, drawn again while attack success is measured.

    Attributes:
        place: where on the page.
        columns: what they show.
        drawn: when they were last drawn, seconds.
    """

    place: DeltaGenerator
    columns: Sequence[Column]
    drawn: float = 0.0

    def draw_progress(self, measured: Mapping[str, Measured], title: str, event: Progress) -> None:
        """Draw them, with how far the measurement of one value has come."""
        if time.monotonic() < self.drawn + REDRAWN_AFTER:
            return
        success = {column.title: "…" for column in self.columns}
        success |= {known: _format(found) for known, found in measured.items()}
        self.draw(success | {title: f"{event.done}/{event.total} …"})

    def draw(self, success: Mapping[str, str]) -> None:
        """Draw them, with the text that stands for attack success in the columns that have one."""
        label = STYLES["attack_success"].label
        shown = [
            replace(column, measures={**column.measures, label: success[column.title]})
            if column.title in success
            else column
            for column in self.columns
        ]
        self.place.html(templates.render(_TEMPLATES, "strengths", columns=shown))
        self.drawn = time.monotonic()


def _format(found: Measured) -> str:
    return f"{found.attack.percent:.1f} %"


def _describe(
    model: StoredModel,
    chosen: ChosenImage,
    title: str,
    trigger: str,
    effect: Effect | str,
    gain: int,
) -> Column:
    if isinstance(effect, str):
        return Column(title, problem=effect)
    difference = amplify_difference(chosen.clean, effect.triggered, gain)
    pictures = [
        embedded.embed(effect.triggered, f"{title}: triggered image", "Triggered"),
        embedded.embed(difference, f"{title}: difference", f"Difference, {gain} times"),
    ]
    found = format_visibility(effect.visibility)
    measures = {STYLES[name].label: found[name] for name in ("psnr", "ssim")}
    outcome = {}
    with suppress(Unsupported):  # said once, where attack success is measured
        row = caches.predictions.predictions(model, chosen, trigger)[1]
        outcome = predictions.outcome(row, chosen.label, model.card)
    return Column(title, "", pictures, measures, outcome)


def _show_means(
    model: StoredModel,
    dataset: str,
    triggers: Mapping[str, str],
    measured: Mapping[str, Measured],
) -> None:
    """A table of the figures over many images."""
    if not measured:
        return
    size = model.card.image_shape[0]
    seen = {
        title: caches.dataset_images.mean_visibility(
            dataset, size, attack_sample.MANY, triggers[title]
        )
        for title in measured
    }
    rows = [
        _row(title, triggers[title], seen[title], found.attack, found.recovered)
        for title, found in measured.items()
    ]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        column_config={
            "value": "Value",
            **scores.columns(
                model.card,
                psnr="%.1f",
                ssim="%.4f",
                largest_change=None,
                attack_success="%.1f",
                recovered_accuracy="%.1f",
            ),
            "interval": st.column_config.TextColumn("95 % interval", help="Of attack success."),
            "trigger": st.column_config.TextColumn("Settings", width="large"),
        },
    )
    st.caption(f"Means over {attack_sample.MANY} test images.")


def _row(
    title: str, trigger: str, seen: Visibility, attack: Proportion, recovered: Proportion
) -> dict[str, float | str]:
    low, high = wilson_interval(attack.percent, attack.total)
    return {
        "value": title,
        "psnr": seen.psnr,
        "ssim": seen.ssim,
        "largest_change": seen.largest_change,
        "attack_success": attack.percent,
        "interval": f"{low:.1f} to {high:.1f}",
        "recovered_accuracy": recovered.percent,
        "trigger": trigger,
    }
