"""The page Triggers, one tab a question."""

from __future__ import annotations

from functools import partial

from app.elements import tabs
from app.forms import image_chooser
from app.frame import failures
from app.views.triggers import (
    attack_table,
    eye_test,
    gallery,
    strengths,
    trigger_view,
)
from engine.store import StoredModel

TAB = "triggers-tab"


def show(model: StoredModel, dataset: str) -> None:
    """The tabs; only the open one is drawn."""
    tabs.show(
        {
            "One trigger": partial(trigger_view.show, model, dataset),
            "Strengths": partial(strengths.show, model, dataset),
            "All triggers": partial(_show_all, model, dataset),
            "Eye test": partial(eye_test.show, model, dataset),
            "Attack comparison": partial(attack_table.show, dataset),
        },
        TAB,
    )


@failures.fragment  # another image or trigger does not rerun the rest of the page
def _show_all(model: StoredModel, dataset: str) -> None:
    chosen = image_chooser.choose(model.card, dataset)
    if chosen is not None:
        gallery.show(model.card, chosen.clean, trigger_view.choose_gain(width=360))
