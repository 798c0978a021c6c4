"""Triggers, one file each; adding one means adding it to `TRIGGERS`."""

from engine.parameters import parse
from engine.triggers.ftrojan import FTrojan
from engine.triggers.trigger import Trigger

TRIGGERS: dict[str, type[Trigger]] = {kind.name: kind for kind in (FTrojan,)}


def parse_trigger(text: str) -> Trigger:
    """The trigger that ``NAME[:field=value,...]`` names."""
    return parse(text, TRIGGERS, "trigger")


__all__ = ["TRIGGERS", "FTrojan", "Trigger", "parse_trigger"]
