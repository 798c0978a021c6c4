"""What the pages say where no trigger is known, and the form that names a suspected one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from app import caches
from app.elements import job_panel
from app.forms import image_chooser, parameter_controls, scan_start
from app.frame import failures
from app.frame.pages import PAGES
from engine.attacks.triggers import TRIGGERS, Trigger
from engine.core import jobs, markdown
from engine.evaluation.targets import NEXT_CLASS, NEXT_NAME
from engine.reporting import verdict
from engine.store import ModelCard, StoredModel
from engine.store.scans import SEARCHED, Scan

_NAME = "Name a suspected trigger"


def explain(model: StoredModel, missing: str = "", scan_shown: bool = False) -> None:
    """Say in one line that no trigger is known, what a scan has found, and what to do next.

    Nothing is shown where a trigger is known.

    Args:
        model: the model in use.
        missing: what the page cannot show for that reason, as a sentence.
        scan_shown: whether the page itself says what a scan has found.
    """
    if model.card.knows_trigger:
        return
    found = None if scan_shown else caches.scans.readable_scan(model)
    with _frame(model):
        left, right = st.columns([8, 5], vertical_alignment="center")
        left.markdown(f":material/help: {describe(found)} {missing}".rstrip())
        with (
            right,
            st.container(
                horizontal=True, horizontal_alignment="right", vertical_alignment="center"
            ),
        ):
            if not scan_shown:
                _link_to_scan(found)
            offer(model, _NAME)


def explain_at_length(model: StoredModel, scan_shown: bool = False) -> None:
    """As `explain`, with what the scan searched for and what a repair can do."""
    if model.card.knows_trigger:
        return
    found = caches.scans.readable_scan(model)
    known = "" if scan_shown else f"{describe(found)} "
    with _frame(model):
        st.markdown(f":material/help: {known}{advise(found)}")
        with st.container(horizontal=True, vertical_alignment="center"):
            if not scan_shown:
                _link_to_scan(found)
            offer(model, _NAME)


def offer_another(model: StoredModel) -> None:
    """The form to name another trigger for a model whose trigger is assumed."""
    if model.card.assumed:
        offer(model, "Name another trigger")
        job_panel.watch(job_name(model.card))


def describe(found: Scan | None) -> str:
    """What is known of a network without a known trigger, as Markdown."""
    start = "**No trigger is known for this network.**"
    if found is None:
        return start
    finding = f"{start} **{markdown.escape(found.finding)}**"
    return finding if found.found else f"{finding} **{verdict.NO_ALL_CLEAR}**"


def advise(found: Scan | None) -> str:
    """What can be done with a network without a known trigger."""
    unmeasured = "Attack success and recovered accuracy cannot be measured without a trigger."
    if found is None:
        return f"{unmeasured} Scan the network for a backdoor first."
    if not found.found:
        return f"{SEARCHED} {unmeasured}"
    return f"{unmeasured} A repair can unlearn what the scan found; scan the repaired copy again."


def offer(model: StoredModel, label: str) -> None:
    """A button that opens the form."""
    card = model.card
    with st.popover(label, icon=":material/edit:"), failures.contained():
        if not image_chooser.images_available(card.dataset):
            st.info(f"This needs the images of {markdown.escape(card.dataset)}: get them first.")
            return
        st.markdown("The network is scored with it. On every page it is then called *assumed*.")
        left, right = st.columns(2)
        with left:
            start = _choose_trigger(card)
        with right:
            target = _choose_target(card)
        with st.expander(f"Settings of {start.title}"):
            key = f"suspected-{card.name}-{start.name}"
            trigger = parameter_controls.choose_parameters(type(start), start, key)
        words = ["assume", card.name, "--trigger", str(trigger)]
        job_panel.start_button(
            "Test this trigger",
            job_name(card),
            [*words, "--target", "next" if target == NEXT_CLASS else str(target)],
            "What was measured with another trigger, or without one, is deleted.",
        )


def job_name(card: ModelCard) -> str:
    """The job that scores the network with the trigger."""
    return jobs.name_of("assume", card.name)


@contextmanager
def _frame(model: StoredModel) -> Iterator[None]:
    """A frame, and below its content the job that scores the network with a trigger."""
    with st.container(border=True, key="no-trigger", gap="small"):
        yield
        job_panel.watch(job_name(model.card))


def _link_to_scan(found: Scan | None) -> None:
    with st.container(key="main-link", width="content"):
        st.page_link(
            PAGES["detect"].script,
            label=scan_start.LABEL if found is None else "See the scan",
            icon=f":material/{PAGES['detect'].icon}:",
        )


def _choose_trigger(card: ModelCard) -> Trigger:
    """A control for the suspected trigger; returns it with its usual settings."""
    ready = {name: caches.shown_images.ready_trigger(name, card.dataset) for name in TRIGGERS}
    known, first = card.backdoor, ""
    if known is not None:
        first = known.trigger.name
        ready[first] = known.trigger
    size = card.image_shape[0]
    names = [
        name
        for name, trigger in ready.items()
        if trigger.ready and (caches.shown_images.fits(str(trigger), size) or name == first)
    ]
    name = st.selectbox(
        "Trigger",
        names,
        index=names.index(first) if first else 0,
        format_func=lambda name: TRIGGERS[name].title,
        key=f"suspected-{card.name}",
    )
    return ready[name]


def _choose_target(card: ModelCard) -> int:
    labels = [*range(len(card.class_names)), NEXT_CLASS]
    names = {NEXT_CLASS: NEXT_NAME} | {
        label: f"{label}: {name}" for label, name in enumerate(card.class_names)
    }
    return st.selectbox(
        "Target",
        labels,
        index=labels.index(card.target) if card.target is not None else 0,
        format_func=names.__getitem__,
        key=f"suspected-target-{card.name}",
        help="The class that images with the trigger are classified as.",
    )
