"""The page Triggers, one tab a question."""

from __future__ import annotations

from functools import partial

from app.elements import tabs
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
            "All triggers": partial(gallery.show, model, dataset),
            "Eye test": partial(eye_test.show, model, dataset),
            "Attack comparison": partial(attack_table.show, dataset),
        },
        TAB,
    )
