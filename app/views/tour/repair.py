"""Step 7: the repair that works, and where to go from here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from app import caches
from app.elements import scan_verdict
from app.frame import failures
from app.frame.pages import PAGES
from app.views.tour import drawing
from app.views.tour.scene import Scene, examples
from engine import store
from engine.core import markdown
from engine.defenses.repairs import RECOMMENDED, REPAIRS
from engine.evaluation.metrics import METRICS
from engine.experiments import repair_tables
from engine.reporting import verdict
from engine.store import StoredModel

_BEFORE, _AFTER = "Before", "After the repair"


@dataclass(frozen=True)
class Outcome:
    """A repair and what it achieved.

    Attributes:
        title: of the repair.
        before, after: the metrics, percent; `before` is None if the parent is gone.
        parent, copy: the networks; None where they are not stored.
    """

    title: str
    before: Mapping[str, float] | None
    after: Mapping[str, float]
    parent: StoredModel | None
    copy: StoredModel | None


def show(scene: Scene) -> None:
    """The metrics before and after, and the same triggered pictures."""
    outcome = _outcome(scene)
    if outcome is None:
        _show_nothing_repaired(scene)
    else:
        drawing.headline(_title(scene, outcome), _sentence(outcome))
        shown = drawing.metrics(scene.card, outcome.after, outcome.before)
        drawing.figures([*shown, drawing.ceiling(scene.model, outcome.after)])
        with failures.contained():  # the NumPy runtime does not support every network
            _show_row(scene, outcome)
    _show_scan(scene)
    _offer_own()


def _show_nothing_repaired(scene: Scene) -> None:
    if scene.attack_works:
        drawing.headline(
            "No repair has been tried on this model yet",
            "Some repairs remove the backdoor and keep clean accuracy.",
        )
        PAGES["repairs"].link("Try one on Repairs")
    else:
        drawing.headline(
            "There is nothing to repair here",
            "Triggered pictures are classified like clean ones. Choose a backdoored model above to"
            " see a repair.",
        )
    drawing.figures(drawing.metrics(scene.card, scene.card.scores["test"]))


def _outcome(scene: Scene) -> Outcome | None:
    """The recommended repair if a copy is stored, else one that was tried."""
    card, model = scene.card, scene.model
    if card.repair:
        return _own_outcome(scene)
    if not scene.attack_works:
        return None
    before = card.scores["test"]
    copy = caches.repairs.repaired_copies(model).get(RECOMMENDED)
    if copy is not None:
        title = REPAIRS[RECOMMENDED].title
        return Outcome(title, before, copy.card.scores["test"], model, copy)
    tried = repair_tables.find_to_advise(caches.repairs.compared(model))
    if tried is None:
        return None
    after = {name: float(tried[name]) for name in METRICS}
    return Outcome(tried["title"], before, after, model, None)


def _own_outcome(scene: Scene) -> Outcome:
    """For a model that is a repaired copy itself."""
    card = scene.card
    method = str(card.repair.get("method", "")).split(":")[0]
    title = REPAIRS[method].title if method in REPAIRS else "The repair"
    name = str(card.repair.get("parent", ""))
    parent = caches.models.model(name) if name in store.names() else None
    same = parent is not None and parent.card.trigger == card.trigger
    before = parent.card.scores["test"] if parent is not None and same else None
    return Outcome(title, before, card.scores["test"], parent, scene.model)


def _title(scene: Scene, outcome: Outcome) -> str:
    after = outcome.after
    clean = (outcome.before or after)["clean_accuracy"]
    if after["attack_success"] > verdict.WORKS:
        return f"This repair leaves the {scene.backdoor} in place"
    if after["recovered_accuracy"] > verdict.FULLY_REPAIRED * clean:
        return "This repair works: triggered pictures are correct again"
    return "This repair is only a partial one"


def _sentence(outcome: Outcome) -> str:
    title = markdown.escape(outcome.title)
    recovered, clean = outcome.after["recovered_accuracy"], outcome.after["clean_accuracy"]
    return (
        f"**{title}**: {recovered:.1f} % of the triggered pictures are classified correctly, and"
        f" {clean:.1f} % of the clean ones."
    )


def _show_row(scene: Scene, outcome: Outcome) -> None:
    networks: dict[str, Any] = {_BEFORE: outcome.parent, _AFTER: outcome.copy}
    stored = {name: network for name, network in networks.items() if network is not None}
    images = examples(scene)
    if _AFTER not in stored:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown("This copy is not stored, so there are no pictures.", width="content")
            PAGES["repairs"].link("Save it on Repairs")
        return
    if not images:
        drawing.images_missing(scene.dataset)
        return
    chosen = st.segmented_control(
        "Triggered pictures",
        list(stored),
        default=_AFTER,
        required=True,
        key="tour-network",
        bind="query-params",
    )
    found = [caches.predictions.predictions(stored[chosen], image)[1] for image in images]
    drawing.row(images, found, scene.card)


def _show_scan(scene: Scene) -> None:
    """What a scan has found that knew nothing of the trigger, if there was one."""
    scan = caches.scans.readable_scan(scene.model)
    if scan is None:
        return
    with st.container(key="tour-scan"):
        left, right = st.columns([5, 1], vertical_alignment="center")
    with left:
        said = verdict.of_scan(scene.card, scan)
        scan_verdict.show(scene.model, said, "Without knowing the trigger:")
    with right:
        PAGES["detect"].link("See the scan")


def _offer_own() -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="tour-end"):
        st.markdown("**Try it on your own model:**", width="content")
        PAGES["train"].link("Train one")
        PAGES["models"].link("Import one")
        PAGES["pictures"].link("Use your pictures")
