"""Triggers, one file each; adding one means adding it to `TRIGGERS`."""

from engine.core.parameters import parse
from engine.triggers.additive import AdditiveTrigger
from engine.triggers.badnets import BadNets
from engine.triggers.ban import BaN
from engine.triggers.blend import Blend
from engine.triggers.bpp import BppAttack
from engine.triggers.dynamic import Dynamic
from engine.triggers.ftrojan import FTrojan
from engine.triggers.input_aware import InputAware
from engine.triggers.learned import LearnedTrigger
from engine.triggers.low_frequency import LowFrequency
from engine.triggers.refool import ReFool
from engine.triggers.sig import SIG
from engine.triggers.trigger import Trigger
from engine.triggers.trojan_nn import TrojanNN
from engine.triggers.wanet import WaNet

TRIGGERS: dict[str, type[Trigger]] = {
    kind.name: kind
    for kind in (
        *(FTrojan, BadNets, Blend, SIG, WaNet, LowFrequency, BppAttack),
        *(ReFool, TrojanNN, Dynamic, BaN, InputAware),
    )
}


def parse_trigger(text: str) -> Trigger:
    """The trigger that ``NAME[:field=value,...]`` names."""
    return parse(text, TRIGGERS, "trigger")


__all__ = ["TRIGGERS", "AdditiveTrigger", "FTrojan", "LearnedTrigger", "Trigger", "parse_trigger"]
